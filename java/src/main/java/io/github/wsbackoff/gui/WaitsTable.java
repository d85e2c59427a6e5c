package io.github.wsbackoff.gui;

import io.github.wsbackoff.core.Query;
import java.text.MessageFormat;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** What one user of a retry policy waits, attempt by attempt, as a text to read and to copy. */
final class WaitsTable {
  private WaitsTable() {}

  /**
   * Lines with columns, and below them whose waits these are.
   *
   * @param user who drew them
   */
  static String of(Query.Waits waits, String user) {
    List<String[]> rows = new ArrayList<>();
    rows.add(
        new String[] {
          Messages.get("preview.waits.attempt"),
          Messages.get("preview.waits.at"),
          Messages.get("preview.waits.wait")
        });
    for (Query.Attempt attempt : waits.attempts) {
      rows.add(
          new String[] {
            String.valueOf(attempt.number),
            length(attempt.atMillis),
            attempt.waitMillis < 0 ? "-" : length(attempt.waitMillis)
          });
    }
    String whose =
        waits.isSeeded
            ? MessageFormat.format(Messages.get("preview.waits.seeded"), user)
            : Messages.get("preview.waits.random");
    String end =
        waits.stop.isEmpty()
            ? ""
            : MessageFormat.format(Messages.get("preview.waits.stop"), waits.stop) + "\n";
    return aligned(rows) + end + whose;
  }

  /** Milliseconds matter to whoever compares these with a trace. */
  private static String length(long millis) {
    return String.format(Locale.ROOT, "%.3f s", millis / 1000.0);
  }

  private static String aligned(List<String[]> rows) {
    int[] widths = new int[rows.get(0).length];
    for (String[] row : rows) {
      for (int i = 0; i < row.length; i++) {
        widths[i] = Math.max(widths[i], row[i].length());
      }
    }
    StringBuilder text = new StringBuilder();
    for (String[] row : rows) {
      for (int i = 0; i < row.length; i++) {
        text.append(i == 0 ? "" : "  ");
        for (int blanks = widths[i] - row[i].length(); blanks > 0; blanks--) {
          text.append(' ');
        }
        text.append(row[i]);
      }
      text.append('\n');
    }
    return text.toString();
  }
}
