package io.github.wsbackoff.gui;

import io.github.wsbackoff.core.Spec;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/**
 * How panels say the values of properties: words for choices read as sentences, 0 as what it means.
 */
final class Wording {
  private static final List<String> TRUE_OR_FALSE = Arrays.asList("true", "false");

  private Wording() {}

  /** The words that a property may have, as plans store them; empty if these are not few. */
  static List<String> words(Spec.Key key) {
    if (key.type.equals("boolean")) {
      return TRUE_OR_FALSE;
    }
    return key.type.equals("choice") ? key.choices : Collections.emptyList();
  }

  /** A value for people: the sentence of a word, what 0 means, else as it is. */
  static String spoken(Spec.Key key, String value) {
    String sentence = "";
    if (words(key).contains(value)) {
      sentence = Messages.getOrEmpty("choice." + key.name + "." + value);
    } else if (value.equals("0")) {
      sentence = Messages.getOrEmpty("zero." + key.name);
    }
    return sentence.isEmpty() ? value : sentence;
  }

  /** What a plan stores for what a field says: the word of a sentence, else as it is. */
  static String stored(Spec.Key key, String text) {
    return words(key).stream()
        .filter(word -> spoken(key, word).equals(text))
        .findFirst()
        .orElse(text);
  }

  /** A label with the unit of a bare number. */
  static String label(Spec.Key key) {
    String own = Messages.getOrEmpty("unit." + key.name);
    String unit = own.isEmpty() ? Messages.getOrEmpty("unit." + key.type) : own;
    return unit.isEmpty() ? key.label : key.label + " (" + unit + ")";
  }
}
