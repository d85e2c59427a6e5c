package io.github.wsbackoff.gui;

import io.github.wsbackoff.control.OnceController;

/** The panel of {@link OnceController}. */
public class OnceControllerGui extends AbstractWebSocketControllerGui {
  private static final long serialVersionUID = 1L;

  /** Lays out the panel. */
  public OnceControllerGui() {
    super(OnceController.class, OnceController::new, "note.OnceController");
  }
}
