package io.github.wsbackoff.gui;

import com.fasterxml.jackson.databind.JsonNode;
import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Dimension;
import java.awt.FontMetrics;
import java.awt.Graphics;
import java.awt.Graphics2D;
import java.awt.Rectangle;
import java.awt.RenderingHints;
import java.awt.geom.Path2D;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import javax.swing.JComponent;
import javax.swing.JLabel;

/**
 * How a test went: users above, attempts a second below, over one axis of time. Its colours fit
 * light and dark looks.
 */
final class ConnectsChart extends JComponent {
  private static final long serialVersionUID = 1L;

  private static final int LINES = 20;
  private static final int GAP = 6;
  private static final int NARROWEST = 100;

  /** Columns of a row, see the native part. */
  private static final int CONNECTED = 1;

  private static final int WAITING = 3;
  private static final int LOST = 4;
  private static final int RATE = 6;
  private static final int GATE = 7;
  private static final int COLUMNS = 8;

  private static final Color BLUE = new Color(0x3f8fd2);
  private static final Color ORANGE = new Color(0xe08a1e);
  private static final Color RED = new Color(0xd0453e);
  private static final Color GREEN = new Color(0x3fa35b);

  /** A line of one of the two plots. */
  private static final class Series {
    private final String name;
    private final int column;
    private final Color color;

    private Series(String name, int column, Color color) {
      this.name = name;
      this.column = column;
      this.color = color;
    }
  }

  private static final Series[] USERS = {
    new Series("live.chart.connected", CONNECTED, BLUE),
    new Series("live.chart.waiting", WAITING, ORANGE),
    new Series("live.chart.lost", LOST, RED),
  };
  private static final Series[] RATES = {
    new Series("live.chart.rate", RATE, GREEN), new Series("live.chart.gate", GATE, ORANGE),
  };

  private transient List<double[]> rows = Collections.emptyList();

  ConnectsChart() {
    follow();
    setToolTipText(Messages.get("live.chart"));
  }

  void clear() {
    rows = Collections.emptyList();
    repaint();
  }

  /** Shows the rows behind a time in milliseconds. */
  void show(JsonNode history, double after) {
    List<double[]> shown = new ArrayList<>();
    for (JsonNode row : history) {
      if (row.path(0).asDouble() > after) {
        double[] numbers = new double[COLUMNS];
        for (int column = 0; column < COLUMNS; column++) {
          numbers[column] = row.path(column).isNumber() ? row.path(column).asDouble() : Double.NaN;
        }
        shown.add(numbers);
      }
    }
    rows = shown;
    repaint();
  }

  int rows() {
    return rows.size();
  }

  @Override
  public void updateUI() {
    super.updateUI();
    follow();
  }

  /** A component of our own has no look that would follow JMeter's. */
  private void follow() {
    setFont(new JLabel().getFont());
    setForeground(new JLabel().getForeground());
  }

  @Override
  public Dimension getPreferredSize() {
    FontMetrics metrics = getFontMetrics(getFont());
    return new Dimension(metrics.charWidth('0') * 60, metrics.getHeight() * LINES);
  }

  @Override
  protected void paintComponent(Graphics g) {
    Graphics2D graphics = (Graphics2D) g.create();
    try {
      graphics.setRenderingHint(
          RenderingHints.KEY_TEXT_ANTIALIASING, RenderingHints.VALUE_TEXT_ANTIALIAS_ON);
      graphics.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
      int line = graphics.getFontMetrics().getHeight();
      int half = (getHeight() - line) / 2;
      paintPlot(graphics, 0, half, "live.chart.users", USERS);
      paintPlot(graphics, half, half, "live.chart.rates", RATES);
      paintTimes(graphics, getHeight() - graphics.getFontMetrics().getDescent());
    } finally {
      graphics.dispose();
    }
  }

  private void paintPlot(Graphics2D graphics, int top, int height, String title, Series[] series) {
    FontMetrics metrics = graphics.getFontMetrics();
    Rectangle plot = plot(top, height);
    double most = most(series);
    graphics.setColor(DelayChart.mix(getForeground(), background(), 0.8));
    graphics.drawRect(plot.x, plot.y, plot.width, plot.height);
    graphics.setColor(getForeground());
    String label = number(most);
    graphics.drawString(
        label, plot.x - GAP - metrics.stringWidth(label), plot.y + metrics.getAscent() / 2);
    graphics.drawString("0", plot.x - GAP - metrics.charWidth('0'), plot.y + plot.height);
    int x = plot.x;
    int baseline = top + metrics.getAscent();
    graphics.drawString(Messages.get(title), x, baseline);
    x += metrics.stringWidth(Messages.get(title)) + 3 * GAP;
    for (Series one : series) {
      graphics.setColor(one.color);
      graphics.fillRect(x, baseline - metrics.getAscent() / 2, 2 * GAP, 3);
      graphics.setColor(getForeground());
      graphics.drawString(Messages.get(one.name), x + 3 * GAP, baseline);
      x += 5 * GAP + metrics.stringWidth(Messages.get(one.name));
    }
    graphics.setStroke(new BasicStroke(2));
    for (Series one : series) {
      graphics.setColor(one.color);
      graphics.draw(line(plot, most, one.column));
    }
  }

  /** A gap where there is no number. */
  private Path2D line(Rectangle plot, double most, int column) {
    Path2D path = new Path2D.Double();
    boolean drawn = false;
    for (double[] row : rows) {
      if (Double.isNaN(row[column])) {
        drawn = false;
        continue;
      }
      double x = plot.x + plot.width * (row[0] - begin()) / span();
      double y = plot.y + plot.height * (1 - row[column] / most);
      if (drawn) {
        path.lineTo(x, y);
      } else {
        path.moveTo(x, y);
      }
      drawn = true;
    }
    return path;
  }

  private void paintTimes(Graphics2D graphics, int baseline) {
    if (rows.isEmpty()) {
      return;
    }
    Rectangle plot = plot(0, getHeight());
    graphics.setColor(getForeground());
    graphics.drawString(ConnectsTable.length(begin()), plot.x, baseline);
    String end = ConnectsTable.length(begin() + span());
    int width = graphics.getFontMetrics().stringWidth(end);
    graphics.drawString(end, plot.x + plot.width - width, baseline);
  }

  private Rectangle plot(int top, int height) {
    FontMetrics metrics = getFontMetrics(getFont());
    int left = metrics.stringWidth("000000") + GAP;
    int above = metrics.getHeight() + GAP;
    return new Rectangle(
        left,
        top + above,
        Math.max(NARROWEST, getWidth() - left - GAP),
        Math.max(1, height - above - GAP));
  }

  private double begin() {
    return rows.isEmpty() ? 0 : rows.get(0)[0];
  }

  private double span() {
    return rows.size() < 2 ? 1 : rows.get(rows.size() - 1)[0] - begin();
  }

  private double most(Series[] series) {
    double most = 1;
    for (Series one : series) {
      for (double[] row : rows) {
        most = row[one.column] > most ? row[one.column] : most; // no number is not more
      }
    }
    return most;
  }

  private static String number(double value) {
    return value == Math.rint(value)
        ? String.valueOf((long) value)
        : String.format(Locale.ROOT, "%.1f", value);
  }

  private Color background() {
    Color own = getBackground(); // that of the panel around it
    return own == null ? Color.WHITE : own;
  }
}
