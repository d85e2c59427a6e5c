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
import javax.swing.JButton;
import javax.swing.JPanel;
import javax.swing.JScrollPane;
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

  /** The attempts with what stands above and below them. */
  private static final int ROWS = 14;

  private static final int COLUMNS = 32;

  /** So long nobody has typed before it is computed. */
  private static final int QUIET_MILLIS = 200;

  private final transient Supplier<Map<String, String>> values;
  private final transient Function<List<String>, String> problems;
  private final transient Supplier<String> user;
  private final ReadText line = new ReadText();
  private final DelayChart chart = new DelayChart();
  private final JButton button = new JButton();
  private final HintArea waits = new HintArea(ROWS, COLUMNS);
  private final JScrollPane waitsPane = new FramedPane(waits);

  /** Whether somebody wants to see the waits of one user. */
  private boolean isOpen;

  private final Timer quiet = new Timer(QUIET_MILLIS, event -> refresh());

  /** Grows with every question: an answer to an earlier one is stale. */
  private long asked;

  /**
   * Nothing to see yet.
   *
   * @param values the properties of the panel that are set, of the policy and its hints
   * @param problems makes one text of what the native part finds wrong, a text a property
   * @param user whose waits are an example of all
   */
  PolicyPreview(
      Supplier<Map<String, String>> values,
      Function<List<String>, String> problems,
      Supplier<String> user) {
    super(new MigLayout("fillx, wrap 2, insets 0, gapy 4, hidemode 3", "[fill,grow]rel[]"));
    this.values = values;
    this.problems = problems;
    this.user = user;
    quiet.setRepeats(false);
    line.setToolTipText(Messages.get("preview.tooltip"));
    line.getAccessibleContext().setAccessibleName(Messages.get("preview.name"));
    // A wrapped text would like to stay as wide as it ever was.
    add(line, "width 0:200:, gaptop 4");
    add(button, "aligny top");
    add(chart, "span 2, split 2, growx, width 0:200:, aligny top"); // alone, or beside the table
    add(waitsPane, "wmin 0, growy");
    waits.setName("preview.waits");
    waits.setEditable(false);
    waits.setLineWrap(true);
    waits.setWrapStyleWord(true);
    waits.getAccessibleContext().setAccessibleName(Messages.get("preview.waits.name"));
    button.setName("preview.button");
    button.setToolTipText(Messages.get("preview.waits.tooltip"));
    button.addActionListener(event -> open(!isOpen));
    open(false);
    hideAll();
    addHierarchyListener(
        event -> {
          if ((event.getChangeFlags() & HierarchyEvent.SHOWING_CHANGED) != 0) {
            changed();
          }
        });
  }

  private void open(boolean wanted) {
    isOpen = wanted;
    button.setText(Messages.get(wanted ? "preview.waits.hide" : "preview.waits.show"));
    if (wanted) {
      refresh();
    } else {
      showWaits("");
    }
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
    String who = user.get();
    boolean wanted = isOpen;
    new SwingWorker<Answer, Void>() {
      @Override
      protected Answer doInBackground() {
        Query.Bands bands = Query.bands(known, later);
        return new Answer(bands, wanted ? Query.waits(known, later, who) : null, who);
      }

      @Override
      protected void done() {
        if (question == asked) {
          show(this);
        }
      }
    }.execute();
  }

  /** What the native part says. */
  private static final class Answer {
    private final Query.Bands bands;

    /** "" if nobody wants to see them, or they cannot be known. */
    private final String waits;

    Answer(Query.Bands bands, Query.Waits waits, String user) {
      this.bands = bands;
      boolean known = waits != null && !waits.attempts.isEmpty();
      this.waits = known ? WaitsTable.of(waits, user) : "";
    }
  }

  private void show(SwingWorker<Answer, Void> answer) {
    try {
      show(answer.get().bands);
      if (answer.get().bands.problems.isEmpty()) { // else the table keeps its place, too
        showWaits(answer.get().waits);
      }
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
    button.setVisible(true);
    revalidate();
  }

  private void showWaits(String text) {
    waits.setText(text);
    waits.setCaretPosition(0);
    waitsPane.setVisible(!text.isEmpty());
    revalidate();
  }

  private void hideAll() {
    line.setText("");
    line.setVisible(false);
    chart.setVisible(false);
    button.setVisible(false);
    showWaits("");
  }
}
