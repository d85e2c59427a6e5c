package io.github.wsbackoff.dsl;

import java.math.BigDecimal;
import java.time.Duration;

/** How values that are no text are stored. */
final class Texts {
  private static final int NANOS_OF_A_MILLI = 6; // digits

  private Texts() {}

  static String of(Duration value) {
    BigDecimal nanos =
        BigDecimal.valueOf(value.getSeconds(), -9).add(BigDecimal.valueOf(value.getNano()));
    return plain(nanos.movePointLeft(NANOS_OF_A_MILLI)) + "ms";
  }

  static String of(double value) {
    return plain(BigDecimal.valueOf(value));
  }

  private static String plain(BigDecimal value) {
    return value.signum() == 0 ? "0" : value.stripTrailingZeros().toPlainString();
  }
}
