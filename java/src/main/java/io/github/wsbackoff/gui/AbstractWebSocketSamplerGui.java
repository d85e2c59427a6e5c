package io.github.wsbackoff.gui;

import io.github.wsbackoff.sampler.AbstractWebSocketSampler;
import java.awt.BorderLayout;
import org.apache.jmeter.samplers.gui.AbstractSamplerGui;
import org.apache.jmeter.testelement.TestElement;

/**
 * The panel of a sampler. Needs no native library. JMeter makes one of each kind when it starts,
 * and an exception here would take down all of its menus.
 */
public abstract class AbstractWebSocketSamplerGui extends AbstractSamplerGui implements ElementGui {
  private static final long serialVersionUID = 1L;

  private final PropertyPanel properties;

  AbstractWebSocketSamplerGui(Class<? extends AbstractWebSocketSampler> element) {
    setLayout(new BorderLayout(0, 5));
    setBorder(makeBorder());
    add(makeTitlePanel(), BorderLayout.NORTH);
    properties = new PropertyPanel(element.getSimpleName(), Messages.get("note"));
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
  public void modifyTestElement(TestElement element) {
    properties.keepNotShown(element, super::modifyTestElement);
  }

  @Override
  public void clearGui() {
    super.clearGui();
    properties.clear();
  }
}
