package io.github.wsbackoff.core;

import com.fasterxml.jackson.databind.JsonNode;

/** The figures and texts of one attempt at an upgrade, as they were on the wire. */
public class Exchange {
  /** Whether the connection is open. */
  public final boolean ok;

  /** The HTTP status, or {@code Non HTTP response code: } and an error code. */
  public final String code;

  /** The reason phrase, or the constant message of the error code. */
  public final String message;

  /** DNS, TCP, proxy and TLS together, microseconds. */
  public final long connectMicros;

  /** From the start to the first byte of the answer, microseconds. */
  public final long latencyMicros;

  /** Bytes sent. */
  public final long sentBytes;

  /** Bytes of the answer's head. */
  public final long headBytes;

  /** Bytes of the answer's body. */
  public final long bodyBytes;

  /** The request as it was sent. */
  public final String requestHead;

  /** The answer's head as it was received. */
  public final String responseHead;

  /** The answer's body, bounded. */
  public final String body;

  Exchange(JsonNode json) {
    ok = json.path("ok").asBoolean();
    code = json.path("code").asText();
    message = json.path("message").asText();
    connectMicros = json.path("connectUs").asLong();
    latencyMicros = json.path("latencyUs").asLong();
    sentBytes = json.path("sentBytes").asLong();
    headBytes = json.path("headBytes").asLong();
    bodyBytes = json.path("bodyBytes").asLong();
    requestHead = json.path("requestHead").asText();
    responseHead = json.path("responseHead").asText();
    body = json.path("body").asText();
  }
}
