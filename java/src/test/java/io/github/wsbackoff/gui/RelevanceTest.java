package io.github.wsbackoff.gui;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertTrue;

import io.github.wsbackoff.JMeterSetup;
import io.github.wsbackoff.Panels;
import io.github.wsbackoff.core.Spec;
import java.io.IOException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import javax.swing.JButton;
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
    Set<String> ruled = new HashSet<>();
    for (AbstractJMeterGuiComponent panel : Panels.all()) {
      String element = panel.makeTestElement().getClass().getSimpleName();
      Map<String, Spec.Key> keys = new HashMap<>();
      Spec.get().keysOf(element).forEach(key -> keys.put(key.name, key));
      for (String key : keys.keySet()) {
        Relevance relevance = Relevance.of(key, element);
        if (relevance != null) {
          ruled.add(key);
          assertFalse(key, relevance.values.isEmpty());
          assertTrue(key, Wording.words(keys.get(relevance.decider)).containsAll(relevance.values));
        }
      }
    }
    assertEquals("a rule about a property that no element has", ruled, Relevance.keys());
  }

  @Test
  public void what_counts_without_the_choice_is_never_disabled() {
    String[][] cases = {
      {"PaceTimer", "wsb.shared.rate"},
      {"PaceTimer", "wsb.shared.key"},
      {"OnceController", "wsb.retry.base"},
      {"ConnectSampler", "wsb.shared.key"},
      {"ConnectSampler", "wsb.hint.jitter"},
      {"WebSocketDefaults", "wsb.shared.rate"},
    };
    for (String[] each : cases) {
      assertNull(String.join(" ", each), Relevance.of(each[1], each[0]));
    }
  }

  @Test
  public void what_is_set_can_be_edited_as_the_sample_refuses_what_is_wrong_in_it() {
    AbstractJMeterGuiComponent gui = new ConnectSamplerGui();
    TestElement element = gui.createTestElement();
    element.setProperty("wsb.shared.rate", "many");
    gui.configure(element);
    assertTrue(Parts.field(gui, "wsb.shared.rate").isEnabled());
    Parts.field(gui, "wsb.shared.rate").setText("");
    assertFalse(Parts.field(gui, "wsb.shared.rate").isEnabled());
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
  public void what_belongs_to_a_field_is_disabled_with_it_and_what_it_holds_is_kept() {
    AbstractJMeterGuiComponent gui = new SendSamplerGui();
    TestElement element = gui.createTestElement();
    element.setProperty("wsb.payload", "kept");
    gui.configure(element);
    for (JButton browse : Parts.of(gui, JButton.class)) {
      assertTrue(!browse.getText().equals(Messages.get("browse")) || !browse.isEnabled());
    }
    Parts.field(gui, "wsb.payloadType").setText("file");
    assertTrue(Parts.field(gui, "wsb.payloadFile").isEnabled());
    TestElement copy = gui.makeTestElement();
    gui.modifyTestElement(copy);
    assertEquals("kept", copy.getPropertyAsString("wsb.payload"));
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
