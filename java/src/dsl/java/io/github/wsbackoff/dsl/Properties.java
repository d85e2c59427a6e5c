package io.github.wsbackoff.dsl;

import io.github.wsbackoff.core.Spec;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.ResourceBundle;
import java.util.function.BiConsumer;
import java.util.stream.Collectors;
import org.apache.commons.text.similarity.LevenshteinDistance;
import org.apache.jmeter.gui.JMeterGUIComponent;
import org.apache.jmeter.testelement.TestElement;

/** What one element has been set to, by the keys that the plugin's own table has for it. */
final class Properties {
  private final String owner;
  private final List<String> keys;
  private final Map<String, String> values = new HashMap<>();

  /**
   * @param owner for messages
   * @param keys what can be set, in the order in which a panel stores it
   */
  Properties(String owner, List<Spec.Key> keys) {
    this.owner = owner;
    this.keys = keys.stream().map(key -> key.name).collect(Collectors.toList());
  }

  /** Those of an element of this class. */
  static Properties of(TestElement element, Class<? extends JMeterGUIComponent> panel) {
    return new Properties(title(panel), Spec.get().keysOf(element.getClass().getSimpleName()));
  }

  /** What the element is called: as somebody named it, or as the panel does where name is "". */
  static String name(String name, Class<? extends JMeterGUIComponent> panel) {
    return name.isEmpty() ? title(panel) : name;
  }

  /** What the panel calls a new element, in English: a plan in code is the same everywhere. */
  private static String title(Class<? extends JMeterGUIComponent> panel) {
    return ResourceBundle.getBundle(
            "io.github.wsbackoff.gui.messages", Locale.ROOT, panel.getClassLoader())
        .getString("title." + panel.getSimpleName());
  }

  void set(String key, String value) {
    Objects.requireNonNull(value, key);
    if (!keys.contains(key)) {
      throw new IllegalArgumentException(
          owner + " has no property " + key + ", did you mean " + nearest(key) + "?");
    }
    values.put(key, value);
  }

  private String nearest(String key) {
    LevenshteinDistance distance = LevenshteinDistance.getDefaultInstance();
    return keys.stream()
        .min(Comparator.comparingInt(known -> distance.apply(known, key)))
        .orElseThrow(() -> new IllegalStateException("the table of ws-backoff's jar has no keys"));
  }

  /** Gives all that is set and not empty, as a panel would store it. */
  void forEach(BiConsumer<String, String> taker) {
    for (String key : keys) {
      String value = values.getOrDefault(key, "");
      if (!value.isEmpty()) {
        taker.accept(key, value);
      }
    }
  }

  <E extends TestElement> E fill(E element) {
    forEach(element::setProperty);
    return element;
  }
}
