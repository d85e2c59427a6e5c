package io.github.wsbackoff.gui;

import java.awt.Graphics;
import javax.swing.JTextField;

/** A text field that shows in grey, while it is empty, the value that counts then. */
final class HintField extends JTextField implements Hinted {
  private static final long serialVersionUID = 1L;

  private String hint = "";

  HintField(int columns) {
    super(columns);
  }

  @Override
  public void setHint(String hint) {
    this.hint = hint;
    repaint();
  }

  @Override
  public String hint() {
    return hint;
  }

  @Override
  protected void paintComponent(Graphics g) {
    super.paintComponent(g);
    Hints.paint(this, hint, g);
  }
}
