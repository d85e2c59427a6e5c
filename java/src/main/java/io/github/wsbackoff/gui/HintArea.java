package io.github.wsbackoff.gui;

import java.awt.Font;
import java.awt.Graphics;
import javax.swing.JTextArea;
import javax.swing.JTextField;

/** A text of several lines that shows in grey, while it is empty, the value that counts then. */
final class HintArea extends JTextArea implements Hinted {
  private static final long serialVersionUID = 1L;

  HintArea(int rows, int columns) {
    super(rows, columns);
  }

  /** Of the look's size, and still one in which all letters are of one width. */
  @Override
  public void updateUI() {
    super.updateUI();
    setFont(new Font(Font.MONOSPACED, Font.PLAIN, new JTextField().getFont().getSize()));
  }

  /** One look greys the ground of a disabled text, and leaves it so when it is enabled again. */
  @Override
  public void setEnabled(boolean enabled) {
    super.setEnabled(enabled);
    if (enabled) {
      setBackground(new JTextArea().getBackground());
    }
  }

  @Override
  protected void paintComponent(Graphics g) {
    super.paintComponent(g);
    Hints.paint(this, hint(), g);
  }
}
