package io.github.wsbackoff.gui;

import javax.swing.JComponent;

/** A text that shows in grey, while it is empty, the value that counts then. */
interface Hinted {
  /** Shows another value; "" for none. */
  default void setHint(String hint) {
    JComponent text = (JComponent) this;
    text.putClientProperty(Hinted.class, hint);
    text.repaint();
  }

  /** What is shown. */
  default String hint() {
    Object hint = ((JComponent) this).getClientProperty(Hinted.class);
    return hint == null ? "" : hint.toString();
  }
}
