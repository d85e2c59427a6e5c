package io.github.wsbackoff.gui;

import java.awt.Color;
import java.awt.FontMetrics;
import java.awt.Graphics;
import java.awt.Graphics2D;
import java.awt.Insets;
import java.awt.RenderingHints;
import java.awt.Toolkit;
import java.util.Map;
import javax.swing.JTextField;

/** A text field that shows in grey, while it is empty, the value that holds then. */
final class HintField extends JTextField {
  private static final long serialVersionUID = 1L;

  private final String hint;

  HintField(String hint, int columns) {
    super(columns);
    this.hint = hint;
  }

  @Override
  protected void paintComponent(Graphics g) {
    super.paintComponent(g);
    if (hint.isEmpty() || !getText().isEmpty()) {
      return;
    }
    Graphics2D graphics = (Graphics2D) g.create();
    try {
      Object desktop = Toolkit.getDefaultToolkit().getDesktopProperty("awt.font.desktophints");
      if (desktop instanceof Map) {
        graphics.addRenderingHints((Map<?, ?>) desktop);
      } else {
        graphics.setRenderingHint(
            RenderingHints.KEY_TEXT_ANTIALIASING, RenderingHints.VALUE_TEXT_ANTIALIAS_ON);
      }
      graphics.setFont(getFont());
      graphics.setColor(grey());
      Insets insets = getInsets();
      FontMetrics metrics = graphics.getFontMetrics();
      int baseline = (getHeight() - metrics.getHeight()) / 2 + metrics.getAscent();
      int room = getWidth() - insets.left - insets.right;
      graphics.drawString(cut(hint, metrics, room), insets.left, baseline);
    } finally {
      graphics.dispose();
    }
  }

  /** Between text and background, so that it fits every look. */
  private Color grey() {
    Color text = getForeground();
    Color background = getBackground();
    return new Color(
        (text.getRed() + background.getRed()) / 2,
        (text.getGreen() + background.getGreen()) / 2,
        (text.getBlue() + background.getBlue()) / 2);
  }

  private static String cut(String text, FontMetrics metrics, int room) {
    if (metrics.stringWidth(text) <= room) {
      return text;
    }
    int end = text.length();
    while (end > 0 && metrics.stringWidth(text.substring(0, end) + "...") > room) {
      end--;
    }
    return text.substring(0, end) + "...";
  }
}
