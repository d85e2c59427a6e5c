package io.github.wsbackoff.core;

import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.apache.jmeter.threads.JMeterContextService;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Notices the begin and the end of a test, once, though JMeter tells every element of it: what is
 * native then ends in order, and the JVM may exit or start the next test.
 *
 * <p>An end may never be told: a test ends without one if any element throws when it starts, or if
 * JMeter cannot start its threads. JMeter then even keeps the start time for the next test. So a
 * test begins when an element's does that comes after an end, or at another start time, or after
 * something was made that belongs to a test, which cannot be before all elements' begin was told;
 * it ends what an older one left.
 */
public final class TestRuns {
  private static final Logger log = LoggerFactory.getLogger(TestRuns.class);

  private static volatile long ordinal;
  private static volatile boolean used;
  private static boolean running;
  private static long startTime;
  private static final Set<String> told = new HashSet<>();
  private static final Map<String, Integer> places = new HashMap<>();
  private static final Map<String, Integer> groups = new HashMap<>();

  private TestRuns() {}

  /** Grows with every end of a test: what is native and of an earlier test is gone. */
  static long ordinal() {
    return ordinal;
  }

  /** Something is made that the end of the test ends; which test that is. */
  static long use() {
    if (!used) {
      used = true;
    }
    return ordinal;
  }

  /**
   * An element's test begins. With the first one's the library is loaded, so that what is wrong
   * with it is in the log before the first user comes.
   *
   * @throws NativeLibraryException if it cannot be used
   */
  public static synchronized void started() {
    long start = JMeterContextService.getTestStartTime();
    if (running && !used && start == startTime) {
      return;
    }
    if (running || used) {
      log.info("An earlier test was not ended; what is left of it is closed now");
      end();
    }
    running = true;
    startTime = start;
    told.clear();
    places.clear();
    groups.clear();
    try {
      Connection.warmUp();
      Progress.begin();
    } finally {
      used = false;
    }
  }

  /** An element's test is over; with the first one's the native part is shut down. */
  public static synchronized void ended() {
    if (running || used) {
      end();
    }
  }

  /** Whether this was not said in this test before: many elements have the same to say. */
  public static synchronized boolean isNews(String text) {
    return told.add(text);
  }

  /** How many others of its group were told in this test before this member was, from 0. */
  public static synchronized int place(String member, String group) {
    return places.computeIfAbsent(member, key -> groups.merge(group, 1, Integer::sum) - 1);
  }

  private static void end() {
    running = false;
    used = false;
    Progress.end();
    if (NativeLibrary.isLoaded()) {
      ordinal++;
      try {
        Native.shutdown();
      } finally {
        tellNews();
      }
      Reports.testEnded(startTime);
    }
  }

  /** Puts what the native part has noticed, once for each kind, into the log. */
  static void tellNews() {
    String news = new String(Native.news(), StandardCharsets.UTF_8);
    for (String line : news.split("\n")) {
      if (!line.isEmpty()) {
        log.warn("{}", line);
      }
    }
  }
}
