package io.github.wsbackoff.gui;

import io.github.wsbackoff.assertions.BinaryAssertion;
import org.apache.jmeter.assertions.gui.AbstractAssertionGui;
import org.apache.jmeter.testelement.TestElement;

/** The panel of {@link BinaryAssertion}. */
public class BinaryAssertionGui extends AbstractAssertionGui implements ElementGui {
  private static final long serialVersionUID = 1L;

  private final transient PanelBody body;

  /** Lays out the panel. */
  public BinaryAssertionGui() {
    setBorder(makeBorder());
    body =
        new PanelBody(
            this,
            makeTitlePanel(),
            BinaryAssertion.class,
            BinaryAssertion::new,
            "note.BinaryAssertion");
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
