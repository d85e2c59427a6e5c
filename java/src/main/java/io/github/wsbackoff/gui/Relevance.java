package io.github.wsbackoff.gui;

import io.github.wsbackoff.config.WebSocketDefaults;
import io.github.wsbackoff.control.OnceController;
import io.github.wsbackoff.core.Spec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;

/**
 * Which properties mean something only where another one has certain values. Their fields keep what
 * they hold while they mean nothing.
 */
final class Relevance {
  private static final Map<String, Relevance> ALL = new HashMap<>();

  private static final String STRATEGY = "wsb.retry.strategy";
  private static final String BASE = "wsb.retry.base";
  private static final String HINTS = "wsb.hint.mode";
  private static final String GATE = "wsb.shared.mode";
  private static final String PAYLOAD = "wsb.payloadType";
  private static final String MATCH = "wsb.match.mode";
  private static final String ABORT = "wsb.close.abort";

  static {
    for (String waits :
        Arrays.asList("base", "cap", "multiplier", "transientBase", "maxAttempts")) {
      put("wsb.retry." + waits, STRATEGY, Spec.get().choicesOf(STRATEGY), "none");
    }
    put("wsb.retry.jitter", STRATEGY, Arrays.asList("plus-minus", "additive"));
    put("wsb.retry.table", STRATEGY, Collections.singletonList("table"));
    // Not jitter: it also says how users spread who find out together what they met.
    for (String hints : Arrays.asList("max", "onTooLong", "sources", "bodyPattern")) {
      put("wsb.hint." + hints, HINTS, Spec.get().choicesOf(HINTS), "ignore");
    }
    put("wsb.retry.label", "wsb.retry.counts", Collections.singletonList("matching"));
    for (String rates : Arrays.asList("rate", "increase", "beta", "minRate", "maxRate")) {
      put("wsb.shared." + rates, GATE, Arrays.asList("observe", "pace"));
    }
    put("wsb.shared.spread", GATE, Collections.singletonList("pause"));
    put("wsb.pace.rate", "wsb.pace.mode", Collections.singletonList("fixed"));
    put("wsb.pace.burst", "wsb.pace.mode", Collections.singletonList("fixed"));
    put("wsb.payload", PAYLOAD, Arrays.asList("text", "hex", "base64"));
    put("wsb.payloadFile", PAYLOAD, Arrays.asList("file", "file-text", "file-raw"));
    put("wsb.payload.charset", PAYLOAD, Arrays.asList("file-text", "file-raw"));
    put("wsb.match.value", MATCH, Spec.get().choicesOf(MATCH), "next");
    put("wsb.match.pointer", MATCH, Collections.singletonList("json"));
    for (String goodbye : Arrays.asList("code", "reason", "timeout")) {
      put("wsb.close." + goodbye, ABORT, Collections.singletonList("false"));
    }
    put("wsb.end.reason", "wsb.end", Collections.singletonList("close"));
  }

  /** The property that decides. */
  final String decider;

  /** The values of it with which the other one means something. */
  final List<String> values;

  private Relevance(String decider, List<String> values) {
    this.decider = decider;
    this.values = values;
  }

  /**
   * When a property means something in a kind of element; null: always. What stands in defaults
   * counts for many elements, and each may choose something else.
   */
  static Relevance of(String key, String element) {
    Relevance rule = ALL.get(key);
    boolean decides =
        rule != null
            && !element.equals(WebSocketDefaults.class.getSimpleName())
            && Spec.get().keysOf(element).stream().anyMatch(own -> own.name.equals(rule.decider));
    // It is also how long the others rest after the one who tries for all has given up.
    boolean rests = element.equals(OnceController.class.getSimpleName()) && key.equals(BASE);
    return decides && !rests ? rule : null;
  }

  /** Names of the properties that do not always mean something. */
  static Set<String> keys() {
    return ALL.keySet();
  }

  /**
   * Whether it means something.
   *
   * @param inForce what the decider says, set, inherited or built in; a variable may say anything
   */
  boolean holds(Function<String, String> inForce) {
    String value = inForce.apply(decider).trim();
    boolean known =
        Spec.get().choicesOf(decider).stream().anyMatch(word -> word.equalsIgnoreCase(value))
            || value.equalsIgnoreCase("true")
            || value.equalsIgnoreCase("false");
    return !known || values.stream().anyMatch(word -> word.equalsIgnoreCase(value));
  }

  private static void put(String key, String decider, List<String> values) {
    ALL.put(key, new Relevance(decider, values));
  }

  private static void put(String key, String decider, List<String> all, String but) {
    List<String> values = new ArrayList<>(all);
    values.remove(but);
    put(key, decider, values);
  }
}
