package io.github.wsbackoff.sampler;

import io.github.wsbackoff.core.Figures;
import io.github.wsbackoff.core.Texts;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.jmeter.threads.JMeterVariables;

/**
 * The variables that one kind of message sampler sets after every sample: looked up by name once.
 */
final class MessageVariables {
  private static final Map<String, Text> TEXTS = new HashMap<>();
  private static final Map<String, Text> SPREAD = new HashMap<>();

  static {
    TEXTS.put("wsb.messages", figures -> Texts.of(figures.messages()));
    TEXTS.put("wsb.skipped", figures -> Texts.of(figures.skipped()));
    TEXTS.put("wsb.queued", figures -> Texts.of(figures.queued()));
    TEXTS.put("wsb.dropped", figures -> Texts.of(figures.dropped()));
    TEXTS.put("wsb.messageAgeMs", figures -> Texts.of(figures.messageAgeMicros() / 1000));
    TEXTS.put("wsb.closeCode", figures -> unlessZero(figures.closeCode()));
    TEXTS.put("wsb.roundTripUs", figures -> unlessZero(figures.roundTripMicros()));
    TEXTS.put("wsb.schedulingUs", figures -> unlessZero(figures.schedulingMicros()));
    TEXTS.put("wsb.reconnects", figures -> Texts.of(figures.reconnects()));
    String[] spread = {"min", "mean", "p50", "p90", "p99", "max"};
    for (int i = 0; i < spread.length; i++) {
      int figure = i;
      SPREAD.put(
          "wsb.rtt." + spread[i] + "Us",
          figures -> Texts.of(figures.roundTripNanos(figure) / 1000));
    }
  }

  private interface Text {
    String of(Figures figures);
  }

  private final List<String> names = new ArrayList<>();
  private final List<Text> texts = new ArrayList<>();
  private final List<String> spread = new ArrayList<>();

  /**
   * @param variables the names, of the table of this kind of element
   */
  MessageVariables(List<String> variables) {
    for (String name : variables) {
      if (SPREAD.containsKey(name)) {
        spread.add(name);
      } else {
        names.add(name);
        texts.add(TEXTS.getOrDefault(name, figures -> ""));
      }
    }
  }

  void set(JMeterVariables variables, Figures figures) {
    for (int i = 0; i < names.size(); i++) {
      variables.put(names.get(i), texts.get(i).of(figures));
    }
    // Without repeat these stay empty; to set them in each sample showed in profiles.
    boolean spreads = figures.repeats() > 1;
    if (!spread.isEmpty() && (spreads || !"".equals(variables.get(spread.get(0))))) {
      for (String name : spread) {
        variables.put(name, spreads ? SPREAD.get(name).of(figures) : "");
      }
    }
  }

  private static String unlessZero(long figure) {
    return figure == 0 ? "" : Texts.of(figure);
  }
}
