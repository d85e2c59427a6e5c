package io.github.wsbackoff.core;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.LinkedHashMap;
import java.util.Map;

/** The figures of a test, from any thread: of the one that runs in this JVM, or out of a trace. */
public final class Live {
  private Live() {}

  /**
   * Those of the test that runs in this JVM, or that ran last.
   *
   * @throws NativeLibraryException if the native library cannot be used
   */
  public static JsonNode figures() {
    NativeLibrary.load();
    return ask("figures");
  }

  /**
   * Those of a test that has left a trace; {@code problem} says why there are none.
   *
   * @param file path of the trace
   * @throws NativeLibraryException if the native library cannot be used
   */
  public static JsonNode ofTrace(String file) {
    NativeLibrary.load();
    Map<String, Object> question = new LinkedHashMap<>();
    question.put("ask", "trace");
    question.put("file", file);
    return Json.read(Native.live(Json.write(question)));
  }

  static JsonNode ask(String what) {
    Map<String, Object> question = new LinkedHashMap<>();
    question.put("ask", what);
    return Json.read(Native.live(Json.write(question)));
  }
}
