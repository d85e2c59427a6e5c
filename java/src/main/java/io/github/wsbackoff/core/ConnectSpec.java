package io.github.wsbackoff.core;

import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What one connect is to do: an element's properties as users wrote them, who connects, and what
 * JMeter's own elements and options add.
 */
public final class ConnectSpec {
  private final Map<String, Object> spec = new LinkedHashMap<>();

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
    spec.put("properties", new LinkedHashMap<>(properties));
    spec.put("headers", new ArrayList<>(headers));
    spec.put("user", user);
    spec.put("ordinal", ordinal);
    putText("trace", trace);
  }

  /** Address that a relative URL is resolved against where the plan sets no other; "" for none. */
  public ConnectSpec baseUrl(String url) {
    return putText("baseUrl", url);
  }

  /** Proxy to use where the plan sets no other; "" for none. */
  public ConnectSpec proxy(String proxy) {
    return putText("proxy", proxy);
  }

  /** Addresses of the server, numeric; empty: ask the system. */
  public ConnectSpec addresses(List<String> addresses) {
    if (!addresses.isEmpty()) {
      spec.put("addresses", addresses);
    }
    return this;
  }

  /** Certificate to show to the server; null: none. */
  public ConnectSpec identity(Identity identity) {
    if (identity != null) {
      spec.put("identity", identity.json);
    }
    return this;
  }

  /** Certificates (DER) to trust beside the system's. */
  public ConnectSpec roots(List<byte[]> certificates) {
    if (!certificates.isEmpty()) {
      spec.put("roots", base64(certificates));
    }
    return this;
  }

  byte[] toJson() {
    return Json.write(spec);
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
  }
}
