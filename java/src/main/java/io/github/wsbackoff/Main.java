package io.github.wsbackoff;

import io.github.wsbackoff.core.CommandLine;
import io.github.wsbackoff.core.NativeLibraryException;

/** {@code java -jar ws-backoff-<version>.jar COMMAND}: the test server and other commands. */
public final class Main {
  /** Exit code when the native library cannot be used (EX_UNAVAILABLE of sysexits.h). */
  private static final int UNAVAILABLE = 69;

  private Main() {}

  /** Runs the command and ends the JVM with its exit code. */
  public static void main(String[] args) {
    int code;
    try {
      code = CommandLine.run(args);
    } catch (NativeLibraryException e) {
      System.err.println(e.getMessage());
      code = UNAVAILABLE;
    }
    // On a signal the JVM is on its way out already, with the signal's own code; this waits for it.
    System.exit(code);
  }
}
