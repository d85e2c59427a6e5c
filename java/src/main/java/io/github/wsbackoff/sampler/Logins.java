package io.github.wsbackoff.sampler;

import java.net.URL;
import org.apache.jmeter.protocol.http.control.AuthManager;
import org.apache.jmeter.protocol.http.control.Authorization;
import org.apache.jmeter.testelement.property.JMeterProperty;

/** What an Authorization Manager lets us say unasked. Linked only where JMeter's HTTP part is. */
final class Logins {
  private Logins() {}

  /**
   * The Authorization header for an address; null if the manager has no entry for it.
   *
   * @param url as http(s); entries with a base of ws or wss stand for these
   * @throws Unusable if the entry is not for Basic: its password must not go out in clear
   */
  static String header(AuthManager manager, URL url) throws Unusable {
    Authorization login = find(manager, url);
    if (login == null) {
      return null;
    }
    String mechanism = login.getPropertyAsString("Authorization.mechanism", "BASIC_DIGEST");
    if (!mechanism.equals("BASIC") && !mechanism.equals("BASIC_DIGEST")) {
      throw new Unusable(
          "spec.invalid",
          "Authorization Manager: the entry for "
              + login.getURL()
              + " is for "
              + mechanism
              + "; allowed: BASIC for a WebSocket, or an Authorization header in a Header Manager\n"
              + "Nothing was sent.\n",
          null);
    }
    return login.toBasicHeader();
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
