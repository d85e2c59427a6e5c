package io.github.wsbackoff.core;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.BiConsumer;

/**
 * How a connect ended: the figures of its last attempt, all waits, and the whole story as text.
 * What the figures mean and how the texts follow each other stands in the native part, {@code
 * engine::outcome}.
 */
public final class ConnectResult extends Exchange {
  /** The variable that says which sample set the others. */
  public static final String SAMPLE = "wsb.sample";

  private static final String REUSED = "reused";

  private static final int WAITS_ARE_ELAPSED = 1;
  private static final int SUB_RESULTS = 2;
  private static final int INVALID = 4;
  private static final long NONE = -1;

  /** Time between attempts in all, microseconds. */
  public final long waitedMicros;

  private long goodbyeMicros;

  /** Whether waits count as elapsed time. */
  public final boolean waitsAreElapsed;

  /** Whether each attempt becomes a sub-result. */
  public final boolean subResults;

  /** What a refusal said; UTF-8. */
  public final byte[] body;

  /** One line an attempt, for people. */
  public final String story;

  /** The address that was connected to, "" where that is not known. */
  public final String url;

  /** What went wrong beside the connect itself, "" for nothing. */
  public final String warning;

  /** The attempts, if they become sub-results. */
  public final List<Attempt> attempts;

  /** Cookies that servers set, also while they refused: the address of the answer, the header. */
  public final List<String[]> setCookies;

  private final boolean invalid;
  private final String stop;
  private final long elapsedMicros;
  private final long made;
  private final long throttled;
  private final long hintMillis;
  private final long lastStatus;
  private final long rateThousandths;
  private final long gateQueue;

  /** See {@link Figures#schedulingMicros}. */
  public final long schedulingMicros;

  /** One attempt among several. */
  public static final class Attempt extends Exchange {
    /** When it began, milliseconds since the epoch. */
    public final long startedMillis;

    /** How long it took, microseconds. */
    public final long elapsedMicros;

    /** How long the connect waited after it, microseconds. */
    public final long waitMicros;

    /** The answer's body, bounded. */
    public final String body;

    Attempt(JsonNode json) {
      super(json);
      startedMillis = json.path("startedMs").asLong();
      elapsedMicros = json.path("elapsedUs").asLong();
      waitMicros = json.path("waitUs").asLong();
      body = json.path("body").asText();
    }
  }

  /** Reads what the native library answered. */
  ConnectResult(long[] figures, byte[] answer) {
    this(figures, new Texts(answer, figures));
  }

  private ConnectResult(long[] figures, Texts texts) {
    super(figures, texts);
    body = texts.nextBytes();
    story = texts.next();
    url = texts.next();
    stop = texts.next();
    texts.skip(); // extensions
    setCookies = pairs(texts.next());
    warning = texts.next();
    attempts = attempts(texts.nextBytes());
    invalid = figures[0] == INVALID;
    elapsedMicros = figures[2];
    waitedMicros = figures[3];
    waitsAreElapsed = (figures[9] & WAITS_ARE_ELAPSED) != 0;
    subResults = (figures[9] & SUB_RESULTS) != 0;
    made = figures[10];
    throttled = figures[11];
    hintMillis = figures[12];
    lastStatus = figures[13];
    rateThousandths = figures[14];
    gateQueue = figures[15];
    schedulingMicros = figures[Figures.SCHEDULING];
  }

  /** No attempt was made; the variables say so, lest a plan reads those of an earlier connect. */
  private ConnectResult(boolean ok, String code, String message, String story, String stop) {
    super(ok, code, message);
    this.body = new byte[0];
    this.story = story;
    this.stop = stop;
    url = "";
    invalid = false;
    setCookies = Collections.emptyList();
    warning = "";
    attempts = Collections.emptyList();
    elapsedMicros = NONE;
    waitedMicros = 0;
    waitsAreElapsed = false;
    subResults = false;
    made = 0;
    throttled = 0;
    hintMillis = NONE;
    lastStatus = 0;
    rateThousandths = NONE;
    gateQueue = NONE;
    schedulingMicros = 0;
  }

  /** A value that is not among the words of its key; said as the native part says it. */
  public static ConnectResult invalid(String key, String value) {
    String allowed = String.join(", ", Spec.get().choicesOf(key));
    String wrong = key + ": \"" + value + "\" (not one of the words); allowed: " + allowed;
    return refused("spec.invalid", wrong + "\nNothing was sent.\n", "invalid");
  }

  /** A connect that this side refused or that could not be handed on. */
  public static ConnectResult failed(String code, String detail) {
    return refused(code, detail, code);
  }

  /** A connect that ended with what this side, or Java below it, threw. */
  public static ConnectResult failed(Throwable thrown) {
    Failure failure = Failure.of(thrown);
    return new ConnectResult(false, failure.code, failure.message, failure.detail, failure.stop());
  }

  private static ConnectResult refused(String code, String story, String stop) {
    String message = Spec.get().messageOf(code);
    return new ConnectResult(false, Failure.NO_STATUS + code, message, story, stop);
  }

  /** A connect that had nothing to do: the connection is there. */
  public static ConnectResult reused(String detail) {
    return new ConnectResult(true, "200", "Connection reused", detail, REUSED);
  }

  /** Whether the native part could not use what it was given. */
  public boolean isInvalid() {
    return invalid;
  }

  /** How long it took, without the waits where these are no elapsed time; microseconds. */
  public long workMicros() {
    return Math.max(elapsedMicros, 0) - (waitsAreElapsed ? 0 : waitedMicros);
  }

  /** The waits, where these are no elapsed time, and the goodbye before; microseconds. */
  public long idleMicros() {
    return waitsAreElapsed ? 0 : waitedMicros + goodbyeMicros;
  }

  /** Before it, the connection that it replaces was closed, which took so long; microseconds. */
  public void follows(long goodbyeMicros) {
    this.goodbyeMicros = goodbyeMicros;
  }

  /** Whether the thread's schedule is over before anything could be tried again. */
  public boolean endsThread() {
    return stop.equals("schedule-end");
  }

  /** Hands over name and value of every JMeter variable that the sample of this label sets. */
  public void variables(String label, BiConsumer<String, String> variables) {
    boolean connected = ok && elapsedMicros != NONE;
    variables.accept(SAMPLE, stop.equals(REUSED) ? "" : label);
    variables.accept("wsb.attempts", Texts.of(made));
    variables.accept("wsb.throttled", Texts.of(throttled));
    variables.accept("wsb.waitedMs", Texts.of(waitedMicros / 1000));
    variables.accept("wsb.timeToConnectMs", connected ? Texts.of(elapsedMicros / 1000) : "");
    variables.accept("wsb.hintMs", hintMillis == NONE ? "" : Texts.of(hintMillis));
    variables.accept("wsb.stop", stop);
    variables.accept("wsb.lastStatus", lastStatus == 0 ? "" : Texts.of(lastStatus));
    variables.accept("wsb.rate", rateThousandths == NONE ? "" : thousandths(rateThousandths));
    variables.accept("wsb.gateQueue", gateQueue == NONE ? "" : Texts.of(gateQueue));
    variables.accept("wsb.schedulingUs", schedulingMicros == 0 ? "" : Texts.of(schedulingMicros));
  }

  private static String thousandths(long figure) {
    String behind = Long.toString(1000 + figure % 1000).substring(1);
    return figure / 1000 + "." + behind;
  }

  /** Two lines each. */
  static List<String[]> pairs(String text) {
    if (text.isEmpty()) {
      return Collections.emptyList();
    }
    List<String[]> pairs = new ArrayList<>();
    String[] lines = text.split("\n", -1);
    for (int i = 0; i + 1 < lines.length; i += 2) {
      pairs.add(new String[] {lines[i], lines[i + 1]});
    }
    return pairs;
  }

  private static List<Attempt> attempts(byte[] json) {
    if (json.length == 0) {
      return Collections.emptyList();
    }
    List<Attempt> each = new ArrayList<>();
    Json.read(json).forEach(attempt -> each.add(new Attempt(attempt)));
    return each;
  }
}
