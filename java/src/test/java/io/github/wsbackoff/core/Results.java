package io.github.wsbackoff.core;

import java.nio.charset.StandardCharsets;

/** Results as the native library would have made them, for tests outside this package. */
public final class Results {
  private Results() {}

  /** Reads a result. */
  public static ConnectResult parse(String json) {
    return ConnectResult.parse(json.getBytes(StandardCharsets.UTF_8));
  }
}
