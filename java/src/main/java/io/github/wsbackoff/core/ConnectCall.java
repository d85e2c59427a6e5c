package io.github.wsbackoff.core;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What may differ from connect to connect: headers, logins, cookies and addresses, and who
 * connects. Written once while they stay the same.
 */
public final class ConnectCall {
  /** Nothing of all. */
  public static final ConnectCall PLAIN = new ConnectCall(Collections.emptyMap(), null);

  private final Map<String, Object> spec;

  /** As the native library reads it; null for nothing. */
  final byte[] json;

  private ConnectCall(Map<String, Object> spec, byte[] json) {
    this.spec = spec;
    this.json = json;
  }

  /**
   * A call like this one, with these in place of its own.
   *
   * @param headers name and value of each header for the upgrade
   * @param login who logs in where the server asks with Digest; empty for nobody
   * @param cookies those of all hosts that the user has; null where nobody keeps any
   * @param addresses of the server, numeric; empty: the system is asked
   * @param visit which user of this thread it is: another number is a new one
   * @param asks whether this side is asked anew before a lost connection is made again
   */
  public ConnectCall with(
      List<List<String>> headers,
      Map<String, Object> login,
      List<Map<String, Object>> cookies,
      List<String> addresses,
      long visit,
      boolean asks) {
    Map<String, Object> now = new LinkedHashMap<>();
    put(now, "headers", headers);
    if (!login.isEmpty()) {
      now.put("login", login);
    }
    put(now, "cookies", cookies);
    put(now, "addresses", addresses);
    if (visit != 0) {
      now.put("visit", visit);
    }
    if (asks) {
      now.put("asks", true);
    }
    if (now.isEmpty()) {
      return PLAIN;
    }
    return now.equals(spec) ? this : new ConnectCall(now, Json.write(now));
  }

  /**
   * What a lost connection is made anew by, in the place of what it was made by; as for {@link
   * #with}, but that cookies which nobody keeps stay with the connection.
   */
  public static ConnectCall again(
      List<List<String>> headers,
      Map<String, Object> login,
      List<Map<String, Object>> cookies,
      List<String> addresses) {
    Map<String, Object> now = new LinkedHashMap<>();
    now.put("headers", headers);
    if (!login.isEmpty()) {
      now.put("login", login);
    }
    if (cookies != null) {
      now.put("cookies", cookies);
    }
    now.put("addresses", addresses);
    return new ConnectCall(now, Json.write(now));
  }

  private static void put(Map<String, Object> spec, String name, List<?> values) {
    if (values != null && !values.isEmpty()) {
      spec.put(name, values);
    }
  }
}
