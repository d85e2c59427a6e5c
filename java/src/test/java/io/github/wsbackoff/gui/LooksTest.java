package io.github.wsbackoff.gui;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import io.github.wsbackoff.JMeterSetup;
import io.github.wsbackoff.Panels;
import io.github.wsbackoff.core.Spec;
import java.awt.Color;
import java.awt.Component;
import java.awt.Container;
import java.awt.Dimension;
import java.awt.Graphics;
import java.awt.Rectangle;
import java.awt.image.BufferedImage;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import javax.swing.JButton;
import javax.swing.JComboBox;
import javax.swing.JComponent;
import javax.swing.JLabel;
import javax.swing.JPanel;
import javax.swing.JScrollPane;
import javax.swing.JTextField;
import javax.swing.LookAndFeel;
import javax.swing.SwingUtilities;
import javax.swing.UIManager;
import javax.swing.plaf.metal.MetalLookAndFeel;
import org.apache.jmeter.gui.AbstractJMeterGuiComponent;
import org.apache.jmeter.testelement.TestElement;
import org.apache.jmeter.util.JMeterUtils;
import org.apache.jorphan.gui.JFactory;
import org.apache.jorphan.gui.JMeterUIDefaults;
import org.junit.After;
import org.junit.BeforeClass;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.junit.runners.Parameterized;
import org.junit.runners.Parameterized.Parameters;

/**
 * All panels in JMeter's looks, at its zooms and in two of its languages: nothing is cut or
 * covered.
 */
@RunWith(Parameterized.class)
public class LooksTest {
  private static final int WIDTH = 800;

  /**
   * Some looks have fields paint a frame around them, for the one with the focus; layouts count it
   * out.
   */
  private static final int FRAME = 3;

  private static final LookAndFeel BEFORE = UIManager.getLookAndFeel();

  private final String look;
  private final float zoom;

  public LooksTest(String look, float zoom) {
    this.look = look;
    this.zoom = zoom;
  }

  @Parameters(name = "{0} at {1}")
  public static List<Object[]> all() {
    List<Object[]> all = new ArrayList<>();
    for (String look : Arrays.asList("Darcula", "IntelliJ", "Metal")) {
      for (float zoom : new float[] {1, 1.5f, 2}) {
        all.add(new Object[] {look, zoom});
      }
    }
    return all;
  }

  @BeforeClass
  public static void jmeter() throws Exception {
    JMeterSetup.once();
    JMeterUIDefaults.INSTANCE.install();
  }

  @After
  public void asBefore() throws Exception {
    JMeterUIDefaults.INSTANCE.setScale(1);
    JFactory.refreshUI();
    UIManager.setLookAndFeel(BEFORE);
    JMeterUtils.setLocale(Locale.ENGLISH);
  }

  @Test
  public void nothing_is_cut_or_covered_in_german() throws Exception {
    JMeterUtils.setLocale(Locale.GERMAN);
    SwingUtilities.invokeAndWait(
        () -> {
          dress();
          zoom();
          for (AbstractJMeterGuiComponent panel : Panels.all()) {
            check(panel);
          }
        });
  }

  @Test
  public void nothing_is_cut_or_covered_in_english_where_somebody_zooms() throws Exception {
    SwingUtilities.invokeAndWait(
        () -> {
          dress();
          List<AbstractJMeterGuiComponent> panels = Panels.all();
          zoom();
          for (AbstractJMeterGuiComponent panel : panels) {
            SwingUtilities.updateComponentTreeUI(panel); // as JMeter does
            check(panel);
          }
        });
  }

  @Test
  public void headers_can_be_read_open_and_closed() throws Exception {
    SwingUtilities.invokeAndWait(
        () -> {
          dress();
          zoom();
          JPanel parent = new JPanel();
          FoldedHeader header = new FoldedHeader();
          header.setText("MMMM");
          parent.add(header);
          header.setSize(header.getPreferredSize());
          Color text = new JLabel().getForeground();
          for (boolean open : new boolean[] {false, true}) {
            header.setSelected(open);
            assertTrue(look + open, hasInk(header, parent.getBackground(), text));
          }
        });
  }

  @Test
  public void texts_of_lists_have_the_frame_that_the_look_gives_them() throws Exception {
    SwingUtilities.invokeAndWait(
        () -> {
          dress();
          JComboBox<String> plain = new JComboBox<>();
          plain.setEditable(true);
          for (JComboBox<?> list : Parts.of(new ConnectSamplerGui(), JComboBox.class)) {
            assertTrue(look + frame(list), frame(list) >= frame(plain));
          }
        });
  }

  private static int frame(JComboBox<?> list) {
    return ((JComponent) list.getEditor().getEditorComponent()).getInsets().top;
  }

  private void dress() {
    try {
      if (look.equals("Metal")) {
        UIManager.setLookAndFeel(new MetalLookAndFeel());
      } else {
        Class<?> theme = Class.forName("com.github.weisj.darklaf.theme." + look + "Theme");
        Class<?> base = Class.forName("com.github.weisj.darklaf.theme.Theme");
        Class.forName("com.github.weisj.darklaf.LafManager")
            .getMethod("install", base)
            .invoke(null, theme.getDeclaredConstructor().newInstance());
      }
    } catch (ReflectiveOperationException | javax.swing.UnsupportedLookAndFeelException e) {
      throw new AssertionError(e);
    }
  }

  /** As JMeter's menu does it. */
  private void zoom() {
    int before = new JLabel().getFont().getSize();
    JMeterUIDefaults.INSTANCE.setScale(zoom);
    JFactory.refreshUI();
    assertEquals(Math.round(before * zoom), new JLabel().getFont().getSize());
  }

  private void check(AbstractJMeterGuiComponent panel) {
    TestElement element = panel.createTestElement();
    element.setProperty("wsb.keepAlive", "often"); // what is wrong is told, and needs room
    panel.configure(element);
    Parts.openAll(panel);
    showAnswers(panel);
    JScrollPane window = new JScrollPane(panel);
    window.setSize(Math.round(WIDTH * zoom), 600);
    Parts.settle(window);
    Parts.settle(window);
    String where = panel.getStaticLabel() + " ";
    checkInside(where, panel);
    int fields = 0;
    for (JTextField field : Parts.of(panel, JTextField.class)) {
      fields += field.getName() != null && field.getName().startsWith(Spec.PREFIX) ? 1 : 0;
      int line = field.getFontMetrics(field.getFont()).getHeight();
      assertTrue(where + field.getName(), field.getHeight() >= line);
      assertTrue(where + field.getName() + " " + field.getWidth(), field.getWidth() >= 4 * line);
    }
    assertTrue(where, fields > 0);
  }

  /** What the native part answers, and a server, which has room only when it is there. */
  private static void showAnswers(AbstractJMeterGuiComponent panel) {
    List<JPanel> all = new ArrayList<>(Parts.of(panel, PolicyPreview.class));
    all.addAll(Parts.of(panel, ConnectionTrial.class));
    for (JPanel answers : all) {
      for (Component part : answers.getComponents()) {
        part.setVisible(true);
      }
      Parts.of(answers, ReadText.class).forEach(text -> text.warn("a longer sentence, and a word"));
    }
  }

  private static void checkInside(String where, Container container) {
    List<Component> visible = new ArrayList<>();
    for (Component child : container.getComponents()) {
      if (child.isVisible() && child.getWidth() > 0 && child.getHeight() > 0) {
        visible.add(child);
      }
    }
    for (Component child : visible) {
      String what = where + name(child) + " " + child.getBounds() + " in " + container.getSize();
      assertTrue("outside: " + what, child.getX() >= -FRAME && child.getY() >= -FRAME);
      assertTrue("cut: " + what, child.getX() + child.getWidth() <= container.getWidth() + FRAME);
      assertTrue("cut: " + what, child.getY() + child.getHeight() <= container.getHeight() + FRAME);
      for (Component other : visible) {
        Rectangle inner = other.getBounds();
        inner.grow(-FRAME, -FRAME);
        boolean apart = other == child || !inner.intersects(child.getBounds());
        assertTrue("covers " + name(other) + " " + other.getBounds() + ": " + what, apart);
      }
      Dimension needed = child.getPreferredSize();
      if (child instanceof JLabel || child instanceof JButton) {
        assertTrue("narrow: " + what + " of " + needed, child.getWidth() >= needed.width);
        assertTrue("low: " + what + " of " + needed, child.getHeight() >= needed.height);
      } else if (child instanceof JComboBox || child instanceof ReadText) {
        assertTrue("low: " + what + " of " + needed, child.getHeight() >= needed.height);
      }
      boolean ours = child instanceof JPanel;
      if (ours) { // inside of others the look has its own ways
        checkInside(where, (Container) child);
      }
    }
  }

  private static String name(Component part) {
    String text = part instanceof JLabel ? ((JLabel) part).getText() : "";
    return part.getClass().getSimpleName() + " " + part.getName() + " " + text;
  }

  /** Whether there is text of about this colour, and the ground is that of the panel. */
  private static boolean hasInk(FoldedHeader header, Color ground, Color text) {
    BufferedImage image =
        new BufferedImage(header.getWidth(), header.getHeight(), BufferedImage.TYPE_INT_RGB);
    Graphics graphics = image.getGraphics();
    graphics.setColor(ground);
    graphics.fillRect(0, 0, image.getWidth(), image.getHeight());
    header.paint(graphics);
    graphics.dispose();
    assertEquals(
        "its ground", ground.getRGB(), image.getRGB(image.getWidth() - 3, image.getHeight() - 3));
    int inked = 0;
    // The right half has no arrow, the first lines have the frame.
    for (int x = image.getWidth() / 2; x < image.getWidth(); x++) {
      for (int y = 4; y < image.getHeight() - 4; y++) {
        Color pixel = new Color(image.getRGB(x, y));
        inked += distance(pixel, text) < distance(pixel, ground) ? 1 : 0;
      }
    }
    return inked > 10;
  }

  private static int distance(Color one, Color other) {
    return Math.abs(one.getRed() - other.getRed())
        + Math.abs(one.getGreen() - other.getGreen())
        + Math.abs(one.getBlue() - other.getBlue());
  }
}
