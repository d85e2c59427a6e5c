package io.github.wsbackoff.script;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertSame;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import io.github.wsbackoff.JMeterSetup;
import io.github.wsbackoff.RawServer;
import io.github.wsbackoff.sampler.ConnectSampler;
import java.io.IOException;
import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.jmeter.protocol.http.control.CookieManager;
import org.apache.jmeter.protocol.http.control.HeaderManager;
import org.apache.jmeter.samplers.SampleResult;
import org.apache.jmeter.threads.JMeterContextService;
import org.apache.jmeter.threads.JMeterVariables;
import org.junit.After;
import org.junit.Before;
import org.junit.BeforeClass;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.Timeout;

/** What scripts may do with a connection, with the real native library, against a raw server. */
public class WebSocketTest {
  @Rule public final Timeout timeout = new Timeout(30, TimeUnit.SECONDS);
  private RawServer server;

  @BeforeClass
  public static void jmeter() throws IOException {
    JMeterSetup.once();
  }

  @Before
  public void connect() throws IOException {
    JMeterContextService.getContext().setVariables(new JMeterVariables());
    server = new RawServer();
    ConnectSampler connect = new ConnectSampler();
    connect.setName("Connect");
    connect.setProperty("wsb.url", server.url("/"));
    connect.setProperty("wsb.connection", "chat");
    SampleResult sample = connect.sample(null);
    assertTrue(sample.getResponseHeaders(), sample.isSuccessful());
  }

  @After
  public void stop() throws IOException {
    new ConnectSampler().threadFinished();
    server.close();
  }

  @Test
  public void what_a_call_cannot_use_is_told_and_nothing_is_sent() throws Exception {
    WebSocket chat = WebSocket.get("chat");
    for (Runnable wrong :
        new Runnable[] {
          () -> chat.send((String) null),
          () -> chat.send((byte[]) null),
          () -> chat.exchange((String) null),
          () -> chat.exchange((byte[]) null),
          () -> chat.exchange("x", options("wsb.connection", "other")),
          () -> chat.exchange("x", options("wsb.url", "ws://127.0.0.1:1/")),
          () -> chat.receive(options("wsb.whenOpen", "replace")),
          () -> chat.exchange("x", options("wsb.payload", "y")),
          () -> chat.exchange("x", options("wsb.what", "y")),
        }) {
      WebSocketException told = assertThrows(WebSocketException.class, wrong::run);
      assertEquals("Non HTTP response code: spec.invalid", told.getCode());
    }
    assertEquals("x", chat.exchange("x", null).getText());
    Map<Object, Object> written = new HashMap<>();
    written.put(new StringBuilder("wsb.readTimeout"), new StringBuilder("5s"));
    written.put("wsb.match.value", null);
    assertArrayEquals(new byte[] {1}, chat.exchange(new byte[] {1}).getBytes());
    assertEquals("y", chat.exchange("y", written).getText());
    assertEquals(server.messages().toString(), 3, server.messages().size());
    chat.close(1000, null);
    assertFalse(chat.isOpen());
  }

  @Test
  public void a_script_speaks_on_the_threads_connection() throws Exception {
    assertEquals(Collections.singletonList("chat"), WebSocket.ids());
    WebSocket chat = WebSocket.get("chat");
    assertTrue(chat.isOpen());
    Message answer = chat.exchange("ü");
    assertEquals("ü", answer.getText());
    assertTrue(answer.isText() && answer.getRoundTripMicros() > 0);
    Map<String, Object> options = options("wsb.match.mode", "binary-prefix");
    options.put("wsb.match.value", "07");
    Message bytes = chat.exchange(new byte[] {7, 0}, options);
    assertArrayEquals(new byte[] {7, 0}, bytes.getBytes());
    assertFalse(bytes.isText());
    chat.send("one");
    chat.send(new byte[] {2});
    assertEquals("one", chat.receive().toString());
    assertArrayEquals(new byte[] {2}, chat.receive().getBytes());
    chat.close(4000, "done");
    assertFalse(chat.isOpen());
    assertEquals(Collections.emptyList(), WebSocket.ids());
  }

  @Test
  public void what_goes_wrong_has_the_samplers_code() {
    WebSocket chat = WebSocket.get("chat");
    assertNull(chat.receive(shortly("wsb.optional", true)));
    assertFails("message.timeout", () -> chat.receive(shortly("wsb.optional", false)));
    assertFails("connection.none", () -> WebSocket.get().send("x"));
    assertFails("spec.invalid", () -> chat.receive(options("wsb.readTimeuot", "1s")));
    assertFails("spec.invalid", () -> chat.receive(options("wsb.match.mode", "telepathy")));
    assertEquals("still usable", chat.exchange("still usable").getText());
  }

  @Test
  public void stop_ends_a_scripts_wait() throws Exception {
    Thread script = Thread.currentThread();
    Thread stop =
        new Thread(
            () -> {
              try {
                Thread.sleep(200);
              } catch (InterruptedException e) {
                throw new IllegalStateException(e);
              }
              script.interrupt();
            });
    stop.start();
    assertFails("cancelled", () -> WebSocket.get("chat").receive(options("wsb.readTimeout", "1h")));
    assertTrue("the thread stays interrupted", Thread.interrupted());
    stop.join();
  }

  @Test
  public void a_script_below_a_sampler_gets_its_managers() {
    ConnectSampler connect = new ConnectSampler();
    assertNull(connect.getHeaderManager());
    HeaderManager near = new HeaderManager();
    CookieManager cookies = new CookieManager();
    connect.addTestElement(cookies);
    connect.addTestElement(near);
    connect.addTestElement(new HeaderManager());
    assertSame(near, connect.getHeaderManager());
    assertSame(cookies, connect.getCookieManager());
  }

  private static Map<String, Object> options(String key, Object value) {
    Map<String, Object> options = new HashMap<>();
    options.put(key, value);
    return options;
  }

  private static Map<String, Object> shortly(String key, Object value) {
    Map<String, Object> options = options(key, value);
    options.put("wsb.readTimeout", "50ms");
    return options;
  }

  private static void assertFails(String code, Runnable does) {
    WebSocketException thrown = assertThrows(WebSocketException.class, does::run);
    assertEquals(thrown.getMessage(), "Non HTTP response code: " + code, thrown.getCode());
  }
}
