package io.github.wsbackoff.element;

import io.github.wsbackoff.core.TestRuns;

/** An element whose copies in all threads are one: they share, or draw by one seed, as that one. */
public interface Identified extends Life {
  /** Which element of the plan it is. */
  Identity identity();

  /**
   * How many of its kind and name were there before it when the test began, which is in the plan's
   * order: the same in each run, and in all threads and on all servers.
   */
  default int place() {
    return TestRuns.place(identity().text(), getClass().getSimpleName() + " " + getName());
  }

  /** Here the element is still the one that all threads make their copies of. */
  @Override
  default void testStarted() {
    Life.super.testStarted();
    quietly(this::place);
  }
}
