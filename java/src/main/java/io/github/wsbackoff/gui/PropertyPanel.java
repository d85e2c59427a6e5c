package io.github.wsbackoff.gui;

import io.github.wsbackoff.core.Spec;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import javax.swing.BorderFactory;
import javax.swing.JLabel;
import javax.swing.JPanel;
import net.miginfocom.swing.MigLayout;
import org.apache.jmeter.gui.Binding;
import org.apache.jmeter.testelement.TestElement;
import org.apache.jmeter.testelement.property.JMeterProperty;
import org.apache.jmeter.testelement.property.PropertyIterator;

/**
 * The properties of one element, made from the key table: a titled panel a section, labels and
 * fields in columns that align over all sections.
 */
final class PropertyPanel extends JPanel implements Binding {
  private static final long serialVersionUID = 1L;

  private final transient List<PropertyField> fields = new ArrayList<>();

  PropertyPanel(String element) {
    super(new MigLayout("fillx, wrap 1, insets 0, gapy 6, hidemode 3", "[fill,grow]"));
    List<Spec.Key> keys = Spec.get().keysOf(element);
    if (keys.isEmpty()) {
      add(new JLabel("<html>" + Messages.get("missing") + "</html>"), "wmin 0");
      return;
    }
    add(new JLabel("<html>" + Messages.get("note") + "</html>"), "wmin 0");
    keys.forEach(key -> fields.add(new PropertyField(key)));
    int labelWidth =
        fields.stream().mapToInt(f -> f.label().getPreferredSize().width).max().getAsInt();
    for (Spec.Section section : Spec.get().sections()) {
      List<PropertyField> own =
          fields.stream()
              .filter(field -> field.key().section.equals(section.id))
              .collect(Collectors.toList());
      if (!own.isEmpty()) {
        add(sectionPanel(section.title, own, labelWidth));
      }
    }
  }

  /** Properties of ours that the element has and this panel has no field for. */
  Map<String, String> notShown(TestElement element) {
    Set<String> shown = fields.stream().map(field -> field.key().name).collect(Collectors.toSet());
    Map<String, String> others = new LinkedHashMap<>();
    for (PropertyIterator all = element.propertyIterator(); all.hasNext(); ) {
      JMeterProperty property = all.next();
      String name = property.getName();
      if (name.startsWith(Spec.PREFIX) && !shown.contains(name)) {
        others.put(name, property.getStringValue());
      }
    }
    return others;
  }

  void clear() {
    fields.forEach(PropertyField::clear);
  }

  @Override
  public void updateElement(TestElement element) {
    fields.forEach(field -> field.updateElement(element));
  }

  @Override
  public void updateUi(TestElement element) {
    fields.forEach(field -> field.updateUi(element));
  }

  /** Short fields stand two in a line, long ones have a line of their own. */
  private static JPanel sectionPanel(String title, List<PropertyField> fields, int labelWidth) {
    String pair = "[" + labelWidth + "!]rel[fill,grow,sizegroup fields,90::]";
    JPanel panel = new JPanel(new MigLayout("fillx, insets 4 6 6 6", pair + "16" + pair));
    panel.setBorder(BorderFactory.createTitledBorder(title));
    boolean lineOpen = false;
    for (PropertyField field : fields) {
      boolean beside = lineOpen && field.isShort();
      panel.add(field.label(), beside ? "" : "newline");
      panel.add(field.component(), field.isShort() ? "wmin 90" : "wmin 90, span 3, growx");
      lineOpen = field.isShort() && !beside;
    }
    return panel;
  }
}
