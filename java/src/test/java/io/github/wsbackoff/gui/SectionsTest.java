package io.github.wsbackoff.gui;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import io.github.wsbackoff.JMeterSetup;
import io.github.wsbackoff.Panels;
import io.github.wsbackoff.core.Spec;
import java.awt.event.ActionEvent;
import java.awt.event.KeyEvent;
import java.io.IOException;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import javax.swing.KeyStroke;
import javax.swing.text.JTextComponent;
import org.apache.jmeter.gui.AbstractJMeterGuiComponent;
import org.apache.jmeter.testelement.TestElement;
import org.junit.BeforeClass;
import org.junit.Rule;
import org.junit.Test;

/** What a panel opens with, and the sections below it. */
public class SectionsTest {
  @Rule public final OnEventThread eventThread = new OnEventThread();

  private final ConnectSamplerGui gui = new ConnectSamplerGui();

  @BeforeClass
  public static void jmeter() throws IOException {
    JMeterSetup.once();
  }

  @Test
  public void connect_opens_with_what_it_is_for() {
    gui.configure(gui.createTestElement());
    assertEquals(
        Arrays.asList(
            "wsb.url",
            "wsb.baseUrl",
            "wsb.connection",
            "wsb.connectTimeout",
            "wsb.tls.verify",
            "wsb.retry.strategy",
            "wsb.retry.base",
            "wsb.retry.cap",
            "wsb.retry.maxElapsed"),
        visible(gui));
  }

  @Test
  public void what_a_panel_opens_with_are_keys_of_its_element() {
    Set<String> sections =
        Spec.get().sections().stream().map(section -> section.id).collect(Collectors.toSet());
    for (String element : FirstFields.elements()) {
      Set<String> keys =
          Spec.get().keysOf(element).stream().map(key -> key.name).collect(Collectors.toSet());
      Set<String> seen = new HashSet<>();
      for (FirstFields.Group group : FirstFields.of(element)) {
        assertTrue(element + " " + group.section, sections.contains(group.section));
        for (String key : group.keys) {
          assertTrue(element + " " + key, keys.contains(key));
          assertTrue(element + " twice " + key, seen.add(key));
        }
      }
    }
  }

  @Test
  public void no_panel_opens_with_more_than_a_dozen_fields() {
    for (AbstractJMeterGuiComponent panel : Panels.all()) {
      TestElement element = panel.createTestElement();
      panel.configure(element);
      int shown = visible(panel).size();
      assertTrue(panel.getStaticLabel() + " " + shown, shown > 0 && shown <= 12);
    }
  }

  @Test
  public void a_section_with_something_set_is_open_and_says_how_much() {
    TestElement element = gui.createTestElement();
    element.setProperty("wsb.hint.max", "60s");
    element.setProperty("wsb.hint.mode", "${mode}");
    gui.configure(element);
    assertEquals("Server hints (2 set)", header("hint").getText());
    assertTrue(header("hint").isSelected());
    assertEquals("Shared gate", header("shared").getText());
    assertFalse(header("shared").isSelected());
    assertTrue(visible(gui).contains("wsb.hint.sources"));
    assertFalse(visible(gui).contains("wsb.shared.mode"));

    field("wsb.hint.max").setText("");
    assertEquals("it counts as one types", "Server hints (1 set)", header("hint").getText());
    field("wsb.hint.mode").setText(" ");
    assertEquals("blanks set nothing", "Server hints", header("hint").getText());
    assertTrue("nor does it close under one's hands", header("hint").isSelected());
  }

  @Test
  public void what_somebody_opened_stays_open_while_its_element_is_shown() {
    TestElement element = gui.createTestElement();
    gui.configure(element);
    header("shared").doClick();
    header("hint").doClick();
    header("hint").doClick();
    gui.clearGui(); // as JMeter does whenever it shows an element again
    gui.configure(element);
    assertTrue(header("shared").isSelected());
    assertFalse(header("hint").isSelected());

    gui.clearGui();
    gui.configure(gui.createTestElement());
    assertFalse("that was another element", header("shared").isSelected());
  }

  @Test
  public void the_keyboard_opens_and_closes() {
    gui.configure(gui.createTestElement());
    FoldedHeader header = header("hint");
    assertTrue(header.isFocusable());
    for (boolean open : new boolean[] {true, false}) {
      Object action = header.getInputMap().get(KeyStroke.getKeyStroke(KeyEvent.VK_ENTER, 0));
      header.getActionMap().get(action).actionPerformed(new ActionEvent(header, 0, ""));
      assertEquals(open, header.isSelected());
      assertEquals(open, visible(gui).contains("wsb.hint.max"));
    }
    KeyStroke space = KeyStroke.getKeyStroke(KeyEvent.VK_SPACE, 0);
    assertEquals("pressed", header.getInputMap().get(space));
  }

  @Test
  public void a_closed_section_keeps_what_it_holds() {
    TestElement element = gui.createTestElement();
    element.setProperty("wsb.hint.max", "60s");
    gui.configure(element);
    header("hint").doClick();
    TestElement copy = gui.makeTestElement();
    gui.modifyTestElement(copy);
    assertEquals("60s", copy.getPropertyAsString("wsb.hint.max"));
  }

  private FoldedHeader header(String section) {
    for (FoldedSection folded : Parts.of(gui, FoldedSection.class)) {
      if (folded.getName().equals("section." + section)) {
        return Parts.of(folded, FoldedHeader.class).get(0);
      }
    }
    throw new AssertionError(section);
  }

  private JTextComponent field(String key) {
    return Parts.field(gui, key);
  }

  /** The keys of the fields that one sees, in their order. */
  private static List<String> visible(AbstractJMeterGuiComponent panel) {
    return Parts.of(panel, JTextComponent.class).stream()
        .filter(field -> field.getName() != null && field.getName().startsWith(Spec.PREFIX))
        .filter(field -> Parts.isVisible(field, panel))
        .map(JTextComponent::getName)
        .collect(Collectors.toList());
  }
}
