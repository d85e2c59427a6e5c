package io.github.wsbackoff.gui;

import java.awt.BorderLayout;
import java.awt.Component;
import java.util.Arrays;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import javax.swing.JPanel;
import org.apache.jmeter.testelement.TestElement;

/**
 * What the panels of all elements consist of: JMeter's title, a note, the sections of the element's
 * properties. The panels themselves extend other classes of JMeter's each.
 *
 * <p>Needs no native library. JMeter makes one panel of each kind when it starts, and an exception
 * here would take down all of its menus.
 */
final class PanelBody {
  private final Supplier<? extends TestElement> element;
  private final PropertyPanel properties;

  /**
   * Lays out a panel.
   *
   * @param kind the element that it shows
   * @param element makes one
   * @param notes keys of the texts above the fields
   */
  <E extends TestElement> PanelBody(
      JPanel panel,
      Component title,
      Class<E> kind,
      Supplier<? extends E> element,
      String... notes) {
    this.element = element;
    String note = Arrays.stream(notes).map(Messages::get).collect(Collectors.joining("<br>"));
    properties = new PropertyPanel(kind.getSimpleName(), note, () -> PanelHelp.open(panel));
    PanelHelp.addKeys(panel);
    panel.setLayout(new BorderLayout(0, 5));
    panel.add(title, BorderLayout.NORTH);
    panel.add(properties, BorderLayout.CENTER);
  }

  /** The fields, for JMeter to read and fill. */
  PropertyPanel properties() {
    return properties;
  }

  TestElement makeElement() {
    return element.get();
  }
}
