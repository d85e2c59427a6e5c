package io.github.wsbackoff.sampler;

import static org.junit.Assert.assertEquals;

import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;

/** Waits for what a server in another thread notices. */
final class Servers {
  private Servers() {}

  static <T> void awaitEquals(T expected, Callable<T> actual) throws Exception {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(5);
    T last = actual.call();
    while (!expected.equals(last) && System.nanoTime() < deadline) {
      Thread.sleep(5);
      last = actual.call();
    }
    assertEquals(expected, last);
  }
}
