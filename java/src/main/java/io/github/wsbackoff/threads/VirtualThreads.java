package io.github.wsbackoff.threads;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;

/**
 * The virtual threads of the Java that runs JMeter. Our class files are of Java 8, so what Java 21
 * brought is called by method handles.
 */
public final class VirtualThreads {
  /** The Java that runs JMeter: "25", or "1.8". */
  public static final String VERSION = System.getProperty("java.specification.version");

  /** The first Java that has them without a switch. */
  private static final int FIRST = 21;

  /** From here on a thread that waits inside {@code synchronized} leaves its carrier (JEP 491). */
  private static final int FIRST_UNPINNED = 24;

  /** (name, task) to a thread that is not started; null where this Java has none. */
  private static final MethodHandle MAKE = feature(VERSION) < FIRST ? null : find();

  private VirtualThreads() {}

  /** Whether this Java has them. */
  public static boolean areHere() {
    return MAKE != null;
  }

  /**
   * What a person should know of this Java before a test, as a sentence; "" if there is nothing to
   * say.
   */
  public static String remark() {
    return remark(VERSION);
  }

  static String remark(String version) {
    int feature = feature(version);
    if (feature < FIRST) {
      return String.format(
          "Virtual Thread Group (wsb) needs Java %d or newer, better %d, and this JMeter runs on"
              + " Java %s. Start JMeter with another Java, or make a Thread Group of it.",
          FIRST, FIRST_UNPINNED, version);
    }
    if (feature < FIRST_UNPINNED) {
      return String.format(
          "On Java %s a virtual user who waits inside `synchronized` keeps a processor's thread"
              + " from all others (\"pinned\"): with samplers that do, only as many users move as"
              + " there are processors. Java %d and newer have no such limit.",
          version, FIRST_UNPINNED);
    }
    return "";
  }

  /** The feature number of a specification version: 8 for "1.8", 21 for "21". */
  static int feature(String version) {
    return Integer.parseInt(version.startsWith("1.") ? version.substring(2) : version);
  }

  /**
   * Makes a virtual thread that is not started. It inherits what a platform thread would: the class
   * loader and inheritable thread locals.
   */
  static Thread unstarted(String name, Runnable task) {
    try {
      return (Thread) MAKE.invokeExact(name, task);
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e); // the builder declares no exception
    }
  }

  private static MethodHandle find() {
    try {
      MethodHandles.Lookup lookup = MethodHandles.publicLookup();
      Class<?> builder = Class.forName("java.lang.Thread$Builder$OfVirtual");
      MethodHandle begin =
          lookup.findStatic(Thread.class, "ofVirtual", MethodType.methodType(builder));
      MethodHandle name =
          lookup.findVirtual(builder, "name", MethodType.methodType(builder, String.class));
      MethodHandle end =
          lookup.findVirtual(
              builder, "unstarted", MethodType.methodType(Thread.class, Runnable.class));
      MethodHandle named = MethodHandles.collectArguments(name, 0, begin);
      return MethodHandles.collectArguments(end, 0, named);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("Java " + VERSION + " has them otherwise", e);
    }
  }
}
