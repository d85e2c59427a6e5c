package io.github.wsbackoff.core;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;

/** Why a message operation failed, in JMeter's words. */
public final class Failure {
  /** How JMeter itself marks response codes that are no HTTP status. */
  static final String NO_STATUS = "Non HTTP response code: ";

  /** Begins the codes that say with which code the server closed; these stand by themselves. */
  private static final String CLOSED = "closed.";

  private static final String INVALID = "spec.invalid";

  /** The response code. */
  public final String code;

  /** Constant for the code: dashboards group by it. */
  public final String message;

  /** What happened, for people. */
  public final String detail;

  /** The thread's schedule is over before anything could be tried again: the thread is to end. */
  public final boolean endThread;

  private Failure(String code, String message, String detail, boolean endThread) {
    this.code = code.startsWith(CLOSED) ? code : NO_STATUS + code;
    this.message = message;
    this.detail = detail;
    this.endThread = endThread;
  }

  /** Whether a property of the plan cannot be used. */
  public boolean isInvalid() {
    return stop().equals(INVALID);
  }

  /** The code by itself, as {@code wsb.stop} has it. */
  String stop() {
    return code.startsWith(NO_STATUS) ? code.substring(NO_STATUS.length()) : code;
  }

  /** A failure that this side tells. */
  public static Failure of(String code, String detail) {
    return new Failure(code, Spec.get().messageOf(code), detail, false);
  }

  /**
   * What this side, or Java below it, threw. A full heap or stack is no defect of the native part:
   * it goes by its own name, as in JMeter's HTTP samplers.
   */
  public static Failure of(Throwable thrown) {
    if (thrown instanceof NativeLibraryException) {
      return of("native.unavailable", thrown.getMessage());
    }
    if (thrown instanceof VirtualMachineError) {
      return of(
          thrown.getClass().getName(),
          thrown + " (the JVM's limit; HEAP in JMeter's start script sets the heap's)");
    }
    return of("native.failure", thrown.toString());
  }

  /** Reads what an operation answered. */
  public static Failure parse(byte[] json) {
    return of(json == null ? JsonNodeFactory.instance.objectNode() : Json.read(json));
  }

  /** Reads a failure that is part of an answer. */
  static Failure of(JsonNode fields) {
    return new Failure(
        fields.path("code").asText("native.failure"),
        fields.path("message").asText(),
        fields.path("detail").asText(),
        fields.path("endThread").asBoolean());
  }
}
