package io.github.wsbackoff.core;

/**
 * The functions of the native library, as they cross the boundary: handles, specifications in UTF-8
 * JSON, and for results numbers and bytes.
 *
 * <p>A handle is a number that the library gave out; 0 is none. Expected failures (refused, timed
 * out, throttled, cancelled) are data in a result. An exception means misuse (IllegalStateException
 * for a closed handle) or a defect in the library (RuntimeException). Only {@link NativeLibrary}
 * may touch this class before the library is loaded.
 */
final class Native {
  private Native() {}

  /** Version of this boundary; must equal {@link NativeLibrary#ABI}. */
  static native long abi();

  /** A test begins: settings of the process in, what is to be done out, both UTF-8 JSON. */
  static native byte[] begin(byte[] settings);

  /** Answers a question to the figures of a test, both UTF-8 JSON; see {@link Live}. */
  static native byte[] live(byte[] question);

  /** A new handle with nothing connected yet. */
  static native long open();

  /**
   * Connects as prepared, until connected, given up or cancelled.
   *
   * @param ordinal how many connects this user made before
   * @param own what is only this call's, UTF-8 JSON, or null
   * @param leftMillis what is left of the thread's schedule, see {@link Schedule}
   * @param ticket 0: on the calling thread, which blocks; else see {@link Parking}
   * @param figures 32 numbers, written in place, see {@link ConnectResult}
   * @return the texts in UTF-8, one behind another; their lengths are among the figures; null where
   *     the ticket will be told
   */
  static native byte[] connect(
      long connection,
      long prepared,
      long ordinal,
      byte[] own,
      long leftMillis,
      long ticket,
      long[] figures);

  /**
   * Ends, from another thread and for good, what the handle is doing; false if it was doing
   * nothing.
   */
  static native boolean cancel(long handle);

  /** Whether there is a connection that can still be used, as far as is known. */
  static native boolean isOpen(long handle);

  /**
   * Closes and frees the handle; at 0 ms it does not say goodbye.
   *
   * @param ticket 0: on the calling thread, which blocks; else see {@link Parking}
   * @return whether the ticket will be told
   */
  static native boolean close(long handle, long goodbyeMillis, long ticket);

  /**
   * Reads what an element is to do, as JSON; wrong properties become an operation that fails with
   * them.
   */
  static native long prepare(byte[] spec);

  /** Whether the system has no CA certificates and none were handed over either. */
  static native boolean lacksRoots();

  /**
   * Hands over the CA certificates to trust where the system has none: a JSON array of DER in
   * Base64.
   */
  static native void trust(byte[] roots);

  /** Frees an operation. */
  static native void discard(long operation);

  /**
   * Says, before a connection is opened for it, why an operation cannot be done.
   *
   * @param payload what to send in place of the operation's own payload, or null
   * @return UTF-8 JSON, or null if nothing is known against it
   */
  static native byte[] check(long operation, byte[] payload);

  /**
   * Says what a prepared assertion has against the data of a response.
   *
   * @return UTF-8 JSON, or null for nothing
   */
  static native byte[] judge(long assertion, byte[] data);

  /**
   * Does an operation on a connection.
   *
   * @param payload what to send in place of the operation's own payload, or null
   * @param leftMillis what is left of the thread's schedule, for a reconnect
   * @param ticket 0: on the calling thread, which blocks; else see {@link Parking}
   * @param figures 32 numbers, written in place, see {@link Figures}
   * @return the (last) matching message, or null, also where the ticket will be told; on failure
   *     UTF-8 JSON that says why
   */
  static native byte[] perform(
      long connection,
      long operation,
      byte[] payload,
      long leftMillis,
      long ticket,
      long[] figures);

  /**
   * Takes what a call came to whose ticket was told, as that call would have answered.
   *
   * @param figures as of that call
   */
  static native byte[] taken(long ticket, long[] figures);

  /** How many tests have ended, for {@link #drive}; to be asked before the first call it serves. */
  static native long ends();

  /**
   * Serves the calls that have tickets, on the calling thread, until some are done.
   *
   * @param ends what {@link #ends} said
   * @param tickets theirs, written in place
   * @return how many; -1: a test has ended since
   */
  static native int drive(long ends, long[] tickets);

  /**
   * Says by what a lost connection is made anew when the operation that asked is done again, as
   * JSON.
   *
   * @return null, or UTF-8 JSON that says why that cannot be
   */
  static native byte[] renew(long connection, byte[] own);

  /** Takes what servers set when it was last made anew, UTF-8, two lines a cookie. */
  static native byte[] takeCookies(long connection);

  /** Answers a question to the policy, at once and without a trace; see {@link Query}. */
  static native byte[] query(byte[] question);

  /**
   * Makes what a controller or a timer remembers for one thread, by JSON; wrong properties become a
   * control whose steps say so.
   */
  static native long control(byte[] spec);

  /**
   * Tells a control what happened, as JSON; waits where the control does.
   *
   * @param ticket 0: on the calling thread, which blocks; else see {@link Parking}
   * @return UTF-8 JSON, or null where the ticket will be told
   */
  static native byte[] step(long control, byte[] event, long ticket);

  /** Ends, from another thread, the wait that a step is in; false if there was none. */
  static native boolean cancelControl(long control);

  /** Frees a control. */
  static native void release(long control);

  /** How many handles are not closed. */
  static native long handles();

  /** The end of a test: cancels, closes what is left, flushes traces; usable again afterwards. */
  static native void shutdown();

  /** What the log is to be told now, UTF-8, a line each; empty where there is nothing. */
  static native byte[] news();

  /** Runs a command line (a JSON array of strings) until it ends; its exit code. */
  static native int command(byte[] args);

  /** Ends {@link #command} in order, from another thread. */
  static native void stopCommand();
}
