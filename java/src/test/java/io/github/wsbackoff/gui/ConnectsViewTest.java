package io.github.wsbackoff.gui;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.wsbackoff.JMeterSetup;
import io.github.wsbackoff.core.Live;
import io.github.wsbackoff.core.TestRuns;
import io.github.wsbackoff.visualizers.ConnectsListener;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import javax.swing.SwingUtilities;
import javax.swing.text.JTextComponent;
import org.junit.After;
import org.junit.BeforeClass;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

/** The listener's table and chart: out of a trace, of a running test, cleared, and refused. */
public class ConnectsViewTest {
  private static final String TRACE =
      "{\"trace\":\"ws-backoff\",\"version\":1}\n"
          + "{\"at\":1790000000000000,\"target\":\"ws://h/\",\"user\":\"a\",\"ordinal\":0,"
          + "\"attempt\":1,\"totalUs\":1000,\"status\":429,\"error\":\"upgrade.status\","
          + "\"class\":\"throttle\",\"waitedMs\":3000}\n"
          + "{\"at\":1790000003001000,\"target\":\"ws://h/\",\"user\":\"a\",\"ordinal\":0,"
          + "\"attempt\":2,\"totalUs\":1000,\"status\":101,\"stop\":\"connected\"}\n"
          + "{\"at\":1790000004500000,\"target\":\"ws://h/\",\"user\":\"b\",\"ordinal\":0,"
          + "\"attempt\":1,\"totalUs\":1000,\"status\":403,\"error\":\"upgrade.status\","
          + "\"class\":\"fatal\",\"stop\":\"fatal\"}\n";

  @Rule public final TemporaryFolder folder = new TemporaryFolder();

  private final ConnectsView view = new ConnectsView(() -> "");

  @BeforeClass
  public static void jmeter() throws IOException {
    JMeterSetup.once();
  }

  @After
  public void end() {
    TestRuns.ended();
    new ConnectsListener().testStarted();
  }

  private Path written(String text) throws IOException {
    Path file = folder.newFile().toPath();
    Files.write(file, text.getBytes(StandardCharsets.UTF_8));
    return file;
  }

  private String value(String row) {
    for (int i = 0; i < view.table().getRowCount(); i++) {
      if (view.table().getValueAt(i, 0).equals(Messages.get("live." + row))) {
        return (String) view.table().getValueAt(i, 1);
      }
    }
    throw new AssertionError(row);
  }

  @Test
  public void a_trace_fills_table_and_chart() throws IOException {
    String file = written(TRACE).toString();
    view.show(Live.ofTrace(file), file);
    assertTrue(view.source(), view.source().contains(file));
    assertEquals("1 of 2", value("connected"));
    assertEquals("1", value("lost"));
    assertEquals("1 connected, 1 fatal, 1 throttled", value("attempts"));
    assertEquals("3.0 s, 3.0 s, 3.0 s", value("waits"));
    assertEquals(5, view.chart().rows());
    view.setSize(800, 600);
    view.doLayout();
    view.chart().paint(new BufferedImage(800, 400, BufferedImage.TYPE_INT_RGB).createGraphics());
  }

  @Test
  public void what_is_no_trace_is_told_and_shows_nothing() throws IOException {
    String trace = written(TRACE).toString();
    view.show(Live.ofTrace(trace), trace);
    String page = written(String.join("\n", Collections.nCopies(40, "<p>"))).toString();
    for (String wrong : new String[] {page, page + ".absent", "${file}"}) {
      view.show(Live.ofTrace(wrong), wrong);
      assertTrue(view.source(), view.source().startsWith(wrong + ": "));
      assertEquals("", value("connected"));
      assertEquals(0, view.chart().rows());
    }
    String cut = written(TRACE.substring(0, TRACE.length() - 9)).toString();
    view.show(Live.ofTrace(cut), cut);
    assertTrue(view.source(), view.source().contains("1 lines of " + cut + " were skipped"));
    assertEquals("1 of 1", value("connected"));
  }

  @Test
  public void a_test_is_followed_and_what_was_cleared_stays_away_until_more_happens()
      throws Exception {
    TestRuns.started();
    JsonNode begun = Live.figures();
    assertEquals(0, begun.path("users").asInt());
    while (Live.figures().path("history").size() < 2) {
      Thread.sleep(100);
    }
    JsonNode first = Live.figures();
    view.show(first, "");
    assertEquals("0 of 0", value("connected"));
    int before = view.chart().rows();
    assertTrue("rows " + before, before >= 2);
    view.clear();
    view.show(first, "");
    assertEquals("", value("connected"));
    assertEquals(0, view.chart().rows());
    JsonNode later = Live.figures();
    view.show(later, "");
    assertEquals("0 of 0", value("connected"));
    assertTrue(view.chart().rows() < before);

    TestRuns.ended();
    JsonNode last = Live.figures();
    assertEquals("they stand still", last, Live.figures());
    TestRuns.started();
    JsonNode again = Live.figures();
    assertTrue(again.path("atMs").asDouble() < last.path("atMs").asDouble());
    view.show(again, "");
    assertEquals("another test is not cleared", "0 of 0", value("connected"));
  }

  @Test
  public void a_remote_test_is_told_to_be_elsewhere_and_a_trace_of_it_is_shown()
      throws IOException {
    ConnectsListener listener = new ConnectsListener();
    listener.testStarted("127.0.0.1");
    view.show(Live.figures(), "");
    assertEquals(Messages.get("live.remote"), view.source());
    assertEquals("", value("connected"));
    String file = written(TRACE).toString();
    view.show(Live.ofTrace(file), file);
    assertEquals("1 of 2", value("connected"));
    listener.testStarted();
    view.show(Live.figures(), "");
    assertEquals(Messages.get("live.here"), view.source());
  }

  @Test
  public void the_figures_stand_right_below_the_field_in_a_tall_window_too() {
    ConnectsListenerGui panel = new ConnectsListenerGui();
    panel.setSize(800, 3000);
    Parts.settle(panel);
    JTextComponent field = Parts.field(panel, "wsb.connects.trace");
    ConnectsView figures = Parts.of(panel, ConnectsView.class).get(0);
    int end = SwingUtilities.convertPoint(field, 0, field.getHeight(), panel).y;
    int begin = SwingUtilities.convertPoint(figures, 0, 0, panel).y;
    assertTrue(begin + " after " + end, begin > end && begin - end < 60);
  }
}
