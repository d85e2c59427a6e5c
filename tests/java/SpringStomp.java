import java.nio.file.Files;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.apache.catalina.Context;
import org.apache.catalina.startup.Tomcat;
import org.apache.tomcat.websocket.server.WsSci;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.messaging.handler.annotation.DestinationVariable;
import org.springframework.messaging.handler.annotation.MessageMapping;
import org.springframework.messaging.handler.annotation.SendTo;
import org.springframework.messaging.simp.config.MessageBrokerRegistry;
import org.springframework.scheduling.concurrent.ThreadPoolTaskScheduler;
import org.springframework.stereotype.Controller;
import org.springframework.web.context.support.AnnotationConfigWebApplicationContext;
import org.springframework.web.servlet.DispatcherServlet;
import org.springframework.web.socket.config.annotation.EnableWebSocketMessageBroker;
import org.springframework.web.socket.config.annotation.StompEndpointRegistry;
import org.springframework.web.socket.config.annotation.WebSocketMessageBrokerConfigurer;

/**
 * Spring's STOMP broker at /stomp: what is sent to /app/greet/NAME comes as a greeting to /topic/greetings-NAME. It beats
 * each second, and drops who does not for three. It prints where it listens.
 */
public final class SpringStomp {
  private SpringStomp() {}

  @Configuration(proxyBeanMethods = false)
  @EnableWebSocketMessageBroker
  public static class Broker implements WebSocketMessageBrokerConfigurer {
    @Override
    public void configureMessageBroker(MessageBrokerRegistry registry) {
      ThreadPoolTaskScheduler beats = new ThreadPoolTaskScheduler();
      beats.setDaemon(true);
      beats.initialize();
      registry.enableSimpleBroker("/topic").setTaskScheduler(beats).setHeartbeatValue(new long[] {1000, 1000});
      registry.setApplicationDestinationPrefixes("/app");
    }

    @Override
    public void registerStompEndpoints(StompEndpointRegistry registry) {
      // Else a SEND may overtake the SUBSCRIBE before it.
      registry.setPreserveReceiveOrder(true);
      registry.addEndpoint("/stomp").setAllowedOriginPatterns("*");
    }

    @Bean
    public Greeter greeter() {
      return new Greeter();
    }
  }

  @Controller
  public static class Greeter {
    @MessageMapping("/greet/{name}")
    @SendTo("/topic/greetings-{name}")
    public String greet(@DestinationVariable("name") String name, String text) {
      return name + " says " + text;
    }
  }

  public static void main(String[] arguments) throws Exception {
    Logger.getLogger("").setLevel(Level.SEVERE);
    String folder = Files.createTempDirectory("stomp").toString();
    Tomcat tomcat = new Tomcat();
    tomcat.setBaseDir(folder);
    tomcat.setPort(0);
    tomcat.getConnector().setProperty("address", "127.0.0.1");
    Context context = tomcat.addContext("", folder);
    context.addServletContainerInitializer(new WsSci(), null);
    AnnotationConfigWebApplicationContext spring = new AnnotationConfigWebApplicationContext();
    spring.setClassLoader(SpringStomp.class.getClassLoader());
    spring.register(Broker.class);
    Tomcat.addServlet(context, "spring", new DispatcherServlet(spring)).setLoadOnStartup(1);
    context.addServletMappingDecoded("/", "spring");
    tomcat.start();
    System.out.println("listening on ws://127.0.0.1:" + tomcat.getConnector().getLocalPort());
    tomcat.getServer().await();
  }
}
