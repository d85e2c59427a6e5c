package io.github.wsbackoff.core;

import org.apache.jmeter.threads.JMeterContext;
import org.apache.jmeter.threads.JMeterThread;

/** The end that a thread group's duration sets to its threads. */
public final class Schedule {
  /** What is left where there is no end. */
  public static final long ENDLESS = -1;

  private Schedule() {}

  /** Milliseconds until the end of this context's thread; {@link #ENDLESS} where it has none. */
  public static long leftMillis(JMeterContext context) {
    JMeterThread thread = context.getThread();
    long end = thread == null ? 0 : thread.getEndTime();
    return end > 0 ? Math.max(0, end - System.currentTimeMillis()) : ENDLESS;
  }
}
