package io.github.wsbackoff.sampler;

import io.github.wsbackoff.core.ConnectResult;
import io.github.wsbackoff.core.Exchange;
import java.nio.charset.StandardCharsets;
import org.apache.jmeter.samplers.SampleResult;
import org.apache.jmeter.util.JMeterUtils;

/**
 * Turns the result of a connect into JMeter's: codes, figures, texts, sub-results. The response
 * data is what the server sent, as extractors and assertions look for it there; what the sample
 * says of itself stands behind the response headers.
 */
final class ConnectSample {
  /** Ends the label of every sub-result; one text, because listeners make a row of each label. */
  static final String ATTEMPT_SUFFIX = " - attempt";

  private static final String UTF_8 = StandardCharsets.UTF_8.name();

  private ConnectSample() {}

  /** Fills a sample that was started, and ends it. */
  static void finish(SampleResult sample, ConnectResult result) {
    describe(sample, result);
    sample.setURL(Urls.http(result.url));
    sample.setDataEncoding(UTF_8);
    sample.setResponseData(result.body);
    sample.setResponseHeaders(headers(result));
    Sizes.set(sample, result.headBytes, result.bodyBytes);
    if (result.idleMicros() > 0) {
      // Never more than really passed: rounding must not make the elapsed time negative.
      long passed = sample.currentTimeInMillis() - sample.getStartTime();
      sample.setIdleTime(Math.min(result.idleMicros() / 1000, passed));
    }
    Scheduling.end(sample, result.schedulingMicros);
    if (result.endsThread()) {
      // As a timer's pause beyond the schedule does; else the thread would try again at once.
      sample.setStopThread(true);
    }
    Stages.show(sample, result.connectMicros, result.latencyMicros);
    storeAttempts(sample, result);
  }

  /** Keeps the attempts of a connect as sub-results, if it says so. */
  static void storeAttempts(SampleResult sample, ConnectResult result) {
    if (result.subResults) {
      for (ConnectResult.Attempt attempt : result.attempts) {
        // Stored, not added: adding would move the parent's end and sum up its sizes.
        sample.storeSubResult(subResult(sample, attempt), false);
      }
    }
  }

  /** The head of the answer, a blank line, also where there was no answer, and the story. */
  static String headers(ConnectResult result) {
    int end = result.responseHead.length();
    while (end > 0 && result.responseHead.charAt(end - 1) == '\n') {
      end--;
    }
    String head = result.responseHead.substring(0, end);
    return head + (head.isEmpty() ? "\n" : "\n\n") + result.story;
  }

  private static SampleResult subResult(SampleResult parent, ConnectResult.Attempt attempt) {
    SampleResult sub = new SampleResult();
    long elapsed = millis(attempt.elapsedMicros);
    // What JMeter takes a stamp for depends on this property; true in its jmeter.properties.
    boolean stampIsStart = JMeterUtils.getPropDefault("sampleresult.timestamp.start", false);
    sub.setStampAndTime(attempt.startedMillis + (stampIsStart ? 0 : elapsed), elapsed);
    sub.setURL(parent.getURL());
    sub.setSampleLabel(parent.getSampleLabel() + ATTEMPT_SUFFIX);
    sub.setIdleTime(millis(attempt.waitMicros));
    describe(sub, attempt);
    Stages.show(sub, attempt.connectMicros, attempt.latencyMicros);
    sub.setResponseData(attempt.body, UTF_8);
    Sizes.set(sub, attempt.headBytes, attempt.bodyBytes);
    return sub;
  }

  private static void describe(SampleResult sample, Exchange exchange) {
    sample.setSuccessful(exchange.ok);
    sample.setResponseCode(exchange.code);
    sample.setResponseMessage(exchange.message);
    sample.setRequestHeaders(exchange.requestHead);
    sample.setResponseHeaders(exchange.responseHead);
    sample.setDataType(SampleResult.TEXT);
    sample.setSentBytes(exchange.sentBytes);
  }

  private static long millis(long micros) {
    return Math.round(micros / 1000.0);
  }
}
