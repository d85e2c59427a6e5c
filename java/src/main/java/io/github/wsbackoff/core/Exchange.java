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

  /** The request as it was sent, with bare line feeds. */
  public final String requestHead;

  /** The answer's head as it was received, with bare line feeds. */
  public final String responseHead;

  /** Reads an attempt that became a sub-result. */
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
  }

  /** Reads the attempt that decided a connect, with the first of its texts. */
  Exchange(long[] figures, Texts texts) {
    ok = figures[0] == 0;
    String coded = texts.next();
    code = figures[1] == 0 ? coded : Texts.of(figures[1]);
    message = texts.next();
    connectMicros = figures[4];
    latencyMicros = figures[5];
    sentBytes = figures[6];
    headBytes = figures[7];
    bodyBytes = figures[8];
    requestHead = texts.next();
    responseHead = texts.next();
  }

  /** Nothing was sent. */
  Exchange(boolean ok, String code, String message) {
    this.ok = ok;
    this.code = code;
    this.message = message;
    connectMicros = 0;
    latencyMicros = 0;
    sentBytes = 0;
    headBytes = 0;
    bodyBytes = 0;
    requestHead = "";
    responseHead = "";
  }
}
