package io.github.wsbackoff.core;

import java.nio.charset.StandardCharsets;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** The commands of the native part. Needs nothing but this jar: no JMeter, no Jackson, no slf4j. */
public final class CommandLine {
  /** How long the JVM's end waits for a command to end in order. */
  private static final long STOP_SECONDS = 5;

  private CommandLine() {}

  /**
   * Runs a command on the calling thread until it ends by itself or the JVM is told to (Ctrl-C,
   * SIGTERM).
   *
   * @return its exit code
   * @throws NativeLibraryException if the native library cannot be used
   */
  public static int run(String... args) {
    NativeLibrary.load();
    Anchors.provideFor(args);
    CountDownLatch ended = new CountDownLatch(1);
    Thread hook = new Thread(() -> stop(ended), "ws-backoff-stop");
    Runtime.getRuntime().addShutdownHook(hook);
    try {
      return Native.command(json(args));
    } finally {
      ended.countDown();
      try {
        Runtime.getRuntime().removeShutdownHook(hook);
      } catch (IllegalStateException e) {
        // The JVM is going down; the hook runs.
      }
    }
  }

  private static void stop(CountDownLatch ended) {
    Native.stopCommand();
    try {
      ended.await(STOP_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** The arguments as a JSON array; written by hand because Jackson is not there. */
  static byte[] json(String... args) {
    StringBuilder json = new StringBuilder("[");
    for (String arg : args) {
      json.append(json.length() > 1 ? "," : "").append('"');
      for (char c : arg.toCharArray()) {
        if (c == '"' || c == '\\') {
          json.append('\\').append(c);
        } else if (c < ' ') {
          json.append(String.format("\\u%04x", (int) c));
        } else {
          json.append(c);
        }
      }
      json.append('"');
    }
    return json.append(']').toString().getBytes(StandardCharsets.UTF_8);
  }
}
