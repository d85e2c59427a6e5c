package io.github.wsbackoff.gui;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Which properties a panel opens with: those that say what its element is for, in groups. All
 * others stand below in sections that are closed. A kind of element that is not named here opens
 * with all.
 */
final class FirstFields {
  private static final Map<String, List<Group>> ALL = new HashMap<>();

  static {
    Group policy =
        group(
            "retry",
            "wsb.retry.strategy",
            "wsb.retry.base",
            "wsb.retry.cap",
            "wsb.retry.maxElapsed");
    Group message = group("message", "wsb.payloadType", "wsb.payload", "wsb.payloadFile");
    Group answer =
        group("match", "wsb.match.mode", "wsb.match.pointer", "wsb.match.value", "wsb.readTimeout");
    Group connection = group("connection", "wsb.connection", "wsb.url");
    put(
        "ConnectSampler",
        group(
            "connection",
            "wsb.url",
            "wsb.baseUrl",
            "wsb.connection",
            "wsb.connectTimeout",
            "wsb.tls.verify"),
        policy);
    put(
        "WebSocketDefaults",
        group(
            "connection",
            "wsb.baseUrl",
            "wsb.connectTimeout",
            "wsb.readTimeout",
            "wsb.tls.verify",
            "wsb.shared.mode"),
        policy);
    put(
        "RetryController",
        policy,
        group("attempt", "wsb.retry.counts", "wsb.retry.attemptsShown", "wsb.retry.throttle"));
    put(
        "OnceController",
        group("once", "wsb.once.variables", "wsb.once.expiresIn", "wsb.once.ttl", "wsb.once.key"));
    put(
        "PaceTimer",
        group("pace", "wsb.pace.mode", "wsb.pace.scope", "wsb.pace.rate", "wsb.pace.burst"));
    put("SendSampler", message, connection);
    put("ReceiveSampler", answer, connection);
    put("ExchangeSampler", message, answer, connection);
    put(
        "PingSampler",
        group("message", "wsb.ping.mode", "wsb.readTimeout", "wsb.payload", "wsb.connection"));
  }

  private FirstFields() {}

  /** Some properties under the title of a section, which need not be their own. */
  static final class Group {
    /** Id of the section. */
    final String section;

    /** Names of the properties, in the order in which they are shown. */
    final List<String> keys;

    Group(String section, List<String> keys) {
      this.section = section;
      this.keys = keys;
    }
  }

  /** The groups of a kind of element, by its simple class name; empty: it has none of its own. */
  static List<Group> of(String element) {
    return ALL.getOrDefault(element, Collections.emptyList());
  }

  /** The kinds that have some. */
  static List<String> elements() {
    return new ArrayList<>(ALL.keySet());
  }

  private static Group group(String section, String... keys) {
    return new Group(section, Arrays.asList(keys));
  }

  private static void put(String element, Group... groups) {
    ALL.put(element, Arrays.asList(groups));
  }
}
