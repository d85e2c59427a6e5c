package io.github.wsbackoff.gui;

import java.util.function.Supplier;
import org.apache.jmeter.control.GenericController;
import org.apache.jmeter.control.gui.AbstractControllerGui;
import org.apache.jmeter.testelement.TestElement;

/** The panel of a controller. */
public abstract class AbstractWebSocketControllerGui extends AbstractControllerGui
    implements ElementGui {
  private static final long serialVersionUID = 1L;

  private final transient PanelBody body;

  <E extends GenericController> AbstractWebSocketControllerGui(
      Class<E> kind, Supplier<E> element, String... notes) {
    setBorder(makeBorder());
    body = new PanelBody(this, makeTitlePanel(), kind, element, notes);
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
