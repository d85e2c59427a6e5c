package io.github.wsbackoff.sampler;

import io.github.wsbackoff.core.ConnectResult;
import io.github.wsbackoff.core.ConnectSpec;
import io.github.wsbackoff.core.Connection;
import io.github.wsbackoff.core.Connections;
import io.github.wsbackoff.core.NativeLibraryException;
import io.github.wsbackoff.core.Settings;
import io.github.wsbackoff.core.Spec;
import java.net.URL;
import java.net.UnknownHostException;
import java.util.Locale;
import org.apache.jmeter.config.ConfigTestElement;
import org.apache.jmeter.samplers.Entry;
import org.apache.jmeter.samplers.SampleResult;
import org.apache.jmeter.testelement.TestElement;
import org.apache.jmeter.testelement.schema.PropertiesAccessor;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Opens a WebSocket, again and again with backoff where the server pushes back; one sample a
 * connect. JMeter's own managers and options are asked here, the rest does the native part.
 */
public class ConnectSampler extends AbstractWebSocketSampler {
  private static final long serialVersionUID = 1L;
  private static final Logger log = LoggerFactory.getLogger(ConnectSampler.class);

  private static final String ADDRESS = "wsb.url";
  private static final String BASE = "wsb.baseUrl";
  private static final String WHEN_OPEN = "wsb.whenOpen";
  private static final String SCOPE = "wsb.scope";
  private static final String PROXY = "wsb.proxy";

  /** How long the goodbye to a connection that is replaced may take. */
  private static final long REPLACE_MILLIS = 1000;

  // Of the running sample; a clone and a deserialised copy start without.
  private transient ScopeElements scope;

  /** Without properties: all is inherited, or as built in. */
  public ConnectSampler() {
    super(ConnectSampler.class);
  }

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
    Values values = new Values();
    ConnectResult result = null;
    try {
      values = evaluate();
    } catch (RuntimeException | LinkageError e) { // of a ${__function} in a property
      result = unforeseen(e, "");
    }
    sample.setSamplerData("WebSocket connect\n" + values.describe());
    sample.sampleStart();
    if (result == null) {
      result = run(values);
    }
    ConnectSample.finish(sample, result);
    if (!result.warning.isEmpty()) {
      log.warn("{}: {}", getName(), result.warning);
    }
    result.variables.forEach(AbstractWebSocketSampler::setVariable);
    return sample;
  }

  /** Never throws: JMeter would lose the sample, or with an Error the thread. */
  private ConnectResult run(Values values) {
    String url = values.inForce(ADDRESS);
    try {
      return connect(values);
    } catch (NativeLibraryException e) {
      return ConnectResult.failed("native.unavailable", url, e.getMessage());
    } catch (UnknownHostException e) {
      return ConnectResult.failed(
          "dns.not-found", url, "The DNS Cache Manager knows no address: " + e.getMessage());
    } catch (KeyStores.Unusable e) {
      return ConnectResult.failed(e.code, url, e.getMessage());
    } catch (Throwable e) {
      return unforeseen(e, url);
    } finally {
      deactivate();
    }
  }

  private ConnectResult unforeseen(Throwable e, String url) {
    log.error("{}: the connect failed in an unforeseen way", getName(), e);
    return ConnectResult.failed("native.failure", url, e.toString());
  }

  private ConnectResult connect(Values values) throws UnknownHostException, KeyStores.Unusable {
    String url = values.inForce(ADDRESS);
    for (String key : new String[] {WHEN_OPEN, SCOPE}) {
      if (!Spec.get().choicesOf(key).contains(word(values, key))) {
        return ConnectResult.invalid(key, values.inForce(key), url);
      }
    }
    Connections connections = Connections.ofThisThread();
    String id = values.inForce(CONNECTION);
    Connection open = connections.get(id);
    if (open != null) {
      String what = "Connection '" + id + "' of this thread is open.";
      switch (open.isOpen()
          ? word(values, WHEN_OPEN)
          : "replace") { // a lost one is in nobody's way
        case "reuse":
          return ConnectResult.reused(url, what);
        case "fail":
          return ConnectResult.failed("connection.open", url, what);
        default:
          connections.remove(id);
          replace(open);
      }
    }
    return connect(connections, id, values);
  }

  private void replace(Connection open) {
    activate(open); // a Stop need not wait for the goodbye
    if (isInterrupted()) {
      open.close();
    } else {
      open.close(Connection.NORMAL, "", REPLACE_MILLIS);
    }
  }

  private ConnectResult connect(Connections connections, String id, Values values)
      throws UnknownHostException, KeyStores.Unusable {
    ConnectSpec spec = spec(values, connections.nextOrdinal());
    Connection connection = Connection.create();
    boolean kept = false;
    try {
      activate(connection);
      ConnectResult result = connection.connect(spec);
      if (result.ok) {
        String lives = word(values, SCOPE).toUpperCase(Locale.ROOT);
        connections.put(id, connection, Connections.Scope.valueOf(lives));
        kept = true;
      }
      storeCookies(result);
      return result;
    } finally {
      if (!kept) {
        connection.close();
      }
    }
  }

  /** The plan's properties, and what JMeter's own elements and options add to them. */
  private ConnectSpec spec(Values values, long ordinal)
      throws UnknownHostException, KeyStores.Unusable {
    ScopeElements elements = scope();
    String base = elements.baseUrl();
    String ownBase = values.inForce(BASE);
    URL server = Target.of(values.inForce(ADDRESS), ownBase.isEmpty() ? base : ownBase);
    ConnectSpec spec =
        new ConnectSpec(values.toMap(), elements.headers(server), user(), ordinal, Settings.trace())
            .baseUrl(base);
    if (server == null) {
      return spec; // the native part says what is wrong with it
    }
    boolean secure = server.getProtocol().equals("https");
    String proxy = ProxyOptions.proxyFor(server.getHost(), secure);
    if (values.inForce(PROXY).isEmpty() && proxy.isEmpty()) {
      spec.addresses(elements.addresses(server.getHost())); // else the proxy looks it up
    }
    if (secure) {
      spec.identity(KeyStores.identity(elements.keystoreConfig())).roots(KeyStores.trusted());
    }
    return spec.proxy(proxy);
  }

  private void storeCookies(ConnectResult result) {
    for (String[] cookie : result.setCookies) {
      URL from = Target.of(cookie[0]);
      if (from != null) {
        scope().storeCookie(cookie[1], from);
      }
    }
  }

  /** JMeter's thread name; outside a thread group, in a test, Java's. */
  private String user() {
    String name = getThreadName();
    return name == null || name.isEmpty() ? Thread.currentThread().getName() : name;
  }

  private static String word(Values values, String key) {
    return values.inForce(key).toLowerCase(Locale.ROOT);
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
