package io.github.wsbackoff.sampler;

import java.net.InetAddress;
import java.net.URL;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.List;
import org.apache.jmeter.protocol.http.control.AuthManager;
import org.apache.jmeter.protocol.http.control.CookieManager;
import org.apache.jmeter.protocol.http.control.DNSCacheManager;
import org.apache.jmeter.testelement.TestElement;

/**
 * The managers of JMeter's HTTP part that are in a sampler's scope; of each kind but headers the
 * nearest counts, as for HTTP samplers. Apart from the sampler, which then loads without that part.
 */
final class HttpElements {
  private static final String COOKIE = "Cookie";
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
   * Name and value of every header to send.
   *
   * @param url the server's address as http(s); null if it is not known
   * @throws Unusable if the user is to log in in a way that is not ours
   */
  List<String[]> headers(URL url) throws Unusable {
    List<String[]> all = headers.headers();
    if (url == null) {
      return all;
    }
    if (logins != null && find(all, AUTHORIZATION) == null) {
      String login = Logins.header(logins, url);
      if (login != null) {
        all.add(new String[] {AUTHORIZATION, login});
      }
    }
    String stored = cookies == null ? null : cookies.getCookieHeaderForURL(url);
    if (stored != null && !stored.isEmpty()) {
      addCookies(all, stored);
    }
    return all;
  }

  /**
   * A request has one Cookie header at most (RFC 6265, section 5.4): what is there is continued.
   */
  private static void addCookies(List<String[]> headers, String stored) {
    String[] own = find(headers, COOKIE);
    if (own == null) {
      headers.add(new String[] {COOKIE, stored});
    } else {
      own[1] = own[1] + "; " + stored;
    }
  }

  private static String[] find(List<String[]> headers, String name) {
    for (String[] header : headers) {
      if (header[0].equalsIgnoreCase(name)) {
        return header;
      }
    }
    return null;
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
