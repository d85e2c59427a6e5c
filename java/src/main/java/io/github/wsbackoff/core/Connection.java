package io.github.wsbackoff.core;

import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/**
 * One connection of the native library. Used by one thread; only {@link #cancel} may come from
 * another. Closing twice, or after the end of the test, does nothing.
 */
public final class Connection implements AutoCloseable {
  private final AtomicLong handle;

  private Connection(long handle) {
    this.handle = new AtomicLong(handle);
  }

  /**
   * A connection that is not connected yet, so that a cancel can reach the connect from its start.
   *
   * @throws NativeLibraryException if the native library cannot be used
   */
  public static Connection create() {
    NativeLibrary.load();
    TestRuns.use();
    return new Connection(Native.open());
  }

  /**
   * As {@link #create}, for what is no part of a test, see {@link ConnectSpec#apart}. The end of a
   * test closes it all the same.
   *
   * @throws NativeLibraryException if the native library cannot be used
   */
  public static Connection apart() {
    NativeLibrary.load();
    return new Connection(Native.open());
  }

  /**
   * Takes one call over the boundary and back with nothing to do: it loads classes for some 30 ms,
   * which else the first user's sample would show.
   *
   * @throws NativeLibraryException if the native library cannot be used
   */
  public static void warmUp() {
    ConnectSpec spec = new ConnectSpec(Collections.emptyMap(), "");
    try (Connection nothing = create();
        Operation invalid = Operation.prepare(spec)) {
      nothing.connect(invalid, 0, ConnectCall.PLAIN, Schedule.ENDLESS, new Figures());
    }
  }

  /**
   * Connects; every end that a network can bring is in the result.
   *
   * @param prepared what the element connects by
   * @param ordinal how many connects this user made before
   * @param leftMillis what is left of the thread's schedule, see {@link Schedule}
   * @param figures room for the figures
   */
  public ConnectResult connect(
      Operation prepared, long ordinal, ConnectCall call, long leftMillis, Figures figures) {
    long ticket = Parking.open();
    try {
      byte[] texts =
          Native.connect(
              handle.get(), prepared.id(), ordinal, call.json, leftMillis, ticket, figures.raw);
      return new ConnectResult(figures.raw, taken(ticket, texts, figures));
    } finally {
      Parking.close(ticket);
    }
  }

  /**
   * Does an operation; what it came to stands in {@code figures}. If it {@link Figures#isAsking
   * asks}, it is to be done again after {@link #renew}.
   *
   * @param payload what to send in place of the operation's own payload, or null
   * @param leftMillis what is left of the thread's schedule, for a reconnect
   * @return the (last) matching message, or null; on failure what {@link Failure#parse} reads
   */
  public byte[] perform(Operation operation, byte[] payload, long leftMillis, Figures figures) {
    long ticket = Parking.open();
    byte[] message;
    try {
      message =
          Native.perform(handle.get(), operation.id(), payload, leftMillis, ticket, figures.raw);
      message = taken(ticket, message, figures);
    } finally {
      Parking.close(ticket);
    }
    if (figures.hasNews()) {
      TestRuns.tellNews();
    }
    return message;
  }

  /** What a call answers, which it has already, or will once this thread has waited for it. */
  private static byte[] taken(long ticket, byte[] answer, Figures figures) {
    if (ticket == Parking.NONE || !figures.isParked()) {
      return answer;
    }
    // JMeter's Stop tells the sampler, which cancels.
    Parking.await(ticket, () -> {});
    return Native.taken(ticket, figures.raw);
  }

  /**
   * Says by what the connection, which was lost, is made anew.
   *
   * @return why it cannot be, or null
   */
  public Failure renew(ConnectCall call) {
    byte[] failure = Native.renew(handle.get(), call.json);
    return failure == null ? null : Failure.parse(failure);
  }

  /** Takes the cookies that servers set when it was last made anew: address and header of each. */
  public List<String[]> takeCookies() {
    byte[] lines = Native.takeCookies(handle.get());
    return ConnectResult.pairs(new String(lines, StandardCharsets.UTF_8));
  }

  /**
   * Ends, for good, what another thread does with this connection; false if it was doing nothing.
   */
  public boolean cancel() {
    long current = handle.get();
    return current != 0 && Native.cancel(current);
  }

  /** Whether it can still be used, as far as is known: a drop is noticed within 100 ms. */
  public boolean isOpen() {
    long current = handle.get();
    return current != 0 && Native.isOpen(current);
  }

  /** Says goodbye and waits for the peer's answer, at most so long; then frees the connection. */
  public void close(long timeoutMillis) {
    long current = handle.getAndSet(0);
    if (current == 0) {
      return;
    }
    long ticket = Parking.open();
    try {
      if (Native.close(current, timeoutMillis, ticket)) {
        Parking.await(ticket, () -> {});
        Native.taken(ticket, new long[Figures.LENGTH]);
      }
    } catch (IllegalStateException e) {
      // The end of the test was faster: the handle is freed.
    } finally {
      Parking.close(ticket);
    }
  }

  /** Frees the connection without a goodbye. */
  @Override
  public void close() {
    close(0);
  }
}
