package io.github.wsbackoff.gui;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNotNull;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertTrue;

import io.github.wsbackoff.JMeterSetup;
import io.github.wsbackoff.OwnClassLoader;
import io.github.wsbackoff.assertions.BinaryAssertion;
import io.github.wsbackoff.config.WebSocketDefaults;
import io.github.wsbackoff.control.OnceController;
import io.github.wsbackoff.control.RetryController;
import io.github.wsbackoff.core.Spec;
import io.github.wsbackoff.sampler.CloseSampler;
import io.github.wsbackoff.sampler.ConnectSampler;
import io.github.wsbackoff.sampler.ExchangeSampler;
import io.github.wsbackoff.sampler.PingSampler;
import io.github.wsbackoff.sampler.ReceiveSampler;
import io.github.wsbackoff.sampler.SendSampler;
import io.github.wsbackoff.timer.PaceTimer;
import io.github.wsbackoff.visualizers.ConnectsListener;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.OutputStream;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import javax.swing.JLabel;
import javax.swing.JScrollPane;
import javax.swing.text.JTextComponent;
import org.apache.jmeter.config.ConfigTestElement;
import org.apache.jmeter.gui.AbstractJMeterGuiComponent;
import org.apache.jmeter.gui.JMeterGUIComponent;
import org.apache.jmeter.gui.Replaceable;
import org.apache.jmeter.protocol.http.control.HeaderManager;
import org.apache.jmeter.samplers.AbstractSampler;
import org.apache.jmeter.samplers.SampleResult;
import org.apache.jmeter.samplers.Sampler;
import org.apache.jmeter.save.SaveService;
import org.apache.jmeter.testelement.TestElement;
import org.apache.jmeter.testelement.TestStateListener;
import org.apache.jmeter.testelement.property.JMeterProperty;
import org.apache.jmeter.testelement.property.PropertyIterator;
import org.apache.jorphan.collections.HashTree;
import org.apache.jorphan.collections.ListedHashTree;
import org.junit.BeforeClass;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;
import org.junit.runner.RunWith;
import org.junit.runners.Parameterized;
import org.junit.runners.Parameterized.Parameters;

/**
 * The promises that JMeter holds its own elements to, for every element of ours; none needs the
 * native library.
 */
@RunWith(Parameterized.class)
public class ElementPanelsTest {
  @Rule public final OnEventThread eventThread = new OnEventThread();

  @Rule public final TemporaryFolder folder = new TemporaryFolder();

  private final String title;
  private final Class<? extends AbstractJMeterGuiComponent> panel;
  private final Class<? extends TestElement> element;
  private final List<Spec.Key> keys;

  public ElementPanelsTest(
      String title,
      Class<? extends AbstractJMeterGuiComponent> panel,
      Class<? extends TestElement> element) {
    this.title = title;
    this.panel = panel;
    this.element = element;
    keys = Spec.get().keysOf(element.getSimpleName());
  }

  @Parameters(name = "{0}")
  public static List<Object[]> elements() {
    return Arrays.asList(
        of("WebSocket Connect (wsb)", ConnectSamplerGui.class, ConnectSampler.class),
        of("WebSocket Send (wsb)", SendSamplerGui.class, SendSampler.class),
        of("WebSocket Receive (wsb)", ReceiveSamplerGui.class, ReceiveSampler.class),
        of("WebSocket Exchange (wsb)", ExchangeSamplerGui.class, ExchangeSampler.class),
        of("WebSocket Ping (wsb)", PingSamplerGui.class, PingSampler.class),
        of("WebSocket Close (wsb)", CloseSamplerGui.class, CloseSampler.class),
        of("Retry Controller (wsb)", RetryControllerGui.class, RetryController.class),
        of("Once for All Controller (wsb)", OnceControllerGui.class, OnceController.class),
        of("Pace Timer (wsb)", PaceTimerGui.class, PaceTimer.class),
        of("Binary Assertion (wsb)", BinaryAssertionGui.class, BinaryAssertion.class),
        of("WebSocket Connects (wsb)", ConnectsListenerGui.class, ConnectsListener.class),
        of("WebSocket Defaults (wsb)", WebSocketDefaultsGui.class, WebSocketDefaults.class));
  }

  private static Object[] of(Object... fields) {
    return fields;
  }

  @BeforeClass
  public static void jmeter() throws IOException {
    JMeterSetup.once();
  }

  @Test
  public void the_table_has_keys_for_it_and_all_for_the_defaults() {
    assertFalse(keys.isEmpty());
    List<Spec.Key> all = Spec.get().keysOf("WebSocketDefaults");
    // A controller that decides before its first child runs cannot know the defaults in scope, and
    // a listener and an assertion have no scope.
    boolean alone =
        element == OnceController.class
            || element == BinaryAssertion.class
            || element == ConnectsListener.class;
    assertTrue(alone || all.containsAll(keys));
  }

  @Test
  public void every_key_has_a_field_a_label_and_a_tooltip() {
    Map<String, JTextComponent> fields = fields(gui());
    for (Spec.Key key : keys) {
      JTextComponent field = fields.get(key.name);
      assertNotNull(key.name, field);
      String tooltip = field.getToolTipText();
      assertTrue(tooltip, tooltip.contains(key.name));
      assertFalse(key.name, key.label.isEmpty() || key.help.isEmpty());
      assertFalse(key.name, key.choices.isEmpty() && key.type.equals("choice"));
    }
    assertEquals(keys.size(), fields.size());
  }

  @Test
  public void replace_all_changes_every_property_and_counts_what_it_replaced() throws Exception {
    TestElement filled = create();
    for (Spec.Key key : keys) {
      filled.setProperty(key.name, "qqq-" + key.name + " QQQ");
    }
    filled.setProperty("other.plugin", "qqq");
    assertEquals(keys.size(), ((Replaceable) filled).replace("qqq", "n$w", true));
    for (Spec.Key key : keys) {
      assertEquals("n$w-" + key.name + " QQQ", filled.getPropertyAsString(key.name));
    }
    assertEquals("qqq", filled.getPropertyAsString("other.plugin"));
    assertEquals(keys.size(), ((Replaceable) filled).replace("qqq", "new", false));
    assertEquals(0, ((Replaceable) filled).replace("absent", "new", false));
  }

  @Test
  public void copy_code_makes_calls_that_jmeters_own_language_has() {
    // A schema with descriptors that are no properties in Kotlin makes code that does not compile.
    assertTrue(create().getSchema().getClass().getName().startsWith("org.apache.jmeter."));
  }

  @Test
  public void a_new_element_has_names_and_no_properties() {
    TestElement created = gui().createTestElement();
    assertEquals(element, created.getClass());
    assertEquals(title, created.getName());
    assertEquals(element.getName(), created.getPropertyAsString("TestElement.test_class"));
    assertEquals(panel.getName(), created.getPropertyAsString("TestElement.gui_class"));
    assertEquals(3, texts(created).size());
  }

  @Test
  public void every_property_survives_configure_and_modify() {
    TestElement filled = filled();
    AbstractJMeterGuiComponent gui = gui();
    gui.configure(filled);
    TestElement copy = gui.makeTestElement();
    gui.modifyTestElement(copy);
    assertEquals(texts(filled), texts(copy));
  }

  @Test
  public void the_panel_keeps_no_state_of_another_element() {
    AbstractJMeterGuiComponent gui = gui();
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
    TestElement filled = filled();
    AbstractJMeterGuiComponent gui = gui();
    gui.configure(filled);
    String emptied = keys.get(0).name;
    fields(gui).get(emptied).setText("");
    int others = texts(filled).size() - 1;
    gui.modifyTestElement(filled);
    assertNull(filled.getPropertyOrNull(emptied));
    assertEquals(others, texts(filled).size());
  }

  @Test
  public void a_property_of_a_newer_version_survives() {
    TestElement filled = filled();
    filled.setProperty("wsb.of.the.future", "kept");
    AbstractJMeterGuiComponent gui = gui();
    gui.configure(filled);
    gui.modifyTestElement(filled);
    assertEquals("kept", filled.getPropertyAsString("wsb.of.the.future"));
  }

  @Test
  public void every_property_survives_a_jmx_file() throws IOException {
    TestElement filled = filled();
    File file = folder.newFile("plan.jmx");
    try (OutputStream out = new FileOutputStream(file)) {
      SaveService.saveTree(new ListedHashTree(filled), out);
    }
    HashTree tree = SaveService.loadTree(file);
    TestElement loaded = (TestElement) tree.getArray()[0];
    assertEquals(filled.getClass(), loaded.getClass());
    assertEquals(texts(filled), texts(loaded));
    assertEquals(filled, loaded);
    assertEquals(filled.hashCode(), loaded.hashCode());
  }

  @Test
  public void every_property_survives_java_serialisation_and_cloning() throws Exception {
    TestElement filled = filled();
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
      out.writeObject(filled);
    }
    try (ObjectInputStream in =
        new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
      assertEquals(texts(filled), texts((TestElement) in.readObject()));
    }
    assertEquals(texts(filled), texts((TestElement) filled.clone()));
  }

  @Test
  public void labels_and_categories_are_there_and_our_own() {
    AbstractJMeterGuiComponent gui = gui();
    assertEquals(title, gui.getStaticLabel());
    assertNotNull(gui.getLabelResource());
    assertEquals(title.replace(' ', '_'), gui.getDocAnchor());
    assertFalse(gui.getMenuCategories().isEmpty());
  }

  @Test
  public void the_panel_can_be_laid_out_without_cutting_a_label() {
    AbstractJMeterGuiComponent gui = gui();
    Parts.openAll(gui);
    gui.setSize(900, 1200);
    Parts.settle(gui);
    for (JLabel label : Parts.of(gui, JLabel.class)) {
      assertTrue(label.toString(), label.getWidth() >= label.getPreferredSize().width);
    }
  }

  @Test
  public void the_panel_is_as_wide_as_its_window_and_shows_all_of_its_note() {
    AbstractJMeterGuiComponent gui = gui();
    int comfortable = gui.getPreferredSize().width;
    assertTrue("prefers " + comfortable, comfortable <= 900);
    assertTrue("needs " + gui.getMinimumSize().width, gui.getMinimumSize().width <= 700);
    JScrollPane window = new JScrollPane(gui);
    int noteHeight = 0;
    for (int width : new int[] {1600, 1000, 700}) {
      window.setSize(width, 600);
      Parts.settle(window);
      assertEquals(window.getViewport().getWidth(), gui.getWidth());
      List<NoteText> notes = Parts.of(gui, NoteText.class);
      assertEquals(1, notes.size());
      NoteText note = notes.get(0);
      assertTrue("wider than " + width, note.getWidth() <= gui.getWidth());
      int needed = note.getUI().getPreferredSize(note).height;
      assertTrue("cut to " + note.getHeight() + " of " + needed, note.getHeight() >= needed);
      assertTrue("the narrower the higher", needed >= noteHeight);
      noteHeight = needed;
    }
  }

  @Test
  public void a_jar_without_table_shows_a_panel_that_loses_nothing() throws Exception {
    try (OwnClassLoader loader = new OwnClassLoader().without("io/github/wsbackoff/spec.json")) {
      JMeterGUIComponent gui = (JMeterGUIComponent) loader.create(panel.getName());
      TestElement created = gui.createTestElement();
      created.setProperty("wsb.url", "ws://h/");
      gui.configure(created);
      gui.modifyTestElement(created);
      assertEquals("ws://h/", created.getPropertyAsString("wsb.url"));
      assertTrue(fields((AbstractJMeterGuiComponent) gui).isEmpty());
    }
  }

  @Test
  public void it_loads_and_works_without_jmeters_http_part() throws Exception {
    try (OwnClassLoader loader =
        new OwnClassLoader().withoutClasses("org.apache.jmeter.protocol.http.")) {
      JMeterGUIComponent gui = (JMeterGUIComponent) loader.create(panel.getName());
      TestElement created = gui.createTestElement();
      created.clearTestElementChildren();
      created.addTestElement(new ConfigTestElement());
      if (created instanceof Sampler) {
        Sampler sampler = (Sampler) created;
        assertFalse(((AbstractSampler) created).applies(new HeaderManager()));
        SampleResult sample = sampler.sample(null);
        assertEquals("Non HTTP response code: " + firstFault(), sample.getResponseCode());
        ((TestStateListener) sampler).testEnded();
      }
    }
  }

  /** What a sampler says that is asked without a plan. */
  private String firstFault() {
    return element == ConnectSampler.class ? "spec.invalid" : "connection.none";
  }

  private AbstractJMeterGuiComponent gui() {
    return make(panel);
  }

  private TestElement create() {
    return make(element);
  }

  private static <T> T make(Class<T> kind) {
    try {
      return kind.getDeclaredConstructor().newInstance();
    } catch (ReflectiveOperationException e) {
      throw new AssertionError(e);
    }
  }

  private TestElement filled() {
    TestElement filled = gui().createTestElement();
    filled.setName("Log in");
    filled.setComment("all agents");
    for (Spec.Key key : keys) {
      // Both kinds of text: one that fits the type, and a variable.
      boolean fits = key.name.length() % 2 == 0 && !key.defaultText.isEmpty();
      String lines = Spec.isMessageText(key.name) ? " two\n lines " : "";
      filled.setProperty(key.name, fits ? key.defaultText : "${" + key.name + "}" + lines);
    }
    return filled;
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
    Map<String, JTextComponent> fields = new HashMap<>();
    for (JTextComponent field : Parts.of(gui, JTextComponent.class)) {
      if (field.getName() != null && field.getName().startsWith("wsb.")) {
        fields.put(field.getName(), field);
      }
    }
    return fields;
  }
}
