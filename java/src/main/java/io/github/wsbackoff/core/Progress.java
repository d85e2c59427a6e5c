package io.github.wsbackoff.core;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Timer;
import java.util.TimerTask;
import org.apache.jmeter.gui.GuiPackage;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells the native part when a test begins, and the log how it gets on: a line now and then, on a
 * thread of its own, as those of the test may all be waiting. What there is to say the native part
 * decides; JMeter's window has a listener for it, and is told nothing here.
 */
final class Progress {
  private static final Logger log = LoggerFactory.getLogger(Progress.class);

  private static Timer timer;

  private Progress() {}

  /** A test begins. */
  static synchronized void begin() {
    Map<String, Object> settings = new LinkedHashMap<>();
    settings.put("progress", Settings.get(Settings.PROGRESS));
    settings.put("metrics", Settings.get(Settings.METRICS_LISTEN));
    JsonNode begun = Json.read(Native.begin(Json.write(settings)));
    begun.path("notes").forEach(note -> log.info("{}", note.asText()));
    begun.path("warnings").forEach(warning -> log.warn("{}", warning.asText()));
    long millis = begun.path("progressMs").asLong();
    if (millis > 0 && GuiPackage.getInstance() == null) {
      timer = new Timer("wsb-progress", true);
      timer.schedule(new Teller(), millis, millis);
    }
  }

  /** The test is over. */
  static synchronized void end() {
    if (timer != null) {
      timer.cancel();
      timer = null;
    }
  }

  private static final class Teller extends TimerTask {
    @Override
    public void run() {
      try {
        String line = Live.ask("progress").path("line").asText("");
        if (!line.isEmpty()) {
          log.info("{}", line);
        }
      } catch (RuntimeException | LinkageError e) {
        log.warn("The log is told no more of how the test gets on", e);
        cancel();
      }
    }
  }
}
