package io.github.wsbackoff.control;

import io.github.wsbackoff.core.Connection;
import io.github.wsbackoff.core.NativeLibraryException;
import io.github.wsbackoff.core.TestRuns;
import org.apache.jmeter.testelement.TestElement;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The begin and the end of a test, and of a thread, for controllers and timers. */
public final class Life {
  private static final Logger log = LoggerFactory.getLogger(Life.class);

  private Life() {}

  /** The test begins: what is wrong with the library is in the log before the first user comes. */
  public static void testStarted(TestElement element) {
    quietly(
        element,
        () -> {
          TestRuns.started(element);
          Connection.warmUp();
        });
  }

  /** The test is over. */
  public static void testEnded(TestElement element) {
    quietly(element, () -> TestRuns.ended(element));
  }

  /** JMeter ends a test, or a thread, on what its call-backs throw. */
  public static void quietly(TestElement element, Runnable step) {
    try {
      step.run();
    } catch (NativeLibraryException e) {
      log.error(e.getMessage());
    } catch (RuntimeException | LinkageError e) {
      log.error("{}", element.getName(), e);
    }
  }
}
