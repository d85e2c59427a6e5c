package io.github.wsbackoff.threads;

import org.apache.jmeter.threads.JMeterThread;
import org.apache.jmeter.threads.JMeterVariables;
import org.apache.jorphan.util.JMeterStopTestException;

/**
 * Starts the users of a group by its ramp-up and schedule. Times are milliseconds.
 *
 * <p>As JMeter's Thread Group does it, but for the rounding: there the time between two users is
 * rounded to whole milliseconds, so that 10,000 within 4 s all come at once.
 */
final class Starter {
  /** Makes what a user's thread runs. */
  interface Maker {
    JMeterThread make(int number, JMeterVariables variables);
  }

  private final Users users;
  private final Maker maker;
  private final int count;
  private final long rampUp;

  private boolean scheduled;
  private long delay;
  private long duration;

  /**
   * A start without a schedule.
   *
   * @param count how many users; their numbers begin at 0
   * @param rampUp over which time their starts are spread
   */
  Starter(Users users, Maker maker, int count, long rampUp) {
    this.users = users;
    this.maker = maker;
    this.count = count;
    this.rampUp = rampUp;
  }

  /** Has the users begin after a delay, and end when the duration after it is over. */
  void schedule(long delay, long duration) {
    scheduled = true;
    this.delay = delay;
    this.duration = duration;
  }

  /** Starts all users now; each waits for its place in the ramp-up by itself. */
  void startAll(JMeterVariables variables) {
    long begin = System.currentTimeMillis();
    for (int number = 0; number < count && !users.isStopped(); number++) {
      long now = System.currentTimeMillis();
      // The last place is one step before the end of the ramp-up.
      long place = begin + rampUp * number / count;
      startOrStopAll(number, variables, now + delay, (int) Math.max(0, place - now));
    }
  }

  /** Starts each user when its place in the ramp-up has come; until then there is nothing of it. */
  void startEach(JMeterVariables variables) throws InterruptedException {
    users.pause(delay);
    long begin = System.currentTimeMillis();
    for (int number = 0; number < count; number++) {
      // The last place is the end of the ramp-up.
      long place = begin + rampUp * number / Math.max(1, count - 1);
      if (scheduled && place > begin + duration) {
        return;
      }
      users.pause(place - System.currentTimeMillis());
      if (users.isStopped()) {
        return;
      }
      startOrStopAll(number, variables, begin, 0);
    }
  }

  /** A test with fewer users than it says would measure something else. */
  private void startOrStopAll(int number, JMeterVariables variables, long from, int wait) {
    try {
      start(number, variables, from, wait);
    } catch (RuntimeException | Error e) {
      users.stop(true);
      throw new JMeterStopTestException(
          String.format("only %d of %d users could be started: %s", number, count, e), e);
    }
  }

  /** Starts one more user now, who begins after the group's delay and its own. */
  JMeterThread add(int number, JMeterVariables variables, int wait) {
    return start(number, variables, System.currentTimeMillis() + delay, wait);
  }

  private JMeterThread start(int number, JMeterVariables variables, long from, int wait) {
    JMeterThread user = maker.make(number, variables);
    user.setInitialDelay(wait);
    if (scheduled) {
      user.setStartTime(from);
      user.setEndTime(from + duration);
      user.setScheduled(true);
    }
    users.start(user);
    return user;
  }
}
