package io.github.wsbackoff.sampler;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertTrue;

import io.github.wsbackoff.JMeterSetup;
import io.github.wsbackoff.RawServer;
import io.github.wsbackoff.config.WebSocketDefaults;
import io.github.wsbackoff.element.Values;
import java.io.IOException;
import java.util.Arrays;
import java.util.Collections;
import org.apache.jmeter.samplers.SampleResult;
import org.apache.jmeter.threads.JMeterContextService;
import org.apache.jmeter.threads.JMeterVariables;
import org.junit.After;
import org.junit.Before;
import org.junit.BeforeClass;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.Timeout;

/** Properties set once for a scope, and how long a connection lives. */
public class DefaultsTest {
  @Rule public final Timeout timeout = Timeout.seconds(30);
  private JMeterVariables variables;
  private RawServer server;

  @BeforeClass
  public static void jmeter() throws IOException {
    JMeterSetup.once();
  }

  @Before
  public void newThread() throws IOException {
    variables = new JMeterVariables();
    JMeterContextService.getContext().setVariables(variables);
    server = new RawServer();
  }

  @After
  public void stopServer() throws IOException {
    new ConnectSampler().threadFinished();
    server.close();
  }

  @Test
  public void the_own_value_wins_then_the_nearest_then_the_farther_ones() {
    SendSampler sampler = new SendSampler();
    sampler.setProperty("wsb.payload", "own");
    sampler.setProperty("wsb.readTimeout", " "); // empty inherits
    sampler.addTestElement(defaults("wsb.payload", "near", "wsb.readTimeout", "1s"));
    sampler.addTestElement(
        defaults("wsb.payload", "far", "wsb.readTimeout", "2s", "wsb.fragmentSize", "64k"));
    Values values = sampler.evaluate();
    assertEquals("own", values.get("wsb.payload"));
    assertEquals("1s", values.get("wsb.readTimeout"));
    assertEquals("64k", values.get("wsb.fragmentSize"));

    sampler.clearTestElementChildren();
    assertNull("no trace of the last sample's scope", sampler.evaluate().get("wsb.fragmentSize"));
  }

  @Test
  public void a_sampler_takes_what_is_for_its_kind_and_what_no_kind_has() {
    PingSampler sampler = new PingSampler();
    sampler.addTestElement(
        defaults("wsb.url", "ws://h/", "wsb.payload", "p", "wsb.retry.tpyo", "1"));
    Values values = sampler.evaluate();
    assertNull("a ping has no URL", values.get("wsb.url"));
    assertEquals("p", values.get("wsb.payload"));
    assertEquals("for the native part to refuse", "1", values.get("wsb.retry.tpyo"));
  }

  @Test
  public void blanks_belong_to_a_message_and_to_nothing_else() {
    SendSampler sampler = new SendSampler();
    sampler.setProperty("wsb.payload", "  ");
    sampler.setProperty("wsb.connection", " main ");
    assertEquals("  ", sampler.evaluate().get("wsb.payload"));
    assertEquals("main", sampler.evaluate().get("wsb.connection"));
  }

  @Test
  public void a_whole_conversation_needs_its_address_only_once() throws Exception {
    WebSocketDefaults all =
        defaults("wsb.url", server.url("/agents"), "wsb.connection", "c", "wsb.readTimeout", "2s");
    ConnectSampler connect = new ConnectSampler();
    ExchangeSampler exchange = new ExchangeSampler();
    exchange.setProperty("wsb.payload", "hello");
    for (AbstractWebSocketSampler sampler : Arrays.asList(connect, exchange, new CloseSampler())) {
      assertTrue(sampler.applies(all));
      sampler.clearTestElementChildren();
      sampler.addTestElement(all);
      SampleResult sample = sampler.sample(null);
      assertTrue(sample.getResponseHeaders(), sample.isSuccessful());
    }
    assertEquals(Collections.singletonList("81 hello"), server.messages());
    assertEquals(Collections.singletonList(1000), server.closeCodes());
  }

  @Test
  public void a_connection_lives_as_long_as_its_scope_says() throws Exception {
    Object[][] cases = {
      // scope, close codes after an iteration with another user, after the thread, after the test
      {"thread", new int[0], new int[] {1000}, new int[] {1000}},
      {"iteration", new int[] {1000}, new int[] {1000}, new int[] {1000}},
      {"test", new int[0], new int[0], new int[] {1001}},
    };
    for (Object[] c : cases) {
      try (RawServer own = new RawServer()) {
        ConnectSampler sampler = new ConnectSampler();
        sampler.setProperty("wsb.url", own.url("/"));
        sampler.setProperty("wsb.scope", c[0].toString());
        sampler.testStarted();
        assertTrue(sampler.sample(null).isSuccessful());
        variables.putObject("__jmv_SAME_USER", Boolean.FALSE);
        sampler.testIterationStart(null);
        awaitCodes(own, c[1]);
        sampler.threadFinished();
        awaitCodes(own, c[2]);
        sampler.testEnded();
        awaitCodes(own, c[3]);
      }
    }
  }

  @Test
  public void a_wrong_scope_is_told() {
    ConnectSampler sampler = new ConnectSampler();
    sampler.setProperty("wsb.url", server.url("/"));
    sampler.setProperty("wsb.scope", "forever");
    SampleResult sample = sampler.sample(null);
    assertFalse(sample.isSuccessful());
    assertEquals("Non HTTP response code: spec.invalid", sample.getResponseCode());
    assertTrue(sample.getResponseHeaders().contains("iteration"));
  }

  private static void awaitCodes(RawServer server, Object expected) throws Exception {
    int[] codes = (int[]) expected;
    Integer[] boxed = Arrays.stream(codes).boxed().toArray(Integer[]::new);
    Servers.awaitEquals(Arrays.asList(boxed), server::closeCodes);
  }

  private static WebSocketDefaults defaults(String... properties) {
    WebSocketDefaults defaults = new WebSocketDefaults();
    for (int i = 0; i < properties.length; i += 2) {
      defaults.setProperty(properties[i], properties[i + 1]);
    }
    return defaults;
  }
}
