package io.github.wsbackoff.gui;

import java.awt.event.ActionEvent;
import java.io.File;
import java.io.IOException;

/** Makes a plan of what a browser or a proxy recorded. */
public final class ImportAction extends PlanAction {
  static final String IMPORT = "wsb_import";

  /** Called by JMeter. */
  public ImportAction() {
    super(IMPORT, "import.menu");
  }

  @Override
  File source(ActionEvent event) {
    return chosen(".har", ".gz");
  }

  @Override
  PlanDraft wanted(File source) throws IOException {
    PlanDraft draft = PlanDraft.imported(source, false);
    int choice =
        shown(source, draft, Messages.get("import.open"), Messages.get("import.openWithRequests"));
    if (choice < 0) {
      return null;
    }
    return choice == 0 ? draft : PlanDraft.imported(source, true);
  }
}
