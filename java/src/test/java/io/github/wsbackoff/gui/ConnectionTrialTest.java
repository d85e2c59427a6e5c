package io.github.wsbackoff.gui;

import static io.github.wsbackoff.gui.OnEventThread.await;
import static io.github.wsbackoff.gui.OnEventThread.doOnEventThread;
import static io.github.wsbackoff.gui.OnEventThread.onEventThread;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import io.github.wsbackoff.JMeterSetup;
import io.github.wsbackoff.Log;
import io.github.wsbackoff.RawServer;
import io.github.wsbackoff.config.WebSocketDefaults;
import io.github.wsbackoff.core.Settings;
import io.github.wsbackoff.core.TestRuns;
import io.github.wsbackoff.sampler.ConnectSampler;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.reflect.Field;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import javax.swing.JButton;
import javax.swing.text.JTextComponent;
import org.apache.jmeter.gui.GuiPackage;
import org.apache.jmeter.gui.tree.JMeterTreeListener;
import org.apache.jmeter.gui.tree.JMeterTreeModel;
import org.apache.jmeter.gui.tree.JMeterTreeNode;
import org.apache.jmeter.protocol.http.control.Header;
import org.apache.jmeter.protocol.http.control.HeaderManager;
import org.apache.jmeter.testelement.TestElement;
import org.apache.jmeter.testelement.property.JMeterProperty;
import org.apache.jmeter.testelement.property.PropertyIterator;
import org.junit.After;
import org.junit.Before;
import org.junit.BeforeClass;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;
import org.junit.rules.Timeout;

/** The button in the panel of a Connect that tries whether it works. */
public class ConnectionTrialTest {
  @Rule public final Timeout timeout = Timeout.seconds(60);
  @Rule public final TemporaryFolder folder = new TemporaryFolder();

  private final ConnectSampler connect = new ConnectSampler();
  private ConnectSamplerGui panel;
  private RawServer raw;

  @BeforeClass
  public static void jmeter() throws IOException {
    JMeterSetup.once();
  }

  @Before
  public void panel() {
    panel = onEventThread(ConnectSamplerGui::new);
  }

  @After
  public void noServerAndNoWindow() throws Exception {
    if (raw != null) {
      raw.close();
    }
    Field instance = GuiPackage.class.getDeclaredField("guiPack");
    instance.setAccessible(true);
    instance.set(null, null);
  }

  @Test
  public void it_shows_the_connection_and_the_refusal_of_a_server_that_throttles()
      throws Exception {
    ProcessBuilder command =
        new ProcessBuilder(System.getProperty("wsb.test.cli"), "serve", "--listen", "127.0.0.1:0");
    command.command().add("--limit");
    command.command().add("fixed-window limit=1 window=1h");
    Process serve = command.redirectErrorStream(true).start();
    try (BufferedReader out =
        new BufferedReader(new InputStreamReader(serve.getInputStream(), StandardCharsets.UTF_8))) {
      String address =
          Stream.of(out.readLine().split(" ")).filter(w -> w.startsWith("ws:")).findFirst().get();
      connect.setProperty("wsb.url", address + "/agents");
      connect.setProperty("wsb.retry.base", "1");
      show(connect);
      Map<String, String> before = properties(connect);
      assertFalse(part("trial.details").getParent().getParent().isVisible());
      tryIt();
      assertEquals("Connected: 101 Switching Protocols", text("trial.verdict"));
      String details = text("trial.details");
      assertTrue(details, details.startsWith("attempt 1 at +0.000 s: 101"));
      assertTrue(details, details.contains("--- Request\nGET /agents HTTP/1.1\n"));
      tryIt();
      assertEquals("Not connected: 429 Too Many Requests", text("trial.verdict"));
      details = text("trial.details");
      assertTrue(details, details.contains("throttle; hint retry-after"));
      assertTrue("no retry\n" + details, details.contains("gave up (no-retry) after 1 attempt"));
      assertTrue(details, details.contains("--- Answer\nHTTP/1.1 429 Too Many Requests\n"));
      assertTrue(details, details.contains("\n--- Body\n{"));
      JTextComponent area = part("trial.details");
      assertTrue("can be copied", area.isFocusable() && !area.isEditable() && area.isVisible());
      assertEquals(before, properties(connect));
    } finally {
      serve.destroy();
      serve.waitFor();
    }
  }

  @Test
  public void a_second_press_ends_it_and_a_third_one_begins_anew() throws Exception {
    connectTo(new RawServer(RawServer.SILENCE));
    show(connect);
    press();
    assertEquals("Cancel", onEventThread(() -> button().getText()));
    await(() -> raw.heads().size() == 1);
    press();
    assertEquals("Cancelled.", text("trial.verdict"));
    assertEquals("Test connection", onEventThread(() -> button().getText()));
    tryIt();
    assertEquals("Connected: 101 Switching Protocols", text("trial.verdict"));
    await(() -> raw.closeCodes().equals(Collections.singletonList(1000)));
  }

  @Test
  public void it_lasts_no_longer_than_the_connect_time_out() throws Exception {
    connectTo(new RawServer(RawServer.SILENCE));
    connect.setProperty("wsb.connectTimeout", "300ms");
    show(connect);
    tryIt();
    String verdict = text("trial.verdict");
    assertTrue(verdict, verdict.startsWith("Not connected: Non HTTP response code: "));
    assertTrue(verdict, verdict.contains("timeout"));
  }

  @Test
  public void what_only_the_run_knows_is_named_and_nothing_is_tried() throws Exception {
    raw = new RawServer();
    connect.setProperty("wsb.url", "ws://${host}/");
    connect.setProperty("wsb.proxy", "${proxy}");
    connect.setProperty("wsb.connection", "agent ${id}");
    connect.setProperty("wsb.retry.base", "${base}");
    show(connect);
    press();
    assertEquals("Test connection", onEventThread(() -> button().getText()));
    assertEquals(
        Messages.get("preview.later") + " URL (wsb.url), Proxy (wsb.proxy)", text("trial.verdict"));
    doOnEventThread(
        () -> {
          Parts.field(panel, "wsb.url").setText(raw.url("/"));
          Parts.field(panel, "wsb.proxy").setText("");
        });
    tryIt();
    assertEquals("Connected: 101 Switching Protocols", text("trial.verdict"));
    assertEquals("ws://${host}/", connect.getPropertyAsString("wsb.url"));
  }

  @Test
  public void a_wrong_value_is_told_as_the_sample_would_tell_it() {
    connect.setProperty("wsb.url", "ws://127.0.0.1:1/");
    connect.setProperty("wsb.hint.mode", "floot");
    show(connect);
    tryIt();
    String details = text("trial.details");
    assertTrue(details, details.startsWith("wsb.hint.mode: \"floot\""));
    assertTrue(details, details.contains("Nothing was sent."));
    connect.removeProperty("wsb.hint.mode");
    connect.setProperty("wsb.of.the.future", "1");
    doOnEventThread(() -> panel.configure(connect));
    tryIt();
    assertTrue(text("trial.details"), text("trial.details").startsWith("wsb.of.the.future"));
  }

  @Test
  public void another_element_shows_nothing_of_it() throws Exception {
    connectTo(new RawServer(RawServer.SILENCE));
    show(connect);
    press();
    await(() -> raw.heads().size() == 1);
    show(new ConnectSampler());
    assertEquals("", text("trial.verdict"));
    assertEquals("Test connection", onEventThread(() -> button().getText()));
  }

  @Test
  public void defaults_and_managers_in_scope_count() throws Exception {
    raw = new RawServer();
    HeaderManager headers = new HeaderManager();
    headers.setName("Headers of all");
    headers.add(new Header("X-Team", "night shift"));
    doOnEventThread(
        () -> {
          JMeterTreeModel model = new JMeterTreeModel();
          GuiPackage.initInstance(new JMeterTreeListener(model), model);
          JMeterTreeNode plan = (JMeterTreeNode) ((JMeterTreeNode) model.getRoot()).getChildAt(0);
          WebSocketDefaults defaults = new WebSocketDefaults();
          defaults.setProperty("wsb.url", raw.url("/of-all"));
          for (TestElement each : new TestElement[] {defaults, headers, connect}) {
            model.insertNodeInto(new JMeterTreeNode(each, model), plan, plan.getChildCount());
          }
        });
    show(connect);
    tryIt();
    List<String> heads = raw.heads();
    assertEquals(1, heads.size());
    assertTrue(heads.get(0), heads.get(0).startsWith("GET /of-all HTTP/1.1\r\n"));
    assertTrue(heads.get(0), heads.get(0).contains("X-Team: night shift\r\n"));
    headers.add(new Header("Authorization", "Bearer ${token}"));
    press();
    assertEquals(Messages.get("preview.later") + " Headers of all", text("trial.verdict"));
    assertEquals(1, heads.size());
  }

  @Test
  public void no_test_has_anything_of_it() throws Exception {
    File trace = new File(folder.getRoot(), "trace.jsonl");
    System.setProperty(Settings.TRACE, trace.getPath());
    Log log = new Log();
    log.listen(TestRuns.class);
    try {
      connectTo(new RawServer());
      show(connect);
      TestRuns.ended(); // of whatever test of this class's JVM
      tryIt();
      assertEquals("Connected: 101 Switching Protocols", text("trial.verdict"));
      TestRuns.started();
      assertEquals("no earlier test that was not ended", "", log.text());
      TestRuns.ended();
      assertFalse(trace.exists());
    } finally {
      System.clearProperty(Settings.TRACE);
      log.end();
    }
  }

  private void connectTo(RawServer server) {
    raw = server;
    connect.setProperty("wsb.url", raw.url("/"));
  }

  private void show(TestElement element) {
    doOnEventThread(() -> panel.configure(element));
  }

  private void press() {
    doOnEventThread(() -> button().doClick());
  }

  private void tryIt() {
    press();
    awaitEnd();
  }

  private void awaitEnd() {
    await(() -> button().getText().equals("Test connection"));
  }

  private JButton button() {
    return Parts.of(panel, JButton.class).stream()
        .filter(button -> "trial.button".equals(button.getName()))
        .findFirst()
        .get();
  }

  private JTextComponent part(String name) {
    return Parts.field(panel, name);
  }

  private String text(String name) {
    return onEventThread(() -> part(name).getText());
  }

  private static Map<String, String> properties(TestElement element) {
    Map<String, String> all = new HashMap<>();
    for (PropertyIterator each = element.propertyIterator(); each.hasNext(); ) {
      JMeterProperty property = each.next();
      all.put(property.getName(), property.getStringValue());
    }
    return all;
  }
}
