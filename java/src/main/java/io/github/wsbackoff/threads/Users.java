package io.github.wsbackoff.threads;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BiFunction;
import org.apache.jmeter.threads.AbstractThreadGroup;
import org.apache.jmeter.threads.JMeterThread;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The users of one group while a test runs, each with a thread of its own: who is there, and how
 * all end. Who starts when is {@link Starter}'s.
 */
final class Users {
  /** Of a group that is not started. */
  static final Users NONE = new Users(VirtualThreads::unstarted);

  private static final Logger log = LoggerFactory.getLogger(Users.class);

  /** How long JMeter waits for one thread that was told to stop. */
  private static final long PATIENCE_MS =
      AbstractThreadGroup.DEFAULT_THREAD_STOP_TIMEOUT.toMillis();

  /**
   * How long a Stop waits for all together. JMeter then pauses for 10 ms for each user that is
   * still counted, and ten thousand need a moment to be gone.
   */
  private static final long STOP_MS = 1_000;

  private static final long POLL_MS = 5;

  private final BiFunction<String, Runnable, Thread> threads;
  private final Map<JMeterThread, Thread> alive = new ConcurrentHashMap<>();
  private final CountDownLatch stopped = new CountDownLatch(1);

  /** Who starts the others, where that takes its time; null if nobody. */
  private volatile Thread starter;

  /**
   * None yet.
   *
   * @param threads makes a thread that is not started, of a name and of what it runs
   */
  Users(BiFunction<String, Runnable, Thread> threads) {
    this.threads = threads;
  }

  /** Starts users from a thread of its own, a platform thread as its work is computing. */
  void startBy(String name, Runnable work) {
    Thread thread = new Thread(work, name);
    thread.setDaemon(true);
    starter = thread;
    thread.start();
  }

  /** Starts a user, if none of the group was told to stop. */
  void start(JMeterThread user) {
    Thread thread = threads.apply(user.getThreadName(), () -> run(user));
    alive.put(user, thread);
    boolean started = false;
    try {
      // After it can be found: a Stop from now on tells it, and an earlier one is seen here.
      if (!isStopped()) {
        thread.start();
        started = true;
      }
    } finally {
      if (!started) {
        alive.remove(user);
      }
    }
  }

  /** Whatever ends a user: one that stayed in the list would be waited for without end. */
  private void run(JMeterThread user) {
    try {
      user.run();
    } finally {
      alive.remove(user);
    }
  }

  /** Whether the group was told to stop, be it at once or after the samples. */
  boolean isStopped() {
    return stopped.getCount() == 0;
  }

  /** Pauses whoever starts users; less if the group is told to stop. */
  void pause(long millis) throws InterruptedException {
    stopped.await(millis, TimeUnit.MILLISECONDS);
  }

  /** How many are there. */
  int count() {
    return alive.size();
  }

  /** Tells one user to stop. Returns whether there is one of this name. */
  boolean stop(String name, boolean now) {
    for (Map.Entry<JMeterThread, Thread> each : alive.entrySet()) {
      if (each.getKey().getThreadName().equals(name)) {
        stop(each.getKey(), each.getValue(), now);
        return true;
      }
    }
    return false;
  }

  /** Tells all users to stop after their samples; starts none any more. */
  void shutDown() {
    stopped.countDown();
    alive.keySet().forEach(JMeterThread::stop);
  }

  /** Tells all users to stop, and interrupts what they do; starts none any more. */
  void stop(boolean now) {
    stopped.countDown();
    alive.forEach((user, thread) -> stop(user, thread, now));
    if (now) {
      awaitEnd(STOP_MS);
    }
  }

  private static void stop(JMeterThread user, Thread thread, boolean now) {
    user.stop();
    user.interrupt();
    if (now) {
      thread.interrupt();
    }
  }

  private void awaitEnd(long millis) {
    long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
    try {
      while (!alive.isEmpty() && System.nanoTime() < end) {
        TimeUnit.MILLISECONDS.sleep(POLL_MS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Whether all have ended, after as long a wait for one as JMeter's property says. */
  boolean haveEnded() {
    return hasEnded(starter) && alive.values().stream().allMatch(Users::hasEnded);
  }

  private static boolean hasEnded(Thread thread) {
    if (thread == null) {
      return true;
    }
    try {
      thread.join(PATIENCE_MS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    if (thread.isAlive()) {
      log.warn("Thread won't exit: {}", thread.getName());
    }
    return !thread.isAlive();
  }

  /** Waits until all have ended, those too that are added meanwhile. */
  void awaitEnd() {
    boolean interrupted = false;
    while (isStarting() || !alive.isEmpty()) {
      try {
        if (starter != null) {
          starter.join();
        }
        for (Thread thread : alive.values()) {
          thread.join();
        }
      } catch (InterruptedException e) {
        interrupted = true; // JMeter has no use for an end that comes too early
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private boolean isStarting() {
    return starter != null && starter.isAlive();
  }
}
