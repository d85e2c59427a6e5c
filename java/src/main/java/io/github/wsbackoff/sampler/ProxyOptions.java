package io.github.wsbackoff.sampler;

import java.io.UnsupportedEncodingException;
import java.net.URLEncoder;
import java.util.Locale;
import org.apache.jmeter.JMeter;
import org.apache.jmeter.util.JMeterUtils;

/**
 * The proxy of JMeter's command line: {@code -H} and {@code -P} become system properties, {@code
 * -N} too, {@code -u} and {@code -a} JMeter properties.
 */
final class ProxyOptions {
  private ProxyOptions() {}

  /** The proxy to reach this host by, as {@code http://user:password@host:port}; "" for none. */
  static String proxyFor(String host, boolean secure) {
    String prefix = secure ? "https." : "http.";
    String proxy = System.getProperty(prefix + "proxyHost", "").trim();
    String port = System.getProperty(prefix + "proxyPort", "").trim();
    if (proxy.isEmpty() || bypasses(System.getProperty("http.nonProxyHosts", ""), host)) {
      return "";
    }
    String user = JMeterUtils.getPropDefault(JMeter.HTTP_PROXY_USER, "");
    String login = "";
    if (!user.isEmpty()) {
      String password = JMeterUtils.getPropDefault(JMeter.HTTP_PROXY_PASS, "");
      login = encode(user) + ":" + encode(password) + "@";
    }
    return "http://" + login + proxy + (port.isEmpty() ? "" : ":" + port);
  }

  /** Names with bars between them, each exact or with a star in front or at the end. */
  static boolean bypasses(String nonProxyHosts, String host) {
    String name = host.toLowerCase(Locale.ROOT);
    for (String entry : nonProxyHosts.toLowerCase(Locale.ROOT).split("\\|")) {
      String pattern = entry.trim();
      if (pattern.isEmpty()) {
        continue;
      }
      boolean matches =
          pattern.startsWith("*")
              ? name.endsWith(pattern.substring(1))
              : pattern.endsWith("*")
                  ? name.startsWith(pattern.substring(0, pattern.length() - 1))
                  : name.equals(pattern);
      if (matches) {
        return true;
      }
    }
    return false;
  }

  private static String encode(String text) {
    try {
      return URLEncoder.encode(text, "UTF-8").replace("+", "%20");
    } catch (UnsupportedEncodingException e) {
      throw new IllegalStateException(e); // every Java has UTF-8
    }
  }
}
