package io.github.wsbackoff.sampler;

import java.net.URL;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.jmeter.config.ConfigTestElement;
import org.apache.jmeter.engine.util.NoThreadClone;
import org.apache.jmeter.testelement.TestElement;

/**
 * JMeter's own configuration elements in the scope of a connect. JMeter hands them over anew, the
 * nearest first, before every sample.
 */
final class ScopeElements {
  static final String HEADERS = "org.apache.jmeter.protocol.http.control.HeaderManager";
  static final String COOKIES = "org.apache.jmeter.protocol.http.control.CookieManager";

  private static final String KEYSTORE_CONFIG = "org.apache.jmeter.config.KeystoreConfig";
  private static final String HTTP = "HTTPSampler.";
  private static final String[] ADDRESS = {"domain", "port", "protocol", "path"};

  /** JMeter's HTTP part is a jar of its own, which may be missing. */
  private static final boolean HTTP_PART = isThere(HEADERS);

  private final List<TestElement> httpDefaults = new ArrayList<>();
  private final List<TestElement> managers = new ArrayList<>();
  private TestElement keystoreConfig;
  private HttpElements http;

  static boolean accepts(TestElement element) {
    return isManager(element) || isKeystoreConfig(element) || isHttpDefaults(element);
  }

  /** Whether an element says something for each upgrade, also of a lost connection. */
  static boolean isManager(TestElement element) {
    return HTTP_PART && HttpElements.accepts(element);
  }

  void add(TestElement element) {
    if (isManager(element)) {
      managers.add(element);
      if (http == null) {
        http = new HttpElements();
      }
      http.add(element);
    } else if (isKeystoreConfig(element)) {
      keystoreConfig = keystoreConfig == null ? element : keystoreConfig;
    } else if (isHttpDefaults(element)) {
      httpDefaults.add(element);
    }
  }

  /** Headers to send to this address (as http or https; null if it is not known). */
  List<List<String>> headers(URL url) throws Unusable {
    return http == null ? Collections.emptyList() : http.headers(url);
  }

  /** Who logs in at this address if it asks with Digest; empty for nobody. */
  Map<String, Object> login(URL url) throws Unusable {
    return http == null ? Collections.emptyMap() : http.login(url);
  }

  /** The user's cookies, of whatever hosts; null where nobody keeps any. */
  List<Map<String, Object>> cookies() {
    return http == null ? null : http.cookies();
  }

  /** Addresses of this host, empty if the system is to be asked. */
  List<String> addresses(String host) throws UnknownHostException {
    return http == null ? Collections.emptyList() : http.addresses(host);
  }

  /** Stores what servers set: of each cookie the address of the answer, and the header. */
  void store(List<String[]> setCookies) {
    for (String[] cookie : setCookies) {
      URL from = Urls.http(cookie[0]);
      if (http != null && from != null) {
        http.store(cookie[1], from);
      }
    }
  }

  /** The managers here behind those of another sample, as far as that has some of its own. */
  ScopeElements behind(List<TestElement> nearer) {
    ScopeElements all = new ScopeElements();
    Set<TestElement> here = identities(managers);
    nearer.stream().filter(element -> !here.contains(element)).forEach(all::add);
    managers.forEach(all::add);
    return all;
  }

  /**
   * Lets those managers here forget what their variables and functions gave which are not in the
   * scope of the running sample, where JMeter does it.
   */
  void recover(List<TestElement> running) {
    Set<TestElement> others = identities(running);
    for (TestElement element : managers) {
      if (others.contains(element)) {
        continue;
      }
      if (element instanceof NoThreadClone) { // other threads', too
        synchronized (element) {
          element.recoverRunningVersion();
        }
      } else {
        element.recoverRunningVersion();
      }
    }
  }

  /** Elements of equal properties are others all the same. */
  private static Set<TestElement> identities(List<TestElement> elements) {
    Set<TestElement> all = Collections.newSetFromMap(new IdentityHashMap<>());
    all.addAll(elements);
    return all;
  }

  /** The Keystore Configuration, or null. */
  TestElement keystoreConfig() {
    return keystoreConfig;
  }

  /** The address that HTTP Request Defaults make together, "" if they name no server. */
  String baseUrl() {
    if (httpDefaults.isEmpty()) {
      return "";
    }
    String server = httpDefault("domain");
    if (server.isEmpty()) {
      return "";
    }
    String protocol = httpDefault("protocol");
    String port = httpDefault("port");
    String path = httpDefault("path");
    boolean bareIpv6 = server.indexOf(':') >= 0 && !server.startsWith("[");
    return (protocol.isEmpty() ? "http" : protocol)
        + "://"
        + (bareIpv6 ? "[" + server + "]" : server)
        + (port.isEmpty() ? "" : ":" + port)
        + (path.startsWith("/") ? "" : "/")
        + path;
  }

  private String httpDefault(String name) {
    for (TestElement defaults : httpDefaults) {
      String value = defaults.getPropertyAsString(HTTP + name).trim();
      if (!value.isEmpty()) {
        return value;
      }
    }
    return "";
  }

  private static boolean isKeystoreConfig(TestElement element) {
    return element.getClass().getName().equals(KEYSTORE_CONFIG);
  }

  /** They have no class of their own: what they hold tells them, and each field may be empty. */
  private static boolean isHttpDefaults(TestElement element) {
    if (element.getClass() != ConfigTestElement.class) {
      return false;
    }
    for (String name : ADDRESS) {
      if (element.getPropertyOrNull(HTTP + name) != null) {
        return true;
      }
    }
    return false;
  }

  private static boolean isThere(String className) {
    try {
      Class.forName(className, false, ScopeElements.class.getClassLoader());
      return true;
    } catch (ClassNotFoundException | LinkageError e) {
      return false;
    }
  }
}
