package io.github.wsbackoff.gui;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertTrue;

import io.github.wsbackoff.JMeterSetup;
import io.github.wsbackoff.Panels;
import java.io.IOException;
import java.util.List;
import javax.swing.JButton;
import org.apache.jmeter.gui.AbstractJMeterGuiComponent;
import org.apache.jmeter.testelement.TestElement;
import org.junit.BeforeClass;
import org.junit.Rule;
import org.junit.Test;

/** Properties that another version wrote: seen in each panel, kept, and removed on request. */
public class UnknownKeysTest {
  @Rule public final OnEventThread eventThread = new OnEventThread();

  private static final String ONE = "wsb.of.the.future";
  private static final String TWO = "wsb.of.the.past";

  @BeforeClass
  public static void jmeter() throws IOException {
    JMeterSetup.once();
  }

  @Test
  public void each_panel_shows_them_and_removes_what_is_to_go() {
    for (AbstractJMeterGuiComponent panel : Panels.all()) {
      TestElement element = element(panel);
      panel.configure(element);
      assertTrue(panel.getStaticLabel(), shown(panel).isVisible());
      assertEquals(2, buttons(panel).size());
      panel.modifyTestElement(element);
      assertEquals("kept", element.getPropertyAsString(ONE));

      button(panel, ONE).doClick();
      assertFalse(button(panel, ONE).isVisible());
      panel.modifyTestElement(element);
      assertNull(element.getPropertyOrNull(ONE));
      assertEquals("kept, too", element.getPropertyAsString(TWO));
    }
  }

  @Test
  public void what_was_removed_from_one_element_stays_in_another() {
    AbstractJMeterGuiComponent panel = new ConnectSamplerGui();
    panel.configure(element(panel));
    button(panel, ONE).doClick();
    TestElement other = element(panel);
    panel.clearGui();
    panel.configure(other);
    panel.modifyTestElement(other);
    assertEquals("kept", other.getPropertyAsString(ONE));
  }

  @Test
  public void a_panel_without_any_has_no_place_for_them() {
    AbstractJMeterGuiComponent panel = new ConnectSamplerGui();
    panel.configure(element(panel));
    panel.configure(panel.createTestElement());
    assertFalse(shown(panel).isVisible());
    assertEquals(0, buttons(panel).size());
    panel.configure(element(panel));
    panel.clearGui();
    assertFalse(shown(panel).isVisible());
  }

  private static TestElement element(AbstractJMeterGuiComponent panel) {
    TestElement element = panel.createTestElement();
    element.setProperty(ONE, "kept");
    element.setProperty(TWO, "kept, too");
    return element;
  }

  private static UnknownKeys shown(AbstractJMeterGuiComponent panel) {
    return Parts.of(panel, UnknownKeys.class).get(0);
  }

  private static List<JButton> buttons(AbstractJMeterGuiComponent panel) {
    return Parts.of(shown(panel), JButton.class);
  }

  private static JButton button(AbstractJMeterGuiComponent panel, String key) {
    return buttons(panel).stream()
        .filter(button -> button.getName().equals("remove." + key))
        .findFirst()
        .get();
  }
}
