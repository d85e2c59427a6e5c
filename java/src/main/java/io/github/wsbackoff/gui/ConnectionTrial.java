package io.github.wsbackoff.gui;

import io.github.wsbackoff.core.ConnectResult;
import io.github.wsbackoff.sampler.OneAttempt;
import java.nio.charset.StandardCharsets;
import java.text.MessageFormat;
import java.util.concurrent.ExecutionException;
import java.util.function.Supplier;
import javax.swing.JButton;
import javax.swing.JPanel;
import javax.swing.JScrollPane;
import javax.swing.SwingWorker;
import net.miginfocom.swing.MigLayout;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A button that has one attempt made by what the panel holds, on another thread, and what came of
 * it, to be read and copied. A second press ends the attempt.
 */
final class ConnectionTrial extends JPanel {
  private static final long serialVersionUID = 1L;
  private static final Logger log = LoggerFactory.getLogger(ConnectionTrial.class);

  private static final int ROWS = 12;
  private static final int COLUMNS = 40;

  /** As much of a refusal's body is shown. */
  static final int MOST_BODY = 2000;

  private final transient Supplier<OneAttempt> attempts;
  private final JButton button = new JButton(Messages.get("trial.button"));
  private final ReadText verdict = new ReadText();
  private final HintArea details = new HintArea(ROWS, COLUMNS);
  private final JScrollPane pane = new FramedPane(details);

  /** The attempt under way, or null. */
  private transient OneAttempt running;

  /**
   * Nothing was tried yet.
   *
   * @param attempts makes one by what the panel holds, on the event thread
   */
  ConnectionTrial(Supplier<OneAttempt> attempts) {
    super(new MigLayout("fillx, wrap 2, insets 0, gapy 4, hidemode 3", "[]rel[fill,grow]"));
    this.attempts = attempts;
    button.setName("trial.button");
    button.setToolTipText(Messages.get("trial.tooltip"));
    button.addActionListener(event -> press());
    verdict.setName("trial.verdict");
    details.setName("trial.details");
    details.setEditable(false);
    details.setLineWrap(true);
    details.getAccessibleContext().setAccessibleName(Messages.get("trial.details"));
    add(button);
    add(verdict, "width 0:200:");
    add(pane, "span 2, growx, wmin 0");
    reset();
  }

  /** Forgets what came of it; what is under way is ended. */
  void reset() {
    stop();
    verdict.say("");
    showDetails("");
  }

  private void press() {
    if (stop()) {
      verdict.say(Messages.get("trial.cancelled"));
    } else {
      start(attempts.get());
    }
  }

  private boolean stop() {
    OneAttempt attempt = running;
    running = null;
    button.setText(Messages.get("trial.button"));
    if (attempt != null) {
      attempt.cancel();
    }
    return attempt != null;
  }

  private void start(OneAttempt attempt) {
    showDetails("");
    if (!attempt.unknown().isEmpty()) {
      verdict.warn(Messages.get("preview.later") + " " + String.join(", ", attempt.unknown()));
      return;
    }
    running = attempt;
    button.setText(Messages.get("trial.cancel"));
    verdict.say(Messages.get("trial.running"));
    new SwingWorker<ConnectResult, Void>() {
      @Override
      protected ConnectResult doInBackground() {
        return attempt.make();
      }

      @Override
      protected void done() {
        if (running == attempt) { // else somebody has ended it, or looks at another element
          stop();
          show(this);
        }
      }
    }.execute();
  }

  private void show(SwingWorker<ConnectResult, Void> answer) {
    try {
      ConnectResult result = answer.get();
      String words = result.code + " " + result.message;
      if (result.ok) {
        verdict.say(MessageFormat.format(Messages.get("trial.ok"), words));
      } else {
        verdict.warn(MessageFormat.format(Messages.get("trial.failed"), words));
      }
      showDetails(report(result));
    } catch (ExecutionException e) {
      log.error("The connection could not be tested", e.getCause());
      verdict.warn(MessageFormat.format(Messages.get("trial.failed"), e.getCause()));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void showDetails(String text) {
    details.setText(text);
    details.setCaretPosition(0);
    pane.setVisible(!text.isEmpty());
    revalidate();
  }

  /** What happened when, and what was sent and received. */
  static String report(ConnectResult result) {
    StringBuilder text = new StringBuilder(result.story.trim()).append('\n');
    part(text, "trial.request", result.requestHead);
    part(text, "trial.answer", result.responseHead);
    String body = new String(result.body, StandardCharsets.UTF_8);
    if (body.length() > MOST_BODY) {
      String title = MessageFormat.format(Messages.get("trial.body.cut"), MOST_BODY, body.length());
      text.append("\n--- ").append(title).append('\n').append(body, 0, MOST_BODY).append('\n');
    } else {
      part(text, "trial.body", body);
    }
    part(text, "trial.warning", result.warning);
    return text.toString();
  }

  private static void part(StringBuilder text, String title, String content) {
    if (!content.trim().isEmpty()) {
      text.append("\n--- ").append(Messages.get(title)).append('\n');
      text.append(content.trim()).append('\n');
    }
  }
}
