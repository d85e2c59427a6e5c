package io.github.wsbackoff.sampler;

import org.apache.jmeter.samplers.SampleResult;

/**
 * Ends samples of virtual threads: what passed from the end of a call until its thread had a
 * processor again is this side's time, and must not show as the server's.
 */
final class Scheduling {
  private Scheduling() {}

  /**
   * Ends a sample.
   *
   * @param micros how long its thread waited for a processor with all done
   */
  static void end(SampleResult sample, long micros) {
    sample.sampleEnd();
    long millis = micros / 1000;
    if (millis > 0) {
      long earliest = sample.getStartTime() + sample.getIdleTime();
      sample.setEndTime(Math.max(sample.getEndTime() - millis, earliest));
    }
  }
}
