package io.github.wsbackoff.control;

import io.github.wsbackoff.core.Connection;
import io.github.wsbackoff.core.NativeLibraryException;
import io.github.wsbackoff.core.TestRuns;
import org.apache.jmeter.testelement.TestElement;
import org.apache.jmeter.testelement.TestStateListener;
import org.apache.jmeter.testelement.ThreadListener;
import org.slf4j.LoggerFactory;

/** The begin and the end of a test, and of a thread, for controllers and timers. */
public interface Life extends TestElement, ThreadListener, TestStateListener {

  /** The thread is over: what the element has made for it is given back. */
  void endThread();

  @Override
  default void threadStarted() {
    // Nothing is made before it is needed.
  }

  @Override
  default void threadFinished() {
    quietly(this::endThread);
  }

  /** The test begins: what is wrong with the library is in the log before the first user comes. */
  @Override
  default void testStarted() {
    quietly(
        () -> {
          TestRuns.started(this);
          Connection.warmUp();
        });
  }

  @Override
  default void testStarted(String host) {
    testStarted();
  }

  @Override
  default void testEnded() {
    quietly(() -> TestRuns.ended(this));
  }

  @Override
  default void testEnded(String host) {
    testEnded();
  }

  /** JMeter ends a test, or a thread, on what its call-backs throw. */
  default void quietly(Runnable step) {
    try {
      step.run();
    } catch (NativeLibraryException e) {
      LoggerFactory.getLogger(getClass()).error(e.getMessage());
    } catch (RuntimeException | LinkageError e) {
      LoggerFactory.getLogger(getClass()).error("{}", getName(), e);
    }
  }
}
