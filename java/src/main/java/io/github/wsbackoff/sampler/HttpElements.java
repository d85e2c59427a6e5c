package io.github.wsbackoff.sampler;

import java.net.InetAddress;
import java.net.URL;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.jmeter.protocol.http.control.AuthManager;
import org.apache.jmeter.protocol.http.control.Cookie;
import org.apache.jmeter.protocol.http.control.CookieManager;
import org.apache.jmeter.protocol.http.control.DNSCacheManager;
import org.apache.jmeter.testelement.TestElement;
import org.apache.jmeter.testelement.property.JMeterProperty;

/**
 * The managers of JMeter's HTTP part that are in a sampler's scope; of each kind but headers the
 * nearest counts, as for HTTP samplers. Apart from the sampler, which then loads without that part.
 */
final class HttpElements {
  private static final String IGNORE = "ignorecookies";
  private static final String AUTHORIZATION = "Authorization";

  private final HeaderManagers headers = new HeaderManagers();
  private CookieManager cookies;
  private AuthManager logins;
  private DNSCacheManager names;

  static boolean accepts(TestElement element) {
    return HeaderManagers.accepts(element)
        || element instanceof CookieManager
        || element instanceof AuthManager
        || element instanceof DNSCacheManager;
  }

  void add(TestElement element) {
    if (HeaderManagers.accepts(element)) {
      headers.add(element);
    } else if (element instanceof CookieManager && cookies == null) {
      cookies = (CookieManager) element;
    } else if (element instanceof AuthManager && logins == null) {
      logins = (AuthManager) element;
    } else if (element instanceof DNSCacheManager && names == null) {
      names = (DNSCacheManager) element;
    }
  }

  /**
   * Name and value of every header to send, but for cookies.
   *
   * @param url the server's address as http(s); null if it is not known
   * @throws Unusable if the user is to log in in a way that is not ours
   */
  List<List<String>> headers(URL url) throws Unusable {
    List<List<String>> all = headers.headers();
    Logins login = logins(url, all);
    if (login != null && login.header != null) {
      all.add(Arrays.asList(AUTHORIZATION, login.header));
    }
    return all;
  }

  /**
   * Who logs in where the server asks with Digest; empty for nobody.
   *
   * @param url as for {@link #headers}
   * @throws Unusable as there
   */
  Map<String, Object> login(URL url) throws Unusable {
    Logins login = logins(url, headers.headers());
    return login == null ? Collections.emptyMap() : login.digest;
  }

  /** Null where a Header Manager says how to log in, or nobody does. */
  private Logins logins(URL url, List<List<String>> headers) throws Unusable {
    if (url == null || logins == null) {
      return null;
    }
    boolean given =
        headers.stream().anyMatch(header -> header.get(0).equalsIgnoreCase(AUTHORIZATION));
    return given ? null : new Logins(logins, url);
  }

  /**
   * All cookies of the user: the native part gives each request those that are for it, with what
   * refusals and redirects set meanwhile. Null where nobody keeps any.
   */
  List<Map<String, Object>> cookies() {
    if (cookies == null) {
      return null;
    }
    List<Map<String, Object>> all = new ArrayList<>();
    if (cookies.getPolicy().equalsIgnoreCase(IGNORE)) {
      return all;
    }
    for (JMeterProperty each : cookies.getCookies()) {
      Cookie cookie = (Cookie) each.getObjectValue();
      Map<String, Object> one = new LinkedHashMap<>();
      String domain = cookie.getDomain();
      one.put("name", cookie.getName());
      one.put("value", cookie.getValue());
      one.put("domain", domain.startsWith(".") ? domain.substring(1) : domain);
      one.put("hostOnly", !domain.isEmpty() && !cookie.isDomainSpecified());
      one.put("path", cookie.getPath());
      one.put("secure", cookie.getSecure());
      one.put("expires", Math.max(0, cookie.getExpires()));
      all.add(one);
    }
    return all;
  }

  /** Stores a cookie that a server set. */
  void store(String setCookie, URL url) {
    if (cookies != null) {
      cookies.addCookieFromHeader(setCookie, url);
    }
  }

  /** Addresses of a host as the DNS Cache Manager says; empty if there is none. */
  List<String> addresses(String host) throws UnknownHostException {
    List<String> addresses = new ArrayList<>();
    if (names != null) {
      InetAddress[] resolved = names.resolve(host);
      if (resolved == null || resolved.length == 0) {
        throw new UnknownHostException(host);
      }
      for (InetAddress address : resolved) {
        addresses.add(address.getHostAddress());
      }
    }
    return addresses;
  }
}
