package io.github.wsbackoff.core;

import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What may differ from connect to connect: headers and addresses. Written once while they stay the
 * same.
 */
public final class ConnectCall {
  /** Nothing of both. */
  public static final ConnectCall PLAIN =
      new ConnectCall(Collections.emptyList(), Collections.emptyList(), null);

  private final List<String[]> headers;
  private final List<String> addresses;

  /** As the native library reads it; null for nothing. */
  final byte[] json;

  private ConnectCall(List<String[]> headers, List<String> addresses, byte[] json) {
    this.headers = headers;
    this.addresses = addresses;
    this.json = json;
  }

  /**
   * A call like this one, with these in place of its own.
   *
   * @param headers name and value of each header for the upgrade
   * @param addresses of the server, numeric; empty: the system is asked
   */
  public ConnectCall with(List<String[]> headers, List<String> addresses) {
    if (headers.isEmpty() && addresses.isEmpty()) {
      return PLAIN;
    }
    if (addresses.equals(this.addresses)
        && Arrays.deepEquals(headers.toArray(), this.headers.toArray())) {
      return this;
    }
    Map<String, Object> spec = new LinkedHashMap<>();
    spec.put("headers", headers);
    spec.put("addresses", addresses);
    return new ConnectCall(headers, addresses, Json.write(spec));
  }
}
