package io.github.wsbackoff.gui;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNotEquals;
import static org.junit.Assert.assertTrue;

import io.github.wsbackoff.JMeterSetup;
import io.github.wsbackoff.core.Operation;
import io.github.wsbackoff.core.Query;
import io.github.wsbackoff.core.Spec;
import io.github.wsbackoff.core.TestRuns;
import io.github.wsbackoff.sampler.OneAttempt;
import java.awt.Color;
import java.io.IOException;
import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.jmeter.gui.AbstractJMeterGuiComponent;
import org.apache.jmeter.testelement.TestElement;
import org.junit.AfterClass;
import org.junit.BeforeClass;
import org.junit.Rule;
import org.junit.Test;

/** What a panel says of values that cannot be, as one types; it must not contradict the sample. */
public class FieldCheckTest {
  @Rule public final OnEventThread eventThread = new OnEventThread();

  @BeforeClass
  public static void jmeter() throws IOException {
    JMeterSetup.once();
  }

  @AfterClass
  public static void endTest() {
    TestRuns.ended();
  }

  @Test
  public void it_judges_the_values_of_a_policy_as_the_native_part_does() {
    String[][] cases = {
      {
        "wsb.retry.transientBase",
        "1",
        "1.",
        ".5s",
        "1500",
        "250ms",
        "1.5 S",
        "2m",
        "1h",
        "1d",
        "-0",
        "-1"
      },
      {
        "wsb.retry.transientBase",
        "soon",
        "1x",
        "1 2s",
        "1,5s",
        "+1",
        ".",
        "",
        "400d",
        "366d",
        "1e3",
        "s"
      },
      {"wsb.retry.maxAttempts", "0", "+3", "7", "-1", "1.5", "three", "1 0", "0x1"},
      {"wsb.retry.jitter", "0.5", "1", ".5", "1e-1", "half", "0,5", "0.5f", "NaN", "0x1p-1"},
      {"wsb.retry.strategy", "full", "Full", "decorrelated-v2", "fool", "full jitter"},
      {"wsb.hint.mode", "floor", "FLOOR", "ceiling"},
      {"wsb.retry.throttle", "429", "429, 503", "502-504", "5xx", "closed.1013", "closed.*", "any"},
      {
        "wsb.retry.throttle",
        "0429",
        "429,\u00a0503",
        "closed. 1013",
        "closed.4000-4999",
        "network,timeout",
        "4290",
        "429,",
        "many",
        "none"
      },
    };
    assertJudgesAsThePolicy(cases);
  }

  /** Each row: a key, and values of it. */
  private static void assertJudgesAsThePolicy(String[][] cases) {
    for (String[] each : cases) {
      for (int i = 1; i < each.length; i++) {
        Query.Bands answer =
            Query.bands(Collections.singletonMap(each[0], each[i]), Collections.emptyList());
        boolean refused = answer.problems.stream().anyMatch(text -> text.startsWith(each[0]));
        assertEquals(
            each[0] + " '" + each[i] + "' " + answer.problems,
            refused,
            FieldCheck.isWrong(key(each[0]), each[i]));
      }
    }
  }

  @Test
  public void it_judges_the_values_of_messages_as_the_native_part_does() {
    String[][] cases = {
      {"wsb.readTimeout", "1s", "soon"},
      {"wsb.match.count", "1", "one"},
      {"wsb.match.mode", "next", "Next", "nearest"},
      {"wsb.optional", "true", "FALSE", "yes"},
      {"wsb.fragmentSize", "512", "64k", "64 KB", "16MiB", "12b", "k", "1.5k", "64q", "-1"},
    };
    for (String[] each : cases) {
      for (int i = 1; i < each.length; i++) {
        Map<String, String> properties = Collections.singletonMap(each[0], each[i]);
        try (Operation operation = Operation.prepare("ExchangeSampler", properties)) {
          assertEquals(
              each[0] + " " + each[i],
              operation.check(null) != null,
              FieldCheck.isWrong(key(each[0]), each[i]));
        }
      }
    }
  }

  @Test
  public void it_judges_lists_and_patterns_of_a_policy_as_the_native_part_does() {
    String[][] cases = {
      {"wsb.retry.table", "1s", "1s, 5s ,30s", "1s,,2s", "1s;2s", "1s,soon"},
      {"wsb.hint.sources", "retry-after", "X-Retry-In, body", "retry after", "a:b", "a,,b"},
      {"wsb.hint.bodyPattern", "wait (\\d+)", "(?P<ms>\\d+)", "(?<seconds>[0-9]+)s"},
      {"wsb.hint.bodyPattern", "wait \\d+", "wait (?:\\d+)", "(a", "a)", "([a)", "(a)\\", "(a)\\1"},
      {
        "wsb.hint.bodyPattern",
        "(?=a)(b)",
        "(?<!a)(b)",
        "(a)(?!b)",
        "([])(a)",
        "([)(]a)",
        "([[:alpha:]]+)"
      },
      {"wsb.hint.bodyPattern", "([^]a]+)", "(a[b[c]d]e)", "\\((a)", "(?x) (a) # ) [", "([\\]]+)"},
    };
    assertJudgesAsThePolicy(cases);
  }

  @Test
  public void it_judges_addresses_as_the_native_part_does() {
    String[] addresses = {
      "ws://h/",
      "WSS://h.example:443/a b?c=1",
      "http://127.0.0.1",
      "https://[::1]:8443/x",
      "ws://h:/",
      "ftp://h/",
      "ws://",
      "ws:///x",
      "ws://:80/",
      "ws://h:0/",
      "ws://h:65536/",
      "ws://h:x/",
      "ws://h:080/",
      "ws://u:p@h/",
      "ws://h/#part",
      "ws://h h/",
      "ws://[::1/",
      "/a?next=ws://h/",
      "ws://h\\x",
      "ws://h?x",
      "//ws://h",
      "ws://h\t/",
    };
    for (String each : addresses) {
      boolean refused = Query.httpUrl(each, "").isEmpty();
      assertEquals(each, refused, FieldCheck.isWrong(key("wsb.url"), each));
      assertEquals(each, refused, FieldCheck.isWrong(key("wsb.baseUrl"), each));
    }
    for (String part : new String[] {"/a", "a b", "?x=1", "h:80/x"}) {
      assertTrue(part, Query.httpUrl(part, "").isEmpty());
      assertTrue("no base: " + part, FieldCheck.isWrong(key("wsb.baseUrl"), part));
      assertFalse("a part: " + part, FieldCheck.isWrong(key("wsb.url"), part));
    }
  }

  @Test
  public void it_judges_what_a_connect_offers_and_comes_from_as_the_native_part_does() {
    String[][] cases = {
      {"wsb.subprotocols", "mqtt", "v1.chat, v2.chat", "my chat", "a/b", "a,,b"},
      {
        "wsb.localAddress",
        "127.0.0.1",
        "::1",
        "::1,127.0.0.1",
        "localhost",
        "127.0.0",
        "127.0.0.01",
        "1.2.3.256"
      },
    };
    for (String[] each : cases) {
      for (int i = 1; i < each.length; i++) {
        Map<String, String> properties = new HashMap<>();
        properties.put("wsb.url", "ws://127.0.0.1:1/");
        properties.put(each[0], each[i]);
        String told = new OneAttempt(properties, Collections.emptyList()).make().story;
        assertEquals(
            told, told.startsWith(each[0] + ":"), FieldCheck.isWrong(key(each[0]), each[i]));
      }
    }
  }

  @Test
  public void nothing_is_wrong_with_what_only_the_run_knows() {
    assertFalse(FieldCheck.isWrong(key("wsb.retry.base"), "${base}s"));
    assertFalse(FieldCheck.isWrong(key("wsb.retry.base"), "  "));
  }

  @Test
  public void the_panel_names_label_and_key_below_the_field_as_one_types() {
    AbstractJMeterGuiComponent gui = new ConnectSamplerGui();
    gui.configure(gui.createTestElement());
    assertEquals("", wrong(gui));
    Color normal = Parts.field(gui, "wsb.keepAlive").getForeground();
    Parts.field(gui, "wsb.keepAlive").setText("often");
    assertEquals(
        "Keep-alive ping (wsb.keepAlive): \"often\" cannot be; allowed: "
            + Messages.get("allowed.duration"),
        wrong(gui));
    assertNotEquals(normal, Parts.field(gui, "wsb.keepAlive").getForeground());
    Parts.field(gui, "wsb.keepAlive").setText("30s");
    assertEquals("", wrong(gui));
    assertEquals(normal, Parts.field(gui, "wsb.keepAlive").getForeground());

    TestElement element = gui.createTestElement();
    element.setProperty("wsb.tls.verify", "perhaps");
    gui.configure(element);
    assertTrue(wrong(gui), wrong(gui).startsWith("Verify TLS certificate (wsb.tls.verify)"));
    gui.configure(gui.createTestElement());
    assertEquals("", wrong(gui));
  }

  @Test
  public void a_closed_section_says_that_something_in_it_is_wrong() {
    AbstractJMeterGuiComponent gui = new ConnectSamplerGui();
    TestElement element = gui.createTestElement();
    element.setProperty("wsb.hint.max", "long");
    gui.configure(element);
    FoldedHeader header =
        Parts.of(gui, FoldedHeader.class).stream()
            .filter(each -> each.getText().startsWith("Server hints"))
            .findFirst()
            .get();
    assertEquals("Server hints (1 set, 1 wrong)", header.getText());
    Parts.field(gui, "wsb.hint.max").setText("60s");
    assertEquals("Server hints (1 set)", header.getText());
  }

  private static String wrong(AbstractJMeterGuiComponent gui) {
    return Parts.of(gui, ReadText.class).stream()
        .filter(text -> "wrong".equals(text.getName()) && text.isVisible())
        .map(ReadText::getText)
        .collect(Collectors.joining("\n"));
  }

  private static Spec.Key key(String name) {
    return Spec.get().keysOf("WebSocketDefaults").stream()
        .filter(key -> key.name.equals(name))
        .findFirst()
        .orElseThrow(() -> new AssertionError(name));
  }
}
