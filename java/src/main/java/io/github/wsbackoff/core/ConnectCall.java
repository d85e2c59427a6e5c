package io.github.wsbackoff.core;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What may differ from connect to connect: headers, cookies and addresses, and who connects.
 * Written once while they stay the same.
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
   * @param cookies those of all hosts that the user has
   * @param addresses of the server, numeric; empty: the system is asked
   * @param visit which user of this thread it is: another number is a new one
   */
  public ConnectCall with(
      List<List<String>> headers,
      List<Map<String, Object>> cookies,
      List<String> addresses,
      long visit) {
    Map<String, Object> now = new LinkedHashMap<>();
    put(now, "headers", headers);
    put(now, "cookies", cookies);
    put(now, "addresses", addresses);
    if (visit != 0) {
      now.put("visit", visit);
    }
    if (now.isEmpty()) {
      return PLAIN;
    }
    return now.equals(spec) ? this : new ConnectCall(now, Json.write(now));
  }

  private static void put(Map<String, Object> spec, String name, List<?> values) {
    if (!values.isEmpty()) {
      spec.put(name, values);
    }
  }
}
