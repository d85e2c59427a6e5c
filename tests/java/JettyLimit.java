import java.net.InetSocketAddress;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.server.handler.DoSHandler;
import org.eclipse.jetty.websocket.api.Session;
import org.eclipse.jetty.websocket.server.WebSocketUpgradeHandler;

/**
 * A WebSocket server on Jetty behind its DoSHandler: 20 at once, 20 a second, and what it refuses
 * counts. It prints where it listens.
 */
public final class JettyLimit {
  private JettyLimit() {}

  public static void main(String[] arguments) throws Exception {
    Server server = new Server(new InetSocketAddress("127.0.0.1", 0));
    WebSocketUpgradeHandler sockets =
        WebSocketUpgradeHandler.from(
            server,
            container ->
                container.addMapping("/*", (request, response, callback) -> new Silent()));
    server.setHandler(
        new DoSHandler(
            sockets,
            DoSHandler.ID_FROM_REMOTE_ADDRESS,
            new DoSHandler.LeakingBucketTrackerFactory(20),
            new DoSHandler.StatusRejectHandler(),
            1_000));
    server.start();
    ServerConnector connector = (ServerConnector) server.getConnectors()[0];
    System.out.println("listening on ws://127.0.0.1:" + connector.getLocalPort());
    server.join();
  }

  /** Is silent. */
  public static final class Silent implements Session.Listener.AutoDemanding {}
}
