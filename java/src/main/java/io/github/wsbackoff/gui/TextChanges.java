package io.github.wsbackoff.gui;

import javax.swing.event.DocumentEvent;
import javax.swing.event.DocumentListener;
import javax.swing.text.JTextComponent;

/** Tells that a text has changed, by whomever. */
final class TextChanges implements DocumentListener {
  private final Runnable changed;

  private TextChanges(Runnable changed) {
    this.changed = changed;
  }

  /** Has this called, on the event thread, whenever the text has changed. */
  static void tell(JTextComponent text, Runnable changed) {
    text.getDocument().addDocumentListener(new TextChanges(changed));
  }

  @Override
  public void insertUpdate(DocumentEvent event) {
    changed.run();
  }

  @Override
  public void removeUpdate(DocumentEvent event) {
    changed.run();
  }

  @Override
  public void changedUpdate(DocumentEvent event) {
    // Only of styles.
  }
}
