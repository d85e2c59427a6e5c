package io.github.wsbackoff.gui;

import io.github.wsbackoff.core.NativeLibraryException;
import java.awt.Component;
import java.awt.Dimension;
import java.awt.event.ActionEvent;
import java.io.File;
import java.io.IOException;
import java.util.Collections;
import java.util.Set;
import javax.swing.JFileChooser;
import javax.swing.JOptionPane;
import javax.swing.JScrollPane;
import org.apache.jmeter.exceptions.IllegalUserActionException;
import org.apache.jmeter.gui.GuiPackage;
import org.apache.jmeter.gui.action.AbstractActionWithNoRunningTest;
import org.apache.jmeter.gui.action.ActionNames;
import org.apache.jmeter.gui.action.ActionRouter;
import org.apache.jmeter.gui.action.Load;
import org.apache.jmeter.gui.util.FileDialoger;
import org.apache.jmeter.save.SaveService;
import org.apache.jmeter.services.FileServer;
import org.apache.jmeter.util.JMeterUtils;
import org.apache.jorphan.collections.HashTree;

/** Moves the plan that is open to our elements: shows what becomes of it, and opens the result. */
public final class MigrateAction extends AbstractActionWithNoRunningTest {
  static final String MIGRATE = "wsb_migrate";

  private static final Dimension REPORT_SIZE = new Dimension(900, 500);

  @Override
  public Set<String> getActionNames() {
    return Collections.singleton(MIGRATE);
  }

  @Override
  protected void doActionAfterCheck(ActionEvent event) {
    File plan =
        GuiPackage.getInstance().getTestPlanFile() == null ? chosenPlan() : savedPlan(event);
    if (plan == null) {
      return;
    }
    try {
      PlanMigration migration = PlanMigration.of(plan);
      if (isWanted(plan, migration)) {
        File moved = migration.writeBeside();
        HashTree tree = load(moved);
        // Not before: a plan that JMeter cannot read must not cost the one that is open.
        if (isFree(event)) {
          open(event, moved, tree);
        }
      }
    } catch (IOException | IllegalUserActionException | NativeLibraryException e) {
      JMeterUtils.reportErrorToUser(e.getMessage(), Messages.get("migrate.menu"), e);
    }
  }

  /** Where none is open: JMeter opens no plan with elements of a plugin that is no longer there. */
  private static File chosenPlan() {
    JFileChooser chooser = FileDialoger.promptToOpenFile(new String[] {".jmx"});
    return chooser == null ? null : chooser.getSelectedFile();
  }

  /**
   * The file of the plan, which has all that the tree shows; null if the user does not want to save
   * it.
   */
  private static File savedPlan(ActionEvent event) {
    if (isUnsaved(event)) {
      int answer =
          JOptionPane.showConfirmDialog(
              frame(),
              Messages.get("migrate.save"),
              Messages.get("migrate.menu"),
              JOptionPane.OK_CANCEL_OPTION);
      if (answer != JOptionPane.OK_OPTION) {
        return null;
      }
      act(event, ActionNames.SAVE);
      if (isUnsaved(event)) {
        return null;
      }
    }
    return new File(GuiPackage.getInstance().getTestPlanFile());
  }

  private static boolean isUnsaved(ActionEvent event) {
    act(event, ActionNames.CHECK_DIRTY);
    return GuiPackage.getInstance().isDirty();
  }

  /** Whether the tree may be replaced; asks if it has what is in no file. */
  private static boolean isFree(ActionEvent event) {
    if (isUnsaved(event)) {
      act(event, ActionNames.CLOSE);
    }
    return !isUnsaved(event);
  }

  private static boolean isWanted(File plan, PlanMigration migration) throws IOException {
    JScrollPane report = new JScrollPane(new NoteText(migration.report()));
    report.setPreferredSize(REPORT_SIZE);
    String close = Messages.get("migrate.close");
    Object[] choices =
        migration.changes()
            ? new Object[] {Messages.get("migrate.open"), close}
            : new Object[] {close};
    int choice =
        JOptionPane.showOptionDialog(
            frame(),
            report,
            Messages.get("migrate.menu") + ": " + plan.getName(),
            JOptionPane.DEFAULT_OPTION,
            JOptionPane.PLAIN_MESSAGE,
            null,
            choices,
            choices[0]);
    return migration.changes() && choice == 0;
  }

  /**
   * Reads the moved plan.
   *
   * @throws IOException if JMeter cannot, as where it still has elements of a plugin that is gone;
   *     the message names the file
   */
  static HashTree load(File plan) throws IOException {
    try {
      return SaveService.loadTree(plan);
    } catch (IOException | RuntimeException e) {
      throw new IOException(
          String.format(Messages.get("migrate.unreadable"), plan, e.getMessage()), e);
    }
  }

  /** As JMeter's own Open does, once the file is known. */
  private static void open(ActionEvent event, File plan, HashTree tree)
      throws IllegalUserActionException {
    FileServer.getFileServer().setBaseForScript(plan);
    if (Load.insertLoadedTree(event.getID(), tree, false)) {
      GuiPackage.getInstance().setTestPlanFile(plan.getAbsolutePath());
    }
    GuiPackage.getInstance().updateCurrentGui();
  }

  private static void act(ActionEvent event, String action) {
    ActionEvent next = new ActionEvent(event.getSource(), event.getID(), action);
    ActionRouter.getInstance().doActionNow(next);
  }

  private static Component frame() {
    return GuiPackage.getInstance().getMainFrame();
  }
}
