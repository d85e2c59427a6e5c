package io.github.wsbackoff.script;

import io.github.wsbackoff.core.Connection;
import io.github.wsbackoff.core.Connections;
import io.github.wsbackoff.core.Failure;
import io.github.wsbackoff.core.Figures;
import io.github.wsbackoff.core.Interrupts;
import io.github.wsbackoff.core.Operation;
import io.github.wsbackoff.core.Origin;
import io.github.wsbackoff.core.Schedule;
import io.github.wsbackoff.core.Spec;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.jmeter.threads.JMeterContextService;

/**
 * An open connection of the calling JMeter thread, for scripts (JSR223, BeanShell): what the
 * samplers do with it, without a sample. Options are the samplers' own properties, as in {@code
 * receive(['wsb.readTimeout': '2s', 'wsb.match.mode': 'contains', 'wsb.match.value': 'ready'])}.
 *
 * <p>Stop ends a wait. All that goes wrong is a {@link WebSocketException}, whose code is that of a
 * sampler's response.
 */
public final class WebSocket {
  private static final String ID = "wsb.connection";
  private static final String RECEIVE = "ReceiveSampler";
  private static final String EXCHANGE = "ExchangeSampler";
  private static final List<String> NOT_HERE =
      Arrays.asList(ID, "wsb.url", "wsb.whenOpen", "wsb.payload", "wsb.payloadFile");

  private final String id;

  private WebSocket(String id) {
    this.id = id;
  }

  /** The connection that samplers use which name none. */
  public static WebSocket get() {
    return get(Spec.get().defaultOf(ID));
  }

  /** The connection of this id ({@code wsb.connection}), open or not. */
  public static WebSocket get(String id) {
    return new WebSocket(id);
  }

  /** The ids of this thread's connections. */
  public static List<String> ids() {
    return Connections.ofThisThread().ids();
  }

  /** Whether it is there and can be used, as far as is known: a drop is noticed within 100 ms. */
  public boolean isOpen() {
    Connection connection = Connections.ofThisThread().get(id);
    return connection != null && connection.isOpen();
  }

  /** Sends a text message. */
  public void send(String text) {
    perform("SendSampler", Collections.emptyMap(), bytes(text), false);
  }

  /** Sends a binary message. */
  public void send(byte[] bytes) {
    perform("SendSampler", Collections.emptyMap(), given(bytes), true);
  }

  /** Waits for the next message, as a Receive with all at its defaults. */
  public Message receive() {
    return receive(Collections.emptyMap());
  }

  /**
   * Waits for a message.
   *
   * @param options properties of {@code WebSocket Receive (wsb)}
   * @return the (last) one; null if none came in time and {@code wsb.optional} is true
   */
  public Message receive(Map<?, ?> options) {
    return perform(RECEIVE, options, null, false);
  }

  /** Sends a text message and waits for the next one. */
  public Message exchange(String text) {
    return exchange(text, Collections.emptyMap());
  }

  /**
   * Sends a text message and waits for its answer.
   *
   * @param options properties of {@code WebSocket Exchange (wsb)}
   * @return the answer; null if none came in time and {@code wsb.optional} is true
   */
  public Message exchange(String text, Map<?, ?> options) {
    return perform(EXCHANGE, options, bytes(text), false);
  }

  /** Sends a binary message and waits for the next one. */
  public Message exchange(byte[] bytes) {
    return exchange(bytes, Collections.emptyMap());
  }

  /** Sends a binary message and waits for its answer, with such options. */
  public Message exchange(byte[] bytes, Map<?, ?> options) {
    return perform(EXCHANGE, options, given(bytes), true);
  }

  /** Closes it with code 1000, and waits for the server's close. */
  public void close() {
    close(1000, "");
  }

  /** Closes it with this code and reason, and waits for the server's close. */
  public void close(int code, String reason) {
    Map<String, String> options = new LinkedHashMap<>();
    options.put("wsb.close.code", Integer.toString(code));
    options.put("wsb.close.reason", reason == null ? "" : reason);
    Connections connections = Connections.ofThisThread();
    Connection connection = connections.get(id);
    try {
      perform("CloseSampler", options, null, false);
    } finally {
      if (connection != null && !connection.isOpen()) {
        connections.remove(id);
        connection.close();
      }
    }
  }

  private static byte[] bytes(String text) {
    return text == null ? given(null) : text.getBytes(StandardCharsets.UTF_8);
  }

  private static byte[] given(byte[] message) {
    if (message == null) {
      throw new WebSocketException(Failure.of("spec.invalid", "There is nothing to send: null"));
    }
    return message;
  }

  /** Options as properties; none of those that the call itself says, or that only samplers have. */
  private static Map<String, String> properties(Map<?, ?> options) {
    Map<String, String> properties = new LinkedHashMap<>();
    if (options == null) {
      return properties;
    }
    options.forEach(
        (key, value) -> {
          String name = String.valueOf(key); // Groovy's "${...}" is no String yet
          if (NOT_HERE.contains(name)) {
            throw new WebSocketException(
                Failure.of(
                    "spec.invalid",
                    name
                        + " is not for a script: WebSocket.get(id) names the connection, a Connect"
                        + " opens it, and the message is what the call is given"));
          }
          if (value != null) {
            properties.put(name, String.valueOf(value));
          }
        });
    return properties;
  }

  private Message perform(String element, Map<?, ?> options, byte[] payload, boolean isBinary) {
    Map<String, String> properties = properties(options);
    if (payload != null) {
      // The bytes of a file are those that go along with a call as they are.
      properties.putIfAbsent("wsb.payloadType", isBinary ? "file" : "text");
    }
    Connections connections = Connections.ofThisThread();
    Connection connection = connections.get(id);
    if (connection == null) {
      throw new WebSocketException(
          Failure.of(
              "connection.none",
              "This thread has no connection '" + id + "'; it has: " + connections.ids()));
    }
    Figures figures = connections.figures();
    Interrupts.watch(connection::cancel);
    byte[] data;
    try (Operation operation = Operation.prepare(element, properties)) {
      data = perform(connections, connection, operation, payload, figures);
    } finally {
      Interrupts.forget();
    }
    if (figures.isNoMessage()) {
      return null;
    }
    if (!figures.isOk()) {
      throw new WebSocketException(Failure.parse(data));
    }
    return figures.hasMessage() ? new Message(message(data, figures), figures) : null;
  }

  private byte[] perform(
      Connections connections,
      Connection connection,
      Operation operation,
      byte[] payload,
      Figures figures) {
    long left = Schedule.leftMillis(JMeterContextService.getContext());
    byte[] data = connection.perform(operation, payload, left, figures);
    Origin origin = connections.origin(id);
    if (origin == null) {
      return data;
    }
    if (figures.isAsking()) {
      Failure failure = origin.renew(connection, Collections.emptyList());
      if (failure != null) {
        throw new WebSocketException(failure);
      }
      data = connection.perform(operation, payload, left, figures);
    }
    if (figures.hasCookies()) {
      origin.store(connection.takeCookies(), Collections.emptyList());
    }
    return data;
  }

  /** What a sampler would say beside stands behind the message. */
  private static byte[] message(byte[] data, Figures figures) {
    int beside = figures.noteLength() + figures.shownLength();
    return beside == 0 ? data : Arrays.copyOf(data, data.length - beside);
  }
}
