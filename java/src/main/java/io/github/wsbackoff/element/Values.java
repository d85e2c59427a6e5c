package io.github.wsbackoff.element;

import io.github.wsbackoff.core.Spec;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.apache.jmeter.testelement.TestElement;
import org.apache.jmeter.testelement.property.JMeterProperty;
import org.apache.jmeter.testelement.property.PropertyIterator;

/**
 * An element's {@code wsb.*} properties as they are in force for one sample: variables replaced,
 * what is not set taken from the nearest defaults element. Made anew before every sample, so it is
 * two flat lists and no map.
 */
public final class Values {
  /** The message itself, which is shown apart. */
  private static final String TEXT = "wsb.payload";

  private static final Pattern PASSWORD = Pattern.compile("(//[^:/@\\s]*):[^/@\\s]*@");

  /** The key that is not read here, or null. */
  private final String apart;

  private final List<String> keys = new ArrayList<>();
  private final List<String> values = new ArrayList<>();

  public Values() {
    this(null);
  }

  /**
   * @param apart a key that elements may set and that is not read with the others: what is not
   *     asked for at its time may say something else, and may be changed by being asked
   */
  public Values(String apart) {
    this.apart = apart;
  }

  /** Adds what an element sets; each value is read once, because it may be a function. */
  public void add(TestElement element) {
    for (PropertyIterator all = element.propertyIterator(); all.hasNext(); ) {
      JMeterProperty property = all.next();
      if (property.getName().startsWith(Spec.PREFIX)) {
        add(property);
      }
    }
  }

  /**
   * Adds what is not set yet, of the keys that this kind of element inherits. A key that no element
   * has goes along, for the native part to refuse.
   */
  public void addDefaults(TestElement defaults, Spec.Element kind) {
    for (PropertyIterator all = defaults.propertyIterator(); all.hasNext(); ) {
      JMeterProperty property = all.next();
      String key = property.getName();
      if (key.startsWith(Spec.PREFIX) && kind.inherits(key) && !keys.contains(key)) {
        add(property);
      }
    }
  }

  private void add(JMeterProperty property) {
    if (property.getName().equals(apart)) {
      return;
    }
    String value = property.getStringValue();
    if (value == null || value.isEmpty()) {
      return;
    }
    String key = property.getName();
    if (!Spec.isMessageText(key)) {
      value = value.trim();
      if (value.isEmpty()) {
        return;
      }
    }
    keys.add(key);
    values.add(value);
  }

  /** Sets a key that is not set yet; null sets nothing. */
  public void put(String key, String value) {
    if (value != null) {
      keys.add(key);
      values.add(value);
    }
  }

  /** What is set, or null. */
  public String get(String key) {
    int at = keys.indexOf(key);
    return at < 0 ? null : values.get(at);
  }

  /** What is in force: what is set, else what is built in. */
  public String inForce(String key) {
    String value = get(key);
    return value == null ? Spec.get().defaultOf(key) : value;
  }

  /** Takes a value out; null if it is not set. */
  public String take(String key) {
    int at = keys.indexOf(key);
    if (at < 0) {
      return null;
    }
    keys.remove(at);
    return values.remove(at);
  }

  /** What is set, by key. */
  public Map<String, String> toMap() {
    Map<String, String> map = new LinkedHashMap<>();
    for (int i = 0; i < keys.size(); i++) {
      map.put(keys.get(i), values.get(i));
    }
    return map;
  }

  public Values copy() {
    Values copy = new Values(apart);
    copy.keys.addAll(keys);
    copy.values.addAll(values);
    return copy;
  }

  /** Whether the same is set in the same order. */
  public boolean sameAs(Values other) {
    return other != null && values.equals(other.values) && keys.equals(other.keys);
  }

  /** One a line, without passwords: these are nothing for result files. */
  public String describe() {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < keys.size(); i++) {
      if (keys.get(i).equals(TEXT)) {
        continue; // it is the sample's data
      }
      text.append(keys.get(i)).append(" = ").append(values.get(i)).append('\n');
    }
    return text.indexOf("@") < 0 ? text.toString() : PASSWORD.matcher(text).replaceAll("$1:***@");
  }
}
