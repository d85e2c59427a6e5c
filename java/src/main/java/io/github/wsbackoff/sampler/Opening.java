package io.github.wsbackoff.sampler;

import io.github.wsbackoff.core.ConnectResult;
import io.github.wsbackoff.core.Connection;
import io.github.wsbackoff.core.Connections;
import io.github.wsbackoff.core.NativeLibraryException;
import io.github.wsbackoff.core.Schedule;
import io.github.wsbackoff.core.TestRuns;
import io.github.wsbackoff.element.Values;
import java.net.URL;
import java.net.UnknownHostException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How one thread's copy of a sampler opens connections: as its properties say, with what JMeter's
 * managers and options add. What is open is kept under its id.
 */
final class Opening {
  static final String WHEN_OPEN = "wsb.whenOpen";
  static final String REUSE = "reuse";
  private static final String REPLACE = "replace";
  private static final Logger log = LoggerFactory.getLogger(Opening.class);

  /** How long the goodbye to a connection that is replaced may take. */
  private static final long REPLACE_MILLIS = 1000;

  private final AbstractWebSocketSampler sampler;
  private ConnectPlan plan;

  Opening(AbstractWebSocketSampler sampler) {
    this.sampler = sampler;
  }

  /** The properties of a Connect that hold for the next opening. */
  void plan(Values values) {
    if (plan == null || !plan.isOf(values)) {
      discard();
      plan = new ConnectPlan(values);
    }
  }

  /** The properties for people. */
  String description() {
    return plan.description;
  }

  /**
   * Whether there is something to open for a sampler that uses what is open: a connection that was
   * lost, and is not made anew in its place, counts as none.
   */
  boolean isNeeded(Connections connections) {
    Connection open = connections.get(plan.id);
    return plan.wrong != null
        || !plan.whenOpen.equals(REUSE)
        || open == null
        || connections.origin(plan.id) == null && !open.isOpen();
  }

  /**
   * Opens, as {@link #plan} says. Never throws: JMeter would lose the sample, or with an Error the
   * thread.
   *
   * @param scope JMeter's own elements in scope
   */
  ConnectResult open(ScopeElements scope) {
    ConnectResult result = attempt(scope);
    if (!result.warning.isEmpty()) {
      for (String line : result.warning.split("\n")) {
        if (TestRuns.isNews(sampler.getName() + line)) {
          log.warn("{}: {}", sampler.getName(), line);
        }
      }
    }
    return result;
  }

  private ConnectResult attempt(ScopeElements scope) {
    try {
      return plan.wrong == null ? unlessOpen(scope) : plan.wrong;
    } catch (Throwable e) {
      ConnectResult foreseen = foreseen(e);
      return foreseen == null ? unforeseen(e) : foreseen;
    } finally {
      sampler.deactivate();
    }
  }

  /** The result of what may be thrown where nothing is defect, else null. */
  static ConnectResult foreseen(Throwable e) {
    if (e instanceof NativeLibraryException) {
      return ConnectResult.failed(e);
    }
    if (e instanceof UnknownHostException) {
      return ConnectResult.failed("dns.not-found", Unusable.unknownHost((UnknownHostException) e));
    }
    return e instanceof Unusable ? ConnectResult.failed(((Unusable) e).code, e.getMessage()) : null;
  }

  /** The result of what should not have been thrown. */
  ConnectResult unforeseen(Throwable e) {
    log.error("{}: the connect failed in an unforeseen way", sampler.getName(), e);
    return ConnectResult.failed(e);
  }

  private ConnectResult unlessOpen(ScopeElements scope) throws UnknownHostException, Unusable {
    Connections connections = Connections.ofThisThread();
    Connection open = connections.get(plan.id);
    long began = System.nanoTime();
    long goodbye = 0;
    if (open != null) {
      // A lost one is in nobody's way.
      if (!plan.whenOpen.equals(REPLACE) && open.isOpen()) {
        String what = "Connection '" + plan.id + "' of this thread is open.";
        return plan.whenOpen.equals(REUSE)
            ? ConnectResult.reused(what)
            : ConnectResult.failed("connection.open", what);
      }
      connections.remove(plan.id);
      replace(open);
      goodbye = (System.nanoTime() - began) / 1000;
    }
    ConnectResult result = connect(connections, scope);
    result.follows(goodbye);
    return result;
  }

  private void replace(Connection open) {
    sampler.activate(open); // a Stop need not wait for the goodbye
    if (sampler.isInterrupted()) {
      open.close();
    } else {
      open.close(REPLACE_MILLIS);
    }
  }

  private ConnectResult connect(Connections connections, ScopeElements scope)
      throws UnknownHostException, Unusable {
    long ordinal = connections.nextOrdinal();
    plan.ready(scope, user(), connections.visit());
    Connection connection = Connection.create();
    boolean kept = false;
    try {
      sampler.activate(connection);
      ConnectResult result =
          connection.connect(
              plan.prepared(),
              ordinal,
              plan.call(),
              Schedule.leftMillis(sampler.getThreadContext()),
              connections.figures());
      if (result.ok) {
        URL url = Urls.http(result.url);
        connections.put(plan.id, connection, plan.scope, url, plan.origin(scope));
        kept = true;
      } else if (result.isInvalid()) {
        plan.discard(); // what is wrong may be a file: it is looked at anew
      }
      scope.store(result.setCookies);
      return result;
    } finally {
      if (!kept) {
        connection.close();
      }
    }
  }

  /** JMeter's thread name; outside a thread group, in a test, Java's. */
  private String user() {
    String name = sampler.getThreadName();
    return name == null || name.isEmpty() ? Thread.currentThread().getName() : name;
  }

  /** Frees what was made ready. */
  void discard() {
    if (plan != null) {
      plan.discard();
      plan = null;
    }
  }
}
