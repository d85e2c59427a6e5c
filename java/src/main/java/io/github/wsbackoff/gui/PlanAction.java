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

/**
 * A line of the menu <i>Tools</i> that makes a plan of a file: shows what would become of it,
 * writes the plan beside the file, and opens it.
 */
abstract class PlanAction extends AbstractActionWithNoRunningTest {
  private static final Dimension REPORT_SIZE = new Dimension(900, 500);

  private final String action;
  private final String title;

  /**
   * Names it.
   *
   * @param action its command
   * @param title the key of its words in the menu
   */
  PlanAction(String action, String title) {
    this.action = action;
    this.title = title;
  }

  @Override
  public final Set<String> getActionNames() {
    return Collections.singleton(action);
  }

  @Override
  protected final void doActionAfterCheck(ActionEvent event) {
    try {
      File source = source(event);
      PlanDraft draft = source == null ? null : wanted(source);
      if (draft != null) {
        File plan = draft.writeBeside();
        HashTree tree = load(plan);
        // Not before: a plan that JMeter cannot read must not cost the one that is open.
        if (isFree(event)) {
          open(event, plan, tree);
        }
      }
    } catch (IOException | IllegalUserActionException | NativeLibraryException e) {
      JMeterUtils.reportErrorToUser(e.getMessage(), Messages.get(title), e);
    }
  }

  /** The file that a plan is to be made of; null: none after all. */
  abstract File source(ActionEvent event);

  /** What is to be opened, after a look at what it is; null: nothing. */
  abstract PlanDraft wanted(File source) throws IOException;

  /** Asks for a file. */
  static File chosen(String... endings) {
    JFileChooser chooser = FileDialoger.promptToOpenFile(endings);
    return chooser == null ? null : chooser.getSelectedFile();
  }

  /**
   * Shows what became of a file, with a choice if there is a plan.
   *
   * @param offers the words of the buttons that open something
   * @return which of them was pressed; -1 for none
   */
  final int shown(File source, PlanDraft draft, String... offers) {
    JScrollPane report = new JScrollPane(new NoteText(draft.report()));
    report.setPreferredSize(REPORT_SIZE);
    int count = draft.hasPlan() ? offers.length : 0;
    Object[] choices = new Object[count + 1];
    System.arraycopy(offers, 0, choices, 0, count);
    choices[count] = Messages.get("migrate.close");
    int choice =
        JOptionPane.showOptionDialog(
            frame(),
            report,
            Messages.get(title) + ": " + source.getName(),
            JOptionPane.DEFAULT_OPTION,
            JOptionPane.PLAIN_MESSAGE,
            null,
            choices,
            choices[0]);
    return choice < count ? choice : -1;
  }

  static boolean isUnsaved(ActionEvent event) {
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

  /**
   * Reads the plan.
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

  static void act(ActionEvent event, String action) {
    ActionEvent next = new ActionEvent(event.getSource(), event.getID(), action);
    ActionRouter.getInstance().doActionNow(next);
  }

  static Component frame() {
    return GuiPackage.getInstance().getMainFrame();
  }
}
