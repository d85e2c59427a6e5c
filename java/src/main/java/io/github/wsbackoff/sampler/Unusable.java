package io.github.wsbackoff.sampler;

import java.net.UnknownHostException;

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

  /** What to say where a DNS Cache Manager has nothing. */
  static String unknownHost(UnknownHostException e) {
    return "The DNS Cache Manager knows no address: " + e.getMessage();
  }
}
