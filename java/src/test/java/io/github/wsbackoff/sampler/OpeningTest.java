package io.github.wsbackoff.sampler;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNotEquals;
import static org.junit.Assert.assertTrue;

import io.github.wsbackoff.JMeterSetup;
import io.github.wsbackoff.RawServer;
import io.github.wsbackoff.config.WebSocketDefaults;
import java.io.IOException;
import java.util.Arrays;
import java.util.Collections;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.jmeter.protocol.http.control.Header;
import org.apache.jmeter.protocol.http.control.HeaderManager;
import org.apache.jmeter.samplers.SampleResult;
import org.apache.jmeter.testelement.TestElement;
import org.apache.jmeter.threads.JMeterContextService;
import org.apache.jmeter.threads.JMeterVariables;
import org.junit.After;
import org.junit.Before;
import org.junit.BeforeClass;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.Timeout;

/** Samplers with a URL of their own, which open what they use. */
public class OpeningTest {
  @Rule public final Timeout timeout = new Timeout(30, TimeUnit.SECONDS);
  private JMeterVariables variables;
  private RawServer server;

  @BeforeClass
  public static void jmeter() throws IOException {
    JMeterSetup.once();
  }

  @Before
  public void newThread() {
    variables = new JMeterVariables();
    JMeterContextService.getContext().setVariables(variables);
  }

  @After
  public void stopServer() throws IOException {
    new ConnectSampler().threadFinished();
    server.close();
  }

  @Test
  public void an_exchange_opens_the_connection_in_the_same_sample() throws Exception {
    server = new RawServer();
    ExchangeSampler sampler = exchange("hello");
    SampleResult sample = sampler.sample(null);
    assertEquals(sample.getResponseHeaders(), "200", sample.getResponseCode());
    assertEquals("hello", sample.getResponseDataAsString());
    assertEquals(server.url("/").replace("ws:", "http:"), sample.getUrlAsString());
    String request = sample.getRequestHeaders();
    assertTrue(request, request.startsWith("GET / HTTP/1.1\n"));
    assertTrue(request, request.contains("\n\nwsb.connection = main\n"));
    String head = sample.getResponseHeaders();
    assertTrue(head, head.startsWith("HTTP/1.1 101 ") && head.contains("X-Served-By: raw\n"));
    assertTrue(head, head.contains("\n\nattempt 1 at "));
    assertTrue(sample.getConnectTime() <= sample.getLatency());
    assertTrue(sample.getLatency() <= sample.getTime());
    int upgrade = server.heads().get(0).length();
    assertEquals(upgrade + 2 + 4 + 5, sample.getSentBytes());
    assertEquals(5, sample.getBodySizeAsLong());
    int answer = sample.getHeadersSize() - 2;
    assertTrue("" + answer, answer > 100);
    assertEquals("1", variables.get("wsb.attempts"));
    assertEquals("connected", variables.get("wsb.stop"));
    assertEquals("1", variables.get("wsb.messages"));
    assertEquals(sampler.getName(), variables.get("wsb.sample"));

    SampleResult again = sampler.sample(null);
    assertEquals("of the same label, and no connect", "", variables.get("wsb.sample"));
    assertEquals("hello", again.getResponseDataAsString());
    assertEquals(2 + 4 + 5, again.getSentBytes());
    SampleResult other = with(new ExchangeSampler(), "wsb.payload", "other").sample(null);
    assertEquals("other", other.getResponseDataAsString());
    assertEquals("one connection for all", 1, server.heads().size());
    sampler.threadFinished();
    Servers.awaitEquals(Collections.singletonList(1000), server::closeCodes);
  }

  @Test
  public void what_is_open_is_replaced_or_fails_the_sample_if_the_plan_says_so() throws Exception {
    server = new RawServer();
    ExchangeSampler replacing = with(exchange("x"), "wsb.whenOpen", "replace");
    for (int sample = 1; sample <= 3; sample++) {
      assertEquals("x", replacing.sample(null).getResponseDataAsString());
      assertEquals(sample, server.heads().size());
    }
    assertEquals(Arrays.asList(1000, 1000), server.closeCodes());
    SampleResult failed = with(exchange("x"), "wsb.whenOpen", "fail").sample(null);
    assertEquals("Non HTTP response code: connection.open", failed.getResponseCode());
    assertEquals("x", exchange("x").sample(null).getResponseDataAsString());
    assertEquals(3, server.heads().size());
    assertEquals(4, server.messages().size());
  }

  @Test
  public void the_goodbye_to_what_is_replaced_is_no_time_of_the_new_one() throws Exception {
    server = new RawServer().silent();
    SendSampler sampler =
        with(new SendSampler(), "wsb.url", server.url("/"), "wsb.whenOpen", "replace");
    SampleResult first = sampler.sample(null);
    SampleResult second = sampler.sample(null);
    assertEquals(second.getResponseHeaders(), "200", second.getResponseCode());
    assertEquals(0, first.getIdleTime());
    assertTrue("idle " + second.getIdleTime(), second.getIdleTime() >= 990);
    assertTrue("took " + second.getTime(), second.getTime() < 900);
    assertTrue("latency " + second.getLatency(), second.getLatency() <= second.getTime());
  }

  @Test
  public void a_refusal_is_told_as_a_connect_tells_it() throws Exception {
    String refusal = RawServer.refusal(429, "Slow Down", "Retry-After: 7\r\n", "too many");
    server = new RawServer(refusal, refusal);
    SampleResult sample = in(exchange("x"), "wsb.retry.strategy", "none").sample(null);
    String attempts = variables.get("wsb.attempts");
    String stop = variables.get("wsb.stop");
    SampleResult connect =
        in(with(new ConnectSampler(), "wsb.url", server.url("/")), "wsb.retry.strategy", "none")
            .sample(null);
    assertFalse(sample.isSuccessful());
    assertEquals("429", sample.getResponseCode());
    assertEquals(connect.getResponseMessage(), sample.getResponseMessage());
    assertEquals("too many", sample.getResponseDataAsString());
    assertEquals(
        connect.getResponseHeaders().split("\n\n")[0],
        sample.getResponseHeaders().split("\n\n")[0]);
    assertEquals(connect.getBytesAsLong(), sample.getBytesAsLong());
    assertEquals(connect.getSentBytes(), sample.getSentBytes());
    assertEquals(connect.getUrlAsString(), sample.getUrlAsString());
    assertEquals("x", sample.getSamplerData());
    assertEquals("1", attempts);
    assertEquals(variables.get("wsb.stop"), stop);
    assertEquals("0", variables.get("wsb.messages"));
    assertEquals(Collections.emptyList(), server.messages());
  }

  @Test
  public void it_waits_and_tries_again_as_the_defaults_in_scope_say() throws Exception {
    String refusal = RawServer.refusal(503, "Busy", "", "");
    server = new RawServer(refusal, refusal);
    SampleResult sample =
        in(exchange("in"), "wsb.retry.strategy", "fixed", "wsb.retry.base", "150ms").sample(null);
    assertEquals(sample.getResponseHeaders(), "in", sample.getResponseDataAsString());
    assertEquals("3", variables.get("wsb.attempts"));
    assertEquals("2", variables.get("wsb.throttled"));
    assertTrue("" + sample.getIdleTime(), sample.getIdleTime() >= 300);
    assertTrue(Long.parseLong(variables.get("wsb.timeToConnectMs")) >= 300);
    assertTrue(sample.getLatency() <= sample.getTime());

    server.close();
    server = new RawServer(refusal);
    SampleResult total =
        in(
                with(exchange("in"), "wsb.connection", "second"),
                "wsb.retry.strategy",
                "fixed",
                "wsb.retry.base",
                "150ms",
                "wsb.result.elapsed",
                "total",
                "wsb.result.attempts",
                "subresults")
            .sample(null);
    assertEquals("in", total.getResponseDataAsString());
    assertEquals(0, total.getIdleTime());
    assertTrue("" + total.getTime(), total.getTime() >= 150);
    assertEquals(2, total.getSubResults().length);
  }

  @Test
  public void an_address_among_the_defaults_opens_nothing() throws Exception {
    server = new RawServer();
    SampleResult sample =
        in(
                with(new ExchangeSampler(), "wsb.payload", "x"),
                "wsb.url",
                server.url("/"),
                "wsb.whenOpen",
                "replace")
            .sample(null);
    assertEquals("Non HTTP response code: connection.none", sample.getResponseCode());
    assertEquals(Collections.emptyList(), server.heads());
  }

  @Test
  public void what_is_wrong_is_told_before_anything_is_sent() throws Exception {
    server = new RawServer();
    String[][] cases = {
      {"wsb.match.mode", "perhaps"},
      {"wsb.whenOpen", "perhaps"},
      {"wsb.url", "gopher://h/"},
      {"wsb.payloadType", "hex"},
      {"wsb.readTimeout", "soon"},
    };
    for (String[] c : cases) {
      SampleResult sample = with(exchange("no hex"), c).sample(null);
      assertEquals(c[0], "Non HTTP response code: spec.invalid", sample.getResponseCode());
      assertTrue(c[0], sample.getResponseHeaders().contains(c[0].replace("Type", "")));
    }
    SampleResult unused =
        with(new SendSampler(), "wsb.payload", "x", "wsb.whenOpen", "perhaps").sample(null);
    assertTrue(unused.getResponseHeaders(), unused.getResponseHeaders().contains("wsb.whenOpen"));
    SampleResult wrong = in(exchange("x"), "wsb.retry.base", "soon").sample(null);
    assertTrue(wrong.getResponseHeaders(), wrong.getResponseHeaders().contains("wsb.retry.base"));
    assertEquals(Collections.emptyList(), server.heads());
  }

  @Test
  public void a_connection_that_was_lost_counts_as_none() throws Exception {
    server = new RawServer();
    ExchangeSampler sampler = exchange("x");
    assertEquals("x", sampler.sample(null).getResponseDataAsString());
    server.drop();
    Servers.awaitEquals("x", () -> sampler.sample(null).getResponseDataAsString());
    assertEquals(2, server.heads().size());
    assertEquals("0", variables.get("wsb.reconnects"));
  }

  @Test
  public void one_that_is_made_anew_by_itself_stays_what_it_is() throws Exception {
    server = new RawServer();
    ExchangeSampler sampler = in(exchange("x"), "wsb.reconnect", "on-next-use");
    assertEquals("x", sampler.sample(null).getResponseDataAsString());
    server.drop();
    assertEquals("x", sampler.sample(null).getResponseDataAsString());
    assertEquals("1", variables.get("wsb.reconnects"));
    assertEquals(2, server.heads().size());
  }

  @Test
  public void a_send_and_a_receive_open_as_well() throws Exception {
    server = new RawServer();
    SampleResult sent =
        with(new SendSampler(), "wsb.url", server.url("/"), "wsb.payload", "x").sample(null);
    assertEquals(sent.getResponseHeaders(), "200", sent.getResponseCode());
    assertEquals("", sent.getResponseDataAsString());
    assertEquals(sent.getHeadersSize(), sent.getBytesAsLong() - sent.getBodySizeAsLong());
    Servers.awaitEquals(Collections.singletonList("81 x"), server::messages);
    ReceiveSampler receive =
        with(new ReceiveSampler(), "wsb.url", server.url("/"), "wsb.connection", "second");
    CompletableFuture<Void> pushed = CompletableFuture.runAsync(this::pushToTheSecond);
    SampleResult received = receive.sample(null);
    pushed.join();
    assertEquals(received.getResponseHeaders(), "news", received.getResponseDataAsString());
    assertEquals(2, server.heads().size());
  }

  @Test
  public void what_fails_after_the_opening_shows_both() throws Exception {
    server = new RawServer().silent();
    SampleResult late = with(exchange("x"), "wsb.readTimeout", "50").sample(null);
    assertEquals("Non HTTP response code: message.timeout", late.getResponseCode());
    String headers = late.getResponseHeaders();
    assertTrue(headers, headers.startsWith("HTTP/1.1 101 "));
    assertTrue(headers, headers.contains("0 of 1 matching within 50 ms"));
    assertEquals(server.heads().get(0).length() + 2 + 4 + 1, late.getSentBytes());
    assertEquals("connected", variables.get("wsb.stop"));
  }

  @Test
  public void jmeters_own_elements_in_scope_are_honoured() throws Exception {
    server = new RawServer();
    HeaderManager headers = new HeaderManager();
    headers.add(new Header("X-Agent", "7"));
    ExchangeSampler sampler = in(exchange("x"), "wsb.baseUrl", server.url("/site/"));
    sampler.setProperty("wsb.url", "agents?id=7");
    assertTrue(sampler.applies(headers));
    sampler.addTestElement(headers);
    assertEquals("agents?id=7", sampler.address());
    assertEquals(server.url("/site/"), sampler.baseAddress());
    assertEquals("x", sampler.sample(null).getResponseDataAsString());
    String head = server.heads().get(0);
    assertTrue(head, head.startsWith("GET /site/agents?id=7 ") && head.contains("X-Agent: 7\r\n"));
  }

  @Test
  public void a_stop_ends_the_wait_before_the_next_attempt() throws Exception {
    server = new RawServer(RawServer.refusal(429, "Slow Down", "Retry-After: 20\r\n", ""));
    ExchangeSampler sampler = exchange("x");
    CompletableFuture<Boolean> stopped =
        CompletableFuture.supplyAsync(() -> stopOnceRefused(sampler));
    SampleResult sample = sampler.sample(null);
    assertTrue(stopped.get(5, TimeUnit.SECONDS));
    assertEquals("Non HTTP response code: cancelled", sample.getResponseCode());
    assertNotEquals("x", sample.getResponseDataAsString());
    assertEquals("cancelled", variables.get("wsb.stop"));
  }

  private boolean stopOnceRefused(ExchangeSampler sampler) {
    try {
      Servers.awaitEquals(1, () -> server.heads().size());
      Thread.sleep(300);
      return sampler.interrupt();
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  private void pushToTheSecond() {
    try {
      Servers.awaitEquals(2, () -> server.heads().size());
      Thread.sleep(300);
      server.push(RawServer.TEXT, "news");
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  private ExchangeSampler exchange(String payload) {
    return with(new ExchangeSampler(), "wsb.url", server.url("/"), "wsb.payload", payload);
  }

  /** The sampler with one defaults element in its scope. */
  private static <T extends AbstractWebSocketSampler> T in(T sampler, String... defaults) {
    WebSocketDefaults element = new WebSocketDefaults();
    set(element, defaults);
    sampler.clearTestElementChildren();
    sampler.addTestElement(element);
    return sampler;
  }

  private static <T extends AbstractWebSocketSampler> T with(T sampler, String... properties) {
    sampler.setName("sampler");
    set(sampler, properties);
    return sampler;
  }

  private static void set(TestElement element, String... pairs) {
    for (int i = 0; i < pairs.length; i += 2) {
      element.setProperty(pairs[i], pairs[i + 1]);
    }
  }
}
