package io.github.wsbackoff.gui;

import static io.github.wsbackoff.gui.OnEventThread.await;
import static io.github.wsbackoff.gui.OnEventThread.doOnEventThread;
import static io.github.wsbackoff.gui.OnEventThread.onEventThread;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import io.github.wsbackoff.JMeterSetup;
import io.github.wsbackoff.OwnClassLoader;
import io.github.wsbackoff.core.NativeLibrary;
import io.github.wsbackoff.core.Query;
import java.awt.Color;
import java.awt.Component;
import java.awt.Container;
import java.awt.Graphics2D;
import java.awt.geom.Rectangle2D;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import javax.swing.JButton;
import javax.swing.JPanel;
import org.apache.jmeter.gui.AbstractJMeterGuiComponent;
import org.apache.jmeter.testelement.TestElement;
import org.junit.BeforeClass;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.Timeout;

/** The line and the chart below the fields of a policy. */
public class PolicyPreviewTest {
  private static final String LIBRARY = "natives/linux-x86_64/libws_backoff.so";

  @Rule public final Timeout timeout = Timeout.seconds(60);

  private final Map<String, String> values = new HashMap<>();
  private final PolicyPreview preview =
      onEventThread(
          () -> new PolicyPreview(() -> values, all -> String.join("\n", all), () -> "u 1-1"));

  @BeforeClass
  public static void jmeter() throws IOException {
    JMeterSetup.once();
  }

  @Test
  public void it_says_and_draws_what_the_policy_does() {
    values.put("wsb.retry.strategy", "equal");
    values.put("wsb.retry.maxAttempts", "4");
    assertEquals("Waits about 0.75, 1.5, 3 s; gives up after 4 attempts, or 120 s.", refreshed());
    assertTrue(chart(preview).isVisible());
  }

  @Test
  public void it_draws_nothing_where_there_is_no_retry() {
    values.put("wsb.retry.strategy", "none");
    assertEquals("No retry: the first refusal is final.", refreshed());
    assertFalse(chart(preview).isVisible());
  }

  @Test
  public void a_wrong_value_is_told_as_the_sample_would_tell_it() {
    String right = refreshed();
    Color color = line(preview).getForeground();
    values.put("wsb.retry.base", "soon");
    values.put("wsb.hint.mode", "floot");
    String wrong = refreshed();
    assertTrue(wrong, wrong.startsWith("wsb.retry.base: \"soon\""));
    assertTrue(wrong, wrong.contains("\nwsb.hint.mode: \"floot\""));
    assertFalse(color.equals(line(preview).getForeground()));
    assertTrue("it keeps its place while somebody types", chart(preview).isVisible());
    values.clear();
    assertEquals(right, refreshed());
    assertEquals(color, line(preview).getForeground());
  }

  @Test
  public void what_a_variable_decides_is_known_only_in_the_run() {
    values.put("wsb.retry.base", "${base}");
    values.put("wsb.retry.cap", "${__P(cap,10s)}");
    String line = refreshed();
    assertTrue(line, line.startsWith("Known only in the run"));
    assertTrue(line, line.contains("wsb.retry.base") && line.contains("wsb.retry.cap"));
    assertFalse(chart(preview).isVisible());
    values.clear();
    values.put("wsb.retry.seed", "${seed}");
    assertTrue(refreshed(), refreshed().startsWith("Waits about"));
  }

  @Test
  public void it_shows_attempt_by_attempt_what_one_user_waits() {
    values.put("wsb.retry.strategy", "exponential");
    values.put("wsb.retry.maxAttempts", "3");
    refreshed();
    assertFalse("only if one wants it", waits().getParent().getParent().isVisible());
    pressWaits();
    await(() -> waits().getParent().getParent().isVisible());
    String[] lines = waits().getText().split("\n");
    assertEquals("attempt       at  then waits", lines[0]);
    assertEquals("      1  0.000 s     1.000 s", lines[1]);
    assertEquals("      3  3.000 s           -", lines[3]);
    assertEquals("Then it gives up (max-attempts).", lines[4]);
    assertTrue(lines[5], lines[5].startsWith("An example"));
    pressWaits();
    assertEquals("Show what it waits", onEventThread(() -> button().getText()));
    assertFalse(waits().getParent().getParent().isVisible());
  }

  @Test
  public void with_a_seed_it_shows_the_same_each_time_and_follows_the_fields() {
    values.put("wsb.retry.seed", "7");
    values.put("wsb.retry.maxElapsed", "1h");
    pressWaits();
    await(() -> waits().getText().endsWith("As u 1-1 draws it in every run."));
    String seven = waits().getText();
    assertEquals("ten attempts", 12, seven.split("\n").length);
    values.put("wsb.retry.seed", "8");
    refreshed();
    String eight = onEventThread(() -> waits().getText());
    assertFalse(seven.equals(eight));
    values.put("wsb.retry.base", "soon");
    refreshed();
    assertEquals("it keeps its place", eight, onEventThread(() -> waits().getText()));
    values.remove("wsb.retry.base");
    values.put("wsb.retry.seed", "7");
    refreshed();
    assertEquals(seven, onEventThread(() -> waits().getText()));
    values.put("wsb.retry.cap", "${cap}");
    refreshed();
    assertEquals("", onEventThread(() -> waits().getText()));
  }

  private void pressWaits() {
    doOnEventThread(() -> button().doClick());
  }

  private JButton button() {
    return Parts.of(preview, JButton.class).stream()
        .filter(button -> "preview.button".equals(button.getName()))
        .findFirst()
        .get();
  }

  private HintArea waits() {
    return Parts.of(preview, HintArea.class).get(0);
  }

  @Test
  public void of_several_questions_the_last_one_is_answered() {
    doOnEventThread(
        () -> {
          for (String strategy : Arrays.asList("full", "none", "fixed", "linear", "none")) {
            values.put("wsb.retry.strategy", strategy);
            preview.refresh();
          }
        });
    await(() -> line(preview).getText().startsWith("No retry"));
  }

  @Test
  public void a_panel_that_is_not_shown_computes_nothing() throws Exception {
    try (OwnClassLoader loader = new OwnClassLoader()) {
      for (Class<?> kind : Arrays.asList(ConnectSamplerGui.class, WebSocketDefaultsGui.class)) {
        AbstractJMeterGuiComponent gui =
            onEventThread(() -> (AbstractJMeterGuiComponent) loader.create(kind.getName()));
        doOnEventThread(
            () -> {
              TestElement element = gui.createTestElement();
              element.setProperty("wsb.retry.base", "2s");
              gui.configure(element);
            });
      }
      Thread.sleep(500); // what would be computed would be by now, or it is not what is tested
      Class<?> library = loader.loadClass(NativeLibrary.class.getName());
      assertEquals(false, library.getMethod("isLoaded").invoke(null));
    }
  }

  @Test
  public void without_the_native_library_the_panel_has_nothing_more_to_show() throws Exception {
    try (OwnClassLoader loader =
        new OwnClassLoader().without(LIBRARY).without(LIBRARY + ".sha256")) {
      Container gui =
          onEventThread(() -> (Container) loader.create(ConnectSamplerGui.class.getName()));
      Container absent = (Container) find(gui, PolicyPreview.class.getSimpleName());
      int height = gui.getPreferredSize().height;
      Method refresh = absent.getClass().getDeclaredMethod("refresh");
      refresh.setAccessible(true);
      onEventThread(() -> refresh.invoke(absent));
      Class<?> library = loader.loadClass(NativeLibrary.class.getName());
      await(() -> fails(library));
      onEventThread(() -> null); // the answer comes on the event thread
      for (Component part : absent.getComponents()) {
        assertFalse(part.isVisible());
      }
      assertEquals(height, gui.getPreferredSize().height);
    }
  }

  @Test
  public void every_panel_with_a_policy_has_one_and_takes_it_from_its_fields() {
    for (AbstractJMeterGuiComponent gui :
        Arrays.asList(
            onEventThread(ConnectSamplerGui::new),
            onEventThread(RetryControllerGui::new),
            onEventThread(WebSocketDefaultsGui::new))) {
      PolicyPreview own = (PolicyPreview) find(gui, PolicyPreview.class.getSimpleName());
      doOnEventThread(
          () -> {
            TestElement element = gui.createTestElement();
            element.setProperty("wsb.retry.strategy", "fixed");
            element.setProperty("wsb.retry.base", "7s");
            element.setProperty("wsb.retry.maxAttempts", "3");
            gui.configure(element);
            own.refresh();
          });
      await(() -> line(own).getText().startsWith("Waits 7, 7 s;"));
    }
    AbstractJMeterGuiComponent close = onEventThread(CloseSamplerGui::new);
    assertEquals(null, find(close, PolicyPreview.class.getSimpleName()));
  }

  @Test
  public void the_chart_is_readable_on_light_and_on_dark_ground() {
    for (Color[] look :
        new Color[][] {
          {Color.WHITE, Color.BLACK},
          {new Color(0xeeeeee), new Color(0x333333)},
          {new Color(0x3c3f41), new Color(0xbbbbbb)},
          {Color.BLACK, Color.WHITE},
        }) {
      for (int width : new int[] {320, 900}) {
        List<Query.Band> bands = bands("decorrelated");
        DelayChart chart = chartOf(bands, look[0], look[1], width);
        BufferedImage image = paint(chart, look[0]);
        int ground = look[0].getRGB();
        for (int i = 0; i < bands.size(); i++) {
          Rectangle2D bar = chart.bar(i);
          int inside = image.getRGB((int) bar.getCenterX(), (int) bar.getMaxY() - 3);
          assertTrue("bar " + i + " on " + look[0], contrast(inside, ground) > 40);
          assertTrue(bar.getMinX() >= 0 && bar.getMaxX() < width);
          assertTrue(bar.getMinY() >= 0 && bar.getMaxY() < chart.getHeight());
          assertTrue("its attempt stands below it", inked(image, ground, bar));
        }
        // In the middle of a bar is a line that differs from it.
        DelayChart even = chartOf(bands("full"), look[0], look[1], width);
        Rectangle2D last = even.bar(9);
        image = paint(even, look[0]);
        int x = (int) last.getCenterX();
        int middle = image.getRGB(x, (int) Math.round(last.getCenterY()));
        assertTrue(contrast(middle, image.getRGB(x, (int) last.getMaxY() - 4)) > 40);
      }
    }
  }

  @Test
  public void bars_grow_with_the_waits_and_a_certain_wait_is_a_line() {
    DelayChart chart = chartOf(bands("full"), Color.WHITE, Color.BLACK, 600);
    assertTrue(chart.bar(3).getHeight() > 3 * chart.bar(0).getHeight());
    assertEquals(chart.bar(0).getMaxY(), chart.bar(3).getMaxY(), 0);

    DelayChart certain = chartOf(bands("fixed"), Color.WHITE, Color.BLACK, 600);
    Rectangle2D flat = certain.bar(0);
    assertEquals(0, flat.getHeight(), 0);
    BufferedImage image = paint(certain, Color.WHITE);
    int at = image.getRGB((int) flat.getCenterX(), (int) flat.getCenterY());
    assertTrue(contrast(at, Color.WHITE.getRGB()) > 40);
  }

  @Test
  public void the_axis_ends_close_above_the_longest_wait() {
    for (String base : Arrays.asList("8ms", "30ms", "250ms", "1s", "7s", "13s", "29.9s")) {
      Map<String, String> policy = new HashMap<>();
      policy.put("wsb.retry.strategy", "fixed");
      policy.put("wsb.retry.base", base);
      List<Query.Band> bands = Query.bands(policy, Collections.emptyList()).bands;
      DelayChart chart = chartOf(bands, Color.WHITE, Color.BLACK, 600);
      // A wait that is certain is a line; the plot has at least half of the chart's height.
      double top = chart.bar(0).getMinY();
      assertTrue(base + " " + top, top > 0 && top < chart.getHeight() / 2.0);
    }
  }

  @Test
  public void a_chart_without_bands_or_room_paints_without_harm() {
    for (List<Query.Band> bands : Arrays.asList(Collections.<Query.Band>emptyList(), bands(""))) {
      for (int size : new int[] {0, 1, 30}) {
        DelayChart chart = new DelayChart();
        chart.show(bands);
        chart.setSize(size, size);
        paint(chart, Color.WHITE);
      }
    }
  }

  private static List<Query.Band> bands(String strategy) {
    Map<String, String> policy = Collections.singletonMap("wsb.retry.strategy", strategy);
    return Query.bands(policy, Collections.emptyList()).bands;
  }

  private static DelayChart chartOf(
      List<Query.Band> bands, Color background, Color foreground, int width) {
    JPanel parent = new JPanel();
    parent.setBackground(background);
    DelayChart chart = new DelayChart();
    chart.setForeground(foreground);
    chart.show(bands);
    parent.add(chart);
    chart.setSize(width, chart.getPreferredSize().height);
    return chart;
  }

  private static BufferedImage paint(DelayChart chart, Color background) {
    int width = Math.max(1, chart.getWidth());
    int height = Math.max(1, chart.getHeight());
    BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    Graphics2D graphics = image.createGraphics();
    graphics.setColor(background);
    graphics.fillRect(0, 0, width, height);
    graphics.setFont(chart.getFont());
    chart.paintComponent(graphics);
    graphics.dispose();
    return image;
  }

  /** Whether there is text below a bar. */
  private static boolean inked(BufferedImage image, int ground, Rectangle2D bar) {
    for (int y = image.getHeight() * 3 / 5; y < image.getHeight(); y++) {
      for (int x = (int) bar.getMinX(); x < bar.getMaxX(); x++) {
        if (y > bar.getMaxY() + 4 && contrast(image.getRGB(x, y), ground) > 60) {
          return true;
        }
      }
    }
    return false;
  }

  /** The largest difference of red, green or blue. */
  private static int contrast(int one, int other) {
    int most = 0;
    for (int shift = 0; shift <= 16; shift += 8) {
      most = Math.max(most, Math.abs((one >> shift & 0xff) - (other >> shift & 0xff)));
    }
    return most;
  }

  private String refreshed() {
    doOnEventThread(
        () -> {
          line(preview).setText("");
          preview.refresh();
        });
    await(() -> !line(preview).getText().isEmpty());
    return line(preview).getText();
  }

  private static boolean fails(Class<?> library) throws Exception {
    java.lang.reflect.Field failure = library.getDeclaredField("failure");
    failure.setAccessible(true);
    return failure.get(null) != null;
  }

  private static ReadText line(PolicyPreview preview) {
    return (ReadText) find(preview, "ReadText");
  }

  private static DelayChart chart(PolicyPreview preview) {
    return (DelayChart) find(preview, "DelayChart");
  }

  /** By simple name, as the class may be another loader's. */
  private static Component find(Container parent, String kind) {
    for (Component child : parent.getComponents()) {
      if (child.getClass().getSimpleName().equals(kind)) {
        return child;
      }
      Component below = child instanceof Container ? find((Container) child, kind) : null;
      if (below != null) {
        return below;
      }
    }
    return null;
  }
}
