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

  private TestRuns() {}

  /** An element's test begins. */
  public static synchronized void started(Object element) {
    elements.add(element);
  }

  /** An element's test is over; with the last one's the native part is shut down. */
  public static synchronized void ended(Object element) {
    elements.remove(element);
    if (elements.isEmpty() && NativeLibrary.isLoaded()) {
      Native.shutdown();
    }
  }
}
