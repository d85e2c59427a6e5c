package io.github.wsbackoff.core;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where virtual threads wait for the native part: a call that blocked there would keep its carrier,
 * and only as many users would move as there are processors. So a call of theirs has a ticket; it
 * comes back at once, the thread parks, and one platform thread, which waits in the native part for
 * all of them, unparks those whose calls are done.
 *
 * <p>On a platform thread there is no ticket, and the call blocks: that is faster there.
 */
final class Parking {
  private static final Logger log = LoggerFactory.getLogger(Parking.class);

  /** The ticket of a call that blocks. */
  static final long NONE = 0;

  /** So many tickets are told at once; the native part has room for no more either. */
  private static final int TOLD = 256;

  /** Between two tries to end what an interrupted thread waits for, as on platform threads. */
  private static final long AGAIN_NANOS = 50_000_000;

  private static final MethodHandle IS_VIRTUAL = isVirtualMethod();
  private static final Map<Long, Parking> WAITING = new ConcurrentHashMap<>();
  private static final AtomicLong LAST = new AtomicLong();
  private static volatile boolean driven;

  private final Thread thread = Thread.currentThread();
  private final long test = TestRuns.ordinal();
  private volatile boolean told;

  private Parking() {}

  private static MethodHandle isVirtualMethod() {
    try {
      return MethodHandles.publicLookup()
          .findVirtual(Thread.class, "isVirtual", MethodType.methodType(boolean.class));
    } catch (NoSuchMethodException | IllegalAccessException e) {
      return null; // Java before 21
    }
  }

  private static boolean isVirtual(Thread thread) {
    try {
      return IS_VIRTUAL != null && (boolean) IS_VIRTUAL.invokeExact(thread);
    } catch (Throwable e) { // as method handles declare; this one throws nothing
      return false;
    }
  }

  /** A ticket for a call of this thread, to be {@link #close closed} after it, or {@link #NONE}. */
  static long open() {
    if (!isVirtual(Thread.currentThread())) {
      return NONE;
    }
    long ticket = LAST.incrementAndGet();
    WAITING.put(ticket, new Parking());
    boolean isDriven = driven;
    try {
      if (!isDriven) {
        drive();
        isDriven = true;
      }
    } finally {
      if (!isDriven) {
        WAITING.remove(ticket);
      }
    }
    return ticket;
  }

  /** The call is over, whatever it came to. */
  static void close(long ticket) {
    if (ticket != NONE) {
      WAITING.remove(ticket);
    }
  }

  /**
   * Parks this thread until the call of its ticket is done. An interrupt does not end the wait, and
   * stays.
   *
   * @param interrupted what an interrupt does at once
   */
  static void await(long ticket, Runnable interrupted) {
    Parking parking = WAITING.get(ticket);
    boolean wasInterrupted = false;
    while (!parking.told) {
      if (wasInterrupted) {
        LockSupport.parkNanos(parking, AGAIN_NANOS);
      } else {
        LockSupport.park(parking);
      }
      wasInterrupted |= Thread.interrupted(); // else it would not park again
      if (wasInterrupted && !parking.told) {
        // Again and again: what it ends may only be about to begin, on another thread.
        interrupted.run();
      }
    }
    if (wasInterrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void tell() {
    told = true;
    LockSupport.unpark(thread);
  }

  private static synchronized void drive() {
    if (!driven) {
      long ends = Native.ends(); // before the call that is about to be made
      Thread driver = new Thread(() -> driveUntilNobodyWaits(ends), "wsb-reactor");
      driver.setDaemon(true);
      driver.start(); // or fails for want of threads, and the next call tries again
      driven = true;
    }
  }

  private static void driveUntilNobodyWaits(long ends) {
    long[] tickets = new long[TOLD];
    long seen = ends;
    do {
      driven = true;
      driveOneTest(seen, tickets);
      seen = Native.ends();
      driven = false;
      // Whoever came between the last look and this line found a driver, and started none.
    } while (!WAITING.isEmpty());
  }

  private static void driveOneTest(long ends, long[] tickets) {
    while (true) {
      int count;
      try {
        count = Native.drive(ends, tickets);
      } catch (RuntimeException | LinkageError | VirtualMachineError e) {
        log.error("The reactor failed; it goes on", e);
        LockSupport.parkNanos(100_000_000);
        continue;
      }
      for (int i = 0; i < count; i++) {
        Parking parking = WAITING.get(tickets[i]);
        if (parking != null) {
          parking.tell();
        }
      }
      if (count < 0) {
        long test = TestRuns.ordinal();
        // Their calls did not end with their test: each is told so by what it takes.
        WAITING.values().stream().filter(parking -> parking.test < test).forEach(Parking::tell);
        return;
      }
    }
  }
}
