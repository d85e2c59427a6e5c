package io.github.wsbackoff.gui;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNotNull;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertTrue;

import io.github.wsbackoff.JMeterSetup;
import io.github.wsbackoff.OwnClassLoader;
import io.github.wsbackoff.core.Spec;
import io.github.wsbackoff.sampler.ConnectSampler;
import io.github.wsbackoff.sampler.ConnectSamplerSchema;
import java.awt.Component;
import java.awt.Container;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import javax.swing.JComponent;
import javax.swing.text.JTextComponent;
import org.apache.jmeter.gui.AbstractJMeterGuiComponent;
import org.apache.jmeter.gui.JMeterGUIComponent;
import org.apache.jmeter.save.SaveService;
import org.apache.jmeter.testelement.TestElement;
import org.apache.jmeter.testelement.property.JMeterProperty;
import org.apache.jmeter.testelement.property.PropertyIterator;
import org.apache.jorphan.collections.HashTree;
import org.apache.jorphan.collections.ListedHashTree;
import org.junit.BeforeClass;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

/** The promises that JMeter holds its own elements to, for ours; none needs the native library. */
public class ConnectSamplerGuiTest {
  private static final List<Spec.Key> KEYS = Spec.get().keysOf("ConnectSampler");

  @Rule public final TemporaryFolder folder = new TemporaryFolder();

  @BeforeClass
  public static void jmeter() throws IOException {
    JMeterSetup.once();
  }

  @Test
  public void the_table_has_the_keys_of_the_connect_sampler() {
    assertTrue("only " + KEYS.size() + " keys", KEYS.size() > 20);
  }

  @Test
  public void every_key_has_a_field_a_label_and_a_tooltip() {
    Map<String, JTextComponent> fields = fields(new ConnectSamplerGui());
    for (Spec.Key key : KEYS) {
      JTextComponent field = fields.get(key.name);
      assertNotNull(key.name, field);
      String tooltip = field.getToolTipText();
      assertTrue(tooltip, tooltip.contains(key.name));
      assertFalse(key.name, key.label.isEmpty() || key.help.isEmpty());
    }
    assertEquals(KEYS.size(), fields.size());
  }

  @Test
  public void every_key_has_a_descriptor_in_the_schema() {
    for (Spec.Key key : KEYS) {
      assertNotNull(key.name, ConnectSamplerSchema.INSTANCE.getProperties().get(key.name));
    }
    assertEquals(ConnectSamplerSchema.INSTANCE, new ConnectSampler().getSchema());
    assertEquals(ConnectSamplerSchema.INSTANCE, new ConnectSampler().getProps().getSchema());
  }

  @Test
  public void a_new_element_has_names_and_no_properties() {
    TestElement element = new ConnectSamplerGui().createTestElement();
    assertEquals("wsb - Connect", element.getName());
    assertEquals(
        ConnectSampler.class.getName(), element.getPropertyAsString("TestElement.test_class"));
    assertEquals(
        ConnectSamplerGui.class.getName(), element.getPropertyAsString("TestElement.gui_class"));
    assertEquals(3, texts(element).size());
  }

  @Test
  public void every_property_survives_configure_and_modify() {
    TestElement element = filled();
    ConnectSamplerGui gui = new ConnectSamplerGui();
    gui.configure(element);
    TestElement copy = gui.makeTestElement();
    gui.modifyTestElement(copy);
    assertEquals(texts(element), texts(copy));
  }

  @Test
  public void the_panel_keeps_no_state_of_another_element() {
    ConnectSamplerGui gui = new ConnectSamplerGui();
    TestElement empty = gui.createTestElement();
    gui.configure(filled());
    gui.configure(empty);
    TestElement copy = gui.makeTestElement();
    gui.modifyTestElement(copy);
    assertEquals(texts(empty), texts(copy));

    gui.configure(filled());
    gui.clearGui();
    gui.modifyTestElement(copy);
    assertEquals(texts(gui.createTestElement()), texts(copy));
  }

  @Test
  public void an_emptied_field_removes_its_property() {
    TestElement element = filled();
    ConnectSamplerGui gui = new ConnectSamplerGui();
    gui.configure(element);
    fields(gui).get("wsb.url").setText("");
    gui.modifyTestElement(element);
    assertNull(element.getPropertyOrNull("wsb.url"));
    assertNotNull(element.getPropertyOrNull("wsb.retry.base"));
  }

  @Test
  public void a_property_of_a_newer_version_survives() {
    TestElement element = filled();
    element.setProperty("wsb.of.the.future", "kept");
    ConnectSamplerGui gui = new ConnectSamplerGui();
    gui.configure(element);
    gui.modifyTestElement(element);
    assertEquals("kept", element.getPropertyAsString("wsb.of.the.future"));
  }

  @Test
  public void every_property_survives_a_jmx_file() throws IOException {
    TestElement element = filled();
    File file = folder.newFile("plan.jmx");
    try (OutputStream out = new FileOutputStream(file)) {
      SaveService.saveTree(new ListedHashTree(element), out);
    }
    HashTree tree = SaveService.loadTree(file);
    TestElement loaded = (TestElement) tree.getArray()[0];
    assertEquals(ConnectSampler.class, loaded.getClass());
    assertEquals(texts(element), texts(loaded));
    assertEquals(element, loaded);
    assertEquals(element.hashCode(), loaded.hashCode());
  }

  @Test
  public void every_property_survives_java_serialisation_and_cloning() throws Exception {
    TestElement element = filled();
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
      out.writeObject(element);
    }
    try (ObjectInputStream in =
        new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
      assertEquals(texts(element), texts((TestElement) in.readObject()));
    }
    assertEquals(texts(element), texts((TestElement) element.clone()));
  }

  @Test
  public void labels_and_categories_are_there_and_our_own() {
    ConnectSamplerGui gui = new ConnectSamplerGui();
    assertEquals("wsb - Connect", gui.getStaticLabel());
    assertNotNull(gui.getLabelResource());
    assertEquals("wsb_-_Connect", gui.getDocAnchor());
    assertFalse(gui.getMenuCategories().isEmpty());
  }

  @Test
  public void the_panel_can_be_laid_out_without_cutting_a_label() {
    ConnectSamplerGui gui = new ConnectSamplerGui();
    gui.setSize(900, 1200);
    layOut(gui);
    List<JComponent> labels = new ArrayList<>();
    collect(gui, javax.swing.JLabel.class, labels);
    for (JComponent label : labels) {
      assertTrue(label.toString(), label.getWidth() >= label.getPreferredSize().width);
    }
  }

  @Test
  public void a_jar_without_table_shows_a_panel_that_loses_nothing() throws Exception {
    try (OwnClassLoader loader = new OwnClassLoader().without("io/github/wsbackoff/spec.json")) {
      JMeterGUIComponent gui =
          (JMeterGUIComponent) loader.create("io.github.wsbackoff.gui.ConnectSamplerGui");
      TestElement element = gui.createTestElement();
      element.setProperty("wsb.url", "ws://h/");
      gui.configure(element);
      gui.modifyTestElement(element);
      assertEquals("ws://h/", element.getPropertyAsString("wsb.url"));
      assertTrue(fields((AbstractJMeterGuiComponent) gui).isEmpty());
    }
  }

  private static TestElement filled() {
    TestElement element = new ConnectSamplerGui().createTestElement();
    element.setName("Log in");
    element.setComment("all agents");
    for (Spec.Key key : KEYS) {
      // Both kinds of text: one that fits the type, and a variable.
      boolean fits = key.name.length() % 2 == 0 && !key.defaultText.isEmpty();
      element.setProperty(key.name, fits ? key.defaultText : "${" + key.name + "}");
    }
    return element;
  }

  private static Map<String, String> texts(TestElement element) {
    Map<String, String> texts = new HashMap<>();
    for (PropertyIterator all = element.propertyIterator(); all.hasNext(); ) {
      JMeterProperty property = all.next();
      texts.put(property.getName(), property.getStringValue());
    }
    return texts;
  }

  private static Map<String, JTextComponent> fields(AbstractJMeterGuiComponent gui) {
    List<JComponent> found = new ArrayList<>();
    collect(gui, JTextComponent.class, found);
    Map<String, JTextComponent> fields = new HashMap<>();
    for (JComponent field : found) {
      if (field.getName() != null && field.getName().startsWith("wsb.")) {
        fields.put(field.getName(), (JTextComponent) field);
      }
    }
    return fields;
  }

  private static void collect(Container parent, Class<?> kind, List<JComponent> found) {
    for (Component child : parent.getComponents()) {
      if (kind.isInstance(child)) {
        found.add((JComponent) child);
      }
      if (child instanceof Container) {
        collect((Container) child, kind, found);
      }
    }
  }

  private static void layOut(Container container) {
    container.doLayout();
    for (Component child : container.getComponents()) {
      if (child instanceof Container) {
        layOut((Container) child);
      }
    }
  }
}
