package io.github.wsbackoff.sampler;

import io.github.wsbackoff.core.ConnectResult;
import io.github.wsbackoff.core.Failure;
import io.github.wsbackoff.core.Figures;
import io.github.wsbackoff.core.Texts;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Locale;
import org.apache.jmeter.samplers.SampleResult;

/**
 * Turns what came of a message operation into JMeter's: codes, figures, data. The response data is
 * what the server sent, as extractors and assertions look for it there; what the sample says of
 * itself stands in place of response headers, which a message has not.
 */
final class MessageSample {
  private static final String UTF_8 = StandardCharsets.UTF_8.name();
  private static final String[] SPREAD = {"min", "mean", "p50", "p90", "p99", "max"};

  private MessageSample() {}

  /**
   * Fills a sample whose operation was performed, and ends it.
   *
   * @param closes whether the operation is the close, whose code is the server's
   * @param opened the connect that the sample began with, or null
   */
  static void finish(
      SampleResult sample, byte[] data, Figures figures, boolean closes, ConnectResult opened) {
    long waited = figures.waitedMicros() + (opened == null ? 0 : opened.idleMicros());
    if (waited > 0) {
      // Never more than really passed: rounding must not make the elapsed time negative.
      long passed = sample.currentTimeInMillis() - sample.getStartTime();
      sample.setIdleTime(Math.min(waited / 1000, passed));
    }
    long scheduling = figures.schedulingMicros() + (opened == null ? 0 : opened.schedulingMicros);
    Scheduling.end(sample, scheduling);
    sample.setSentBytes(figures.sentBytes());
    byte[] message = data;
    if (figures.shownLength() > 0) {
      int length = data.length - figures.shownLength();
      DiscardedMessages.show(sample, ByteBuffer.wrap(data, length, figures.shownLength()));
      message = figures.hasMessage() || length > 0 ? Arrays.copyOf(data, length) : null;
    }
    if (figures.noteLength() > 0) {
      int length = message.length - figures.noteLength();
      sample.setResponseHeaders(
          new String(message, length, figures.noteLength(), StandardCharsets.UTF_8));
      message = figures.hasMessage() ? Arrays.copyOf(message, length) : null;
    }
    long head = opened == null ? 0 : opened.headBytes;
    setSizes(sample, head, figures, message);
    if (figures.isOk()) {
      succeed(sample, message, figures, closes);
    } else if (figures.isNoMessage()) {
      sample.setSuccessful(true);
      sample.setDataType(SampleResult.TEXT);
      sample.setResponseCode("No message");
      sample.setResponseMessage("No message in time");
      sample.setDataType(SampleResult.TEXT);
    } else {
      describe(sample, Failure.parse(message));
    }
    if (opened == null) {
      Stages.show(sample, figures.connectMicros(), figures.latencyNanos() / 1e3);
    } else {
      show(sample, opened, figures);
    }
  }

  /**
   * The body is the message alone, as a Size Assertion on it expects; all else that came is the
   * head: the upgrade's answer, the heads of frames, other messages. Where there is no message all
   * is body.
   */
  private static void setSizes(SampleResult sample, long head, Figures figures, byte[] message) {
    long received = figures.receivedBytes();
    boolean hasWords = !figures.isOk() && !figures.isNoMessage(); // of our own, in the data
    if (head + received == 0 && !hasWords) {
      return;
    }
    boolean isMessage = figures.isOk() && message != null && figures.repeats() <= 1;
    long body = isMessage ? Math.min(message.length, received) : received; // may have been deflated
    Sizes.set(sample, head + received - body, body);
  }

  /** Adds what the connect that the sample began with has to show. */
  private static void show(SampleResult sample, ConnectResult opened, Figures figures) {
    double answered = figures.latencyNanos() / 1e3;
    // Of what is only sent, the first byte that came is that of the upgrade's answer.
    Stages.show(
        sample,
        opened.connectMicros,
        answered > 0 ? opened.workMicros() + answered : opened.latencyMicros);
    sample.setSentBytes(opened.sentBytes + figures.sentBytes());
    sample.setRequestHeaders(opened.requestHead + "\n" + sample.getRequestHeaders());
    sample.setResponseHeaders(ConnectSample.headers(opened) + sample.getResponseHeaders());
    ConnectSample.storeAttempts(sample, opened);
  }

  private static void succeed(SampleResult sample, byte[] data, Figures figures, boolean closes) {
    boolean closed = closes && figures.closeCode() != 0;
    sample.setSuccessful(true);
    sample.setResponseCode(closed ? Texts.of(figures.closeCode()) : "200");
    sample.setResponseMessage(closed ? "Closed" : "OK");
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
    sample.setResponseHeaders(failure.detail);
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
