package io.github.wsbackoff.core;

import java.net.URL;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/**
 * The open connections of one JMeter thread, by id, and how many it made. Kept by thread and not in
 * JMeter's variables, which are gone when a thread ends.
 */
public final class Connections {
  /** How long a connection lives at most. */
  public enum Scope {
    /** To the end of its thread. */
    THREAD,
    /** To the end of an iteration after which another user comes. */
    ITERATION,
    /** To the end of the test. */
    TEST
  }

  /** What all goodbyes of a thread that ends may take together. */
  private static final long FAREWELL_MILLIS = 1000;

  private static final ThreadLocal<Connections> OF_THREAD =
      ThreadLocal.withInitial(Connections::new);

  private final Map<String, Kept> open = new LinkedHashMap<>();
  private final Figures figures = new Figures();
  private long connects;
  private long visit;

  private static final class Kept {
    private final Connection connection;
    private final Scope scope;
    private final URL url;
    private final Origin origin;

    private Kept(Connection connection, Scope scope, URL url, Origin origin) {
      this.connection = connection;
      this.scope = scope;
      this.url = url;
      this.origin = origin;
    }
  }

  private Connections() {}

  /** Those of the calling thread. */
  public static Connections ofThisThread() {
    return OF_THREAD.get();
  }

  /** The connection of this id, or null. */
  public Connection get(String id) {
    Kept kept = open.get(id);
    return kept == null ? null : kept.connection;
  }

  /**
   * Keeps an open connection under its id.
   *
   * @param url its address as http or https, for results; null if there is none
   * @param origin what it is made anew by when it is lost; null if it is not
   */
  public void put(String id, Connection connection, Scope scope, URL url, Origin origin) {
    open.put(id, new Kept(connection, scope, url, origin));
  }

  /** The address of the connection of this id, or null. */
  public URL url(String id) {
    Kept kept = open.get(id);
    return kept == null ? null : kept.url;
  }

  /** What the connection of this id is made anew by, or null. */
  public Origin origin(String id) {
    Kept kept = open.get(id);
    return kept == null ? null : kept.origin;
  }

  /** Forgets the connection of this id; the caller closes it. */
  public void remove(String id) {
    open.remove(id);
  }

  /** The ids in use, for messages. */
  public List<String> ids() {
    return new ArrayList<>(open.keySet());
  }

  /** Room for the figures of this thread's operations, one at a time. */
  public Figures figures() {
    return figures;
  }

  /** How many connects this user made before this one. */
  public long nextOrdinal() {
    return connects++;
  }

  /** Which user of this thread it is: another number is a new one. */
  public long visit() {
    return visit;
  }

  /** A new user: nothing open, nothing made. */
  public void restart() {
    close(scope -> true);
    connects = 0;
    visit = 0;
  }

  /** The thread ends: says goodbye on all but those that live on to the end of the test. */
  public void endThread() {
    close(scope -> scope != Scope.TEST);
    open.clear(); // the end of the test closes what is left
  }

  /** Another user comes: says goodbye on those that live for an iteration. */
  public void endIteration() {
    visit++;
    close(scope -> scope == Scope.ITERATION);
  }

  /** Says goodbye, within a bound over all. */
  private void close(Predicate<Scope> which) {
    List<Connection> all = new ArrayList<>();
    open.values()
        .removeIf(
            kept -> {
              boolean ends = which.test(kept.scope);
              if (ends) {
                all.add(kept.connection);
              }
              return ends;
            });
    long deadline = System.nanoTime() + FAREWELL_MILLIS * 1_000_000;
    for (Connection connection : all) {
      long left = (deadline - System.nanoTime()) / 1_000_000;
      connection.close(Math.max(left, 0)); // at 0 without a goodbye
    }
  }
}
