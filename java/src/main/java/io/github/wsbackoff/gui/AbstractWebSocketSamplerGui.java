package io.github.wsbackoff.gui;

import io.github.wsbackoff.sampler.AbstractWebSocketSampler;
import java.util.function.Supplier;
import org.apache.jmeter.samplers.gui.AbstractSamplerGui;
import org.apache.jmeter.testelement.TestElement;

/** The panel of a sampler. */
public abstract class AbstractWebSocketSamplerGui extends AbstractSamplerGui implements ElementGui {
  private static final long serialVersionUID = 1L;

  private final transient PanelBody body;

  <E extends AbstractWebSocketSampler> AbstractWebSocketSamplerGui(
      Class<E> kind, Supplier<E> element) {
    setBorder(makeBorder());
    body = new PanelBody(this, makeTitlePanel(), kind, element, "note");
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
