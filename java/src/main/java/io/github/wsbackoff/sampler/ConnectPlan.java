package io.github.wsbackoff.sampler;

import io.github.wsbackoff.core.ConnectCall;
import io.github.wsbackoff.core.ConnectResult;
import io.github.wsbackoff.core.ConnectSpec;
import io.github.wsbackoff.core.Connections;
import io.github.wsbackoff.core.Operation;
import io.github.wsbackoff.core.Query;
import io.github.wsbackoff.core.Settings;
import io.github.wsbackoff.core.Spec;
import io.github.wsbackoff.element.Values;
import java.net.URL;
import java.net.UnknownHostException;
import java.util.Collections;
import java.util.List;
import java.util.Locale;

/**
 * What one thread's Connect sampler made of its properties and of what JMeter adds to them. Kept
 * while these stay the same, as they mostly do, so that a connect costs little beside its socket.
 */
final class ConnectPlan {
  /** Begins every {@link #description}. */
  static final String TITLE = "WebSocket connect\n";

  static final String ADDRESS = "wsb.url";
  static final String BASE = "wsb.baseUrl";
  private static final String PROXY = "wsb.proxy";
  private static final String SCOPE = "wsb.scope";
  private static final String RECONNECT = "wsb.reconnect";
  private static final String NO = "no";

  /** The properties for people, without passwords. */
  final String description;

  /** Id of the connection. */
  final String id;

  /** What becomes of one that is open. */
  final String whenOpen;

  /** How long it lives; null if {@link #wrong}. */
  final Connections.Scope scope;

  /** The result of every connect if a value that only this side uses is wrong, else null. */
  final ConnectResult wrong;

  private final boolean apart;
  private final boolean reconnects;
  private final Values values;
  private final String traceFile;
  private String base;
  private String user;
  private URL server;
  private boolean secure;
  private String proxy = "";
  private boolean looksUp;
  private ConnectSpec spec;
  private Operation prepared;
  private ConnectCall call = ConnectCall.PLAIN;

  ConnectPlan(Values values) {
    this(values, false);
  }

  /**
   * @param apart whether it is no part of a test, see {@link ConnectSpec#apart}
   */
  ConnectPlan(Values values, boolean apart) {
    this.values = values;
    this.apart = apart;
    description = TITLE + values.describe();
    id = values.inForce(AbstractWebSocketSampler.CONNECTION);
    traceFile = apart ? "" : Settings.trace();
    whenOpen = word(Opening.WHEN_OPEN);
    reconnects = !word(RECONNECT).equals(NO);
    String lives = word(SCOPE);
    boolean known = isChoice(SCOPE, lives);
    scope = known ? Connections.Scope.valueOf(lives.toUpperCase(Locale.ROOT)) : null;
    if (!isChoice(Opening.WHEN_OPEN, whenOpen)) {
      wrong = ConnectResult.invalid(Opening.WHEN_OPEN, values.inForce(Opening.WHEN_OPEN));
    } else {
      wrong = known ? null : ConnectResult.invalid(SCOPE, values.inForce(SCOPE));
    }
  }

  /** Whether it was made of equal properties. */
  boolean isOf(Values others) {
    return others.sameAs(values);
  }

  /**
   * Makes the next connect ready: asks JMeter's managers, and hands over what has changed since the
   * last one. JMeter's own options are those of the process, and asked once.
   */
  void ready(ScopeElements elements, String user, long visit)
      throws UnknownHostException, Unusable {
    String base = elements.baseUrl();
    if (!base.equals(this.base) || !user.equals(this.user)) {
      discard();
      this.user = user;
      aim(base);
    }
    List<String> addresses =
        looksUp ? elements.addresses(server.getHost()) : Collections.emptyList();
    call =
        call.with(
            elements.headers(server),
            elements.login(server),
            elements.cookies(),
            addresses,
            visit,
            reconnects);
    boolean isRead = prepared != null && prepared.isUsable();
    if (secure || !isRead) { // the user's certificate may be another one each time
      ConnectSpec now = spec(elements);
      if (!isRead || !now.sameAs(spec)) {
        discard();
        prepared = Operation.prepare(now);
        spec = now;
      }
    }
  }

  private void aim(String base) {
    this.base = base;
    String own = values.inForce(BASE);
    server = Urls.http(Query.httpUrl(values.inForce(ADDRESS), own.isEmpty() ? base : own));
    boolean known = server != null; // else the native part says what is wrong with it
    secure = known && server.getProtocol().equals("https");
    proxy = known ? ProxyOptions.proxyFor(server.getHost(), secure) : "";
    looksUp = known && proxy.isEmpty() && values.inForce(PROXY).isEmpty(); // else the proxy does
  }

  private ConnectSpec spec(ScopeElements elements) throws Unusable {
    ConnectSpec spec =
        new ConnectSpec(values.toMap(), user).trace(traceFile).baseUrl(base).proxy(proxy);
    if (secure) {
      spec.identity(KeyStores.identity(elements.keystoreConfig())).roots(KeyStores.trusted());
    }
    return apart ? spec.apart() : spec;
  }

  /** What the native part has read, once this is {@link #ready}. */
  Operation prepared() {
    return prepared;
  }

  /** What is only the next connect's, once this is {@link #ready}. */
  ConnectCall call() {
    return call;
  }

  /** What a connection that was made by this is made anew by; null if it is not. */
  ConnectOrigin origin(ScopeElements elements) {
    return reconnects ? new ConnectOrigin(elements, server, looksUp) : null;
  }

  /** Frees what the native part has read, so that it is read anew. */
  void discard() {
    if (prepared != null) {
      prepared.close();
      prepared = null;
    }
  }

  private String word(String key) {
    return values.inForce(key).toLowerCase(Locale.ROOT);
  }

  private static boolean isChoice(String key, String word) {
    return Spec.get().choicesOf(key).contains(word);
  }
}
