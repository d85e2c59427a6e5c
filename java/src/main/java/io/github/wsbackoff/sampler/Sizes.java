package io.github.wsbackoff.sampler;

import org.apache.jmeter.samplers.SampleResult;

/** What was received, as JMeter counts it: never what a sample says of itself. */
final class Sizes {
  private Sizes() {}

  /**
   * Sets both sizes, in bytes.
   *
   * <p>JMeter takes a body size of 0 for "not set" and counts the response data in its place, which
   * may be our own words: a byte moves from the head to the body, also where both are empty, so
   * that the sum stays what was received.
   */
  static void set(SampleResult sample, long head, long body) {
    long moved = body == 0 ? (head > 0 ? 1 : -1) : 0;
    sample.setHeadersSize((int) Math.min(head - moved, Integer.MAX_VALUE));
    sample.setBodySize(body + moved);
  }
}
