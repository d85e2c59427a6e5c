package io.github.wsbackoff.gui;

import io.github.wsbackoff.timer.PaceTimer;
import java.awt.BorderLayout;
import org.apache.jmeter.testelement.TestElement;
import org.apache.jmeter.timers.gui.AbstractTimerGui;

/** The panel of {@link PaceTimer}; for its promises see those of the samplers. */
public class PaceTimerGui extends AbstractTimerGui implements ElementGui {
  private static final long serialVersionUID = 1L;

  private final PropertyPanel properties;

  /** Lays out the panel. */
  public PaceTimerGui() {
    setLayout(new BorderLayout(0, 5));
    setBorder(makeBorder());
    add(makeTitlePanel(), BorderLayout.NORTH);
    String name = PaceTimer.class.getSimpleName();
    properties = new PropertyPanel(name, Messages.get("note." + name));
    add(properties, BorderLayout.CENTER);
    bindingGroup.add(properties);
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
  public TestElement makeTestElement() {
    return new PaceTimer();
  }

  @Override
  public void modifyTestElement(TestElement element) {
    properties.keepNotShown(element, super::modifyTestElement);
  }

  @Override
  public void clearGui() {
    super.clearGui();
    properties.clear();
  }
}
