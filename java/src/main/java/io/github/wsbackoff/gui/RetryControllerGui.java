package io.github.wsbackoff.gui;

import io.github.wsbackoff.control.RetryController;

/** The panel of {@link RetryController}. */
public class RetryControllerGui extends AbstractWebSocketControllerGui {
  private static final long serialVersionUID = 1L;

  /** Lays out the panel. */
  public RetryControllerGui() {
    super(RetryController.class, RetryController::new, "note.RetryController", "note");
  }
}
