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

  private static final Pattern TOKEN = Pattern.compile("[!#$%&'*+.^_`|~0-9A-Za-z-]+");
  private static final String BYTE = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";

  /** Of the long form only the signs. */
  private static final Pattern IP =
      Pattern.compile(
          "(" + BYTE + "\\.){3}" + BYTE + "|[0-9a-fA-F.]*:[0-9a-fA-F.:]*:[0-9a-fA-F.:]*");

  private static final Pattern CONTROL = Pattern.compile("\\p{Cntrl}");
  private static final Pattern ADDRESS =
      Pattern.compile("(?i)(?:wss?|https?)://([^/?\\\\#@\\s]+)(?:[/?\\\\][^#]*)?");
  private static final Pattern AUTHORITY =
      Pattern.compile("(?:\\[[0-9a-fA-F:.]+]|[^:\\[\\]]+)(?::([0-9]*))?");
  private static final int HIGHEST_PORT = 65_535;

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
      case "url":
        return !isAddress(key.name, text);
      case "list":
        return !isList(key.name, text);
      case "regex":
        return RegexCheck.isWrong(text, key.name.equals("wsb.hint.bodyPattern"));
      default:
        return false; // a file may be there on the machine that runs the test
    }
  }

  /** A base is a whole address, where it is used at all; a URL may be a part of one. */
  private static boolean isAddress(String key, String text) {
    if (CONTROL.matcher(text).find()) {
      return false;
    }
    if (!text.contains("://") && !key.equals("wsb.baseUrl")) {
      return true;
    }
    Matcher address = ADDRESS.matcher(text);
    Matcher authority = AUTHORITY.matcher(address.matches() ? address.group(1) : "");
    if (!authority.matches()) {
      return false;
    }
    String port = authority.group(1) == null ? "" : authority.group(1).replaceFirst("^0+(?=.)", "");
    return port.isEmpty()
        || port.length() <= 5
            && Integer.parseInt(port) > 0
            && Integer.parseInt(port) <= HIGHEST_PORT;
  }

  private static boolean isList(String key, String text) {
    return Arrays.stream(text.split(","))
        .map(String::trim)
        .filter(part -> !part.isEmpty())
        .allMatch(part -> isEntry(key, part));
  }

  private static boolean isEntry(String key, String part) {
    switch (key) {
      case "wsb.retry.table":
        return isDuration(part);
      case "wsb.hint.sources":
      case "wsb.subprotocols":
        return TOKEN.matcher(part).matches();
      case "wsb.localAddress":
        return IP.matcher(part).matches();
      default:
        return true;
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
