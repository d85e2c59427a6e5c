package io.github.wsbackoff.sampler;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNotEquals;
import static org.junit.Assert.assertSame;
import static org.junit.Assert.assertTrue;

import io.github.wsbackoff.JMeterSetup;
import io.github.wsbackoff.RawServer;
import io.github.wsbackoff.element.Values;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.Collections;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.jmeter.samplers.SampleResult;
import org.apache.jmeter.threads.JMeterContextService;
import org.apache.jmeter.threads.JMeterVariables;
import org.junit.After;
import org.junit.Before;
import org.junit.BeforeClass;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;
import org.junit.rules.Timeout;

/** The samplers that use an open connection, with the real native library, against a raw server. */
public class MessageSamplersTest {
  @Rule public final Timeout timeout = new Timeout(30, TimeUnit.SECONDS);
  @Rule public final TemporaryFolder folder = new TemporaryFolder();
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
    Payload.forgetFiles();
    server.close();
  }

  @Test
  public void a_send_is_a_sample_of_its_own() throws Exception {
    connect();
    SampleResult sample = with(new SendSampler(), "wsb.payload", " hello ").sample(null);
    assertEquals(text(sample), "200", sample.getResponseCode());
    assertEquals("OK", sample.getResponseMessage());
    assertTrue(sample.isSuccessful());
    assertEquals(2 + 4 + 7, sample.getSentBytes());
    assertEquals(" hello ", sample.getSamplerData());
    Servers.awaitEquals(Collections.singletonList("81  hello "), server::messages);
  }

  @Test
  public void every_kind_of_payload_goes_out_as_the_bytes_it_stands_for() throws Exception {
    File file = folder.newFile("payload");
    Files.write(file.toPath(), "from ${who}, ü".getBytes(StandardCharsets.UTF_8));
    variables.put("who", "a file");
    String[][] cases = {
      // type, property, value, what the server gets
      {"text", "wsb.payload", "text", "81 text"},
      {"hex", "wsb.payload", "41 42 0a", "82 AB\n"},
      {"base64", "wsb.payload", "QUJD", "82 ABC"},
      {"file", "wsb.payloadFile", file.getPath(), "82 from ${who}, \u00c3\u00bc"},
      {"file-text", "wsb.payloadFile", file.getPath(), "81 from a file, \u00c3\u00bc"},
      {"File-Raw ", "wsb.payloadFile", file.getPath(), "81 from ${who}, \u00c3\u00bc"},
    };
    connect();
    for (String[] c : cases) {
      SampleResult sample =
          with(new SendSampler(), "wsb.payloadType", c[0], c[1], c[2]).sample(null);
      assertTrue(c[0] + ": " + text(sample), sample.isSuccessful());
      Servers.awaitEquals(
          c[3],
          () ->
              server.messages().isEmpty()
                  ? ""
                  : server.messages().get(server.messages().size() - 1));
    }
    assertEquals(cases.length, server.messages().size());
  }

  @Test
  public void a_raw_text_is_in_memory_once_for_all_users() throws Exception {
    File file = folder.newFile("raw");
    Files.write(file.toPath(), "as it stands".getBytes(StandardCharsets.UTF_8));
    Payload[] users = {new Payload(), new Payload()};
    for (Payload user : users) {
      Values values = new Values();
      values.put("wsb.payloadType", "file-raw");
      values.put("wsb.payloadFile", file.getPath());
      user.take(values);
    }
    assertSame(users[0].bytes(), users[1].bytes());
    assertSame(users[0].shown(), users[1].shown());
  }

  @Test
  public void what_is_wrong_is_told_though_nothing_is_open() {
    SampleResult sample = with(new ReceiveSampler(), "wsb.match.discard", "heartbeat").sample(null);
    assertEquals("Non HTTP response code: spec.invalid", sample.getResponseCode());
  }

  @Test
  public void a_text_that_changes_between_samples_is_sent_as_it_is_each_time() throws Exception {
    connect();
    ExchangeSampler sampler = with(new ExchangeSampler(), "wsb.payload", "one");
    for (String payload : new String[] {"one", "one", "two", "one", "", "three", "three"}) {
      sampler.setProperty("wsb.payload", payload);
      SampleResult sample = sampler.sample(null);
      assertEquals(text(sample), "200", sample.getResponseCode());
      assertEquals(payload, text(sample));
      assertEquals(payload, sample.getSamplerData());
    }
  }

  @Test
  public void a_file_whose_variables_change_between_samples_is_sent_as_it_is_each_time()
      throws Exception {
    File file = folder.newFile("template");
    Files.write(file.toPath(), "from ${who}".getBytes(StandardCharsets.UTF_8));
    connect();
    ExchangeSampler sampler =
        with(
            new ExchangeSampler(),
            "wsb.payloadType",
            "file-text",
            "wsb.payloadFile",
            file.getPath());
    for (String who : new String[] {"one", "one", "two", "one"}) {
      variables.put("who", who);
      SampleResult sample = sampler.sample(null);
      assertEquals("from " + who, text(sample));
      assertEquals("from " + who, sample.getSamplerData());
    }
  }

  @Test
  public void an_exchange_has_the_answer_as_its_data() throws Exception {
    connect();
    SampleResult sample = with(new ExchangeSampler(), "wsb.payload", "grüße").sample(null);
    assertEquals(text(sample), "200", sample.getResponseCode());
    assertEquals("grüße", text(sample));
    assertEquals(SampleResult.TEXT, sample.getDataType());
    assertEquals(2 + 4 + 7, sample.getSentBytes());
    assertEquals(2 + 7, sample.getBytesAsLong());
    assertEquals("as a Size Assertion on the body expects", 7, sample.getBodySizeAsLong());
    assertEquals("1", variables.get("wsb.messages"));
    assertEquals("0", variables.get("wsb.skipped"));
    assertEquals("0", variables.get("wsb.queued"));
    assertEquals("0", variables.get("wsb.dropped"));
    assertEquals("0", variables.get("wsb.messageAgeMs"));
    assertEquals("0", variables.get("wsb.reconnects"));
    assertEquals("", variables.get("wsb.closeCode"));
    assertEquals("", variables.get("wsb.rtt.p99Us"));
    long roundTrip = Long.parseLong(variables.get("wsb.roundTripUs"));
    assertTrue("" + roundTrip, roundTrip > 0 && roundTrip < 5_000_000);
  }

  @Test
  public void a_binary_answer_is_binary_data() throws Exception {
    connect();
    SampleResult sample =
        with(new ExchangeSampler(), "wsb.payloadType", "hex", "wsb.payload", "00ff10").sample(null);
    assertTrue(text(sample), sample.isSuccessful());
    assertEquals(SampleResult.BINARY, sample.getDataType());
    assertArrayEquals(new byte[] {0, (byte) 0xff, 0x10}, sample.getResponseData());
  }

  @Test
  public void a_payload_that_changes_is_sent_as_it_is_then() throws Exception {
    connect();
    ExchangeSampler sampler = new ExchangeSampler();
    for (String value : Arrays.asList("one", "two", "two", "three")) {
      sampler.setProperty("wsb.payload", value);
      assertEquals(value, text(sampler.sample(null)));
    }
    sampler.setProperty("wsb.payloadType", "hex");
    for (String value : Arrays.asList("61", "62")) {
      sampler.setProperty("wsb.payload", value);
      assertEquals(value.equals("61") ? "a" : "b", text(sampler.sample(null)));
    }
    sampler.threadFinished();
  }

  @Test
  public void a_megabyte_goes_and_comes_back() throws Exception {
    connect();
    char[] letters = new char[1 << 20];
    Arrays.fill(letters, 'x');
    String large = new String(letters);
    SampleResult sample = with(new ExchangeSampler(), "wsb.payload", large).sample(null);
    assertTrue(sample.getResponseCode(), sample.isSuccessful());
    assertEquals(large, text(sample));
  }

  @Test
  public void many_exchanges_in_one_sample_report_their_spread() throws Exception {
    connect();
    SampleResult sample =
        with(new ExchangeSampler(), "wsb.payload", "x", "wsb.repeat", "50").sample(null);
    assertTrue(text(sample), sample.isSuccessful());
    assertTrue(
        text(sample), text(sample).startsWith("50 exchanges, round trip in microseconds: min"));
    assertTrue(text(sample), text(sample).endsWith("The last answer:\nx"));
    assertEquals(50, server.messages().size());
    assertEquals("50", variables.get("wsb.messages"));
    long last = 0;
    for (String figure : Arrays.asList("min", "p50", "p90", "p99", "max")) {
      long value = Long.parseLong(variables.get("wsb.rtt." + figure + "Us"));
      assertTrue(figure + " " + value, value >= last);
      last = value;
    }
    assertTrue(last > 0);
    with(new ExchangeSampler(), "wsb.payload", "once").sample(null);
    assertEquals("the spread was an earlier sample's", "", variables.get("wsb.rtt.p99Us"));
  }

  @Test
  public void pushes_between_samples_tell_how_old_they_are_and_how_many_were_lost()
      throws Exception {
    server.silent();
    connect("wsb.queue.messages", "2");
    long begun = System.nanoTime();
    for (String message : Arrays.asList("1", "2", "3", "4", "5")) {
      server.push(RawServer.TEXT, message);
    }
    Thread.sleep(1500); // ten times what the keeper takes to look
    SampleResult sample = new ReceiveSampler().sample(null);
    assertEquals("4", text(sample));
    assertEquals("1", variables.get("wsb.queued"));
    assertEquals("3", variables.get("wsb.dropped"));
    long age = Long.parseLong(variables.get("wsb.messageAgeMs"));
    long passed = (System.nanoTime() - begun) / 1_000_000;
    assertTrue(age + " of " + passed, age > 0 && age <= passed);
  }

  @Test
  public void a_receive_waits_for_the_message_that_matches() throws Exception {
    server.silent();
    connect();
    for (String message : Arrays.asList("noise", "{\"id\":1}", "{\"id\":2}")) {
      server.push(RawServer.TEXT, message);
    }
    SampleResult sample =
        with(
                new ReceiveSampler(),
                "wsb.match.mode",
                "json",
                "wsb.match.pointer",
                "/id",
                "wsb.match.value",
                "2")
            .sample(null);
    assertTrue(text(sample), sample.isSuccessful());
    assertEquals("{\"id\":2}", text(sample));
    assertEquals("1", variables.get("wsb.messages"));
    assertEquals("2", variables.get("wsb.skipped"));
  }

  @Test
  public void discarded_messages_are_shown_as_sub_results_if_so_asked() throws Exception {
    server.silent();
    connect();
    server.push(RawServer.TEXT, "heartbeat");
    server.push(RawServer.BINARY, "\u0000\u00ff");
    server.push(RawServer.TEXT, "news");
    String[] discarding = {
      "wsb.match.discard", "contains beat\nbinary", "wsb.result.discarded", "subresults"
    };
    SampleResult sample = with(new ReceiveSampler(), discarding).sample(null);
    assertEquals("news", text(sample));
    SampleResult[] subs = sample.getSubResults();
    assertEquals(2, subs.length);
    assertEquals("sampler - discarded", subs[0].getSampleLabel());
    assertEquals("heartbeat", subs[0].getResponseDataAsString());
    assertTrue(subs[0].isSuccessful());
    assertEquals(9, subs[0].getBytesAsLong());
    assertEquals(SampleResult.BINARY, subs[1].getDataType());
    assertArrayEquals(new byte[] {0, (byte) 0xff}, subs[1].getResponseData());
    assertEquals(2 + 9 + 2 + 2 + 2 + 4, sample.getBytesAsLong());
    assertEquals(4, sample.getBodySizeAsLong());

    server.push(RawServer.TEXT, "beat again");
    SampleResult late =
        with(with(new ReceiveSampler(), discarding), "wsb.readTimeout", "300").sample(null);
    assertEquals("Non HTTP response code: message.timeout", late.getResponseCode());
    assertEquals("beat again", late.getSubResults()[0].getResponseDataAsString());
    assertTrue(late.getResponseHeaders(), late.getResponseHeaders().contains("1 others came"));
    SampleResult without =
        with(new ReceiveSampler(), "wsb.readTimeout", "50", "wsb.optional", "true").sample(null);
    assertEquals(0, without.getSubResults().length);
    server.push(RawServer.TEXT, "beat last");
    SampleResult none =
        with(
                with(new ReceiveSampler(), discarding),
                "wsb.readTimeout",
                "300",
                "wsb.optional",
                "true")
            .sample(null);
    assertEquals("No message", none.getResponseCode());
    assertEquals(1, none.getSubResults().length);
    assertEquals("", none.getResponseDataAsString());
  }

  @Test
  public void a_pong_is_sent_without_a_wait() throws Exception {
    server.silent();
    connect();
    SampleResult sample =
        with(new PingSampler(), "wsb.ping.mode", "pong", "wsb.payload", "here").sample(null);
    assertEquals(text(sample), "200", sample.getResponseCode());
    Servers.awaitEquals(Collections.singletonList("8a here"), server::messages);
  }

  @Test
  public void a_time_out_is_a_failure_unless_the_message_is_optional() throws Exception {
    connect();
    ReceiveSampler sampler = with(new ReceiveSampler(), "wsb.readTimeout", "50ms");
    SampleResult failed = sampler.sample(null);
    assertFalse(failed.isSuccessful());
    assertEquals("Non HTTP response code: message.timeout", failed.getResponseCode());
    assertNotEquals("", failed.getResponseMessage());
    assertNotEquals("", text(failed));
    assertEquals("our own words were not received", 0, failed.getBytesAsLong());
    assertEquals("0", variables.get("wsb.messages"));
    sampler.setProperty("wsb.optional", "true");
    SampleResult passed = sampler.sample(null);
    assertTrue(text(passed), passed.isSuccessful());
    assertEquals("No message", passed.getResponseCode());
    assertEquals(SampleResult.TEXT, passed.getDataType());
    assertEquals(0, passed.getBytesAsLong());
    assertEquals(server.url("/").replace("ws:", "http:"), passed.getUrlAsString());
  }

  @Test
  public void a_ping_measures_the_round_trip() throws Exception {
    connect();
    SampleResult sample = with(new PingSampler(), "wsb.payload", "mark").sample(null);
    assertEquals(text(sample), "200", sample.getResponseCode());
    assertTrue(sample.isSuccessful());
    assertNotEquals("", variables.get("wsb.roundTripUs"));
    assertEquals(Collections.singletonList("89 mark"), server.messages());

    server.silent();
    SampleResult lost = with(new PingSampler(), "wsb.readTimeout", "50ms").sample(null);
    assertFalse(lost.isSuccessful());
    assertEquals("Non HTTP response code: message.timeout", lost.getResponseCode());
  }

  @Test
  public void a_close_says_its_code_and_ends_the_connection() throws Exception {
    connect();
    SampleResult sample =
        with(new CloseSampler(), "wsb.close.code", "4001", "wsb.close.reason", "done").sample(null);
    assertTrue(text(sample), sample.isSuccessful());
    assertEquals("4001", sample.getResponseCode());
    assertEquals("4001", variables.get("wsb.closeCode"));
    assertEquals(Collections.singletonList(4001), server.closeCodes());
    assertEquals(2 + 4 + 2 + 4, sample.getSentBytes());
    assertEquals(2 + 2 + 4, sample.getBytesAsLong());
    SampleResult again = new CloseSampler().sample(null);
    assertEquals("Non HTTP response code: connection.none", again.getResponseCode());
  }

  @Test
  public void an_abort_ends_the_connection_without_a_word() throws Exception {
    connect();
    SampleResult sample = with(new CloseSampler(), "wsb.close.abort", "true").sample(null);
    assertTrue(text(sample), sample.isSuccessful());
    assertEquals("200", sample.getResponseCode());
    assertEquals(Collections.emptyList(), server.closeCodes());
  }

  @Test
  public void a_close_by_the_server_is_told_with_its_code_and_reason() throws Exception {
    server.silent();
    connect();
    server.push(RawServer.CLOSE, "\u0003\u00f3bye"); // 1011
    SampleResult sample = new ReceiveSampler().sample(null);
    assertFalse(sample.isSuccessful());
    assertEquals("closed.1011", sample.getResponseCode());
    assertTrue(text(sample), text(sample).contains("bye"));
    assertEquals("1011", variables.get("wsb.closeCode"));
    assertFalse(new SendSampler().sample(null).isSuccessful());
  }

  @Test
  public void a_drop_is_told_and_the_next_use_connects_again_if_so_asked() throws Exception {
    connect("wsb.reconnect", "on-next-use");
    CompletableFuture<Void> dropped = CompletableFuture.runAsync(this::dropInAMoment);
    SampleResult lost = new ReceiveSampler().sample(null);
    assertEquals("Non HTTP response code: connection.lost", lost.getResponseCode());
    dropped.join();
    SampleResult again =
        with(new ExchangeSampler(), "wsb.payload", "back", "wsb.reconnect", "on-next-use")
            .sample(null);
    assertTrue(text(again), again.isSuccessful());
    assertEquals("back", text(again));
    assertEquals("1", variables.get("wsb.reconnects"));
    assertEquals(2, server.heads().size());
  }

  @Test
  public void a_lost_connection_is_not_reused_by_a_connect() throws Exception {
    connect();
    ConnectSampler reuse =
        with(new ConnectSampler(), "wsb.url", server.url("/"), "wsb.whenOpen", "reuse");
    assertEquals("200", reuse.sample(null).getResponseCode());
    server.drop();
    Servers.awaitEquals("101", () -> reuse.sample(null).getResponseCode());
    SampleResult sample = with(new ExchangeSampler(), "wsb.payload", "x").sample(null);
    assertEquals("x", text(sample));
  }

  @Test
  public void without_a_connection_each_sampler_says_which_is_missing() throws Exception {
    connect("wsb.connection", "other");
    for (AbstractMessageSampler sampler :
        Arrays.asList(
            new SendSampler(),
            new ReceiveSampler(),
            new ExchangeSampler(),
            new PingSampler(),
            new CloseSampler())) {
      SampleResult sample = sampler.sample(null);
      assertFalse(sample.isSuccessful());
      assertEquals("Non HTTP response code: connection.none", sample.getResponseCode());
      assertEquals("No such connection", sample.getResponseMessage());
      assertTrue(text(sample), text(sample).contains("'main'") && text(sample).contains("other"));
      assertNotEquals(0, sample.getStartTime());
    }
  }

  @Test
  public void a_thread_may_hold_several_connections() throws Exception {
    for (String id : Arrays.asList("one", "two")) {
      connect("wsb.connection", id);
      SampleResult sample =
          with(new ExchangeSampler(), "wsb.connection", id, "wsb.payload", id).sample(null);
      assertEquals(id, text(sample));
    }
    SampleResult closed = with(new CloseSampler(), "wsb.connection", "one").sample(null);
    assertTrue(text(closed), closed.isSuccessful());
    SampleResult left =
        with(new ExchangeSampler(), "wsb.connection", "two", "wsb.payload", "still").sample(null);
    assertEquals("still", text(left));
  }

  @Test
  public void a_wrong_property_fails_with_its_key_and_what_is_allowed() throws Exception {
    connect();
    String[][] cases = {
      // key, value, a word of what is allowed
      {"wsb.readTimeout", "soon", "ms"},
      {"wsb.repeat", "often", "number"},
      {"wsb.payloadType", "parchment", "base64"},
      {"wsb.match.mode", "perhaps", "contains"},
      {"wsb.match.others", "perhaps", "discard"},
      {"wsb.match.count", "-1", "1"},
      {"wsb.optional", "perhaps", "true"},
      {"wsb.fragmentSize", "small", "64k"},
      {"wsb.retry.no-such-key", "1", ""},
    };
    for (String[] c : cases) {
      SampleResult sample = with(new ExchangeSampler(), c[0], c[1]).sample(null);
      String what = c[0] + "=" + c[1] + ": " + text(sample);
      assertEquals(what, "Non HTTP response code: spec.invalid", sample.getResponseCode());
      assertFalse(what, sample.isSuccessful());
      assertTrue(what, text(sample).contains(c[0]));
      assertTrue(what, text(sample).contains(c[1]));
      assertTrue(what, text(sample).contains(c[2]));
    }
    assertEquals(Collections.emptyList(), server.messages());
    SampleResult close = with(new CloseSampler(), "wsb.close.code", "9").sample(null);
    assertEquals("Non HTTP response code: spec.invalid", close.getResponseCode());
    assertEquals("200", with(connecting(), "wsb.whenOpen", "reuse").sample(null).getResponseCode());
    assertEquals("the connection outlived the close", 1, server.heads().size());
  }

  @Test
  public void a_file_that_is_none_or_has_no_end_fails_with_its_name() throws Exception {
    connect();
    for (String type : Arrays.asList("file", "file-text", "file-raw")) {
      for (String file : Arrays.asList("", "/no/such/file", "/dev/zero")) {
        SampleResult sample =
            with(new SendSampler(), "wsb.payloadType", type, "wsb.payloadFile", file).sample(null);
        assertEquals("Non HTTP response code: spec.invalid", sample.getResponseCode());
        assertTrue(text(sample), text(sample).contains("wsb.payloadFile: \"" + file + "\""));
      }
    }
  }

  @Test
  public void a_files_text_is_read_in_its_charset_and_keeps_its_backslashes() throws Exception {
    variables.put("who", "me");
    connect();
    Object[][] cases = {
      // charset, bytes, what is sent; null: a failure that names the key
      {null, "\"a\\\\b\\n\\u00e4\\,${who}\"".getBytes(StandardCharsets.UTF_8), null},
      {"ISO-8859-1", new byte[] {'g', (byte) 0xfc, 'n'}, "g\u00fcn"},
      {"UTF-16LE", new byte[] {'h', 0, (byte) 0xe4, 0}, "h\u00e4"},
      {"UTF-8", new byte[] {'g', (byte) 0xfc, 'n'}, null},
      {"UTF-9", new byte[] {'g'}, null},
    };
    cases[0][2] = "\"a\\\\b\\n\\u00e4\\,me\"";
    for (int i = 0; i < cases.length; i++) {
      File file = folder.newFile();
      Files.write(file.toPath(), (byte[]) cases[i][1]);
      SendSampler sampler =
          with(
              new SendSampler(), "wsb.payloadType", "file-text", "wsb.payloadFile", file.getPath());
      if (cases[i][0] != null) {
        sampler.setProperty("wsb.payload.charset", (String) cases[i][0]);
      }
      SampleResult sample = sampler.sample(null);
      if (cases[i][2] == null) {
        assertEquals("Non HTTP response code: spec.invalid", sample.getResponseCode());
        assertTrue(text(sample), text(sample).contains("wsb.payload.charset"));
      } else {
        assertEquals(text(sample), "200", sample.getResponseCode());
        assertEquals(cases[i][2], sample.getSamplerData());
      }
    }
  }

  @Test
  public void variables_and_their_escape_work_in_a_files_text_as_before() {
    String[][] cases = {
      {"a\\b", "a\\\\b"},
      {"${x}\\n", "${x}\\\\n"},
      {"\\${x}", "\\${x}"},
      {"${__f(a\\,b)}\\t", "${__f(a\\,b)}\\\\t"},
      {"{\"a\":\"}\\\"\"}", "{\"a\":\"}\\\\\"\"}"},
    };
    for (String[] c : cases) {
      assertEquals(c[1], Payload.literal(c[0]));
    }
  }

  @Test
  public void what_a_sample_says_of_itself_is_not_in_its_data() throws Exception {
    connect();
    SampleResult late = with(new ReceiveSampler(), "wsb.readTimeout", "50").sample(null);
    assertEquals("Non HTTP response code: message.timeout", late.getResponseCode());
    assertEquals("", late.getResponseDataAsString());
    assertEquals(0, late.getBytesAsLong());
    assertTrue(text(late), late.getResponseHeaders().contains("0 of 1 matching within 50 ms"));
    SampleResult none =
        with(new ReceiveSampler(), "wsb.readTimeout", "50", "wsb.optional", "true").sample(null);
    assertEquals("No message", none.getResponseCode());
    assertEquals(SampleResult.TEXT, none.getDataType());
  }

  @Test
  public void a_stop_ends_a_receive_at_once() throws Exception {
    connect();
    ReceiveSampler sampler = new ReceiveSampler();
    CompletableFuture<Boolean> stopped =
        CompletableFuture.supplyAsync(
            () -> {
              try {
                Thread.sleep(200);
              } catch (InterruptedException e) {
                throw new IllegalStateException(e);
              }
              return sampler.interrupt();
            });
    long begun = System.nanoTime();
    SampleResult sample = sampler.sample(null);
    long millis = (System.nanoTime() - begun) / 1_000_000;
    assertTrue(stopped.get(5, TimeUnit.SECONDS));
    assertTrue("took " + millis, millis < 400);
    assertEquals("Non HTTP response code: cancelled", sample.getResponseCode());
    assertFalse(sample.isSuccessful());
  }

  @Test
  public void a_sampler_outlives_the_end_of_a_test() throws Exception {
    ExchangeSampler sampler = with(new ExchangeSampler(), "wsb.payload", "x");
    for (int run = 0; run < 2; run++) {
      sampler.testStarted();
      sampler.threadStarted();
      connect();
      assertEquals("x", text(sampler.sample(null)));
      sampler.testEnded();
      SampleResult late = sampler.sample(null);
      assertFalse(late.isSuccessful());
    }
  }

  /** While the test waits in a receive. */
  private void dropInAMoment() {
    try {
      Thread.sleep(300);
      server.drop();
    } catch (IOException | InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private ConnectSampler connecting() {
    return with(new ConnectSampler(), "wsb.url", server.url("/"));
  }

  private void connect(String... properties) {
    SampleResult sample = with(connecting(), properties).sample(null);
    assertEquals(text(sample), "101", sample.getResponseCode());
  }

  private static <T extends AbstractWebSocketSampler> T with(T sampler, String... properties) {
    sampler.setName("sampler");
    for (int i = 0; i < properties.length; i += 2) {
      sampler.setProperty(properties[i], properties[i + 1]);
    }
    return sampler;
  }

  /** What came, or why nothing did. */
  private static String text(SampleResult sample) {
    return sample.isSuccessful() ? sample.getResponseDataAsString() : sample.getResponseHeaders();
  }
}
