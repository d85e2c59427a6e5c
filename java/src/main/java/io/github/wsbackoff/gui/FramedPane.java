package io.github.wsbackoff.gui;

import java.awt.Color;
import java.awt.Insets;
import javax.swing.BorderFactory;
import javax.swing.JLabel;
import javax.swing.JScrollPane;
import javax.swing.JTextField;

/**
 * Scrolls a text of several lines, with a frame also in looks that give texts of one line alone
 * one.
 */
final class FramedPane extends JScrollPane {
  private static final long serialVersionUID = 1L;

  FramedPane(HintArea text) {
    super(text);
  }

  @Override
  public void updateUI() {
    setBorder(null); // that of another look, or ours
    super.updateUI();
    Insets own = getInsets();
    if (own.top + own.left == 0) {
      Color text = new JLabel().getForeground();
      Color ground = new JTextField().getBackground();
      setBorder(BorderFactory.createLineBorder(DelayChart.mix(text, ground, 0.6)));
    }
  }
}
