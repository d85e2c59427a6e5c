package io.github.wsbackoff.gui;

import io.github.wsbackoff.control.OnceController;
import org.apache.jmeter.testelement.TestElement;

/** The panel of {@link OnceController}. */
public class OnceControllerGui extends AbstractWebSocketControllerGui {
  private static final long serialVersionUID = 1L;

  /** Lays out the panel. */
  public OnceControllerGui() {
    super(OnceController.class, Messages.get("note.OnceController"));
  }

  @Override
  public TestElement makeTestElement() {
    return new OnceController();
  }
}
