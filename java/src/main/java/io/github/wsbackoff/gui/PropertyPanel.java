package io.github.wsbackoff.gui;

import io.github.wsbackoff.config.WebSocketDefaults;
import io.github.wsbackoff.core.Spec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.swing.BorderFactory;
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

  /** Sections that make the retry policy; the first one has the strategy. */
  private static final List<String> POLICY = Arrays.asList("retry", "hint");

  private static final String STRATEGY = "wsb.retry.strategy";

  private final transient List<PropertyField> fields = new ArrayList<>();
  private final PolicyPreview preview = new PolicyPreview(this::policy);

  /**
   * Whether the element takes from the defaults what it leaves empty; then those have all its keys.
   */
  private final boolean inherits;

  PropertyPanel(String element, String note) {
    super(new MigLayout("fillx, wrap 1, insets 0, gapy 6, hidemode 3", "[fill,grow]"));
    List<Spec.Key> keys = Spec.get().keysOf(element);
    inherits = Spec.get().keysOf(WebSocketDefaults.class.getSimpleName()).containsAll(keys);
    if (keys.isEmpty()) {
      add(new NoteText(Messages.get("missing")), "wmin 0");
      return;
    }
    add(new NoteText(note), "wmin 0");
    keys.forEach(key -> fields.add(new PropertyField(key)));
    int labelWidth =
        fields.stream().mapToInt(f -> f.label().getPreferredSize().width).max().getAsInt();
    for (Spec.Section section : Spec.get().sections()) {
      List<PropertyField> own =
          fields.stream()
              .filter(field -> field.key().section.equals(section.id))
              .collect(Collectors.toList());
      if (!own.isEmpty()) {
        JPanel panel = sectionPanel(section.title, own, labelWidth);
        add(panel);
        if (own.stream().anyMatch(field -> field.key().name.equals(STRATEGY))) {
          panel.add(preview, "newline, span 4, growx, wmin 0");
        }
      }
    }
    policyFields().forEach(field -> field.onChange(preview::changed));
  }

  private Stream<PropertyField> policyFields() {
    return fields.stream().filter(field -> POLICY.contains(field.key().section));
  }

  /** What holds for the policy: what the panel has, else what the element inherits. */
  private Map<String, String> policy() {
    Map<String, String> inherited = inherits ? Scope.inherited() : Collections.emptyMap();
    Map<String, String> values = new LinkedHashMap<>();
    policyFields()
        .forEach(
            field -> {
              String key = field.key().name;
              String value = field.value();
              values.put(key, value.trim().isEmpty() ? inherited.getOrDefault(key, "") : value);
            });
    return values;
  }

  /**
   * Has JMeter write its panel into an element. It empties the element first; what a newer version
   * stored there must survive an older panel.
   */
  void keepNotShown(TestElement element, Consumer<TestElement> write) {
    Map<String, String> notShown = notShown(element);
    write.accept(element);
    notShown.forEach(element::setProperty);
  }

  /** Properties of ours that the element has and this panel has no field for. */
  private Map<String, String> notShown(TestElement element) {
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

  /** What the field of a key holds, "" if nothing, or if there is none. */
  String value(String key) {
    return fields.stream()
        .filter(field -> field.key().name.equals(key))
        .findFirst()
        .map(PropertyField::value)
        .orElse("");
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
    preview.changed(); // the fields may be as before, and the element inherit other values
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
