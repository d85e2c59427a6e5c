package io.github.wsbackoff.core;

import java.security.Security;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What an element connects by: its properties as users wrote them, who connects, and what JMeter's
 * own elements and options add. Handed over once, and again when it has changed.
 */
public final class ConnectSpec {
  /** Seconds that the JVM keeps an address; null: as built in, here as there. */
  private static final Long DNS_TTL = seconds(Security.getProperty("networkaddress.cache.ttl"));

  private final Map<String, Object> spec = new LinkedHashMap<>();
  private final Map<String, String> properties;
  private Identity identity;
  private List<byte[]> roots = Collections.emptyList();

  /**
   * @param properties the element's {@code wsb.*} properties, those that are set
   * @param user who connects, stable over runs (a seed gives each user a stream)
   */
  public ConnectSpec(Map<String, String> properties, String user) {
    this.properties = properties;
    spec.put("element", "ConnectSampler");
    spec.put("properties", properties);
    spec.put("user", user);
    if (DNS_TTL != null) {
      spec.put("dnsTtl", DNS_TTL);
    }
  }

  /** As the JVM reads it: a whole number, below 0 for ever; anything else counts as not set. */
  static Long seconds(String property) {
    try {
      return property == null ? null : Long.decode(property.trim());
    } catch (NumberFormatException e) {
      return null;
    }
  }

  /** File to write attempts to; "" for none. */
  public ConnectSpec trace(String file) {
    putText("traceShow", Settings.get(Settings.TRACE_SHOW));
    return putText("trace", file);
  }

  /** Address that a relative URL is resolved against where the plan sets no other; "" for none. */
  public ConnectSpec baseUrl(String url) {
    return putText("baseUrl", url);
  }

  /** Proxy to use where the plan sets no other; "" for none. */
  public ConnectSpec proxy(String proxy) {
    return putText("proxy", proxy);
  }

  /** Certificate to show to the server; null: none. */
  public ConnectSpec identity(Identity identity) {
    this.identity = identity;
    return this;
  }

  /** Certificates (DER) to trust beside the system's. */
  public ConnectSpec roots(List<byte[]> certificates) {
    roots = certificates;
    return this;
  }

  /**
   * Makes it no part of a test: one attempt, at most as long as its connect time-out, that nothing
   * counts or traces and that no other user learns of.
   */
  public ConnectSpec apart() {
    spec.put("apart", true);
    return this;
  }

  boolean isApart() {
    return spec.containsKey("apart");
  }

  /** Whether the same would be handed over. */
  public boolean sameAs(ConnectSpec other) {
    return other != null
        && spec.equals(other.spec)
        && roots.equals(other.roots)
        && (identity == null ? other.identity == null : identity.sameAs(other.identity));
  }

  /** Where it may connect to, as far as that stands in it. */
  String[] addresses() {
    return new String[] {
      properties.get("wsb.url"), properties.get("wsb.baseUrl"), (String) spec.get("baseUrl")
    };
  }

  byte[] toJson() {
    Map<String, Object> all = new LinkedHashMap<>(spec);
    if (identity != null) {
      all.put("identity", identity.json);
    }
    if (!roots.isEmpty()) {
      all.put("roots", base64(roots));
    }
    return Json.write(all);
  }

  private ConnectSpec putText(String key, String text) {
    if (!text.isEmpty()) {
      spec.put(key, text);
    }
    return this;
  }

  private static List<String> base64(List<byte[]> all) {
    List<String> texts = new ArrayList<>();
    all.forEach(bytes -> texts.add(Base64.getEncoder().encodeToString(bytes)));
    return texts;
  }

  /** A client certificate with its key. */
  public static final class Identity {
    private final Map<String, Object> json = new LinkedHashMap<>();

    /**
     * @param chain the certificate and those that signed it, DER
     * @param key its private key, PKCS#8 DER
     */
    public Identity(List<byte[]> chain, byte[] key) {
      json.put("chain", base64(chain));
      json.put("key", Base64.getEncoder().encodeToString(key));
    }

    private boolean sameAs(Identity other) {
      return other != null && json.equals(other.json);
    }
  }
}
