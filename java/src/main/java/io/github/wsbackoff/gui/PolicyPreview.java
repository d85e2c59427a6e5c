package io.github.wsbackoff.gui;

import io.github.wsbackoff.core.Query;
import java.awt.event.HierarchyEvent;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.function.Function;
import java.util.function.Supplier;
import javax.swing.JPanel;
import javax.swing.SwingWorker;
import javax.swing.Timer;
import net.miginfocom.swing.MigLayout;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Says and draws, below the fields of a retry policy, what it does. The native part computes it, on
 * another thread and only while the panel is shown; where that is not to be had there is nothing to
 * see here, and the panel works.
 */
final class PolicyPreview extends JPanel {
  private static final long serialVersionUID = 1L;
  private static final Logger log = LoggerFactory.getLogger(PolicyPreview.class);

  /** So long nobody has typed before it is computed. */
  private static final int QUIET_MILLIS = 200;

  private final transient Supplier<Map<String, String>> values;
  private final transient Function<List<String>, String> problems;
  private final ReadText line = new ReadText();
  private final DelayChart chart = new DelayChart();
  private final Timer quiet = new Timer(QUIET_MILLIS, event -> refresh());

  /** Grows with every question: an answer to an earlier one is stale. */
  private long asked;

  /**
   * Nothing to see yet.
   *
   * @param values the properties of the panel that are set, of the policy and its hints
   * @param problems makes one text of what the native part finds wrong, a text a property
   */
  PolicyPreview(Supplier<Map<String, String>> values, Function<List<String>, String> problems) {
    super(new MigLayout("fillx, wrap 1, insets 0, gapy 4, hidemode 3", "[fill,grow]"));
    this.values = values;
    this.problems = problems;
    quiet.setRepeats(false);
    line.setToolTipText(Messages.get("preview.tooltip"));
    line.getAccessibleContext().setAccessibleName(Messages.get("preview.name"));
    // A wrapped text would like to stay as wide as it ever was.
    add(line, "width 0:200:, gaptop 4");
    add(chart, "width 0:200:");
    hideAll();
    addHierarchyListener(
        event -> {
          if ((event.getChangeFlags() & HierarchyEvent.SHOWING_CHANGED) != 0) {
            changed();
          }
        });
  }

  /** A field may have another value; to be called on the event thread. */
  void changed() {
    if (isShowing()) {
      quiet.restart();
    }
  }

  /** Asks anew, in the background; to be called on the event thread. */
  void refresh() {
    Map<String, String> known = new LinkedHashMap<>();
    List<String> later = new ArrayList<>();
    values
        .get()
        .forEach(
            (key, value) -> {
              if (value.contains("${")) {
                later.add(key);
              } else {
                known.put(key, value);
              }
            });
    long question = ++asked;
    new SwingWorker<Query.Bands, Void>() {
      @Override
      protected Query.Bands doInBackground() {
        return Query.bands(known, later);
      }

      @Override
      protected void done() {
        if (question == asked) {
          show(this);
        }
      }
    }.execute();
  }

  private void show(SwingWorker<Query.Bands, Void> answer) {
    try {
      show(answer.get());
    } catch (ExecutionException e) {
      // Told in full by the sample that needs the library; a panel only has less to show.
      log.debug("What the policy does is not shown", e.getCause());
      hideAll();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void show(Query.Bands answer) {
    if (!answer.problems.isEmpty()) {
      line.warn(problems.apply(answer.problems));
      // Most likely somebody is typing: the chart keeps its place.
      chart.show(answer.bands);
    } else {
      boolean unknown = !answer.unknown.isEmpty();
      line.say(
          unknown
              ? Messages.get("preview.later") + " " + String.join(", ", answer.unknown)
              : answer.line);
      chart.show(answer.bands);
      chart.setVisible(!answer.bands.isEmpty());
    }
    line.setVisible(true);
    revalidate();
  }

  private void hideAll() {
    line.setText("");
    line.setVisible(false);
    chart.setVisible(false);
    revalidate();
  }
}
