package io.github.wsbackoff.sampler;

import java.net.MalformedURLException;
import java.net.URL;
import java.util.Locale;

/** Addresses as JMeter takes them: its results and managers know http and https alone. */
final class Urls {
  private Urls() {}

  /** An address of the native part as http or https, without a login; null if it is none. */
  static URL http(String address) {
    int scheme = address.indexOf("://");
    String secure = scheme < 0 ? "" : address.substring(0, scheme).toLowerCase(Locale.ROOT);
    boolean plain = secure.equals("ws") || secure.equals("http");
    if (!plain && !secure.equals("wss") && !secure.equals("https")) {
      return null;
    }
    try {
      URL url = new URL((plain ? "http" : "https") + address.substring(scheme));
      return url.getUserInfo() == null
          ? url
          : new URL(url.getProtocol(), url.getHost(), url.getPort(), url.getFile());
    } catch (MalformedURLException e) {
      return null;
    }
  }
}
