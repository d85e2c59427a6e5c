package io.github.wsbackoff.gui;

import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.FutureTask;
import javax.swing.SwingUtilities;
import org.junit.rules.TestRule;
import org.junit.runner.Description;
import org.junit.runners.model.Statement;

/**
 * Runs each test where JMeter works on its panels. Elsewhere what a panel posts to that thread
 * would run beside the test, and texts that break their lines fail then, now and again.
 */
public final class OnEventThread implements TestRule {
  @Override
  public Statement apply(Statement test, Description description) {
    return new Statement() {
      @Override
      public void evaluate() throws Throwable {
        FutureTask<Throwable> task = new FutureTask<>(() -> outcome(test));
        SwingUtilities.invokeAndWait(task);
        Throwable failure = task.get();
        if (failure != null) {
          throw failure;
        }
      }
    };
  }

  private static Throwable outcome(Statement test) {
    try {
      test.evaluate();
      return null;
    } catch (Throwable failure) { // also failed assertions
      return failure;
    }
  }

  /** What work gives there, for a test that is not there itself. */
  static <T> T onEventThread(Callable<T> work) {
    try {
      FutureTask<T> task = new FutureTask<>(work);
      SwingUtilities.invokeAndWait(task);
      return task.get();
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  /** Has that done there, for a test that is not there itself. */
  static void doOnEventThread(Runnable work) {
    onEventThread(Executors.callable(work));
  }

  /** Waits, for as long as the test may, until this holds there. */
  static void await(Callable<Boolean> condition) {
    try {
      while (!onEventThread(condition)) {
        Thread.sleep(10);
      }
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }
}
