import static java.nio.charset.StandardCharsets.UTF_8;

import io.github.wsbackoff.core.ConnectCall;
import io.github.wsbackoff.core.ConnectResult;
import io.github.wsbackoff.core.ConnectSpec;
import io.github.wsbackoff.core.Connection;
import io.github.wsbackoff.core.Figures;
import io.github.wsbackoff.core.Operation;
import io.github.wsbackoff.core.Schedule;
import java.util.Collections;
import java.util.HashMap;
import java.util.Map;

/**
 * Goes through the cases of Autobahn's fuzzing server with the operations of our samplers, native
 * library and all: receives, and sends back what came. Arguments: HOST:PORT of the server, the
 * client's name in the report, and true for compression.
 */
public final class Autobahn {
  private static final String PATIENCE = "60s";

  private final String address;
  private final String compression;
  private final Figures figures = new Figures();
  private final Operation receive = operation("ReceiveSampler", Collections.emptyMap());
  private final Operation sendText = operation("SendSampler", Collections.emptyMap());
  private final Operation sendBytes =
      operation("SendSampler", Collections.singletonMap("wsb.payloadType", "file"));

  private Autobahn(String address, String compression) {
    this.address = address;
    this.compression = compression;
  }

  public static void main(String[] arguments) {
    Autobahn client = new Autobahn(arguments[0], arguments[2]);
    String agent = "agent=" + arguments[1];
    int cases = Integer.parseInt(client.ask("getCaseCount"));
    for (int each = 1; each <= cases; each++) {
      client.echo("runCase?case=" + each + "&" + agent);
    }
    client.ask("updateReports?" + agent);
    System.out.println(cases + " cases run");
  }

  /** The one message that the server has for this path, or nothing. */
  private String ask(String path) {
    try (Connection connection = open(path)) {
      byte[] answer = connection.perform(receive, null, Schedule.ENDLESS, figures);
      return figures.isOk() ? new String(answer, UTF_8) : "";
    }
  }

  /** Sends back all messages until the connection ends; how it ends is for the server to judge. */
  private void echo(String path) {
    Connection connection = open(path);
    while (true) {
      byte[] message = connection.perform(receive, null, Schedule.ENDLESS, figures);
      if (!figures.isOk()) {
        break;
      }
      connection.perform(figures.isText() ? sendText : sendBytes, message, Schedule.ENDLESS, figures);
      if (!figures.isOk()) {
        break;
      }
    }
    connection.close(5_000);
  }

  private Connection open(String path) {
    Map<String, String> properties = new HashMap<>();
    properties.put("wsb.url", "ws://" + address + "/" + path);
    properties.put("wsb.compression", compression);
    Connection connection = Connection.create();
    try (Operation connect = Operation.prepare(new ConnectSpec(properties, "Autobahn"))) {
      ConnectResult result = connection.connect(connect, 0, ConnectCall.PLAIN, Schedule.ENDLESS, figures);
      if (!result.ok) {
        throw new IllegalStateException(path + ": " + result.story);
      }
    }
    return connection;
  }

  private static Operation operation(String element, Map<String, String> properties) {
    Map<String, String> all = new HashMap<>(properties);
    all.put("wsb.readTimeout", PATIENCE);
    return Operation.prepare(element, all);
  }
}
