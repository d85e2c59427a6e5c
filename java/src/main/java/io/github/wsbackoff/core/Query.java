package io.github.wsbackoff.core;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Questions to the retry policy that need no connection: at once, from any thread. */
public final class Query {
  private Query() {}

  /** How long to wait before the next attempt. */
  public static final class Delay {
    /** Whole milliseconds; -1: no further attempt. */
    public final long millis;

    /** Why there is no further attempt, "" if there is one. */
    public final String stop;

    /** Why the hint counts for nothing, "" if it does, or if there is none. */
    public final String ignored;

    private Delay(JsonNode json) {
      millis = json.path("ms").asLong();
      stop = json.path("stop").asText("");
      ignored = json.path("ignored").asText("");
    }
  }

  /** Between what and what one wait lies. */
  public static final class Band {
    /** 1: the wait after the first attempt. */
    public final int attempt;

    /** No such wait is shorter. */
    public final long lowestMillis;

    /** Half of the waits are shorter. */
    public final long medianMillis;

    /** No such wait is longer. */
    public final long highestMillis;

    private Band(JsonNode json) {
      attempt = json.path("attempt").asInt();
      lowestMillis = json.path("lowestMs").asLong();
      medianMillis = json.path("medianMs").asLong();
      highestMillis = json.path("highestMs").asLong();
    }
  }

  /** What the waits of a policy look like. */
  public static final class Bands {
    /** For people; "" where the waits cannot be known. */
    public final String line;

    /** By attempt; empty where the waits cannot be known, or there are none. */
    public final List<Band> bands;

    /** What is wrong, one text a property. */
    public final List<String> problems;

    /** The keys whose values have to be known to say more. */
    public final List<String> unknown;

    private Bands(JsonNode json) {
      line = json.path("line").asText("");
      List<Band> all = new ArrayList<>();
      json.path("bands").forEach(band -> all.add(new Band(band)));
      bands = Collections.unmodifiableList(all);
      problems = texts(json.path("problems"));
      unknown = texts(json.path("unknown"));
    }

    private static List<String> texts(JsonNode array) {
      List<String> texts = new ArrayList<>();
      array.forEach(text -> texts.add(text.asText()));
      return Collections.unmodifiableList(texts);
    }
  }

  /** One attempt of one user who is refused each time. */
  public static final class Attempt {
    /** From 1. */
    public final int number;

    /** When it begins, after the first one. */
    public final long atMillis;

    /** The wait after it; -1: no further attempt. */
    public final long waitMillis;

    private Attempt(JsonNode json) {
      number = json.path("attempt").asInt();
      atMillis = json.path("atMs").asLong();
      waitMillis = json.path("waitMs").asLong(-1);
    }
  }

  /** What one user waits who is refused each time. */
  public static final class Waits {
    /** The attempts; empty where the waits cannot be known. */
    public final List<Attempt> attempts;

    /** Why there is no further attempt, "" if there is one. */
    public final String stop;

    /** Whether every run draws the same. */
    public final boolean isSeeded;

    private Waits(JsonNode json) {
      List<Attempt> all = new ArrayList<>();
      json.path("attempts").forEach(attempt -> all.add(new Attempt(attempt)));
      attempts = Collections.unmodifiableList(all);
      stop = json.path("stop").asText("");
      isSeeded = json.path("seeded").asBoolean();
    }
  }

  /**
   * Draws the wait after a throttled attempt.
   *
   * @param attempt how many attempts failed so far, from 1
   * @param policy as text, {@code decorrelated base=1s cap=30s}; blank: the defaults
   * @param hint the server's {@code Retry-After}; blank: none
   * @throws IllegalArgumentException if the question makes no sense; says what is allowed
   * @throws NativeLibraryException if the native library cannot be used
   */
  public static Delay delay(String attempt, String policy, String hint) {
    Map<String, Object> question = new LinkedHashMap<>();
    question.put("ask", "delay");
    question.put("attempt", attempt);
    question.put("policy", policy);
    question.put("hint", hint);
    JsonNode answer = ask(question);
    if (answer.hasNonNull("problem")) {
      throw new IllegalArgumentException(answer.path("problem").asText());
    }
    return new Delay(answer);
  }

  /**
   * Asks what waits an element's policy makes.
   *
   * @param properties its {@code wsb.*} properties, those that are set
   * @param later keys that are set to what only the run knows
   * @throws NativeLibraryException if the native library cannot be used
   */
  public static Bands bands(Map<String, String> properties, Collection<String> later) {
    Map<String, Object> question = new LinkedHashMap<>();
    question.put("ask", "bands");
    question.put("properties", properties);
    question.put("later", later);
    return new Bands(ask(question));
  }

  /**
   * Asks what one user draws who is refused each time, at once and without a hint.
   *
   * @param properties as for {@link #bands}
   * @param later as for {@link #bands}
   * @param user who it is: a seed gives each user a stream of its own
   * @throws NativeLibraryException if the native library cannot be used
   */
  public static Waits waits(Map<String, String> properties, Collection<String> later, String user) {
    Map<String, Object> question = new LinkedHashMap<>();
    question.put("ask", "waits");
    question.put("properties", properties);
    question.put("later", later);
    question.put("user", user);
    return new Waits(ask(question));
  }

  /**
   * Reads an address as the connect will.
   *
   * @param url the address, or a part of one
   * @param base what it is a part of, or ""
   * @return the same with http or https, as JMeter's managers know it; "" if it is none
   * @throws NativeLibraryException if the native library cannot be used
   */
  public static String httpUrl(String url, String base) {
    Map<String, Object> question = new LinkedHashMap<>();
    question.put("ask", "url");
    question.put("url", url);
    question.put("base", base);
    return ask(question).path("httpUrl").asText("");
  }

  private static JsonNode ask(Map<String, Object> question) {
    NativeLibrary.load();
    return Json.read(Native.query(Json.write(question)));
  }
}
