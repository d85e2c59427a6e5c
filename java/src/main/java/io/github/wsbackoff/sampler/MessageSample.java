package io.github.wsbackoff.sampler;

import io.github.wsbackoff.core.Failure;
import io.github.wsbackoff.core.Figures;
import io.github.wsbackoff.core.Texts;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import org.apache.jmeter.samplers.SampleResult;

/** Turns what came of a message operation into JMeter's: codes, figures, data. */
final class MessageSample {
  private static final String UTF_8 = StandardCharsets.UTF_8.name();
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
      sample.setDataType(SampleResult.TEXT);
      sample.setResponseCode("No message");
      sample.setResponseMessage("No message in time");
    } else {
      Sizes.set(sample, 0, figures.receivedBytes());
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
    Sizes.set(sample, 0, 0);
    describe(sample, failure);
  }

  private static void describe(SampleResult sample, Failure failure) {
    sample.setSuccessful(false);
    sample.setResponseCode(failure.code);
    sample.setResponseMessage(failure.message);
    sample.setDataType(SampleResult.TEXT);
    sample.setResponseData(failure.detail, UTF_8);
    if (failure.endThread) {
      sample.setStopThread(true);
    }
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
}
