package io.github.wsbackoff.gui;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import io.github.wsbackoff.JMeterSetup;
import io.github.wsbackoff.Panels;
import io.github.wsbackoff.core.Spec;
import java.io.IOException;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.ResourceBundle;
import java.util.Set;
import javax.swing.JComboBox;
import javax.swing.JLabel;
import javax.swing.text.JTextComponent;
import org.apache.jmeter.gui.AbstractJMeterGuiComponent;
import org.apache.jmeter.testelement.TestElement;
import org.junit.BeforeClass;
import org.junit.Rule;
import org.junit.Test;

/** What panels say in place of the words that plans store. */
public class WordingTest {
  @Rule public final OnEventThread eventThread = new OnEventThread();

  private static final String MODE = "wsb.match.mode";

  private final ReceiveSamplerGui gui = new ReceiveSamplerGui();

  @BeforeClass
  public static void jmeter() throws IOException {
    JMeterSetup.once();
  }

  @Test
  public void every_word_of_every_choice_has_a_sentence_of_its_own() {
    for (Spec.Key key : keys().values()) {
      Set<String> seen = new HashSet<>();
      for (String word : Wording.words(key)) {
        String text = "choice." + key.name + "." + word;
        assertFalse(text, Messages.getOrEmpty(text).isEmpty());
        assertTrue(text, seen.add(Wording.spoken(key, word)));
        assertEquals(text, word, Wording.stored(key, Wording.spoken(key, word)));
      }
    }
  }

  @Test
  public void no_text_is_about_a_property_or_a_word_that_there_is_not() {
    Map<String, Spec.Key> keys = keys();
    for (String text : ResourceBundle.getBundle("io.github.wsbackoff.gui.messages").keySet()) {
      if (text.startsWith("choice.wsb.")) {
        int end = text.lastIndexOf('.');
        Spec.Key key = keys.get(text.substring("choice.".length(), end));
        assertTrue(text, key != null && Wording.words(key).contains(text.substring(end + 1)));
      } else if (text.startsWith("zero.") || text.startsWith("unit.wsb.")) {
        assertTrue(text, keys.containsKey(text.substring("zero.".length())));
      }
    }
  }

  @Test
  public void a_word_is_shown_as_its_sentence_and_stored_as_the_word() {
    TestElement element = element("contains");
    gui.configure(element);
    assertEquals("contains the value", field(MODE).getText());
    assertEquals("contains", stored());
    field(MODE).setText("comes next, whatever it is");
    assertEquals("next", stored());
    field(MODE).setText("equals");
    assertEquals("who knows the word may type it", "equals", stored());
    field(MODE).setText("");
    assertEquals("", stored());
  }

  @Test
  public void what_is_chosen_from_the_list_is_stored_as_the_word() {
    gui.configure(element("contains"));
    JComboBox<?> list = list(MODE);
    for (int i = 1; i < list.getItemCount(); i++) {
      list.setSelectedIndex(i);
      assertEquals(Wording.words(keys().get(MODE)).get(i - 1), stored());
    }
    list.setSelectedIndex(0);
    assertEquals("", stored());
  }

  @Test
  public void a_variable_or_what_is_no_word_is_kept_to_the_letter() {
    for (String value :
        new String[] {"${mode}", "newer", "Contains", " contains ", "contains the value"}) {
      gui.configure(element(value));
      assertEquals(value, field(MODE).getText());
      assertEquals(value, stored());
    }
  }

  @Test
  public void what_nobody_changed_keeps_its_lines_in_a_field_of_one() {
    AbstractJMeterGuiComponent connect = new ConnectSamplerGui();
    for (String key : new String[] {"wsb.url", "wsb.retry.strategy", "wsb.hint.bodyPattern"}) {
      TestElement element = connect.createTestElement();
      String value = "${__groovy(\n// more?\nvars.get('s'))}";
      element.setProperty(key, value);
      connect.configure(element);
      TestElement saved = connect.makeTestElement();
      connect.modifyTestElement(saved);
      assertEquals(key, value, saved.getPropertyAsString(key));
    }
  }

  @Test
  public void grey_says_what_zero_means() {
    AbstractJMeterGuiComponent connect = new ConnectSamplerGui();
    assertEquals("no limit", hint(connect, "wsb.retry.maxAttempts"));
    assertEquals("off", hint(connect, "wsb.settle"));
    assertEquals("1s", hint(connect, "wsb.retry.base"));
    assertEquals("comes next, whatever it is", hint(gui, MODE));
  }

  @Test
  public void labels_have_the_unit_of_a_bare_number() {
    Set<String> labels = new HashSet<>();
    Parts.of(new ConnectSamplerGui(), JLabel.class).forEach(label -> labels.add(label.getText()));
    for (String label :
        new String[] {"Base (ms)", "Largest message (bytes)", "Rate at the start (per s)", "URL"}) {
      assertTrue(label, labels.contains(label));
    }
  }

  private TestElement element(String mode) {
    TestElement element = gui.createTestElement();
    element.setProperty(MODE, mode);
    return element;
  }

  private String stored() {
    TestElement copy = gui.makeTestElement();
    gui.modifyTestElement(copy);
    return copy.getPropertyAsString(MODE);
  }

  private JTextComponent field(String key) {
    return Parts.field(gui, key);
  }

  private static String hint(AbstractJMeterGuiComponent panel, String key) {
    return ((Hinted) Parts.field(panel, key)).hint();
  }

  private JComboBox<?> list(String key) {
    for (JComboBox<?> list : Parts.of(gui, JComboBox.class)) {
      if (key.equals(list.getEditor().getEditorComponent().getName())) {
        return list;
      }
    }
    throw new AssertionError(key);
  }

  private static Map<String, Spec.Key> keys() {
    Map<String, Spec.Key> keys = new LinkedHashMap<>();
    for (AbstractJMeterGuiComponent panel : Panels.all()) {
      String element = panel.makeTestElement().getClass().getSimpleName();
      Spec.get().keysOf(element).forEach(key -> keys.put(key.name, key));
    }
    return keys;
  }
}
