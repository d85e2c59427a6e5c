package io.github.wsbackoff.core;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/** Results as the native library would have made them, for tests outside this package. */
public final class Results {
  private static final String[] NUMBERS = {
    "outcome",
    "status",
    "elapsedUs",
    "waitedUs",
    "connectUs",
    "latencyUs",
    "sentBytes",
    "headBytes",
    "bodyBytes",
    "flags",
    "attempts",
    "throttled",
    "hintMs",
    "lastStatus",
    "rate",
    "gateQueue",
  };
  private static final String[] TEXTS = {
    "code",
    "message",
    "requestHead",
    "responseHead",
    "body",
    "timeline",
    "url",
    "stop",
    "extensions",
    "setCookies",
    "warning",
    "each",
  };

  private Results() {}

  /** The result with these numbers and texts, by their names; what is missing is 0 or empty. */
  public static ConnectResult of(String json) {
    JsonNode all = Json.read(json.getBytes(StandardCharsets.UTF_8));
    long[] figures = new long[32];
    int place = 0;
    for (String name : NUMBERS) {
      figures[place++] = all.path(name).asLong();
    }
    ByteArrayOutputStream texts = new ByteArrayOutputStream();
    for (String name : TEXTS) {
      JsonNode value = all.path(name);
      String text = value.isArray() ? value.toString() : value.asText();
      byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
      figures[place++] = bytes.length;
      texts.write(bytes, 0, bytes.length);
    }
    return new ConnectResult(figures, texts.toByteArray());
  }
}
