package io.github.wsbackoff.gui;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import io.github.wsbackoff.JMeterSetup;
import io.github.wsbackoff.Panels;
import io.github.wsbackoff.core.Spec;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import javax.swing.JButton;
import javax.swing.text.JTextComponent;
import org.apache.jmeter.gui.AbstractJMeterGuiComponent;
import org.apache.jmeter.testelement.TestElement;
import org.junit.BeforeClass;
import org.junit.Rule;
import org.junit.Test;

/** Fields that mean nothing as the others are cannot be edited, and keep what they hold. */
public class RelevanceTest {
  @Rule public final OnEventThread eventThread = new OnEventThread();

  @BeforeClass
  public static void jmeter() throws IOException {
    JMeterSetup.once();
  }

  @Test
  public void it_is_about_properties_and_values_that_there_are() {
    Map<String, Spec.Key> keys = new HashMap<>();
    for (AbstractJMeterGuiComponent panel : Panels.all()) {
      String element = panel.makeTestElement().getClass().getSimpleName();
      Spec.get().keysOf(element).forEach(key -> keys.put(key.name, key));
    }
    for (String key : Relevance.keys()) {
      Relevance relevance = Relevance.of(key);
      assertTrue(key, keys.containsKey(key) && keys.containsKey(relevance.decider));
      assertFalse(key, relevance.values.isEmpty());
      assertTrue(key, Wording.words(keys.get(relevance.decider)).containsAll(relevance.values));
    }
  }

  @Test
  public void a_choice_enables_what_it_needs_and_disables_what_it_does_not() {
    AbstractJMeterGuiComponent gui = new ConnectSamplerGui();
    String[][] cases = {
      // decider, its value, enabled, disabled
      {"wsb.retry.strategy", "", "wsb.retry.base", "wsb.retry.table"},
      {"wsb.retry.strategy", "table", "wsb.retry.table", "wsb.retry.jitter"},
      {"wsb.retry.strategy", "additive", "wsb.retry.jitter", "wsb.retry.table"},
      {"wsb.retry.strategy", "none", "wsb.retry.throttle", "wsb.retry.cap"},
      {"wsb.retry.strategy", "NONE", "wsb.retry.throttle", "wsb.retry.cap"},
      {"wsb.hint.mode", "ignore", "wsb.hint.mode", "wsb.hint.max"},
      {"wsb.hint.mode", "replace", "wsb.hint.max", "wsb.retry.table"},
      {"wsb.shared.mode", "", "wsb.shared.mode", "wsb.shared.rate"},
      {"wsb.shared.mode", "pause", "wsb.shared.spread", "wsb.shared.rate"},
      {"wsb.shared.mode", "pace", "wsb.shared.rate", "wsb.shared.spread"},
      {"wsb.end", "abort", "wsb.end", "wsb.end.reason"},
    };
    for (String[] each : cases) {
      gui.configure(gui.createTestElement());
      Parts.field(gui, each[0]).setText(each[1]);
      assertTrue(String.join(" ", each), Parts.field(gui, each[2]).isEnabled());
      assertFalse(String.join(" ", each), Parts.field(gui, each[3]).isEnabled());
    }
  }

  @Test
  public void what_a_variable_or_an_unknown_word_decides_may_mean_something() {
    AbstractJMeterGuiComponent gui = new ConnectSamplerGui();
    for (String value : new String[] {"${strategy}", "newer"}) {
      Parts.field(gui, "wsb.retry.strategy").setText(value);
      assertTrue(Parts.field(gui, "wsb.retry.table").isEnabled());
    }
  }

  @Test
  public void a_disabled_field_keeps_what_it_holds() {
    AbstractJMeterGuiComponent gui = new SendSamplerGui();
    TestElement element = gui.createTestElement();
    element.setProperty("wsb.payload", "kept");
    element.setProperty("wsb.payloadType", "file");
    gui.configure(element);
    JTextComponent payload = Parts.field(gui, "wsb.payload");
    assertFalse(payload.isEnabled());
    assertTrue(Parts.field(gui, "wsb.payloadFile").isEnabled());
    TestElement copy = gui.makeTestElement();
    gui.modifyTestElement(copy);
    assertEquals("kept", copy.getPropertyAsString("wsb.payload"));
    Parts.field(gui, "wsb.payloadType").setText("text");
    assertTrue(payload.isEnabled());
    assertEquals("kept", payload.getText());
    for (JButton browse : Parts.of(gui, JButton.class)) {
      assertTrue(!browse.getText().equals(Messages.get("browse")) || !browse.isEnabled());
    }
  }

  @Test
  public void defaults_enable_all_as_each_element_may_choose_something_else() {
    AbstractJMeterGuiComponent gui = new WebSocketDefaultsGui();
    TestElement element = gui.createTestElement();
    element.setProperty("wsb.retry.strategy", "none");
    gui.configure(element);
    for (Spec.Key key : Spec.get().keysOf("WebSocketDefaults")) {
      assertTrue(key.name, Parts.field(gui, key.name).isEnabled());
    }
  }
}
