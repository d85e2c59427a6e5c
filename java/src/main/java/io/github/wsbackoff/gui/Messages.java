package io.github.wsbackoff.gui;

import java.util.MissingResourceException;
import java.util.ResourceBundle;
import org.apache.jmeter.util.JMeterUtils;

/** Texts of the panels in JMeter's language; a text that is missing shows as its key. */
final class Messages {
  private static final String BUNDLE = "io.github.wsbackoff.gui.messages";

  private Messages() {}

  static String get(String key) {
    try {
      return ResourceBundle.getBundle(
              BUNDLE, JMeterUtils.getLocale(), Messages.class.getClassLoader())
          .getString(key);
    } catch (MissingResourceException e) {
      return key;
    }
  }

  /** The name of an element in menus, by the class of its panel. */
  static String title(Class<?> panel) {
    return get("title." + panel.getSimpleName());
  }

  /** The text, or "" if there is none under this key. */
  static String getOrEmpty(String key) {
    String text = get(key);
    return text.equals(key) ? "" : text;
  }
}
