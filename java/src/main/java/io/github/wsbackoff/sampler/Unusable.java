package io.github.wsbackoff.sampler;

/**
 * What JMeter's own elements or options ask for cannot be done; nothing is sent. The message says
 * what and why.
 */
final class Unusable extends Exception {
  private static final long serialVersionUID = 1L;

  /** The error code. */
  final String code;

  Unusable(String code, String message, Throwable cause) {
    super(message, cause);
    this.code = code;
  }
}
