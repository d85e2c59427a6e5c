package io.github.wsbackoff.sampler;

import io.github.wsbackoff.core.ConnectCall;
import io.github.wsbackoff.core.Connection;
import io.github.wsbackoff.core.Failure;
import io.github.wsbackoff.core.Origin;
import java.net.URL;
import java.net.UnknownHostException;
import java.util.Collections;
import java.util.List;
import org.apache.jmeter.testelement.TestElement;

/** The Connect sample that a connection comes from: its address, and the managers in its scope. */
final class ConnectOrigin implements Origin {
  private final ScopeElements scope;
  private final URL server;
  private final boolean looksUp;

  /**
   * @param server its address as http or https, or null
   * @param looksUp whether JMeter may be asked for addresses of its host
   */
  ConnectOrigin(ScopeElements scope, URL server, boolean looksUp) {
    this.scope = scope;
    this.server = server;
    this.looksUp = looksUp;
  }

  @Override
  public Failure renew(Connection connection, List<TestElement> nearer) {
    ScopeElements all = scope.behind(nearer);
    try {
      List<String> addresses = looksUp ? all.addresses(server.getHost()) : Collections.emptyList();
      return connection.renew(
          ConnectCall.again(all.headers(server), all.login(server), all.cookies(), addresses));
    } catch (UnknownHostException e) {
      return Failure.of("dns.not-found", Unusable.unknownHost(e));
    } catch (Unusable e) {
      return Failure.of(e.code, e.getMessage());
    } finally {
      scope.recover(nearer);
    }
  }

  @Override
  public void store(List<String[]> setCookies, List<TestElement> nearer) {
    scope.behind(nearer).store(setCookies);
  }
}
