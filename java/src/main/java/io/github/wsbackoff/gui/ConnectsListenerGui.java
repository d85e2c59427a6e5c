package io.github.wsbackoff.gui;

import io.github.wsbackoff.visualizers.ConnectsListener;
import java.awt.BorderLayout;
import javax.swing.JPanel;
import org.apache.jmeter.samplers.Clearable;
import org.apache.jmeter.testelement.TestElement;
import org.apache.jmeter.visualizers.gui.AbstractListenerGui;

/** The panel of {@link ConnectsListener}: a table and a chart that follow a test. */
public class ConnectsListenerGui extends AbstractListenerGui implements ElementGui, Clearable {
  private static final long serialVersionUID = 1L;

  private static final String TRACE = "wsb.connects.trace";

  private final transient PanelBody body;
  private final ConnectsView view;

  /** Lays out the panel. */
  public ConnectsListenerGui() {
    setBorder(makeBorder());
    body =
        new PanelBody(
            this,
            makeTitlePanel(),
            ConnectsListener.class,
            ConnectsListener::new,
            "note.ConnectsListener");
    view = new ConnectsView(() -> body.properties().value(TRACE));
    // Both in one, as the panel is as high as its window, and the figures follow the field.
    JPanel shown = new JPanel(new BorderLayout(0, 5));
    shown.add(body.properties(), BorderLayout.NORTH);
    shown.add(view, BorderLayout.CENTER);
    add(shown, BorderLayout.CENTER);
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

  @Override
  public void clearData() {
    view.clear();
  }
}
