package io.github.wsbackoff.core;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Reads the texts of a connect's result, which stand one behind another; and writes numbers. */
public final class Texts {
  /** Place of the first text's length among the figures; those of the others follow. */
  private static final int FIRST_LENGTH = 16;

  /** Of the numbers that come again and again: statuses, counts, milliseconds. */
  private static final String[] NUMBERS = new String[1000];

  static {
    for (int i = 0; i < NUMBERS.length; i++) {
      NUMBERS[i] = Integer.toString(i);
    }
  }

  private final byte[] bytes;
  private final long[] figures;
  private int place = FIRST_LENGTH;
  private int at;

  Texts(byte[] bytes, long[] figures) {
    this.bytes = bytes;
    this.figures = figures;
  }

  /** A number as text. */
  public static String of(long number) {
    return number >= 0 && number < NUMBERS.length ? NUMBERS[(int) number] : Long.toString(number);
  }

  String next() {
    int from = at;
    skip();
    return at == from ? "" : new String(bytes, from, at - from, StandardCharsets.UTF_8);
  }

  /** The next one as it is, in UTF-8. */
  byte[] nextBytes() {
    int from = at;
    skip();
    return Arrays.copyOfRange(bytes, from, at);
  }

  void skip() {
    at += (int) figures[place++];
  }
}
