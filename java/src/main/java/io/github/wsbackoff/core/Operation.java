package io.github.wsbackoff.core;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;

/**
 * What a sampler does with a connection, or how it makes one, or what an assertion asks: read and
 * checked once and then done any number of times. Belongs to the test in which it was made: the end
 * of the test frees what is left.
 */
public final class Operation implements AutoCloseable {
  private final AtomicLong id;
  private final long test;

  private Operation(long id, long test) {
    this.id = new AtomicLong(id);
    this.test = test;
  }

  /**
   * Prepares an operation, or an assertion. Wrong properties are told when it is performed.
   *
   * @param element simple class name of the element
   * @param properties its {@code wsb.*} properties, those that are set
   * @throws NativeLibraryException if the native library cannot be used
   */
  public static Operation prepare(String element, Map<String, String> properties) {
    NativeLibrary.load();
    Map<String, Object> spec = new LinkedHashMap<>();
    spec.put("element", element);
    spec.put("properties", properties);
    return new Operation(Native.prepare(Json.write(spec)), TestRuns.use());
  }

  /**
   * Prepares a connect. Wrong properties are told when it is made.
   *
   * @throws NativeLibraryException if the native library cannot be used
   */
  public static Operation prepare(ConnectSpec spec) {
    NativeLibrary.load();
    Anchors.provideFor(spec.addresses());
    long test = spec.isApart() ? TestRuns.ordinal() : TestRuns.use();
    return new Operation(Native.prepare(spec.toJson()), test);
  }

  /**
   * Why it cannot be done, as is to be known before a connection is opened for it; else null.
   *
   * @param payload what to send in place of its own, or null
   */
  public Failure check(byte[] payload) {
    byte[] failure = Native.check(id(), payload);
    return failure == null ? null : Failure.parse(failure);
  }

  /** What it has, if it is an assertion, against the data of a response; else null. */
  public Failure judge(byte[] data) {
    byte[] failure = Native.judge(id(), data);
    return failure == null ? null : Failure.parse(failure);
  }

  /** Whether it can still be done: not closed, and its test not over. */
  public boolean isUsable() {
    return id.get() != 0 && test == TestRuns.ordinal();
  }

  long id() {
    return id.get();
  }

  /** Frees it. */
  @Override
  public void close() {
    long current = id.getAndSet(0);
    if (current == 0 || test != TestRuns.ordinal()) {
      return;
    }
    try {
      Native.discard(current);
    } catch (IllegalStateException e) {
      // The end of the test was faster: it is freed.
    }
  }
}
