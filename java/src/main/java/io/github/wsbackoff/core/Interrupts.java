package io.github.wsbackoff.core;

import java.util.HashMap;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Lets JMeter's Stop reach a wait in the native part, which does not see {@link Thread#interrupt}:
 * one daemon thread looks after those that wait, and is there only while there are some.
 */
public final class Interrupts {
  private static final Logger log = LoggerFactory.getLogger(Interrupts.class);

  private static final long LOOK_MILLIS = 50;

  /** So many looks at nobody: waits come in swarms, and each would start a thread again. */
  private static final int IDLE_LOOKS = 20;

  private static final Map<Thread, Runnable> WAITING = new HashMap<>();
  private static boolean watched;

  private Interrupts() {}

  /** From here on an interrupt of the calling thread, within 100 ms, cancels its wait by this. */
  public static void watch(Runnable cancel) {
    synchronized (WAITING) {
      WAITING.put(Thread.currentThread(), cancel);
      if (!watched) {
        watched = true;
        Thread watcher = new Thread(Interrupts::look, "wsb-interrupts");
        watcher.setDaemon(true);
        watcher.start();
      }
    }
  }

  /** The calling thread waits no longer. */
  public static void forget() {
    synchronized (WAITING) {
      WAITING.remove(Thread.currentThread());
    }
  }

  private static void look() {
    int idle = 0;
    Map<Thread, Runnable> interrupted = new HashMap<>();
    while (true) {
      synchronized (WAITING) {
        idle = WAITING.isEmpty() ? idle + 1 : 0;
        if (idle > IDLE_LOOKS) {
          watched = false;
          return;
        }
        WAITING.forEach(
            (thread, cancel) -> {
              if (thread.isInterrupted()) {
                interrupted.put(thread, cancel);
              }
            });
      }
      // Without the lock: a Stop reaches thousands at once, and each takes itself out.
      interrupted.forEach(Interrupts::cancel);
      interrupted.clear();
      try {
        Thread.sleep(LOOK_MILLIS);
      } catch (InterruptedException e) {
        log.debug("Nobody interrupts this thread; it goes on", e);
      }
    }
  }

  private static void cancel(Thread thread, Runnable cancel) {
    try {
      cancel.run();
    } catch (RuntimeException | LinkageError e) {
      log.warn("The wait of {} could not be cancelled", thread.getName(), e);
    }
  }
}
