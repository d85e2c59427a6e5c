package io.github.wsbackoff.gui;

import io.github.wsbackoff.timer.PaceTimer;
import org.apache.jmeter.testelement.TestElement;
import org.apache.jmeter.timers.gui.AbstractTimerGui;

/** The panel of {@link PaceTimer}. */
public class PaceTimerGui extends AbstractTimerGui implements ElementGui {
  private static final long serialVersionUID = 1L;

  private final transient PanelBody body;

  /** Lays out the panel. */
  public PaceTimerGui() {
    setBorder(makeBorder());
    body = new PanelBody(this, makeTitlePanel(), PaceTimer.class, PaceTimer::new, "note.PaceTimer");
    bindingGroup.add(body.properties());
  }

  @Override
  public TestElement makeTestElement() {
    return body.makeElement();
  }

  @Override
  public String getStaticLabel() {
    return Messages.title(getClass()); // called before this class has fields
  }

  @Override
  public String getDocAnchor() {
    return getStaticLabel().replace(' ', '_');
  }

  @Override
  public void modifyTestElement(TestElement element) {
    body.properties().keepNotShown(element, super::modifyTestElement);
  }

  @Override
  public void clearGui() {
    super.clearGui();
    body.properties().clear();
  }
}
