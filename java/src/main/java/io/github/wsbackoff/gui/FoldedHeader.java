package io.github.wsbackoff.gui;

import java.awt.Color;
import java.awt.Component;
import java.awt.FontMetrics;
import java.awt.Graphics;
import java.awt.Graphics2D;
import java.awt.Insets;
import java.awt.Polygon;
import java.awt.Rectangle;
import java.awt.RenderingHints;
import java.awt.event.ActionEvent;
import java.awt.event.FocusAdapter;
import java.awt.event.FocusEvent;
import java.awt.event.KeyEvent;
import javax.swing.AbstractAction;
import javax.swing.Icon;
import javax.swing.JButton;
import javax.swing.JLabel;
import javax.swing.KeyStroke;
import javax.swing.SwingConstants;
import javax.swing.border.AbstractBorder;

/**
 * What opens and closes a section: an arrow and a text below a line, for the mouse and for the
 * keyboard (space or enter). Selected is open. No toggle button, as looks write the text of one
 * that is selected in the colour for a ground that this has not.
 */
final class FoldedHeader extends JButton {
  private static final long serialVersionUID = 1L;

  FoldedHeader() {
    setHorizontalAlignment(SwingConstants.LEADING);
    setIcon(new Arrow());
    setToolTipText(Messages.get("section.tooltip"));
    addActionListener(event -> setSelected(!isSelected()));
    getInputMap().put(KeyStroke.getKeyStroke(KeyEvent.VK_ENTER, 0), "toggle");
    getActionMap()
        .put(
            "toggle",
            new AbstractAction() {
              private static final long serialVersionUID = 1L;

              @Override
              public void actionPerformed(ActionEvent event) {
                doClick();
              }
            });
    addFocusListener(
        new FocusAdapter() {
          @Override
          public void focusGained(FocusEvent event) {
            // Who goes by the keyboard would not see where they are.
            scrollRectToVisible(new Rectangle(getSize()));
          }
        });
  }

  /** Each look draws buttons that are chosen, or have the focus, in a way that is no header's. */
  @Override
  public void updateUI() {
    super.updateUI();
    setContentAreaFilled(false);
    setFocusPainted(false);
    setRolloverEnabled(false);
    setFont(new JLabel().getFont());
    setForeground(new JLabel().getForeground());
    setBorder(new Line());
  }

  @Override
  protected void paintComponent(Graphics g) {
    Graphics2D graphics = (Graphics2D) g.create();
    try {
      Hints.smoothen(graphics);
      Insets insets = getInsets();
      Icon arrow = getIcon();
      FontMetrics metrics = graphics.getFontMetrics(getFont());
      int middle = (getHeight() + insets.top - insets.bottom) / 2;
      arrow.paintIcon(this, graphics, insets.left, middle - arrow.getIconHeight() / 2);
      graphics.setFont(getFont());
      graphics.setColor(getForeground());
      int baseline = middle + (metrics.getAscent() - metrics.getDescent()) / 2;
      int left = insets.left + arrow.getIconWidth() + getIconTextGap();
      graphics.drawString(getText(), left, baseline);
    } finally {
      graphics.dispose();
    }
  }

  /** A line above; a frame while the keyboard is here. */
  private static final class Line extends AbstractBorder {
    private static final long serialVersionUID = 1L;

    @Override
    public void paintBorder(Component c, Graphics g, int x, int y, int width, int height) {
      Color background = c.getParent().getBackground();
      if (c.hasFocus()) {
        g.setColor(DelayChart.accent(background));
        g.drawRect(x, y, width - 1, height - 1);
      } else {
        g.setColor(DelayChart.mix(c.getForeground(), background, 0.7));
        g.drawLine(x, y, x + width - 1, y);
      }
    }

    @Override
    public Insets getBorderInsets(Component c, Insets insets) {
      insets.set(4, 6, 4, 6);
      return insets;
    }
  }

  /** Points to the right when closed, down when open; no font has to have it. */
  private static final class Arrow implements Icon {
    @Override
    public void paintIcon(Component c, Graphics g, int x, int y) {
      Graphics2D graphics = (Graphics2D) g.create();
      try {
        graphics.setRenderingHint(
            RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
        graphics.setColor(c.getForeground());
        int half = getIconWidth() / 2;
        graphics.translate(x + half, y + half);
        graphics.rotate(((FoldedHeader) c).isSelected() ? Math.PI / 2 : 0);
        int back = half / 2;
        graphics.fill(
            new Polygon(new int[] {-back, back, -back}, new int[] {1 - half, 0, half - 1}, 3));
      } finally {
        graphics.dispose();
      }
    }

    /** As high as the text, so that it grows with JMeter's zoom. */
    @Override
    public int getIconWidth() {
      return new JLabel().getFont().getSize();
    }

    @Override
    public int getIconHeight() {
      return getIconWidth();
    }
  }
}
