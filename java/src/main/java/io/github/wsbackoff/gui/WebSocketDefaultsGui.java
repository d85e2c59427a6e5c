package io.github.wsbackoff.gui;

import io.github.wsbackoff.config.WebSocketDefaults;
import java.awt.BorderLayout;
import org.apache.jmeter.config.gui.AbstractConfigGui;
import org.apache.jmeter.testelement.TestElement;

/** The panel of {@link WebSocketDefaults}; for its promises see those of the samplers. */
public class WebSocketDefaultsGui extends AbstractConfigGui implements ElementGui {
  private static final long serialVersionUID = 1L;

  private final PropertyPanel properties;

  /** Lays out the panel. */
  public WebSocketDefaultsGui() {
    setLayout(new BorderLayout(0, 5));
    setBorder(makeBorder());
    add(makeTitlePanel(), BorderLayout.NORTH);
    properties =
        new PropertyPanel(WebSocketDefaults.class.getSimpleName(), Messages.get("note.defaults"));
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
    return new WebSocketDefaults();
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
