package io.github.wsbackoff.sampler;

import io.github.wsbackoff.core.ConnectResult;
import io.github.wsbackoff.core.ConnectSpec;
import io.github.wsbackoff.core.Connection;
import io.github.wsbackoff.core.Connections;
import io.github.wsbackoff.core.NativeLibraryException;
import io.github.wsbackoff.core.Settings;
import io.github.wsbackoff.core.Spec;
import io.github.wsbackoff.core.TestRuns;
import java.io.File;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.apache.jmeter.config.ConfigTestElement;
import org.apache.jmeter.engine.event.LoopIterationEvent;
import org.apache.jmeter.samplers.AbstractSampler;
import org.apache.jmeter.samplers.Entry;
import org.apache.jmeter.samplers.Interruptible;
import org.apache.jmeter.samplers.SampleResult;
import org.apache.jmeter.testelement.TestElement;
import org.apache.jmeter.testelement.TestIterationListener;
import org.apache.jmeter.testelement.TestStateListener;
import org.apache.jmeter.testelement.ThreadListener;
import org.apache.jmeter.testelement.property.JMeterProperty;
import org.apache.jmeter.testelement.property.PropertyIterator;
import org.apache.jmeter.testelement.schema.PropertiesAccessor;
import org.apache.jmeter.threads.JMeterContextService;
import org.apache.jmeter.threads.JMeterVariables;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Opens a WebSocket, again and again with backoff where the server pushes back; one sample a
 * connect. The properties go to the native part as they are; it alone knows what they mean.
 */
public class ConnectSampler extends AbstractSampler
    implements Interruptible, ThreadListener, TestStateListener, TestIterationListener {
  private static final long serialVersionUID = 1L;
  private static final Logger log = LoggerFactory.getLogger(ConnectSampler.class);

  private static final String URL = "wsb.url";
  private static final String CONNECTION = "wsb.connection";
  private static final String WHEN_OPEN = "wsb.whenOpen";

  /** How long the goodbye to a connection that is replaced may take. */
  private static final long REPLACE_MILLIS = 1000;

  // Of the running sample; a clone and a deserialised copy start without.
  private transient HeaderManagers headerManagers;
  private transient volatile Connection active;
  private transient volatile boolean interrupted;

  @Override
  public ConnectSamplerSchema getSchema() {
    return ConnectSamplerSchema.INSTANCE;
  }

  @Override
  public PropertiesAccessor<? extends ConnectSampler, ? extends ConnectSamplerSchema> getProps() {
    return new PropertiesAccessor<>(this, getSchema());
  }

  @Override
  public SampleResult sample(Entry entry) {
    SampleResult sample = new SampleResult();
    sample.setSampleLabel(getName());
    Map<String, String> properties = new TreeMap<>();
    ConnectResult result = null;
    try {
      evaluate(properties);
    } catch (RuntimeException | LinkageError e) { // of a ${__function} in a property
      result = unforeseen(e, "");
    }
    sample.setSamplerData(describe(properties));
    sample.sampleStart();
    if (result == null) {
      result = run(properties);
    }
    ConnectSample.finish(sample, result);
    if (!result.warning.isEmpty()) {
      log.warn("{}: {}", getName(), result.warning);
    }
    JMeterVariables variables = JMeterContextService.getContext().getVariables();
    if (variables != null) {
      result.variables.forEach(variables::put);
    }
    return sample;
  }

  /** Never throws: JMeter would lose the sample, or with an Error the thread. */
  private ConnectResult run(Map<String, String> properties) {
    try {
      return connect(properties);
    } catch (NativeLibraryException e) {
      return ConnectResult.failed("native.unavailable", valueOf(properties, URL), e.getMessage());
    } catch (Throwable e) {
      return unforeseen(e, valueOf(properties, URL));
    } finally {
      active = null;
    }
  }

  private ConnectResult unforeseen(Throwable e, String url) {
    log.error("{}: the connect failed in an unforeseen way", getName(), e);
    return ConnectResult.failed("native.failure", url, e.toString());
  }

  private ConnectResult connect(Map<String, String> properties) {
    Connections connections = Connections.ofThisThread();
    String url = valueOf(properties, URL);
    String whenOpen = valueOf(properties, WHEN_OPEN).toLowerCase(Locale.ROOT);
    if (!Spec.get().choicesOf(WHEN_OPEN).contains(whenOpen)) {
      return ConnectResult.invalid(WHEN_OPEN, whenOpen, url);
    }
    String id = valueOf(properties, CONNECTION);
    Connection open = connections.get(id);
    if (open != null) {
      String what = "Connection '" + id + "' of this thread is open.";
      if (whenOpen.equals("reuse")) {
        return ConnectResult.reused(url, what);
      }
      if (whenOpen.equals("fail")) {
        return ConnectResult.failed("connection.open", url, what);
      }
      connections.remove(id);
      replace(open);
    }
    return connect(connections, id, properties);
  }

  private void replace(Connection open) {
    active = open; // a Stop need not wait for the goodbye
    if (interrupted) {
      open.close();
    } else {
      open.close(Connection.NORMAL, "", REPLACE_MILLIS);
    }
  }

  private ConnectResult connect(
      Connections connections, String id, Map<String, String> properties) {
    String trace = Settings.get(Settings.TRACE);
    ConnectSpec spec =
        new ConnectSpec(
            properties,
            headerManagers().headers(),
            user(),
            connections.nextOrdinal(),
            trace.isEmpty() ? "" : new File(trace).getAbsolutePath());
    Connection connection = Connection.create();
    boolean kept = false;
    try {
      active = connection;
      if (interrupted) {
        connection.cancel(); // Stop came before there was anything to stop
      }
      ConnectResult result = connection.connect(spec);
      if (result.ok) {
        connections.put(id, connection);
        kept = true;
      }
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

  private static String valueOf(Map<String, String> properties, String key) {
    return properties.getOrDefault(key, Spec.get().defaultOf(key));
  }

  /** Adds what is set, each value evaluated once: it may be a function. */
  private void evaluate(Map<String, String> values) {
    for (PropertyIterator all = propertyIterator(); all.hasNext(); ) {
      JMeterProperty property = all.next();
      if (property.getName().startsWith(Spec.PREFIX)) {
        String value = property.getStringValue();
        if (value != null && !value.trim().isEmpty()) {
          values.put(property.getName(), value.trim());
        }
      }
    }
  }

  private static String describe(Map<String, String> properties) {
    StringBuilder text = new StringBuilder("WebSocket connect\n");
    properties.forEach((key, value) -> text.append(key).append(" = ").append(value).append('\n'));
    // A proxy's password is nothing for result files.
    return text.toString().replaceAll("(//[^:/@\\s]*):[^/@\\s]*@", "$1:***@");
  }

  // ---- configuration in scope, told anew before every sample

  @Override
  public boolean applies(ConfigTestElement element) {
    return HeaderManagers.accepts(element);
  }

  @Override
  public void clearTestElementChildren() {
    headerManagers = null;
    interrupted = false;
  }

  @Override
  public void addTestElement(TestElement element) {
    // Not the inherited merge: it would take over the properties of any element in scope.
    if (HeaderManagers.accepts(element)) {
      headerManagers().add(element);
    }
  }

  private HeaderManagers headerManagers() {
    if (headerManagers == null) {
      headerManagers = new HeaderManagers();
    }
    return headerManagers;
  }

  // ---- the life of a thread and of a test

  @Override
  public boolean interrupt() {
    interrupted = true;
    Connection current = active;
    try {
      return current != null && current.cancel();
    } catch (RuntimeException | LinkageError e) {
      log.warn("{}: the connect could not be cancelled", getName(), e);
      return false;
    }
  }

  @Override
  public void threadStarted() {
    quietly(() -> Connections.ofThisThread().restart());
  }

  @Override
  public void threadFinished() {
    quietly(() -> Connections.ofThisThread().closeAll());
  }

  @Override
  public void testIterationStart(LoopIterationEvent event) {
    JMeterVariables variables = JMeterContextService.getContext().getVariables();
    if (variables != null && !variables.isSameUserOnNextIteration()) {
      quietly(() -> Connections.ofThisThread().closeAll());
    }
  }

  @Override
  public void testStarted() {
    quietly(
        () -> {
          TestRuns.started(this);
          Connection.warmUp(); // and what is wrong is in the log before the first user comes
        });
  }

  @Override
  public void testStarted(String host) {
    testStarted();
  }

  @Override
  public void testEnded() {
    quietly(() -> TestRuns.ended(this));
  }

  @Override
  public void testEnded(String host) {
    testEnded();
  }

  /** JMeter ends a test, or a thread, on what these call-backs throw. */
  private void quietly(Runnable step) {
    try {
      step.run();
    } catch (NativeLibraryException e) {
      log.error(e.getMessage());
    } catch (RuntimeException | LinkageError e) {
      log.error("{}", getName(), e);
    }
  }
}
