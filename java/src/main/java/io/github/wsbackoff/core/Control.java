package io.github.wsbackoff.core;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;

/**
 * What a controller or a timer remembers for one thread, in the native part: it is told what
 * happened, decides, and waits. Used by one thread; only {@link #cancel} may come from another.
 * Belongs to the test in which it was made: the end of the test ends its waits and frees it.
 */
public final class Control implements AutoCloseable {
  private final AtomicLong handle;
  private final long test;

  private Control(long handle) {
    this.handle = new AtomicLong(handle);
    test = TestRuns.use();
  }

  /**
   * Makes a control. Wrong properties are told by its steps, see {@link #failureOf}.
   *
   * @param element simple class name of the element
   * @param name what the element is called in the plan
   * @param identity what tells it from others of that name, the same in all threads
   * @param place how many of its kind and name stand before it in the plan, stable over runs
   * @param properties its {@code wsb.*} properties, those that are set
   * @param user whose it is, stable over runs: JMeter's thread name
   * @param ordinal how often this user came to it before
   * @throws NativeLibraryException if the native library cannot be used
   */
  public static Control open(
      String element,
      String name,
      String identity,
      int place,
      Map<String, String> properties,
      String user,
      long ordinal) {
    NativeLibrary.load();
    Map<String, Object> spec = new LinkedHashMap<>();
    spec.put("element", element);
    spec.put("name", name);
    spec.put("identity", identity);
    spec.put("place", place);
    spec.put("properties", properties);
    spec.put("user", user);
    spec.put("ordinal", ordinal);
    String trace = Settings.trace();
    if (!trace.isEmpty()) {
      spec.put("trace", trace);
    }
    return new Control(Native.control(Json.write(spec)));
  }

  /** Whether it can still be used: not closed, and its test not over. */
  public boolean isUsable() {
    return handle.get() != 0 && test == TestRuns.ordinal();
  }

  /** Tells an event that is answered at once. */
  public JsonNode step(Map<String, Object> event) {
    return Json.read(Native.step(handle.get(), Json.write(event), Parking.NONE));
  }

  /**
   * Tells an event that may be answered after a wait; {@link #cancel}, the end of the test, and an
   * interrupt of this thread (within 100 ms) end it. The thread stays interrupted.
   */
  public JsonNode await(Map<String, Object> event) {
    byte[] json = Json.write(event);
    long ticket = Parking.open();
    if (ticket != Parking.NONE) {
      return awaitParked(json, ticket);
    }
    Interrupts.watch(this::cancel);
    try {
      return Json.read(Native.step(handle.get(), json, ticket));
    } finally {
      Interrupts.forget();
    }
  }

  private JsonNode awaitParked(byte[] event, long ticket) {
    try {
      byte[] answer = Native.step(handle.get(), event, ticket);
      if (answer == null) {
        Parking.await(ticket, this::cancel);
        answer = Native.taken(ticket, new long[Figures.LENGTH]);
      }
      return Json.read(answer);
    } finally {
      Parking.close(ticket);
    }
  }

  /** Why a step's answer says that a property cannot be used; null if it does not. */
  public static Failure failureOf(JsonNode answer) {
    JsonNode failure = answer.path("failure");
    return failure.isObject() ? Failure.of(failure) : null;
  }

  /** Ends the wait that another thread is in; the next step may wait again. */
  public boolean cancel() {
    long current = handle.get();
    return current != 0 && Native.cancelControl(current);
  }

  /** Frees it. */
  @Override
  public void close() {
    long current = handle.getAndSet(0);
    if (current == 0 || test != TestRuns.ordinal()) {
      return;
    }
    try {
      Native.release(current);
    } catch (IllegalStateException e) {
      // The end of the test was faster: it is freed.
    }
  }
}
