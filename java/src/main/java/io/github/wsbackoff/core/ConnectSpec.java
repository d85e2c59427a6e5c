package io.github.wsbackoff.core;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What one connect is to do: an element's properties as users wrote them, and who connects. */
public final class ConnectSpec {
  private final Map<String, String> properties;
  private final List<String[]> headers;
  private final String user;
  private final long ordinal;
  private final String trace;

  /**
   * @param properties the element's {@code wsb.*} properties, those that are set
   * @param headers name and value of each header for the upgrade
   * @param user who connects, stable over runs (a seed gives each user a stream)
   * @param ordinal how many connects this user made before
   * @param trace file to write attempts to, "" for none
   */
  public ConnectSpec(
      Map<String, String> properties,
      List<String[]> headers,
      String user,
      long ordinal,
      String trace) {
    this.properties = new LinkedHashMap<>(properties);
    this.headers = new ArrayList<>(headers);
    this.user = user;
    this.ordinal = ordinal;
    this.trace = trace;
  }

  byte[] toJson() {
    Map<String, Object> spec = new LinkedHashMap<>();
    spec.put("properties", properties);
    spec.put("headers", headers);
    spec.put("user", user);
    spec.put("ordinal", ordinal);
    if (!trace.isEmpty()) {
      spec.put("trace", trace);
    }
    return Json.write(spec);
  }
}
