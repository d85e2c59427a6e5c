package io.github.wsbackoff.gui;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import javax.swing.table.AbstractTableModel;

/** The figures of a test in words and numbers, a row each. */
final class ConnectsTable extends AbstractTableModel {
  private static final long serialVersionUID = 1L;

  private static final String[] ROWS = {
    "connected",
    "waiting",
    "lost",
    "held",
    "rate",
    "attempts",
    "toConnect",
    "waits",
    "hint",
    "gates",
    "ends"
  };

  /** More gates than these nobody reads. */
  private static final int MOST_GATES = 3;

  private transient List<String> values = Collections.emptyList();

  void clear() {
    values = Collections.emptyList();
    fireTableDataChanged();
  }

  void show(JsonNode figures) {
    List<String> texts = new ArrayList<>();
    texts.add(
        figures.path("connected").asText()
            + " "
            + Messages.get("live.of")
            + " "
            + figures.path("users").asText());
    texts.add(
        figures.path("waiting").asText()
            + ", "
            + Messages.get("live.connecting")
            + " "
            + figures.path("connecting").asText());
    texts.add(figures.path("lost").asText());
    texts.add(figures.path("held").asText());
    texts.add(number(figures.path("rate").asDouble()));
    texts.add(counts(figures.path("attempts")));
    texts.add(lengths(figures.path("toConnect")));
    texts.add(lengths(figures.path("waits")));
    double hint = figures.path("hintMs").asDouble();
    texts.add(hint > 0 ? length(hint) : "-");
    texts.add(gates(figures.path("gates")));
    texts.add(counts(figures.path("ends")));
    values = texts;
    fireTableDataChanged();
  }

  private static String gates(JsonNode gates) {
    List<String> texts = new ArrayList<>();
    for (JsonNode gate : gates) {
      if (texts.size() == MOST_GATES) {
        texts.add("...");
        break;
      }
      String rate =
          gate.path("rate").isNumber() ? number(gate.path("rate").asDouble()) + "/s, " : "";
      String queue = gate.path("queue").asText() + " " + Messages.get("live.queue");
      texts.add(rate + queue + " (" + gate.path("key").asText() + ")");
    }
    return texts.isEmpty() ? "-" : String.join("; ", texts);
  }

  /** Those that there were. */
  private static String counts(JsonNode counts) {
    List<String> texts = new ArrayList<>();
    for (Iterator<Map.Entry<String, JsonNode>> all = counts.fields(); all.hasNext(); ) {
      Map.Entry<String, JsonNode> count = all.next();
      if (count.getValue().asLong() > 0) {
        texts.add(count.getValue().asText() + " " + count.getKey());
      }
    }
    return texts.isEmpty() ? "-" : String.join(", ", texts);
  }

  private static String lengths(JsonNode lengths) {
    if (lengths.path("count").asLong() == 0) {
      return "-";
    }
    return length(lengths.path("p50Ms").asDouble())
        + ", "
        + length(lengths.path("p95Ms").asDouble())
        + ", "
        + length(lengths.path("maxMs").asDouble());
  }

  static String length(double millis) {
    return millis < 1000 ? Math.round(millis) + " ms" : number(millis / 1000) + " s";
  }

  private static String number(double value) {
    return String.format(Locale.ROOT, "%.1f", value);
  }

  @Override
  public int getRowCount() {
    return ROWS.length;
  }

  @Override
  public int getColumnCount() {
    return 2;
  }

  @Override
  public Object getValueAt(int row, int column) {
    if (column == 0) {
      return Messages.get("live." + ROWS[row]);
    }
    return row < values.size() ? values.get(row) : "";
  }
}
