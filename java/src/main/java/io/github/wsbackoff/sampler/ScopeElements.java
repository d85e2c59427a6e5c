package io.github.wsbackoff.sampler;

import java.net.URL;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.apache.jmeter.config.ConfigTestElement;
import org.apache.jmeter.testelement.TestElement;

/**
 * JMeter's own configuration elements in the scope of a connect. JMeter hands them over anew, the
 * nearest first, before every sample.
 */
final class ScopeElements {
  private static final String KEYSTORE_CONFIG = "org.apache.jmeter.config.KeystoreConfig";
  private static final String HTTP = "HTTPSampler.";
  private static final String[] ADDRESS = {"domain", "port", "protocol", "path"};

  /** JMeter's HTTP part is a jar of its own, which may be missing. */
  private static final boolean HTTP_PART =
      isThere("org.apache.jmeter.protocol.http.control.HeaderManager");

  private final List<TestElement> httpDefaults = new ArrayList<>();
  private TestElement keystoreConfig;
  private HttpElements http;

  static boolean accepts(TestElement element) {
    return isHttp(element) || isKeystoreConfig(element) || isHttpDefaults(element);
  }

  void add(TestElement element) {
    if (isHttp(element)) {
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

  /** The user's cookies, of whatever hosts. */
  List<Map<String, Object>> cookies() {
    return http == null ? Collections.emptyList() : http.cookies();
  }

  /** Addresses of this host, empty if the system is to be asked. */
  List<String> addresses(String host) throws UnknownHostException {
    return http == null ? Collections.emptyList() : http.addresses(host);
  }

  /** Stores a cookie that a server set. */
  void storeCookie(String setCookie, URL url) {
    if (http != null) {
      http.store(setCookie, url);
    }
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

  private static boolean isHttp(TestElement element) {
    return HTTP_PART && HttpElements.accepts(element);
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
