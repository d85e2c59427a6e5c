package io.github.wsbackoff.core;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The open connections of one JMeter thread, by id, and how many it made. Kept by thread and not in
 * JMeter's variables, which are gone when a thread ends.
 */
public final class Connections {
  /** What all goodbyes of a thread that ends may take together. */
  private static final long FAREWELL_MILLIS = 1000;

  private static final ThreadLocal<Connections> OF_THREAD =
      ThreadLocal.withInitial(Connections::new);

  private final Map<String, Connection> open = new LinkedHashMap<>();
  private long connects;

  private Connections() {}

  /** Those of the calling thread. */
  public static Connections ofThisThread() {
    return OF_THREAD.get();
  }

  /** The open connection of this id, or null. */
  public Connection get(String id) {
    return open.get(id);
  }

  /** Keeps an open connection under its id. */
  public void put(String id, Connection connection) {
    open.put(id, connection);
  }

  /** Forgets the connection of this id; the caller closes it. */
  public Connection remove(String id) {
    return open.remove(id);
  }

  /** How many connects this user made before this one. */
  public long nextOrdinal() {
    return connects++;
  }

  /** A new user: nothing open, nothing made. */
  public void restart() {
    closeAll();
    connects = 0;
  }

  /** Says goodbye on all, within a bound, and forgets them. */
  public void closeAll() {
    List<Connection> all = new ArrayList<>(open.values());
    open.clear();
    long deadline = System.nanoTime() + FAREWELL_MILLIS * 1_000_000;
    for (Connection connection : all) {
      long left = (deadline - System.nanoTime()) / 1_000_000;
      if (left > 0) {
        connection.close(Connection.NORMAL, "", left);
      } else {
        connection.close();
      }
    }
  }
}
