package io.github.wsbackoff.gui;

import io.github.wsbackoff.control.RetryController;
import org.apache.jmeter.testelement.TestElement;

/** The panel of {@link RetryController}. */
public class RetryControllerGui extends AbstractWebSocketControllerGui {
  private static final long serialVersionUID = 1L;

  /** Lays out the panel. */
  public RetryControllerGui() {
    super(
        RetryController.class,
        Messages.get("note") + "<br>" + Messages.get("note.RetryController"));
  }

  @Override
  public TestElement makeTestElement() {
    return new RetryController();
  }
}
