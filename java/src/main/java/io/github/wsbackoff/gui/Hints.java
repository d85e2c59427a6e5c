package io.github.wsbackoff.gui;

import java.awt.FontMetrics;
import java.awt.Graphics;
import java.awt.Graphics2D;
import java.awt.Insets;
import java.awt.RenderingHints;
import java.awt.Toolkit;
import java.util.Map;
import javax.swing.text.JTextComponent;

/** Paints into an empty text, in grey, the value that counts then. */
final class Hints {
  private Hints() {}

  static void paint(JTextComponent text, String hint, Graphics g) {
    if (hint.isEmpty() || !text.getText().isEmpty()) {
      return;
    }
    Graphics2D graphics = (Graphics2D) g.create();
    try {
      smoothen(graphics);
      graphics.setFont(text.getFont());
      graphics.setColor(DelayChart.mix(text.getForeground(), text.getBackground(), 0.5));
      Insets insets = text.getInsets();
      FontMetrics metrics = graphics.getFontMetrics();
      // In a text of several lines it stands where the first one would.
      int above =
          text instanceof HintField ? (text.getHeight() - metrics.getHeight()) / 2 : insets.top;
      int room = text.getWidth() - insets.left - insets.right;
      graphics.drawString(cut(hint, metrics, room), insets.left, above + metrics.getAscent());
    } finally {
      graphics.dispose();
    }
  }

  /** Has text drawn as the look draws it. */
  static void smoothen(Graphics2D graphics) {
    Object desktop = Toolkit.getDefaultToolkit().getDesktopProperty("awt.font.desktophints");
    if (desktop instanceof Map) {
      graphics.addRenderingHints((Map<?, ?>) desktop);
    } else {
      graphics.setRenderingHint(
          RenderingHints.KEY_TEXT_ANTIALIASING, RenderingHints.VALUE_TEXT_ANTIALIAS_ON);
    }
  }

  private static String cut(String text, FontMetrics metrics, int room) {
    String line = text.replaceAll("\\s*\n\\s*", " ");
    if (metrics.stringWidth(line) <= room) {
      return line;
    }
    int end = line.length();
    while (end > 0 && metrics.stringWidth(line.substring(0, end) + "...") > room) {
      end--;
    }
    return line.substring(0, end) + "...";
  }
}
