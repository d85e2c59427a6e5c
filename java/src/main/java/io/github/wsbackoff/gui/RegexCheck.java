package io.github.wsbackoff.gui;

/**
 * Whether a regular expression can be one, in the native part's dialect, which is not Java's: it
 * knows no look-around and no back references. Looks only for what is surely wrong.
 */
final class RegexCheck {
  private final String text;
  private int at;
  private int open;
  private int groups;

  private RegexCheck(String text) {
    this.text = text;
  }

  /**
   * Whether it cannot be one.
   *
   * @param needsGroup whether it has to have a group that captures
   */
  static boolean isWrong(String text, boolean needsGroup) {
    // In its verbose mode, signs may stand in comments.
    return !text.matches("(?s).*\\(\\?[a-zA-Z]*x.*") && new RegexCheck(text).scan(needsGroup);
  }

  private boolean scan(boolean needsGroup) {
    while (at < text.length()) {
      char sign = text.charAt(at++);
      boolean isWrong = false;
      if (sign == '\\') {
        isWrong = isWrongEscape();
      } else if (sign == '[') {
        isWrong = !endClass();
      } else if (sign == '(') {
        isWrong = isWrongGroup();
      } else if (sign == ')') {
        isWrong = --open < 0;
      }
      if (isWrong) {
        return true;
      }
    }
    return open > 0 || needsGroup && groups == 0;
  }

  private boolean isWrongEscape() {
    if (at == text.length()) {
      return true;
    }
    char escaped = text.charAt(at++);
    return escaped >= '1' && escaped <= '9'; // of an earlier group
  }

  private boolean isWrongGroup() {
    open++;
    boolean isNamed = follows("?P<") || follows("?<");
    boolean looksAround = follows("?=") || follows("?!") || follows("?<=") || follows("?<!");
    if (isNamed || !follows("?")) {
      groups++;
    }
    return looksAround;
  }

  private boolean follows(String signs) {
    return text.startsWith(signs, at);
  }

  /** Goes behind the end of a class, which may hold others; false if there is none. */
  private boolean endClass() {
    int depth = 1;
    beginClass();
    while (at < text.length()) {
      char sign = text.charAt(at++);
      if (sign == '\\') {
        at++;
      } else if (sign == '[') {
        depth++;
        beginClass();
      } else if (sign == ']' && --depth == 0) {
        return true;
      }
    }
    return false;
  }

  /** A bracket that closes is a sign like others where a class begins. */
  private void beginClass() {
    if (follows("^")) {
      at++;
    }
    if (follows("]")) {
      at++;
    }
  }
}
