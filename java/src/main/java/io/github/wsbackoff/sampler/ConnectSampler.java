package io.github.wsbackoff.sampler;

import io.github.wsbackoff.core.ConnectResult;
import io.github.wsbackoff.core.Connection;
import io.github.wsbackoff.core.Connections;
import io.github.wsbackoff.core.NativeLibraryException;
import io.github.wsbackoff.core.Schedule;
import io.github.wsbackoff.core.TestRuns;
import io.github.wsbackoff.element.Addressed;
import io.github.wsbackoff.element.Values;
import java.net.URL;
import java.net.UnknownHostException;
import org.apache.jmeter.config.ConfigTestElement;
import org.apache.jmeter.samplers.Entry;
import org.apache.jmeter.samplers.SampleResult;
import org.apache.jmeter.testelement.TestElement;
import org.apache.jmeter.threads.JMeterContextService;
import org.apache.jmeter.threads.JMeterVariables;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Opens a WebSocket, again and again with backoff where the server pushes back; one sample a
 * connect. JMeter's own managers and options are asked here, the rest does the native part.
 */
public class ConnectSampler extends AbstractWebSocketSampler implements Addressed {
  private static final long serialVersionUID = 1L;
  private static final Logger log = LoggerFactory.getLogger(ConnectSampler.class);

  private static final String REPLACE = "replace";
  private static final String REUSE = "reuse";

  /** How long the goodbye to a connection that is replaced may take. */
  private static final long REPLACE_MILLIS = 1000;

  // Of the running sample; a clone and a deserialised copy start without.
  private transient ScopeElements scope;
  // Of this thread's clone.
  private transient ConnectPlan plan;

  /** Without properties: all is inherited, or as built in. */
  public ConnectSampler() {
    super(ConnectSampler.class);
  }

  @Override
  public SampleResult sample(Entry entry) {
    SampleResult sample = new SampleResult();
    sample.setSampleLabel(getName());
    ConnectResult result = null;
    sample.setSamplerData(ConnectPlan.TITLE);
    try {
      plan(evaluate());
      sample.setSamplerData(plan.description);
    } catch (RuntimeException | LinkageError | VirtualMachineError e) { // of a ${__function}
      result = unforeseen(e);
    }
    sample.sampleStart();
    if (result == null) {
      result = run();
    }
    ConnectSample.finish(sample, result);
    if (!result.warning.isEmpty()) {
      for (String line : result.warning.split("\n")) {
        if (TestRuns.isNews(getName() + line)) {
          log.warn("{}: {}", getName(), line);
        }
      }
    }
    setVariables(result);
    return sample;
  }

  @Override
  public String address() {
    return evaluate().inForce(ConnectPlan.ADDRESS);
  }

  @Override
  public String baseAddress() {
    String own = evaluate().inForce(ConnectPlan.BASE);
    return own.isEmpty() ? scope().baseUrl() : own;
  }

  private void plan(Values values) {
    if (plan == null || !plan.isOf(values)) {
      discard();
      plan = new ConnectPlan(values);
    }
  }

  /** Never throws: JMeter would lose the sample, or with an Error the thread. */
  private ConnectResult run() {
    try {
      return plan.wrong == null ? connect() : plan.wrong;
    } catch (NativeLibraryException e) {
      return ConnectResult.failed(e);
    } catch (UnknownHostException e) {
      return ConnectResult.failed("dns.not-found", Unusable.unknownHost(e));
    } catch (Unusable e) {
      return ConnectResult.failed(e.code, e.getMessage());
    } catch (Throwable e) {
      return unforeseen(e);
    } finally {
      deactivate();
    }
  }

  private ConnectResult unforeseen(Throwable e) {
    log.error("{}: the connect failed in an unforeseen way", getName(), e);
    return ConnectResult.failed(e);
  }

  private ConnectResult connect() throws UnknownHostException, Unusable {
    Connections connections = Connections.ofThisThread();
    Connection open = connections.get(plan.id);
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
    }
    return connect(connections);
  }

  private void replace(Connection open) {
    activate(open); // a Stop need not wait for the goodbye
    if (isInterrupted()) {
      open.close();
    } else {
      open.close(REPLACE_MILLIS);
    }
  }

  private ConnectResult connect(Connections connections) throws UnknownHostException, Unusable {
    long ordinal = connections.nextOrdinal();
    plan.ready(scope(), user(), connections.visit());
    Connection connection = Connection.create();
    boolean kept = false;
    try {
      activate(connection);
      ConnectResult result =
          connection.connect(
              plan.prepared(),
              ordinal,
              plan.call(),
              Schedule.leftMillis(getThreadContext()),
              connections.figures());
      if (result.ok) {
        URL url = Urls.http(result.url);
        connections.put(plan.id, connection, plan.scope, url, plan.origin(scope()));
        kept = true;
      } else if (result.isInvalid()) {
        plan.discard(); // what is wrong may be a file: it is looked at anew
      }
      scope().store(result.setCookies);
      return result;
    } finally {
      if (!kept) {
        connection.close();
      }
    }
  }

  /** JMeter's thread name; outside a thread group, in a test, Java's. */
  private String user() {
    String name = getThreadName();
    return name == null || name.isEmpty() ? Thread.currentThread().getName() : name;
  }

  private static void setVariables(ConnectResult result) {
    JMeterVariables variables = JMeterContextService.getContext().getVariables();
    if (variables != null) {
      result.variables(variables::put);
    }
  }

  @Override
  public void endThread() {
    quietly(this::discard);
    super.endThread();
  }

  private void discard() {
    if (plan != null) {
      plan.discard();
      plan = null;
    }
  }

  // ---- configuration in scope, told anew before every sample

  @Override
  public boolean applies(ConfigTestElement element) {
    return super.applies(element) || ScopeElements.accepts(element);
  }

  @Override
  public void clearTestElementChildren() {
    super.clearTestElementChildren();
    scope = null;
  }

  @Override
  public void addTestElement(TestElement element) {
    super.addTestElement(element);
    if (ScopeElements.accepts(element)) {
      scope().add(element);
    }
  }

  private ScopeElements scope() {
    if (scope == null) {
      scope = new ScopeElements();
    }
    return scope;
  }
}
