package io.github.wsbackoff.core;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;

/**
 * One connection of the native library. Used by one thread; only {@link #cancel} may come from
 * another. Closing twice, or after the end of the test, does nothing.
 */
public final class Connection implements AutoCloseable {
  /** Close code of a connection that has done its work (RFC 6455, section 7.4.1). */
  public static final int NORMAL = 1000;

  private static final byte[] ABORT = Json.write(Collections.singletonMap("abort", true));

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
    return new Connection(Native.open());
  }

  /**
   * Takes one call over the boundary and back with nothing to do: it loads classes for some 30 ms,
   * which else the first user's sample would show.
   *
   * @throws NativeLibraryException if the native library cannot be used
   */
  public static void warmUp() {
    try (Connection nothing = create()) {
      nothing.connect(new ConnectSpec(Collections.emptyMap(), Collections.emptyList(), "", 0, ""));
    }
  }

  /** Connects on the calling thread; every end that a network can bring is in the result. */
  public ConnectResult connect(ConnectSpec spec) {
    return ConnectResult.parse(Native.connect(handle.get(), spec.toJson()));
  }

  /**
   * Ends, for good, what another thread does with this connection; false if it was doing nothing.
   */
  public boolean cancel() {
    long current = handle.get();
    return current != 0 && Native.cancel(current);
  }

  /** Says goodbye and waits for the peer's answer, at most so long; then frees the connection. */
  public void close(int code, String reason, long timeoutMillis) {
    Map<String, Object> spec = new LinkedHashMap<>();
    spec.put("code", code);
    spec.put("reason", reason);
    spec.put("timeoutMs", timeoutMillis);
    free(Json.write(spec));
  }

  /** Frees the connection without a goodbye. */
  @Override
  public void close() {
    free(ABORT);
  }

  private void free(byte[] spec) {
    long current = handle.getAndSet(0);
    if (current == 0) {
      return;
    }
    try {
      Native.close(current, spec);
    } catch (IllegalStateException e) {
      // The end of the test was faster: the handle is freed.
    }
  }
}
