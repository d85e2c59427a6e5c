package io.github.wsbackoff.sampler;

import java.net.URL;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.jmeter.protocol.http.control.AuthManager;
import org.apache.jmeter.protocol.http.control.Authorization;
import org.apache.jmeter.testelement.property.JMeterProperty;

/**
 * What an Authorization Manager has for an address: the header that is sent unasked, and who logs
 * in where the server asks with Digest. Linked only where JMeter's HTTP part is.
 */
final class Logins {
  private static final String BASIC = "BASIC";
  private static final String DIGEST = "DIGEST";
  private static final String EITHER = "BASIC_DIGEST";

  /** An Authorization header, which JMeter sends without a challenge; null for none. */
  final String header;

  /** User, password and realm for a challenge, in the native part's words; empty for nobody. */
  final Map<String, Object> digest;

  /**
   * @param url as http(s); entries with a base of ws or wss stand for these
   * @throws Unusable if the entry is for another mechanism: its password must not go out in clear
   */
  Logins(AuthManager manager, URL url) throws Unusable {
    Authorization login = find(manager, url);
    String mechanism =
        login == null ? null : login.getPropertyAsString("Authorization.mechanism", EITHER);
    if (login != null
        && !mechanism.equals(BASIC)
        && !mechanism.equals(DIGEST)
        && !mechanism.equals(EITHER)) {
      throw new Unusable(
          "spec.invalid",
          "Authorization Manager: the entry for "
              + login.getURL()
              + " is for "
              + mechanism
              + "; allowed: BASIC, DIGEST or BASIC_DIGEST for a WebSocket, or an Authorization"
              + " header in a Header Manager\nNothing was sent.\n",
          null);
    }
    header = login == null || mechanism.equals(DIGEST) ? null : login.toBasicHeader();
    digest = login == null || mechanism.equals(BASIC) ? Collections.emptyMap() : forDigest(login);
  }

  private static Map<String, Object> forDigest(Authorization login) {
    Map<String, Object> all = new LinkedHashMap<>();
    all.put("user", login.getUser());
    all.put("password", login.getPass());
    all.put("realm", login.getRealm());
    return all;
  }

  private static Authorization find(AuthManager manager, URL url) {
    AuthManager http = new AuthManager();
    boolean differs = false;
    for (JMeterProperty each : manager.getAuthObjects()) {
      Authorization entry = (Authorization) each.getObjectValue();
      String base = entry.getURL().trim();
      Authorization copy = (Authorization) entry.clone();
      if (base.regionMatches(true, 0, "ws", 0, 2) && base.indexOf("://") >= 2) {
        copy.setURL("http" + base.substring(2));
        differs = true;
      }
      http.addAuth(copy);
    }
    return (differs ? http : manager).getAuthForURL(url);
  }
}
