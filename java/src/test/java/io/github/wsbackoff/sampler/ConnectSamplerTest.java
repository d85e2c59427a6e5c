package io.github.wsbackoff.sampler;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNotEquals;
import static org.junit.Assert.assertTrue;

import io.github.wsbackoff.JMeterSetup;
import io.github.wsbackoff.RawServer;
import io.github.wsbackoff.core.Settings;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.jmeter.control.LoopController;
import org.apache.jmeter.protocol.http.control.Header;
import org.apache.jmeter.protocol.http.control.HeaderManager;
import org.apache.jmeter.samplers.SampleResult;
import org.apache.jmeter.threads.JMeterContextService;
import org.apache.jmeter.threads.JMeterThread;
import org.apache.jmeter.threads.JMeterVariables;
import org.apache.jmeter.util.JMeterUtils;
import org.apache.jorphan.collections.ListedHashTree;
import org.junit.After;
import org.junit.Before;
import org.junit.BeforeClass;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;
import org.junit.rules.Timeout;

/** The sampler with the real native library against a server on loopback. */
public class ConnectSamplerTest {
  private static final String THROTTLE =
      RawServer.refusal(429, "Too Many Requests", "Retry-After-Ms: 300\r\n", "try later");

  @Rule public final Timeout timeout = new Timeout(30, TimeUnit.SECONDS);
  @Rule public final TemporaryFolder folder = new TemporaryFolder();
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
    JMeterContextService.getContext().setThread(null);
    new ConnectSampler().threadFinished();
    if (server != null) {
      server.close();
    }
  }

  @Test
  public void a_connect_succeeds_with_101_and_the_servers_words() throws Exception {
    server = new RawServer();
    SampleResult sample = sampler(server.url("/agents?id=7")).sample(null);
    assertEquals(text(sample), "101", sample.getResponseCode());
    assertTrue(sample.isSuccessful());
    assertEquals("Switching Protocols", sample.getResponseMessage());
    assertTrue(
        sample.getResponseHeaders(), sample.getResponseHeaders().contains("X-Served-By: raw"));
    assertTrue(sample.getRequestHeaders().startsWith("GET /agents?id=7 HTTP/1.1\n"));
    assertTrue(sample.getSamplerData().contains(server.url("/agents?id=7")));
    assertEquals(server.heads().get(0).length(), sample.getSentBytes());
    assertTrue("no sizes", sample.getBytesAsLong() > 100);
    assertEquals(server.url("/agents?id=7").replace("ws:", "http:"), sample.getUrlAsString());
    assertEquals("1", variables.get("wsb.attempts"));
    assertEquals("connected", variables.get("wsb.stop"));
    assertEquals("101", variables.get("wsb.lastStatus"));
    assertNotEquals("", variables.get("wsb.timeToConnectMs"));
  }

  @Test
  public void a_connect_ends_with_its_threads_schedule_and_ends_the_thread() throws Exception {
    String refusal = RawServer.refusal(429, "Too Many Requests", "Retry-After: 20\r\n", "");
    server = new RawServer(refusal, refusal);
    JMeterThread thread = new JMeterThread(new ListedHashTree(new LoopController()), null, null);
    thread.setEndTime(System.currentTimeMillis() + 5000);
    JMeterContextService.getContext().setThread(thread);
    SampleResult sample = sampler(server.url("/")).sample(null);
    assertEquals(text(sample), "429", sample.getResponseCode());
    assertEquals("schedule-end", variables.get("wsb.stop"));
    assertTrue("the thread would try again at once", sample.isStopThread());
    assertTrue("waited", sample.getEndTime() - sample.getStartTime() < 4000);
    thread.setEndTime(0); // a thread without a schedule
    sample = sampler(server.url("/"), "wsb.retry.maxAttempts", "1").sample(null);
    assertEquals("max-attempts", variables.get("wsb.stop"));
    assertFalse(sample.isStopThread());
  }

  @Test
  public void a_failed_connect_shows_its_address_and_counts_none_of_our_words() throws Exception {
    SampleResult refused =
        sampler("ws://me:secret@127.0.0.1:1/x", "wsb.retry.strategy", "none").sample(null);
    assertFalse(refused.isSuccessful());
    assertEquals("http://127.0.0.1:1/x", refused.getUrlAsString());
    assertNotEquals("", text(refused));
    assertEquals(0, refused.getBytesAsLong());
    SampleResult invalid = sampler("nowhere").sample(null);
    assertEquals("", invalid.getUrlAsString());
    assertEquals(0, invalid.getBytesAsLong());
  }

  @Test
  public void a_throttled_user_waits_for_the_hint_and_connects() throws Exception {
    server = new RawServer(THROTTLE);
    long begun = System.nanoTime();
    SampleResult sample = sampler(server.url("/"), "wsb.retry.base", "1").sample(null);
    long wall = (System.nanoTime() - begun) / 1_000_000;
    assertEquals(text(sample), "101", sample.getResponseCode());
    assertEquals("2", variables.get("wsb.attempts"));
    assertEquals("1", variables.get("wsb.throttled"));
    assertEquals("300", variables.get("wsb.hintMs"));
    assertTrue("idle " + sample.getIdleTime(), sample.getIdleTime() >= 300);
    long accounted = sample.getIdleTime() + sample.getTime();
    assertTrue(accounted + " of " + wall + " ms", Math.abs(wall - accounted) <= 5);
    assertTrue(text(sample), text(sample).contains("429"));
  }

  @Test
  public void waits_count_as_elapsed_if_so_asked() throws Exception {
    server = new RawServer(THROTTLE);
    SampleResult sample =
        sampler(server.url("/"), "wsb.retry.base", "1", "wsb.result.elapsed", "total").sample(null);
    assertEquals(0, sample.getIdleTime());
    assertTrue("elapsed " + sample.getTime(), sample.getTime() >= 300);
  }

  @Test
  public void attempts_become_sub_results_if_so_asked() throws Exception {
    server = new RawServer(THROTTLE);
    SampleResult sample =
        sampler(server.url("/"), "wsb.retry.base", "1", "wsb.result.attempts", "subresults")
            .sample(null);
    SampleResult[] attempts = sample.getSubResults();
    assertEquals(2, attempts.length);
    assertEquals("429", attempts[0].getResponseCode());
    assertEquals("try later", attempts[0].getResponseDataAsString());
    assertEquals("101", attempts[1].getResponseCode());
    assertEquals(attempts[0].getSampleLabel(), attempts[1].getSampleLabel());
  }

  @Test
  public void a_refusal_in_the_end_keeps_all_that_the_server_said() throws Exception {
    server = new RawServer(THROTTLE);
    SampleResult sample = sampler(server.url("/"), "wsb.retry.strategy", "none").sample(null);
    assertFalse(sample.isSuccessful());
    assertEquals("429", sample.getResponseCode());
    assertEquals("Too Many Requests", sample.getResponseMessage());
    assertTrue(sample.getResponseHeaders().contains("Retry-After-Ms: 300"));
    assertEquals("what the server said, only", "try later", sample.getResponseDataAsString());
    assertTrue(text(sample), text(sample).contains("\n\nattempt 1 at "));
    assertEquals("no-retry", variables.get("wsb.stop"));
    assertEquals(1, server.heads().size());
  }

  @Test
  public void a_closed_port_has_a_code_and_a_constant_message() throws Exception {
    String[] messages = new String[2];
    for (int i = 0; i < 2; i++) {
      int port;
      try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
        port = free.getLocalPort();
      }
      SampleResult sample =
          sampler("ws://127.0.0.1:" + port + "/", "wsb.retry.maxAttempts", "1").sample(null);
      assertEquals("Non HTTP response code: tcp.refused", sample.getResponseCode());
      assertFalse(sample.isSuccessful());
      assertTrue(text(sample), text(sample).contains(String.valueOf(port)));
      messages[i] = sample.getResponseMessage();
    }
    assertEquals(messages[0], messages[1]);
  }

  @Test
  public void a_wrong_property_fails_at_once_and_sends_nothing() throws Exception {
    server = new RawServer();
    String good = server.url("/");
    String[][] cases = {
      // key, value, a word of what is allowed
      {"wsb.url", "", "ws"},
      {"wsb.url", "not a url", "ws"},
      {"wsb.url", "ftp://127.0.0.1/", "ws"},
      {"wsb.url", "ws:///path", "host"},
      {"wsb.url", "ws://127.0.0.1:0/", "65535"},
      {"wsb.url", "ws://127.0.0.1:70000/", "65535"},
      {"wsb.url", good + "a\r\nX-Evil: 1", "control"},
      {"wsb.connectTimeout", "soon", "ms"},
      {"wsb.whenOpen", "perhaps", "reuse"},
      {"wsb.tls.verify", "perhaps", "true"},
      {"wsb.proxy", "gopher://h", "http://"},
      {"wsb.retry.strategy", "luck", "decorrelated"},
      {"wsb.retry.base", "fast", "ms"},
      {"wsb.retry.base", "-5", "ms"},
      {"wsb.retry.base", "60s", "cap"},
      {"wsb.retry.multiplier", "0.5", "1"},
      {"wsb.retry.jitter", "2", "1"},
      {"wsb.retry.jitter", "much", "1"},
      {"wsb.retry.maxElapsed", "0", "0"},
      {"wsb.retry.maxAttempts", "-1", "0"},
      {"wsb.retry.maxAttempts", "many", "0"},
      {"wsb.retry.throttle", "9999", "429"},
      {"wsb.retry.transient", "luck", "network"},
      {"wsb.retry.seed", "abc", "number"},
      {"wsb.hint.mode", "perhaps", "floor"},
      {"wsb.hint.max", "long", "ms"},
      {"wsb.hint.sources", "tea leaves", "retry-after"},
      {"wsb.hint.bodyPattern", "(", "expression"},
      {"wsb.result.attempts", "perhaps", "subresults"},
      {"wsb.result.elapsed", "perhaps", "total"},
    };
    for (String[] c : cases) {
      ConnectSampler sampler = sampler(good, c[0], c[1]);
      if (c[1].equals("60s")) {
        sampler.setProperty("wsb.retry.cap", "1s");
      }
      failsAsInvalid(sampler, c);
    }
    assertTrue("" + server.heads(), server.heads().isEmpty());
  }

  @Test
  public void a_header_that_would_split_the_request_fails_at_once() throws Exception {
    server = new RawServer();
    for (String[] c : new String[][] {{"X-A", "1\r\nX-Evil: 1"}, {"X\r\nEvil", "1"}}) {
      ConnectSampler sampler = sampler(server.url("/"));
      sampler.addTestElement(headers(c));
      SampleResult sample = sampler.sample(null);
      assertEquals("Non HTTP response code: spec.invalid", sample.getResponseCode());
      assertFalse(sample.isSuccessful());
    }
    assertTrue("" + server.heads(), server.heads().isEmpty());
  }

  @Test
  public void header_managers_arrive_nearest_first_and_do_not_pile_up() throws Exception {
    server = new RawServer();
    ConnectSampler sampler = sampler(server.url("/"));
    HeaderManager near = headers("X-Near", "1", "X-Both", "near", "X-Twice", "a", "X-Twice", "b");
    HeaderManager far = headers("x-both", "far", "X-Far", "2", "Authorization", "Bearer t");
    for (int i = 0; i < 3; i++) {
      sampler.clearTestElementChildren();
      sampler.addTestElement(near);
      sampler.addTestElement(far);
      assertTrue(sampler.sample(null).isSuccessful());
    }
    assertEquals(3, server.heads().size());
    for (String head : server.heads()) {
      for (String line :
          Arrays.asList("X-Near: 1", "X-Both: near", "X-Far: 2", "Authorization: Bearer t")) {
        assertEquals(head, 1, count(head, line));
      }
      assertEquals(head, 0, count(head, "far"));
      assertEquals(head, 1, count(head, "X-Twice: a"));
      assertEquals(head, 1, count(head, "X-Twice: b"));
    }
    assertEquals("managers changed", 4, near.size());
    assertEquals("managers changed", 3, far.size());
  }

  @Test
  public void a_stop_ends_a_wait_at_once() throws Exception {
    server = new RawServer(RawServer.refusal(429, "Slow", "Retry-After: 60\r\n", ""));
    endsOnStop(sampler(server.url("/")));
  }

  @Test
  public void a_stop_ends_a_silent_handshake_at_once() throws Exception {
    server = new RawServer(RawServer.SILENCE);
    endsOnStop(sampler(server.url("/")));
  }

  @Test
  public void a_stop_before_the_first_byte_is_not_lost() throws Exception {
    server = new RawServer(RawServer.SILENCE);
    ConnectSampler sampler = sampler(server.url("/"));
    sampler.interrupt();
    SampleResult sample = sampler.sample(null);
    assertEquals("Non HTTP response code: cancelled", sample.getResponseCode());
    sampler.clearTestElementChildren();
    server.close();
    server = new RawServer();
    sampler.setProperty("wsb.url", server.url("/"));
    assertTrue("the next sample is free again", sampler.sample(null).isSuccessful());
  }

  @Test
  public void a_threads_end_says_goodbye_on_all_its_connections() throws Exception {
    server = new RawServer();
    for (String id : Arrays.asList("one", "two")) {
      sampler(server.url("/"), "wsb.connection", id).sample(null);
    }
    assertEquals(Collections.emptyList(), server.closeCodes());
    new ConnectSampler().threadFinished();
    awaitEquals(Arrays.asList(1000, 1000), server::closeCodes);
  }

  @Test
  public void an_iteration_of_another_user_closes_the_last_ones_connections() throws Exception {
    server = new RawServer();
    ConnectSampler sampler = sampler(server.url("/"), "wsb.scope", "iteration");
    sampler.sample(null);
    variables.putObject("__jmv_SAME_USER", Boolean.TRUE);
    sampler.testIterationStart(null);
    assertEquals(Collections.emptyList(), server.closeCodes());
    variables.putObject("__jmv_SAME_USER", Boolean.FALSE);
    sampler.testIterationStart(null);
    awaitEquals(Collections.singletonList(1000), server::closeCodes);
  }

  @Test
  public void an_open_connection_is_replaced_reused_or_a_failure() throws Exception {
    server = new RawServer();
    assertEquals("101", sampler(server.url("/")).sample(null).getResponseCode());

    SampleResult reused = sampler(server.url("/"), "wsb.whenOpen", "reuse").sample(null);
    assertEquals("200", reused.getResponseCode());
    assertTrue(reused.isSuccessful());
    assertEquals("0", variables.get("wsb.attempts"));

    SampleResult failed = sampler(server.url("/"), "wsb.whenOpen", "fail").sample(null);
    assertEquals("Non HTTP response code: connection.open", failed.getResponseCode());
    assertFalse(failed.isSuccessful());
    assertEquals(1, server.heads().size());

    SampleResult wrong = sampler(server.url("/"), "wsb.whenOpen", "perhaps").sample(null);
    assertEquals("Non HTTP response code: spec.invalid", wrong.getResponseCode());

    assertEquals("101", sampler(server.url("/")).sample(null).getResponseCode());
    assertEquals(Collections.singletonList(1000), server.closeCodes());
    assertEquals(2, server.heads().size());
  }

  @Test
  public void a_tests_end_closes_what_threads_left_open_and_another_test_can_run()
      throws Exception {
    server = new RawServer();
    for (int run = 1; run <= 2; run++) {
      ConnectSampler original = sampler(server.url("/"));
      ConnectSampler second = sampler(server.url("/"));
      original.testStarted();
      second.testStarted();
      assertTrue(((ConnectSampler) original.clone()).sample(null).isSuccessful());
      second.testEnded(); // all threads are over before JMeter tells the first
      original.testEnded();
      int codes = run;
      awaitEquals(true, () -> server.closeCodes().size() == codes);
      original.threadStarted(); // what this thread knows of it is void, and no failure
    }
    assertEquals(Arrays.asList(1001, 1001), server.closeCodes());
  }

  @Test
  public void a_test_closes_what_an_older_one_left_that_was_never_ended() throws Exception {
    server = new RawServer();
    ConnectSampler first = sampler(server.url("/"));
    ConnectSampler second = sampler(server.url("/"));
    first.testStarted();
    second.testStarted();
    assertTrue(((ConnectSampler) first.clone()).sample(null).isSuccessful());
    // JMeter could not start all threads: that test ends without a word.
    ConnectSampler next = sampler(server.url("/"));
    next.testStarted();
    awaitEquals(Collections.singletonList(1001), server::closeCodes);
    ConnectSampler another = sampler(server.url("/"));
    another.testStarted(); // of the same test
    another.threadStarted();
    assertTrue(((ConnectSampler) next.clone()).sample(null).isSuccessful());
    next.testEnded();
    awaitEquals(Arrays.asList(1001, 1001), server::closeCodes);
    another.testEnded();
  }

  @Test
  public void every_attempt_is_traced_by_the_end_of_the_test() throws Exception {
    server = new RawServer(THROTTLE);
    Path trace = folder.getRoot().toPath().resolve("trace.jsonl");
    JMeterUtils.setProperty(Settings.TRACE, trace.toString());
    try {
      ConnectSampler sampler = sampler(server.url("/"), "wsb.retry.base", "1");
      sampler.testStarted();
      sampler.sample(null);
      sampler.testEnded();
    } finally {
      JMeterUtils.getJMeterProperties().remove(Settings.TRACE);
    }
    List<String> lines = Files.readAllLines(trace);
    assertEquals("a version, two attempts, the connection's end: " + lines, 4, lines.size());
    assertTrue(lines.get(0), lines.get(0).contains("\"version\":1"));
    assertTrue(lines.get(1), lines.get(1).contains("429"));
    assertTrue(lines.get(2), lines.get(2).contains("Agents 1-1"));
  }

  @Test
  public void a_proxys_password_is_not_in_the_result() throws Exception {
    server = new RawServer();
    SampleResult sample =
        sampler(
                server.url("/"),
                "wsb.retry.strategy",
                "none",
                "wsb.proxy",
                "http://me:secret@127.0.0.1:1")
            .sample(null);
    assertFalse(sample.getSamplerData(), sample.getSamplerData().contains("secret"));
    assertTrue(sample.getSamplerData(), sample.getSamplerData().contains("http://me:***@127"));
    assertFalse(text(sample), text(sample).contains("secret"));
  }

  @Test
  public void variables_without_a_context_are_no_failure() throws Exception {
    server = new RawServer();
    JMeterContextService.getContext().setVariables(null);
    assertTrue(sampler(server.url("/")).sample(null).isSuccessful());
  }

  private static ConnectSampler sampler(String url, String... properties) {
    ConnectSampler sampler = new ConnectSampler();
    sampler.setName("connect");
    sampler.setThreadName("Agents 1-1");
    sampler.setProperty("wsb.url", url);
    for (int i = 0; i < properties.length; i += 2) {
      sampler.setProperty(properties[i], properties[i + 1]);
    }
    return sampler;
  }

  private static HeaderManager headers(String... headers) {
    HeaderManager manager = new HeaderManager();
    for (int i = 0; i < headers.length; i += 2) {
      manager.add(new Header(headers[i], headers[i + 1]));
    }
    return manager;
  }

  private void failsAsInvalid(ConnectSampler sampler, String[] wanted) {
    String what = wanted[0] + "=" + wanted[1];
    long begun = System.nanoTime();
    SampleResult sample = sampler.sample(null);
    long millis = (System.nanoTime() - begun) / 1_000_000;
    assertEquals(what, "Non HTTP response code: spec.invalid", sample.getResponseCode());
    assertFalse(what, sample.isSuccessful());
    assertTrue(what + " took " + millis, millis < 500);
    assertNotEquals(what, 0, sample.getStartTime());
    String text = text(sample);
    assertTrue(what + ": " + text, text.contains(wanted[0]));
    assertTrue(what + ": " + text, text.contains(wanted[1].split("\r")[0]));
    assertTrue(what + ": " + text, text.contains(wanted[2]));
    assertEquals(what, "invalid", variables.get("wsb.stop"));
  }

  private void endsOnStop(ConnectSampler sampler) throws Exception {
    CompletableFuture<SampleResult> running =
        CompletableFuture.supplyAsync(() -> sampler.sample(null));
    awaitEquals(1, () -> server.heads().size());
    Thread.sleep(300); // let the answer arrive: the stop must meet the wait
    long begun = System.nanoTime();
    assertTrue(running.isDone() ? text(running.get()) : "nothing to stop", sampler.interrupt());
    SampleResult sample = running.get(20, TimeUnit.SECONDS);
    long millis = (System.nanoTime() - begun) / 1_000_000;
    // On a busy machine, too; nothing else would end it within 20 s.
    assertTrue("took " + millis + " ms", millis < 5_000);
    assertEquals("Non HTTP response code: cancelled", sample.getResponseCode());
    assertFalse(sample.isSuccessful());
  }

  private static <T> void awaitEquals(T expected, Callable<T> actual) throws Exception {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(5);
    while (!expected.equals(actual.call()) && System.nanoTime() < deadline) {
      Thread.sleep(5);
    }
    assertEquals(expected, actual.call());
  }

  private static int count(String text, String part) {
    return text.split(java.util.regex.Pattern.quote(part), -1).length - 1;
  }

  private static String text(SampleResult sample) {
    return sample.getResponseHeaders();
  }
}
