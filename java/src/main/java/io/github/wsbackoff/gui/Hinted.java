package io.github.wsbackoff.gui;

/** A text that shows in grey, while it is empty, the value that counts then. */
interface Hinted {
  /** Shows another value; "" for none. */
  void setHint(String hint);

  /** What is shown. */
  String hint();
}
