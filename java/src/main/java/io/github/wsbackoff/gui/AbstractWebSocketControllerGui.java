package io.github.wsbackoff.gui;

import java.awt.BorderLayout;
import org.apache.jmeter.control.GenericController;
import org.apache.jmeter.control.gui.AbstractControllerGui;
import org.apache.jmeter.testelement.TestElement;

/** The panel of a controller; for its promises see those of the samplers. */
public abstract class AbstractWebSocketControllerGui extends AbstractControllerGui
    implements ElementGui {
  private static final long serialVersionUID = 1L;

  private final PropertyPanel properties;

  AbstractWebSocketControllerGui(Class<? extends GenericController> element, String note) {
    setLayout(new BorderLayout(0, 5));
    setBorder(makeBorder());
    add(makeTitlePanel(), BorderLayout.NORTH);
    properties = new PropertyPanel(element.getSimpleName(), note);
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
