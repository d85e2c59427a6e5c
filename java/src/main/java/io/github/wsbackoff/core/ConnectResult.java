package io.github.wsbackoff.core;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** How a connect ended: the figures of its last attempt, all waits, and the whole story as text. */
public final class ConnectResult extends Exchange {
  /** The address that was connected to. */
  public final String url;

  /** Time between attempts in all, microseconds. */
  public final long waitedMicros;

  /** Whether waits count as elapsed time. */
  public final boolean waitsAreElapsed;

  /** Whether each attempt becomes a sub-result. */
  public final boolean subResults;

  /** One line an attempt, for people. */
  public final String timeline;

  /** What went wrong beside the connect itself, "" for nothing. */
  public final String warning;

  /** JMeter variables to set. */
  public final Map<String, String> variables;

  /** The attempts, if they become sub-results. */
  public final List<Attempt> attempts;

  /** Cookies that servers set, also while they refused: the address of the answer, the header. */
  public final List<String[]> setCookies;

  /** One attempt among several. */
  public static final class Attempt extends Exchange {
    /** When it began, milliseconds since the epoch. */
    public final long startedMillis;

    /** How long it took, microseconds. */
    public final long elapsedMicros;

    /** How long the connect waited after it, microseconds. */
    public final long waitMicros;

    Attempt(JsonNode json) {
      super(json);
      startedMillis = json.path("startedMs").asLong();
      elapsedMicros = json.path("elapsedUs").asLong();
      waitMicros = json.path("waitUs").asLong();
    }
  }

  private ConnectResult(JsonNode json) {
    super(json);
    url = json.path("url").asText();
    waitedMicros = json.path("waitedUs").asLong();
    waitsAreElapsed = json.path("elapsedMode").asText().equals("total");
    subResults = json.path("subresults").asBoolean();
    timeline = json.path("timeline").asText();
    warning = json.path("warning").asText();
    Map<String, String> named = new LinkedHashMap<>();
    json.path("variables")
        .fields()
        .forEachRemaining(e -> named.put(e.getKey(), e.getValue().asText()));
    variables = Collections.unmodifiableMap(named);
    List<Attempt> each = new ArrayList<>();
    json.path("attempts").forEach(attempt -> each.add(new Attempt(attempt)));
    attempts = Collections.unmodifiableList(each);
    List<String[]> cookies = new ArrayList<>();
    json.path("setCookies")
        .forEach(c -> cookies.add(new String[] {c.path(0).asText(), c.path(1).asText()}));
    setCookies = Collections.unmodifiableList(cookies);
  }

  /** Reads a result of the native library. */
  static ConnectResult parse(byte[] json) {
    return new ConnectResult(Json.read(json));
  }

  /** A value that is not among the words of its key; said as the native part says it. */
  public static ConnectResult invalid(String key, String value, String url) {
    ObjectNode json = local(url, "invalid");
    refuse(json, "spec.invalid");
    json.put(
        "timeline",
        key
            + ": \""
            + value
            + "\" (not one of the words); allowed: "
            + String.join(", ", Spec.get().choicesOf(key))
            + "\nNothing was sent.\n");
    return new ConnectResult(json);
  }

  /** A connect that this side refused or that could not be handed on. */
  public static ConnectResult failed(String code, String url, String detail) {
    ObjectNode json = local(url, code);
    refuse(json, code);
    json.put("timeline", detail);
    return new ConnectResult(json);
  }

  private static void refuse(ObjectNode json, String code) {
    json.put("code", Failure.NO_STATUS + code);
    json.put("message", Spec.get().messageOf(code));
  }

  /** A connect that had nothing to do: the connection is there. */
  public static ConnectResult reused(String url, String detail) {
    ObjectNode json = local(url, "reused");
    json.put("ok", true);
    json.put("code", "200");
    json.put("message", "Connection reused");
    json.put("timeline", detail);
    return new ConnectResult(json);
  }

  /** No attempt was made; the variables say so, lest a plan reads those of an earlier connect. */
  private static ObjectNode local(String url, String stop) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("url", url);
    ObjectNode named = json.putObject("variables");
    Spec.get().element("ConnectSampler").variables().forEach(name -> named.put(name, ""));
    named.put("wsb.attempts", "0").put("wsb.throttled", "0").put("wsb.waitedMs", "0");
    named.put("wsb.stop", stop);
    return json;
  }
}
