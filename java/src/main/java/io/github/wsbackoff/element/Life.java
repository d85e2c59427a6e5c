package io.github.wsbackoff.element;

import io.github.wsbackoff.core.NativeLibraryException;
import io.github.wsbackoff.core.TestRuns;
import org.apache.jmeter.testelement.TestStateListener;
import org.apache.jmeter.testelement.ThreadListener;
import org.slf4j.LoggerFactory;

/** The begin and the end of a test, and of a thread, for all elements that run. */
public interface Life extends Element, ThreadListener, TestStateListener {

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

  @Override
  default void testStarted() {
    quietly(TestRuns::started);
  }

  @Override
  default void testStarted(String host) {
    testStarted();
  }

  @Override
  default void testEnded() {
    quietly(TestRuns::ended);
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
      if (TestRuns.isNews(e.getMessage())) {
        LoggerFactory.getLogger(getClass()).error(e.getMessage());
      }
    } catch (RuntimeException | LinkageError e) {
      LoggerFactory.getLogger(getClass()).error("{}", getName(), e);
    }
  }
}
