package io.github.wsbackoff.gui;

import io.github.wsbackoff.core.Spec;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Whether a value has a shape that its property can have, at once and without the native part,
 * which has the last word: what is wrong here is wrong there.
 */
final class FieldCheck {
  private static final Pattern DURATION =
      Pattern.compile("(-?)([0-9]+\\.?[0-9]*|\\.[0-9]+)\\s*([a-zA-Z]*)");
  private static final List<String> UNITS = Arrays.asList("", "ms", "s", "m", "h", "d");
  private static final List<Long> UNIT_MILLIS =
      Arrays.asList(1L, 1L, 1000L, 60_000L, 3_600_000L, 86_400_000L);
  private static final double LONGEST_MILLIS = 366 * 86_400_000.0;
  private static final Pattern INTEGER = Pattern.compile("\\+?[0-9]+");
  private static final Pattern SIZE =
      Pattern.compile("[0-9]+\\s*(b|[kmg](b|ib)?)?", Pattern.CASE_INSENSITIVE);
  private static final Pattern STATUSES =
      Pattern.compile(
          "0*[0-9]{3}(\\s*-\\s*0*[0-9]{3})?|[0-9]xx|closed\\.\\s*(\\*|[0-9]{4}(\\s*-\\s*[0-9]{4})?)"
              + "|network|timeout|any|none",
          Pattern.CASE_INSENSITIVE);

  private FieldCheck() {}

  /**
   * Whether it can be told that the sample will refuse this value; what is not set is not wrong.
   */
  static boolean isWrong(Spec.Key key, String value) {
    String text = value.replace('\u00a0', ' ').trim(); // as the native part, blank is blank
    if (text.isEmpty() || text.contains("${")) {
      return false; // known only in the run
    }
    switch (key.type) {
      case "duration":
        return !isDuration(text);
      case "integer":
        return !INTEGER.matcher(text).matches();
      case "number":
        return !isNumber(text);
      case "boolean":
      case "choice":
        return Wording.words(key).stream().noneMatch(word -> word.equalsIgnoreCase(text));
      case "size":
        return !SIZE.matcher(text).matches();
      case "statuses":
        return !Arrays.stream(text.split(",", -1))
            .allMatch(part -> STATUSES.matcher(part.trim()).matches());
      default:
        return false;
    }
  }

  private static boolean isDuration(String text) {
    Matcher parts = DURATION.matcher(text);
    if (!parts.matches()) {
      return false;
    }
    int unit = UNITS.indexOf(parts.group(3).toLowerCase(Locale.ROOT));
    if (unit < 0) {
      return false;
    }
    double number = Double.parseDouble(parts.group(2));
    boolean negative = !parts.group(1).isEmpty() && number > 0;
    return !negative && number * UNIT_MILLIS.get(unit) <= LONGEST_MILLIS;
  }

  private static boolean isNumber(String text) {
    try {
      return !Double.isNaN(Double.parseDouble(text)) && !text.matches(".*[dDfFxX].*");
    } catch (NumberFormatException e) {
      return false;
    }
  }
}
