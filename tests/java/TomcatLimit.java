import jakarta.websocket.CloseReason;
import jakarta.websocket.Endpoint;
import jakarta.websocket.EndpointConfig;
import jakarta.websocket.Session;
import jakarta.websocket.server.ServerContainer;
import jakarta.websocket.server.ServerEndpointConfig;
import java.nio.file.Files;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.apache.catalina.Context;
import org.apache.catalina.filters.RateLimitFilter;
import org.apache.catalina.servlets.DefaultServlet;
import org.apache.catalina.startup.Tomcat;
import org.apache.tomcat.util.descriptor.web.FilterDef;
import org.apache.tomcat.util.descriptor.web.FilterMap;
import org.apache.tomcat.websocket.server.WsSci;

/**
 * A WebSocket server on Tomcat behind its RateLimitFilter: asked for 40 in 4 s, which it rounds to 41
 * in windows of 4.096 s of the clock. It prints where it listens.
 */
public final class TomcatLimit {
  private TomcatLimit() {}

  /** Is silent. */
  public static final class Silent extends Endpoint {
    @Override
    public void onOpen(Session session, EndpointConfig config) {}

    @Override
    public void onClose(Session session, CloseReason reason) {}

    @Override
    public void onError(Session session, Throwable why) {}
  }

  public static void main(String[] arguments) throws Exception {
    Logger.getLogger("").setLevel(Level.SEVERE);
    String folder = Files.createTempDirectory("tomcat").toString();
    Tomcat tomcat = new Tomcat();
    tomcat.setBaseDir(folder);
    tomcat.setPort(0);
    tomcat.getConnector().setProperty("address", "127.0.0.1");
    Context context = tomcat.addContext("", folder);
    context.addServletContainerInitializer(new WsSci(), null);
    context.addServletContainerInitializer(
        (classes, servlets) -> {
          ServerContainer sockets =
              (ServerContainer) servlets.getAttribute(ServerContainer.class.getName());
          try {
            sockets.addEndpoint(ServerEndpointConfig.Builder.create(Silent.class, "/").build());
          } catch (jakarta.websocket.DeploymentException why) {
            throw new IllegalStateException(why);
          }
        },
        null);
    FilterDef limit = new FilterDef();
    limit.setFilterName("limit");
    limit.setFilter(new RateLimitFilter());
    limit.addInitParameter("bucketRequests", "40");
    limit.addInitParameter("bucketDuration", "4");
    context.addFilterDef(limit);
    FilterMap all = new FilterMap();
    all.setFilterName("limit");
    all.addURLPattern("/*");
    context.addFilterMap(all);
    Tomcat.addServlet(context, "rest", new DefaultServlet());
    context.addServletMappingDecoded("/", "rest");
    tomcat.start();
    System.out.println(
        "listening on ws://127.0.0.1:" + tomcat.getConnector().getLocalPort());
    tomcat.getServer().await();
  }
}
