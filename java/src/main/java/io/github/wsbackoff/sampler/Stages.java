package io.github.wsbackoff.sampler;

import org.apache.jmeter.samplers.SampleResult;

/** Puts the natively measured stages of an ended sample into JMeter's whole milliseconds. */
final class Stages {
  private Stages() {}

  /**
   * Sets connect time and latency. JMeter's elapsed time is the difference of two clock readings in
   * whole milliseconds: rounded for themselves, a stage could seem to last longer than its sample.
   */
  static void show(SampleResult ended, double connectMicros, double latencyMicros) {
    long elapsed = ended.getTime();
    ended.setConnectTime(Math.min(Math.round(connectMicros / 1e3), elapsed));
    ended.setLatency(Math.min(Math.round(latencyMicros / 1e3), elapsed));
  }
}
