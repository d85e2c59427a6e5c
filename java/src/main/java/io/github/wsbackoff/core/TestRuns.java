package io.github.wsbackoff.core;

import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Set;

/**
 * Notices the end of a test, once, though JMeter tells every element of it: what is native then
 * ends in order, and the JVM may exit or start the next test.
 */
public final class TestRuns {
  private static final Set<Object> elements =
      Collections.newSetFromMap(new IdentityHashMap<Object, Boolean>());

  private static volatile long ordinal;

  private TestRuns() {}

  /** Grows with every end of a test: what is native and of an earlier test is gone. */
  static long ordinal() {
    return ordinal;
  }

  /** An element's test begins. */
  public static synchronized void started(Object element) {
    elements.add(element);
  }

  /** An element's test is over; with the last one's the native part is shut down. */
  public static synchronized void ended(Object element) {
    elements.remove(element);
    if (elements.isEmpty() && NativeLibrary.isLoaded()) {
      ordinal++;
      Native.shutdown();
    }
  }
}
