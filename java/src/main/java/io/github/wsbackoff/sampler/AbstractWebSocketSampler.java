package io.github.wsbackoff.sampler;

import io.github.wsbackoff.config.WebSocketDefaults;
import io.github.wsbackoff.core.ConnectResult;
import io.github.wsbackoff.core.Connection;
import io.github.wsbackoff.core.Connections;
import io.github.wsbackoff.core.Spec;
import io.github.wsbackoff.element.Life;
import io.github.wsbackoff.element.Values;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.apache.jmeter.config.ConfigTestElement;
import org.apache.jmeter.engine.event.LoopIterationEvent;
import org.apache.jmeter.samplers.AbstractSampler;
import org.apache.jmeter.samplers.Interruptible;
import org.apache.jmeter.testelement.TestElement;
import org.apache.jmeter.testelement.TestIterationListener;
import org.apache.jmeter.threads.JMeterContextService;
import org.apache.jmeter.threads.JMeterVariables;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What all samplers share: properties with the defaults in scope, Stop, and the life of threads and
 * tests. The properties go to the native part as they are; it alone knows what they mean.
 */
public abstract class AbstractWebSocketSampler extends AbstractSampler
    implements Life, Interruptible, TestIterationListener {
  private static final long serialVersionUID = 1L;
  private static final Logger log = LoggerFactory.getLogger(AbstractWebSocketSampler.class);

  static final String CONNECTION = "wsb.connection";

  private final String element;

  // Of the running sample; a clone and a deserialised copy start without.
  private transient List<TestElement> defaults;
  private transient List<TestElement> others;
  private transient Spec.Element kind;
  private transient volatile Connection active;
  private transient volatile boolean interrupted;

  /**
   * @param element the kind of element that this is, also if someone derives from it
   */
  AbstractWebSocketSampler(Class<? extends AbstractWebSocketSampler> element) {
    this.element = element.getSimpleName();
  }

  /** Name of this kind of element in the table of keys. */
  final String elementName() {
    return element;
  }

  final Spec.Element kind() {
    if (kind == null) {
      kind = Spec.get().element(element);
    }
    return kind;
  }

  /** What is set for this sample, here or by the defaults in scope. */
  final Values evaluate() {
    Values values = new Values();
    values.add(this);
    inherit(values, kind());
    return values;
  }

  /** Adds what the defaults in scope say for a kind of element, where it is not set yet. */
  final void inherit(Values values, Spec.Element kind) {
    if (defaults != null) {
      for (TestElement each : defaults) {
        values.addDefaults(each, kind);
      }
    }
  }

  /** JMeter's own elements in scope, the nearest first. */
  final List<TestElement> others() {
    return others == null ? Collections.emptyList() : others;
  }

  /** The same, by what they say for an upgrade. */
  final ScopeElements scope() {
    ScopeElements scope = new ScopeElements();
    others().forEach(scope::add);
    return scope;
  }

  /**
   * The nearest Header Manager in scope, or null: scripts below a sampler ask for it as they do of
   * an HTTP sampler. Of the type that all elements have, as JMeter's HTTP part may be missing.
   */
  public final TestElement getHeaderManager() {
    return nearest(ScopeElements.HEADERS);
  }

  /** The nearest Cookie Manager in scope, or null; see {@link #getHeaderManager}. */
  public final TestElement getCookieManager() {
    return nearest(ScopeElements.COOKIES);
  }

  private TestElement nearest(String type) {
    return others().stream()
        .filter(element -> element.getClass().getName().equals(type))
        .findFirst()
        .orElse(null);
  }

  /** What an address is resolved against by these properties of a Connect. */
  final String baseAddress(Values connecting) {
    String own = connecting.inForce(ConnectPlan.BASE);
    return own.isEmpty() ? scope().baseUrl() : own;
  }

  /** From here on a Stop ends what this connection does; also one that came before. */
  final void activate(Connection connection) {
    active = connection;
    if (interrupted) {
      connection.cancel();
    }
  }

  final void deactivate() {
    active = null;
  }

  final boolean isInterrupted() {
    return interrupted;
  }

  final void setVariables(ConnectResult result) {
    JMeterVariables variables = getThreadContext().getVariables();
    if (variables != null) {
      result.variables(getName(), variables::put);
    }
  }

  /** No connect belongs to this sample, though one of this label may have set what is repeated. */
  final void disownVariables() {
    JMeterVariables variables = getThreadContext().getVariables();
    if (variables != null && getName().equals(variables.get(ConnectResult.SAMPLE))) {
      variables.put(ConnectResult.SAMPLE, "");
    }
  }

  // ---- configuration in scope, told anew, the nearest first, before every sample

  @Override
  public boolean applies(ConfigTestElement element) {
    return element instanceof WebSocketDefaults || ScopeElements.accepts(element);
  }

  @Override
  public void clearTestElementChildren() {
    if (defaults != null) {
      defaults.clear();
    }
    if (others != null) {
      others.clear();
    }
    interrupted = false;
  }

  @Override
  public void addTestElement(TestElement element) {
    // Not the inherited merge: it would take over the properties of any element in scope.
    if (element instanceof WebSocketDefaults) {
      if (defaults == null) {
        defaults = new ArrayList<>();
      }
      defaults.add(element);
    } else if (ScopeElements.accepts(element)) {
      if (others == null) {
        others = new ArrayList<>();
      }
      others.add(element);
    }
  }

  // ---- the life of a thread and of a test

  @Override
  public boolean interrupt() {
    interrupted = true;
    Connection current = active;
    try {
      return current != null && current.cancel();
    } catch (RuntimeException | LinkageError e) {
      log.warn("{}: the sample could not be cancelled", getName(), e);
      return false;
    }
  }

  @Override
  public void threadStarted() {
    quietly(() -> Connections.ofThisThread().restart());
  }

  @Override
  public void endThread() {
    Connections.ofThisThread().endThread();
  }

  @Override
  public void testIterationStart(LoopIterationEvent event) {
    JMeterVariables variables = JMeterContextService.getContext().getVariables();
    if (variables != null && !variables.isSameUserOnNextIteration()) {
      quietly(() -> Connections.ofThisThread().endIteration());
    }
  }
}
