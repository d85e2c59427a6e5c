package io.github.wsbackoff.gui;

import java.awt.Graphics;
import javax.swing.JTextField;

/** A text field that shows in grey, while it is empty, the value that counts then. */
final class HintField extends JTextField implements Hinted {
  private static final long serialVersionUID = 1L;

  HintField(int columns) {
    super(columns);
  }

  @Override
  protected void paintComponent(Graphics g) {
    super.paintComponent(g);
    Hints.paint(this, hint(), g);
  }
}
