package io.github.wsbackoff.dsl;

import static io.github.wsbackoff.dsl.WsBackoffDsl.retryPolicy;
import static io.github.wsbackoff.dsl.WsBackoffDsl.wsClose;
import static io.github.wsbackoff.dsl.WsBackoffDsl.wsConnect;
import static io.github.wsbackoff.dsl.WsBackoffDsl.wsOnce;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertSame;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import io.github.wsbackoff.core.Spec;
import java.lang.reflect.Method;
import java.time.Duration;
import java.util.Locale;
import java.util.function.UnaryOperator;
import org.apache.jmeter.testelement.TestElement;
import org.apache.jorphan.collections.ListedHashTree;
import org.junit.Test;
import us.abstracta.jmeter.javadsl.core.BuildTreeContext;
import us.abstracta.jmeter.javadsl.core.DslTestElement;

/** What an element can be set to, and what it refuses. */
public class SettingsTest {
  @Test
  public void every_key_has_a_method_that_sets_it() throws Exception {
    for (Elements.Pair pair : Elements.all()) {
      for (Spec.Key key : Spec.get().keysOf(pair.kind())) {
        Method method = pair.element.getClass().getMethod(methodOf(key.name), String.class);
        assertSame(pair.element, method.invoke(pair.element, "${value of " + key.name + "}"));
        assertEquals("${value of " + key.name + "}", built(pair).getPropertyAsString(key.name));
      }
    }
  }

  @Test
  public void values_that_are_no_text_are_stored_as_the_panels_fields_take_them() {
    stores("wsb.retry.base", "1000ms", connect -> connect.retryBase(Duration.ofSeconds(1)));
    stores("wsb.retry.base", "3600000ms", connect -> connect.retryBase(Duration.ofHours(1)));
    stores("wsb.retry.base", "1.5ms", connect -> connect.retryBase(Duration.ofNanos(1_500_000)));
    stores("wsb.keepAlive", "0ms", connect -> connect.keepAlive(Duration.ZERO));
    stores("wsb.retry.maxAttempts", "7", connect -> connect.retryMaxAttempts(7));
    stores("wsb.maxMessageSize", "1048576", connect -> connect.maxMessageSize(1 << 20));
    stores("wsb.retry.multiplier", "10", connect -> connect.retryMultiplier(10));
    stores("wsb.shared.minRate", "0.00001", connect -> connect.sharedMinRate(0.000_01));
    stores("wsb.tls.verify", "false", connect -> connect.tlsVerify(false));
  }

  private static void stores(String key, String text, UnaryOperator<WsConnect> setting) {
    WsConnect connect = setting.apply(wsConnect("ws://h/"));
    assertEquals(text, built(connect).getPropertyAsString(key));
  }

  @Test
  public void an_unknown_key_is_refused_with_the_nearest_one() {
    String said =
        assertThrows(
                IllegalArgumentException.class,
                () -> wsConnect("ws://h/").set("wsb.retry.bas", "1s"))
            .getMessage();
    assertEquals(
        "WebSocket Connect (wsb) has no property wsb.retry.bas, did you mean wsb.retry.base?",
        said);
    said =
        assertThrows(IllegalArgumentException.class, () -> wsClose().set("wsb.closeReason", "bye"))
            .getMessage();
    assertTrue(said, said.endsWith("did you mean wsb.close.reason?"));
    assertThrows(IllegalArgumentException.class, () -> wsOnce().set("wsb.url", "ws://h/"));
    assertThrows(IllegalArgumentException.class, () -> retryPolicy().set("wsb.once.key", "k"));
  }

  @Test
  public void names_are_the_same_in_every_language() {
    Locale before = Locale.getDefault();
    Locale.setDefault(Locale.GERMAN);
    try {
      assertEquals("WebSocket Connect (wsb)", built(wsConnect("ws://h/")).getName());
    } finally {
      Locale.setDefault(before);
    }
  }

  private static String methodOf(String key) {
    StringBuilder name = new StringBuilder();
    boolean upper = false;
    for (char letter : key.substring(Spec.PREFIX.length()).toCharArray()) {
      if (letter == '.') {
        upper = true;
      } else {
        name.append(upper ? Character.toUpperCase(letter) : letter);
        upper = false;
      }
    }
    return name.toString();
  }

  private static TestElement built(Elements.Pair pair) {
    return built(pair.dsl());
  }

  private static TestElement built(DslTestElement element) {
    ListedHashTree tree = new ListedHashTree();
    new BuildTreeContext().buildTreeFor(element, tree);
    return (TestElement) tree.getArray()[0];
  }
}
