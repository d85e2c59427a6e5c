package io.github.wsbackoff.gui;

import io.github.wsbackoff.core.Query;
import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Dimension;
import java.awt.FontMetrics;
import java.awt.Graphics;
import java.awt.Graphics2D;
import java.awt.Rectangle;
import java.awt.RenderingHints;
import java.awt.geom.Rectangle2D;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import javax.swing.JComponent;
import javax.swing.JLabel;

/**
 * The waits of a retry policy by attempt: a bar from the shortest to the longest, a line where half
 * of the users are. Its colours come from those of text and background, so that it fits every look.
 */
final class DelayChart extends JComponent {
  private static final long serialVersionUID = 1L;

  /** Text lines that are as high as the chart: legend, plot, and the numbers below it. */
  private static final int LINES = 10;

  private static final int WIDEST_SLOT = 56;
  private static final int FEWEST_SLOTS = 6;
  private static final int GAP = 6;
  private static final int MOST_STEPS = 4;
  private static final Color LIGHT_ACCENT = new Color(0x1f6fb2);
  private static final Color DARK_ACCENT = new Color(0x6cb6ff);

  private transient List<Query.Band> bands = Collections.emptyList();

  DelayChart() {
    setFont(new JLabel().getFont());
    setForeground(new JLabel().getForeground());
    setToolTipText(Messages.get("preview.tooltip"));
  }

  /** Shows these bands; none: the empty axes. */
  void show(List<Query.Band> shown) {
    bands = shown;
    repaint();
  }

  @Override
  public void updateUI() {
    super.updateUI();
    // A component of our own has no look that would follow JMeter's.
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
      graphics.setRenderingHint(
          RenderingHints.KEY_STROKE_CONTROL, RenderingHints.VALUE_STROKE_PURE);
      paintAxes(graphics);
      paintLegend(graphics);
      for (int i = 0; i < bands.size(); i++) {
        paintBand(graphics, i);
      }
    } finally {
      graphics.dispose();
    }
  }

  private void paintAxes(Graphics2D graphics) {
    Rectangle plot = plot();
    FontMetrics metrics = graphics.getFontMetrics();
    Color text = getForeground();
    Color grid = mix(text, background(), 0.8);
    double step = step();
    for (int i = 0; i <= steps(); i++) {
      int y = y(i * step);
      graphics.setColor(i == 0 ? mix(text, background(), 0.4) : grid);
      graphics.drawLine(plot.x, y, plot.x + plot.width, y);
      graphics.setColor(text);
      String label = bands.isEmpty() ? "" : number(i * step / unitMillis());
      int width = metrics.stringWidth(label);
      graphics.drawString(label, plot.x - GAP - width, y + metrics.getAscent() / 2 - 1);
    }
    graphics.setColor(text);
    graphics.drawString(waitLabel(), 0, metrics.getAscent());
    int below = plot.y + plot.height + metrics.getAscent() + GAP / 2;
    for (int i = 0; i < bands.size(); i++) {
      String label = String.valueOf(bands.get(i).attempt);
      Rectangle2D bar = bar(i);
      int x = (int) Math.round(bar.getCenterX()) - metrics.stringWidth(label) / 2;
      graphics.drawString(label, x, below);
    }
    graphics.drawString(Messages.get("preview.attempt"), plot.x, below + metrics.getHeight());
  }

  /** In the first line, right of the name of the axis. */
  private void paintLegend(Graphics2D graphics) {
    FontMetrics metrics = graphics.getFontMetrics();
    String bar = Messages.get("preview.bar");
    String median = Messages.get("preview.median");
    int baseline = metrics.getAscent();
    int size = metrics.getAscent() / 2 + 2;
    int x = metrics.stringWidth(waitLabel()) + 4 * GAP;
    graphics.setColor(fill());
    graphics.fillRect(x, baseline - size, size, size);
    graphics.setColor(getForeground());
    graphics.drawString(bar, x + size + GAP, baseline);
    x += size + 4 * GAP + metrics.stringWidth(bar);
    graphics.setColor(accent());
    graphics.fillRect(x, baseline - size / 2 - 1, size, 3);
    graphics.setColor(getForeground());
    graphics.drawString(median, x + size + GAP, baseline);
  }

  private void paintBand(Graphics2D graphics, int index) {
    Rectangle2D bar = bar(index);
    graphics.setColor(fill());
    graphics.fill(bar);
    graphics.setColor(accent());
    graphics.setStroke(new BasicStroke(1));
    graphics.draw(bar);
    int y = y(bands.get(index).medianMillis);
    graphics.fillRect((int) bar.getX(), y - 1, (int) bar.getWidth() + 1, 3);
  }

  /** Where a band is painted. */
  Rectangle2D bar(int index) {
    Rectangle plot = plot();
    Query.Band band = bands.get(index);
    double slot = Math.min(WIDEST_SLOT, (double) plot.width / bands.size());
    int top = y(band.highestMillis);
    double left = plot.x + index * slot + slot * 0.2;
    return new Rectangle2D.Double(
        Math.round(left), top, Math.round(slot * 0.6), y(band.lowestMillis) - top);
  }

  private Rectangle plot() {
    FontMetrics metrics = getFontMetrics(getFont());
    int left = metrics.stringWidth("0000") + GAP;
    int top = metrics.getHeight() + GAP + metrics.getAscent() / 2;
    int bottom = 2 * metrics.getHeight() + GAP;
    int width = Math.min(getWidth() - left - 1, WIDEST_SLOT * Math.max(FEWEST_SLOTS, bands.size()));
    return new Rectangle(left, top, Math.max(1, width), Math.max(1, getHeight() - top - bottom));
  }

  private int y(double millis) {
    Rectangle plot = plot();
    double share = millis / (steps() * step());
    return plot.y + (int) Math.round(plot.height * (1 - share));
  }

  /** So many spaces between lines hold the longest wait. */
  private int steps() {
    return (int) Math.ceil(longest() / step() - 1e-9);
  }

  /** Milliseconds between two lines: 1, 2 or 5 of something. */
  private double step() {
    double needed = longest() / (double) MOST_STEPS / unitMillis();
    double power = Math.pow(10, Math.floor(Math.log10(needed)));
    for (double factor : new double[] {1, 2, 5}) {
      if (needed <= factor * power * 1.0001) {
        return factor * power * unitMillis();
      }
    }
    return 10 * power * unitMillis();
  }

  private long longest() {
    return Math.max(1, bands.stream().mapToLong(band -> band.highestMillis).max().orElse(1));
  }

  private int unitMillis() {
    return longest() < 1000 ? 1 : longest() < 600_000 ? 1000 : 60_000;
  }

  private String waitLabel() {
    if (bands.isEmpty()) {
      return Messages.get("preview.wait");
    }
    String unit = unitMillis() == 1 ? "ms" : unitMillis() == 1000 ? "s" : "min";
    return Messages.get("preview.wait") + ", " + unit;
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

  private Color accent() {
    return accent(background());
  }

  /** What stands out from this background. */
  static Color accent(Color background) {
    int light = background.getRed() + background.getGreen() + background.getBlue();
    return light > 3 * 128 ? LIGHT_ACCENT : DARK_ACCENT;
  }

  private Color fill() {
    return mix(accent(), background(), 0.6);
  }

  /** A colour between two: 0 is the first, 1 the second. */
  static Color mix(Color from, Color to, double share) {
    return new Color(
        mix(from.getRed(), to.getRed(), share),
        mix(from.getGreen(), to.getGreen(), share),
        mix(from.getBlue(), to.getBlue(), share));
  }

  private static int mix(int from, int to, double share) {
    return (int) Math.round(from + (to - from) * share);
  }
}
