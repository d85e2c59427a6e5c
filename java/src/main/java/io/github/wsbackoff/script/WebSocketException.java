package io.github.wsbackoff.script;

import io.github.wsbackoff.core.Failure;

/** What a script asked of a connection did not come to its end. */
public final class WebSocketException extends RuntimeException {
  private static final long serialVersionUID = 1L;
  private final String code;

  WebSocketException(Failure failure) {
    super(failure.code + ": " + failure.detail);
    code = failure.code;
  }

  /** The response code that a sampler would have. */
  public String getCode() {
    return code;
  }
}
