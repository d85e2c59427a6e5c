package io.github.wsbackoff.sampler;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.apache.jmeter.samplers.SampleResult;

/** Messages that a sample discarded, as sub-results of it. */
final class DiscardedMessages {
  /** Ends the label of each; one text, because listeners make a row of each label. */
  static final String SUFFIX = " - discarded";

  private static final int TEXT = 1;

  private DiscardedMessages() {}

  /**
   * Adds a sub-result for each message.
   *
   * @param sample one that has ended
   * @param messages as the native part wrote them: of each kind, time, length, bytes
   */
  static void show(SampleResult sample, ByteBuffer messages) {
    while (messages.hasRemaining()) {
      boolean isText = messages.get() == TEXT;
      long came = sample.getStartTime() + messages.getLong();
      byte[] message = new byte[messages.getInt()];
      messages.get(message);
      SampleResult sub = new SampleResult();
      sub.setStampAndTime(came, 0);
      sub.setSampleLabel(sample.getSampleLabel() + SUFFIX);
      sub.setURL(sample.getURL());
      sub.setSuccessful(true);
      sub.setResponseCodeOK();
      sub.setResponseMessage("Discarded");
      sub.setDataType(isText ? SampleResult.TEXT : SampleResult.BINARY);
      sub.setDataEncoding(StandardCharsets.UTF_8.name());
      sub.setResponseData(message);
      sample.storeSubResult(sub, false);
    }
  }
}
