package io.github.wsbackoff.gui;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.wsbackoff.core.Live;
import io.github.wsbackoff.visualizers.ConnectsListener;
import java.awt.Color;
import java.awt.event.HierarchyEvent;
import java.io.File;
import java.util.concurrent.ExecutionException;
import java.util.function.Supplier;
import javax.swing.BorderFactory;
import javax.swing.JLabel;
import javax.swing.JPanel;
import javax.swing.JTable;
import javax.swing.JTextArea;
import javax.swing.SwingWorker;
import javax.swing.Timer;
import net.miginfocom.swing.MigLayout;

/**
 * Shows the figures of a test, a table and a chart: once a second, while it is on the screen, it
 * asks the native part for them, on another thread. A trace is read again when it has grown.
 */
final class ConnectsView extends JPanel {
  private static final long serialVersionUID = 1L;

  private static final int TICK_MILLIS = 1000;

  private final transient Supplier<String> trace;
  private final JTextArea source = new JTextArea();
  private final ConnectsTable table = new ConnectsTable();
  private final ConnectsChart chart = new ConnectsChart();
  private final Timer ticks = new Timer(TICK_MILLIS, event -> refresh());

  /** Grows with every question: an answer to an earlier one is stale. */
  private long asked;

  private boolean waits;

  /** What was read last: the trace with its size and date; "" where the test itself is asked. */
  private String read = "";

  /** The time that the figures had reached when they were cleared, -1: they were not. */
  private double clearedAt = -1;

  private double latest;

  /**
   * Nothing to see yet.
   *
   * @param trace path of the trace to show, "": the test that runs
   */
  ConnectsView(Supplier<String> trace) {
    super(new MigLayout("fillx, wrap 1, insets 0, gapy 6", "[fill,grow]"));
    this.trace = trace;
    source.setEditable(false);
    source.setFocusable(false);
    source.setOpaque(false);
    source.setLineWrap(true);
    source.setWrapStyleWord(true);
    source.setBorder(BorderFactory.createEmptyBorder());
    source.setFont(new JLabel().getFont());
    JTable shown = new JTable(table);
    shown.setFocusable(false);
    shown.setRowSelectionAllowed(false);
    shown.getAccessibleContext().setAccessibleName(Messages.get("live.name"));
    shown.setBorder(BorderFactory.createLineBorder(DelayChart.mix(Color.GRAY, Color.WHITE, 0.3)));
    add(source, "width 0:200:");
    add(shown, "width 0:200:");
    add(chart, "width 0:200:");
    addHierarchyListener(
        event -> {
          if ((event.getChangeFlags() & HierarchyEvent.SHOWING_CHANGED) != 0) {
            follow();
          }
        });
  }

  /** Asks only while somebody can see it. */
  private void follow() {
    if (isShowing()) {
      read = "";
      refresh();
      ticks.start();
    } else {
      ticks.stop();
    }
  }

  /** Forgets what is shown; what happens from now on is shown again. */
  void clear() {
    clearedAt = latest;
    table.clear();
    chart.clear();
  }

  /** Asks anew, in the background, unless an answer is still awaited; on the event thread. */
  void refresh() {
    String path = trace.get().trim();
    File file = new File(path);
    String wanted = path.isEmpty() ? "" : path + ' ' + file.length() + ' ' + file.lastModified();
    if (waits || (!wanted.isEmpty() && wanted.equals(read))) {
      return;
    }
    long question = ++asked;
    waits = true;
    new SwingWorker<JsonNode, Void>() {
      @Override
      protected JsonNode doInBackground() {
        return path.isEmpty() ? Live.figures() : Live.ofTrace(path);
      }

      @Override
      protected void done() {
        waits = false;
        if (question == asked) {
          read = wanted;
          show(this, path);
        }
      }
    }.execute();
  }

  private void show(SwingWorker<JsonNode, Void> answer, String path) {
    try {
      show(answer.get(), path);
    } catch (ExecutionException e) {
      complain(String.valueOf(e.getCause().getMessage()));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Shows an answer; a complaint leaves the table and the chart empty. */
  void show(JsonNode figures, String path) {
    if (figures.has("problem")) {
      complain(figures.path("problem").asText());
      return;
    }
    boolean remote = path.isEmpty() && ConnectsListener.isRemote();
    String where =
        path.isEmpty() ? Messages.get("live.here") : Messages.get("live.trace") + " " + path;
    String warning = figures.path("warning").asText("");
    source.setForeground(new JLabel().getForeground());
    source.setText(
        remote ? Messages.get("live.remote") : warning.isEmpty() ? where : where + "\n" + warning);
    latest = figures.path("atMs").asDouble();
    if (latest < clearedAt) {
      clearedAt = -1; // another test
    }
    if (remote || latest == clearedAt) {
      table.clear();
      chart.clear();
    } else {
      table.show(figures);
      chart.show(figures.path("history"), clearedAt);
    }
    revalidate();
  }

  private void complain(String problem) {
    source.setForeground(DelayChart.mix(new JLabel().getForeground(), Color.RED, 0.6));
    source.setText(problem);
    table.clear();
    chart.clear();
    revalidate();
  }

  /** What it says of where the figures come from, or why there are none. */
  String source() {
    return source.getText();
  }

  ConnectsTable table() {
    return table;
  }

  ConnectsChart chart() {
    return chart;
  }
}
