package io.github.wsbackoff.gui;

import java.awt.event.ActionEvent;
import java.io.File;
import java.io.IOException;
import javax.swing.JOptionPane;
import org.apache.jmeter.gui.GuiPackage;
import org.apache.jmeter.gui.action.ActionNames;

/** Moves the plan that is open to our elements. */
public final class MigrateAction extends PlanAction {
  static final String MIGRATE = "wsb_migrate";

  /** Called by JMeter. */
  public MigrateAction() {
    super(MIGRATE, "migrate.menu");
  }

  @Override
  File source(ActionEvent event) {
    // Where none is open: JMeter opens no plan with elements of a plugin that is no longer there.
    boolean isOpen = GuiPackage.getInstance().getTestPlanFile() != null;
    return isOpen ? savedPlan(event) : chosen(".jmx");
  }

  @Override
  PlanDraft wanted(File source) throws IOException {
    PlanDraft draft = PlanDraft.migrated(source);
    return shown(source, draft, Messages.get("migrate.open")) < 0 ? null : draft;
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
}
