package io.github.wsbackoff.gui;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import io.github.wsbackoff.JMeterSetup;
import io.github.wsbackoff.Panels;
import io.github.wsbackoff.config.WebSocketDefaults;
import io.github.wsbackoff.control.OnceController;
import io.github.wsbackoff.core.Spec;
import io.github.wsbackoff.sampler.ConnectSampler;
import io.github.wsbackoff.sampler.SendSampler;
import java.awt.Color;
import java.awt.Graphics;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.lang.reflect.Field;
import java.util.Arrays;
import java.util.List;
import javax.swing.JComboBox;
import javax.swing.JLabel;
import javax.swing.JList;
import javax.swing.text.JTextComponent;
import org.apache.jmeter.gui.AbstractJMeterGuiComponent;
import org.apache.jmeter.gui.GuiPackage;
import org.apache.jmeter.gui.tree.JMeterTreeListener;
import org.apache.jmeter.gui.tree.JMeterTreeModel;
import org.apache.jmeter.gui.tree.JMeterTreeNode;
import org.apache.jmeter.testelement.TestElement;
import org.junit.After;
import org.junit.Before;
import org.junit.BeforeClass;
import org.junit.Rule;
import org.junit.Test;

/** What an empty field says in grey: the value that counts, and who says so. */
public class GreyTextTest {
  @Rule public final OnEventThread eventThread = new OnEventThread();

  private static final String BASE = "wsb.retry.base";
  private static final String URL = "wsb.url";

  private final JMeterTreeModel model = new JMeterTreeModel();

  @BeforeClass
  public static void jmeter() throws IOException {
    JMeterSetup.once();
  }

  /** As JMeter has one while its window is open; other tests have none. */
  @Before
  public void window() {
    GuiPackage.initInstance(new JMeterTreeListener(model), model);
  }

  @After
  public void noWindow() throws ReflectiveOperationException {
    Field instance = GuiPackage.class.getDeclaredField("guiPack");
    instance.setAccessible(true);
    instance.set(null, null);
  }

  @Test
  public void without_defaults_in_scope_it_is_what_is_built_in() {
    ConnectSampler connect = new ConnectSampler();
    node(plan(), connect);
    assertEquals("1s", shown(connect, BASE));
    assertEquals("", shown(connect, URL));
    assertEquals("replace it", shown(connect, "wsb.whenOpen"));
    SendSampler send = new SendSampler();
    node(plan(), send);
    assertEquals("use it", shown(send, "wsb.whenOpen"));
    assertEquals("an element of no plan", "1s", shown(new ConnectSampler(), BASE));
  }

  @Test
  public void the_nearest_defaults_that_set_it_count_and_are_named() {
    ConnectSampler connect = new ConnectSampler();
    JMeterTreeNode group = node(plan(), new ConnectSampler());
    node(plan(), defaults("all", BASE, "3s", URL, "ws://far/"));
    JMeterTreeNode near = node(group, defaults("near", BASE, "2s", URL, " "));
    JMeterTreeNode own = node(node(group, connect), defaults("own", BASE, "${base}"));
    assertEquals("${base} (own)", shown(connect, BASE));
    assertEquals("blanks set nothing", "ws://far/ (all)", shown(connect, URL));
    own.setEnabled(false);
    assertEquals("2s (near)", shown(connect, BASE));
    near.setEnabled(false);
    assertEquals("3s (all)", shown(connect, BASE));
    assertEquals("30s", shown(connect, "wsb.retry.cap"));
  }

  @Test
  public void of_two_beside_each_other_the_upper_one_counts() {
    ConnectSampler connect = new ConnectSampler();
    node(plan(), defaults("upper (wsb)", BASE, "3s"));
    node(plan(), connect);
    node(plan(), defaults("lower", BASE, "4s", "wsb.retry.cap", "9s"));
    assertEquals("3s (upper)", shown(connect, BASE));
    assertEquals("9s (lower)", shown(connect, "wsb.retry.cap"));
  }

  @Test
  public void defaults_show_what_counts_without_them() {
    WebSocketDefaults inner = defaults("inner", BASE, "2s");
    JMeterTreeNode group = node(plan(), new ConnectSampler());
    node(plan(), defaults("outer", "wsb.retry.cap", "9s"));
    node(group, inner);
    node(group, defaults("beside", "wsb.retry.cap", "8s"));
    assertEquals("as for what is inside", "8s (beside)", shown(inner, "wsb.retry.cap"));
    assertEquals("1s", shown(inner, BASE));
  }

  @Test
  public void an_element_shows_only_what_it_takes_from_defaults() {
    SendSampler send = new SendSampler();
    OnceController once = new OnceController();
    node(plan(), defaults("all", URL, "ws://h/", "wsb.payload", "a\n b", BASE, "3s"));
    node(plan(), send);
    node(plan(), once);
    assertEquals("", shown(send, URL));
    assertEquals("a\n b (all)", shown(send, "wsb.payload"));
    assertEquals("1s", shown(once, BASE));
  }

  @Test
  public void it_follows_the_plan_whenever_the_panel_is_shown_again() {
    ConnectSampler connect = new ConnectSampler();
    node(plan(), connect);
    AbstractJMeterGuiComponent panel = new ConnectSamplerGui();
    panel.configure(connect);
    assertEquals("1s", hint(panel, BASE));
    WebSocketDefaults all = defaults("all", BASE, "3s");
    JMeterTreeNode node = node(plan(), all);
    panel.configure(connect);
    assertEquals("3s (all)", hint(panel, BASE));
    node.setEnabled(false);
    panel.configure(connect);
    assertEquals("1s", hint(panel, BASE));
  }

  @Test
  public void the_first_item_of_a_list_says_it_too() {
    ConnectSampler connect = new ConnectSampler();
    node(plan(), defaults("all", "wsb.tls.verify", "false"));
    node(plan(), connect);
    AbstractJMeterGuiComponent panel = new ConnectSamplerGui();
    panel.configure(connect);
    boolean found = false;
    for (JComboBox<?> list : Parts.of(panel, JComboBox.class)) {
      String name = list.getEditor().getEditorComponent().getName();
      found |= "wsb.tls.verify".equals(name) && first(list).contains("no, accept any (all)");
    }
    assertTrue(found);
  }

  @Test
  public void grey_is_painted_while_the_field_is_empty_and_only_then() {
    for (JTextComponent field : Arrays.asList(new HintField(20), new HintArea(3, 20))) {
      field.setSize(400, 60);
      BufferedImage empty = painted(field);
      ((Hinted) field).setHint("30s (all)");
      BufferedImage grey = painted(field);
      assertTrue(inked(grey) > inked(empty));
      field.setText(" ");
      assertEquals(inked(empty), inked(painted(field)));
      field.setText("");
      field.setSize(40, 60);
      ((Hinted) field).setHint("a very long value that has no room at all");
      painted(field);
    }
  }

  @Test
  public void every_default_of_one_kind_of_element_is_of_a_key_that_it_has() {
    for (AbstractJMeterGuiComponent panel : Panels.all()) {
      String element = panel.makeTestElement().getClass().getSimpleName();
      for (Spec.Key key : Spec.get().keysOf("WebSocketDefaults")) {
        boolean special = !Messages.getOrEmpty("default." + element + "." + key.name).isEmpty();
        List<Spec.Key> own = Spec.get().keysOf(element);
        assertTrue(element + key.name, !special || own.contains(key));
      }
    }
  }

  private static <E> String first(JComboBox<E> list) {
    return ((JLabel)
            list.getRenderer()
                .getListCellRendererComponent(new JList<E>(), list.getItemAt(0), 0, false, false))
        .getText();
  }

  private static BufferedImage painted(JTextComponent field) {
    BufferedImage image = new BufferedImage(400, 60, BufferedImage.TYPE_INT_RGB);
    Graphics graphics = image.getGraphics();
    field.setBackground(Color.WHITE);
    field.setForeground(Color.BLACK);
    field.setCaretPosition(field.getText().length());
    field.paint(graphics);
    graphics.dispose();
    return image;
  }

  private static int inked(BufferedImage image) {
    int inked = 0;
    for (int x = 0; x < image.getWidth(); x++) {
      for (int y = 0; y < image.getHeight(); y++) {
        inked += (image.getRGB(x, y) & 0xff) < 200 ? 1 : 0;
      }
    }
    return inked;
  }

  /** What the panel of an element says in grey in the field of a key. */
  private static String shown(TestElement element, String key) {
    for (AbstractJMeterGuiComponent panel : Panels.all()) {
      if (panel.makeTestElement().getClass() == element.getClass()) {
        panel.configure(element);
        return hint(panel, key);
      }
    }
    throw new AssertionError(element.getClass());
  }

  private static String hint(AbstractJMeterGuiComponent panel, String key) {
    return ((Hinted) Parts.field(panel, key)).hint();
  }

  private JMeterTreeNode plan() {
    return (JMeterTreeNode) ((JMeterTreeNode) model.getRoot()).getChildAt(0);
  }

  private JMeterTreeNode node(JMeterTreeNode parent, TestElement element) {
    JMeterTreeNode node = new JMeterTreeNode(element, model);
    model.insertNodeInto(node, parent, parent.getChildCount());
    return node;
  }

  private static WebSocketDefaults defaults(String name, String... pairs) {
    WebSocketDefaults defaults = new WebSocketDefaults();
    defaults.setName(name);
    for (int i = 0; i < pairs.length; i += 2) {
      defaults.setProperty(pairs[i], pairs[i + 1]);
    }
    return defaults;
  }
}
