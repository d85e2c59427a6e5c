package io.github.wsbackoff.sampler;

import io.github.wsbackoff.core.Failure;
import io.github.wsbackoff.core.Figures;
import io.github.wsbackoff.core.Texts;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import org.apache.jmeter.samplers.SampleResult;
import org.apache.jmeter.threads.JMeterVariables;

/** Turns what came of a message operation into JMeter's: codes, figures, data, variables. */
final class MessageSample {
  private static final String UTF_8 = StandardCharsets.UTF_8.name();
  private static final String SPREAD_PREFIX = "wsb.rtt.";
  private static final String FIRST_OF_SPREAD = "wsb.rtt.minUs";
  private static final String[] SPREAD = {"min", "mean", "p50", "p90", "p99", "max"};

  private MessageSample() {}

  /** Fills a sample whose operation was performed, and ends it. */
  static void finish(SampleResult sample, byte[] data, Figures figures) {
    if (figures.waitedMicros() > 0) {
      // Never more than really passed: rounding must not make the elapsed time negative.
      long passed = sample.currentTimeInMillis() - sample.getStartTime();
      sample.setIdleTime(Math.min(figures.waitedMicros() / 1000, passed));
    }
    sample.sampleEnd();
    Stages.show(sample, figures.connectMicros(), figures.latencyNanos() / 1e3);
    sample.setSentBytes(figures.sentBytes());
    sample.setBodySize(figures.receivedBytes());
    if (figures.isOk()) {
      succeed(sample, data, figures);
    } else if (figures.isNoMessage()) {
      sample.setSuccessful(true);
      sample.setResponseCode("No message");
      sample.setResponseMessage("No message in time");
    } else {
      describe(sample, Failure.parse(data));
    }
  }

  private static void succeed(SampleResult sample, byte[] data, Figures figures) {
    sample.setSuccessful(true);
    sample.setResponseCode(figures.closeCode() == 0 ? "200" : Texts.of(figures.closeCode()));
    sample.setResponseMessage(figures.closeCode() == 0 ? "OK" : "Closed");
    sample.setDataEncoding(UTF_8);
    sample.setDataType(
        figures.hasMessage() && !figures.isText() ? SampleResult.BINARY : SampleResult.TEXT);
    if (figures.repeats() > 1) {
      sample.setResponseData(report(data, figures), UTF_8);
      sample.setDataType(SampleResult.TEXT);
    } else if (data != null) {
      sample.setResponseData(data);
    }
  }

  /** Ends a sample that got no further than this side. */
  static void fail(SampleResult sample, Failure failure) {
    sample.sampleEnd();
    describe(sample, failure);
  }

  private static void describe(SampleResult sample, Failure failure) {
    sample.setSuccessful(false);
    sample.setResponseCode(failure.code);
    sample.setResponseMessage(failure.message);
    sample.setDataType(SampleResult.TEXT);
    sample.setResponseData(failure.detail, UTF_8);
  }

  /** The spread of many exchanges, then the last answer if it is text. */
  private static String report(byte[] data, Figures figures) {
    StringBuilder text = new StringBuilder();
    text.append(figures.repeats()).append(" exchanges, round trip in microseconds:");
    for (int i = 0; i < SPREAD.length; i++) {
      text.append(i == 0 ? " " : ", ").append(SPREAD[i]).append(' ');
      text.append(String.format(Locale.ROOT, "%.1f", figures.roundTripNanos(i) / 1e3));
    }
    text.append('\n');
    if (data != null && figures.isText()) {
      text.append("\nThe last answer:\n").append(new String(data, StandardCharsets.UTF_8));
    }
    return text.toString();
  }

  /** Sets those of JMeter's variables that have these names. */
  static void setVariables(JMeterVariables variables, List<String> names, Figures figures) {
    // Without repeat the spread's six stay empty; to set them in each sample showed in profiles.
    boolean spreads = figures.repeats() > 1 || !"".equals(variables.get(FIRST_OF_SPREAD));
    for (int i = 0; i < names.size(); i++) {
      String name = names.get(i);
      if (spreads || !name.startsWith(SPREAD_PREFIX)) {
        variables.put(name, variable(name, figures));
      }
    }
  }

  private static String variable(String name, Figures figures) {
    switch (name) {
      case "wsb.messages":
        return Texts.of(figures.messages());
      case "wsb.skipped":
        return Texts.of(figures.skipped());
      case "wsb.queued":
        return Texts.of(figures.queued());
      case "wsb.dropped":
        return Texts.of(figures.dropped());
      case "wsb.messageAgeMs":
        return Texts.of(figures.messageAgeMicros() / 1000);
      case "wsb.closeCode":
        return textOf(figures.closeCode());
      case "wsb.roundTripUs":
        return textOf(figures.roundTripMicros());
      case "wsb.reconnects":
        return Texts.of(figures.reconnects());
      case "wsb.rtt.minUs":
        return spread(0, figures);
      case "wsb.rtt.meanUs":
        return spread(1, figures);
      case "wsb.rtt.p50Us":
        return spread(2, figures);
      case "wsb.rtt.p90Us":
        return spread(3, figures);
      case "wsb.rtt.p99Us":
        return spread(4, figures);
      case "wsb.rtt.maxUs":
        return spread(5, figures);
      default:
        return "";
    }
  }

  /** Empty without repeat. */
  private static String spread(int figure, Figures figures) {
    return figures.repeats() > 1 ? Texts.of(figures.roundTripNanos(figure) / 1000) : "";
  }

  private static String textOf(long figure) {
    return figure == 0 ? "" : Texts.of(figure);
  }
}
