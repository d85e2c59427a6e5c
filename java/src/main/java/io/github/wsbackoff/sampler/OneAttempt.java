package io.github.wsbackoff.sampler;

import io.github.wsbackoff.core.ConnectResult;
import io.github.wsbackoff.core.Connection;
import io.github.wsbackoff.core.Figures;
import io.github.wsbackoff.core.Schedule;
import io.github.wsbackoff.core.Spec;
import io.github.wsbackoff.element.Values;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.apache.jmeter.testelement.TestElement;
import org.apache.jmeter.testelement.property.CollectionProperty;
import org.apache.jmeter.testelement.property.JMeterProperty;
import org.apache.jmeter.testelement.property.PropertyIterator;
import org.apache.jmeter.testelement.property.TestElementProperty;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One attempt to connect by what a panel holds, to see whether that works: no part of a test, and
 * nothing of the plan changes. Made on a thread that may wait; {@link #cancel} comes from another.
 */
public final class OneAttempt {
  private static final Logger log = LoggerFactory.getLogger(OneAttempt.class);

  private static final String ELEMENT = ConnectSampler.class.getSimpleName();

  /** Who connects; a server does not see it. */
  private static final String USER = "Test connection";

  /** How long the goodbye to a connection that was opened may take. */
  private static final long GOODBYE_MILLIS = 1000;

  /** Sections that say what becomes of a refusal or of an open connection. */
  private static final List<String> OTHER_SECTIONS =
      Arrays.asList("retry", "hint", "shared", "keeping", "result");

  /** What else one attempt does not depend on. */
  private static final List<String> OTHER_KEYS =
      Arrays.asList("wsb.connection", "wsb.whenOpen", "wsb.scope", "wsb.end", "wsb.end.reason");

  private final Values values = new Values();
  private final ScopeElements scope = new ScopeElements();
  private final List<String> unknown = new ArrayList<>();
  private Connection active;
  private boolean cancelled;

  /**
   * Takes what holds. To be called where the elements do not change meanwhile.
   *
   * @param properties what is in force of a Connect sampler, by key
   * @param others the elements in its scope, the nearest first; they are copied
   */
  public OneAttempt(Map<String, String> properties, List<TestElement> others) {
    properties.forEach(this::take);
    for (TestElement element : others) {
      if (ScopeElements.accepts(element)) {
        if (hasVariable(element)) {
          unknown.add(element.getName());
        }
        scope.add((TestElement) element.clone());
      }
    }
  }

  private void take(String key, String value) {
    if (!Spec.isSet(key, value)) {
      return;
    }
    if (!value.contains("${")) {
      values.put(key, value.trim());
    } else if (matters(key)) {
      unknown.add(named(key));
    }
  }

  private static boolean matters(String name) {
    return !OTHER_KEYS.contains(name)
        && Spec.get().keysOf(ELEMENT).stream()
            .noneMatch(key -> key.name.equals(name) && OTHER_SECTIONS.contains(key.section));
  }

  private static String named(String name) {
    return Spec.get().keysOf(ELEMENT).stream()
        .filter(key -> key.name.equals(name))
        .findFirst()
        .map(key -> key.label + " (" + name + ")")
        .orElse(name);
  }

  private static boolean hasVariable(TestElement element) {
    for (PropertyIterator all = element.propertyIterator(); all.hasNext(); ) {
      if (hasVariable(all.next())) {
        return true;
      }
    }
    return false;
  }

  private static boolean hasVariable(JMeterProperty property) {
    if (property instanceof TestElementProperty) {
      return hasVariable(((TestElementProperty) property).getElement());
    }
    if (property instanceof CollectionProperty) {
      for (JMeterProperty each : (CollectionProperty) property) {
        if (hasVariable(each)) {
          return true;
        }
      }
      return false;
    }
    boolean comment = property.getName().equals(TestElement.COMMENTS);
    return !comment && property.getStringValue().contains("${");
  }

  /**
   * What it depends on and only the run knows, by the names of fields and elements: if there is
   * any, the attempt is not to be made.
   */
  public List<String> unknown() {
    return Collections.unmodifiableList(unknown);
  }

  /** Makes it, and closes what it opened; never throws. */
  public ConnectResult make() {
    ConnectPlan plan = new ConnectPlan(values, true);
    Connection connection = null;
    try {
      if (plan.wrong != null) {
        return plan.wrong;
      }
      connection = activate(Connection.apart());
      plan.ready(scope, USER, 0);
      return connection.connect(plan.prepared(), 0, plan.call(), Schedule.ENDLESS, new Figures());
    } catch (Throwable e) { // a panel is no place to end a thread of JMeter's
      ConnectResult foreseen = Opening.foreseen(e);
      if (foreseen == null) {
        log.error("The connection could not be tested", e);
      }
      return foreseen == null ? ConnectResult.failed(e) : foreseen;
    } finally {
      plan.discard();
      if (connection != null) {
        connection.close(GOODBYE_MILLIS);
      }
    }
  }

  private synchronized Connection activate(Connection connection) {
    active = connection;
    if (cancelled) {
      connection.cancel();
    }
    return connection;
  }

  /** Ends it, also before it has begun. */
  public synchronized void cancel() {
    cancelled = true;
    if (active != null) {
      active.cancel();
    }
  }
}
