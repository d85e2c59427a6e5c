package io.github.wsbackoff.gui;

import java.awt.BorderLayout;
import java.awt.Graphics;
import java.awt.GraphicsEnvironment;
import java.awt.Point;
import javax.swing.JPanel;
import javax.swing.SwingUtilities;
import javax.swing.text.JTextComponent;
import org.apache.jmeter.gui.util.JSyntaxTextArea;
import org.apache.jmeter.gui.util.JTextScrollPane;

/**
 * A payload in the editor that JMeter has for bodies, with undo, line numbers and colours. The
 * plain text stays what the panel reads and fills; the editor is made when the panel is first in a
 * window, as it takes its time and cannot be without a screen.
 */
final class PayloadPane extends JPanel {
  private static final long serialVersionUID = 1L;

  /** JavaScript: the dark looks have no colour of their own for the names in JSON. */
  private static final String JSON = "text/javascript";

  private static final String XML = "text/xml";
  private static final String PLAIN = "text/plain";

  private final HintArea text;

  /** What is seen in place of the text, or null. */
  private JTextComponent editor;

  /** Whether one of both is being made like the other. */
  private boolean isFollowing;

  PayloadPane(HintArea text) {
    super(new BorderLayout());
    this.text = text;
    add(new FramedPane(text), BorderLayout.CENTER);
  }

  @Override
  public void addNotify() {
    if (editor == null && !GraphicsEnvironment.isHeadless()) {
      JSyntaxTextArea area = JSyntaxTextArea.getInstance(text.getRows(), text.getColumns());
      area.setCodeFoldingEnabled(false);
      area.setInsertPairedCharacters(false); // a payload may have halves of pairs
      TextChanges.tell(area, () -> colour(area));
      removeAll();
      add(JTextScrollPane.getInstance(area), BorderLayout.CENTER);
      follow(area);
      area.discardAllEdits(); // the first text is nothing to be undone
    }
    super.addNotify();
  }

  private static void colour(JSyntaxTextArea area) {
    String style = style(area.getText());
    if (!style.equals(area.getSyntaxEditingStyle())) {
      area.setSyntaxEditingStyle(style);
    }
  }

  /** By how it begins: most payloads are JSON. */
  static String style(String payload) {
    String begin = payload.trim();
    if (begin.startsWith("{") || begin.startsWith("[")) {
      return JSON;
    }
    return begin.startsWith("<") ? XML : PLAIN;
  }

  /** Has an editor show the text from now on, and the text take over what is written there. */
  void follow(JTextComponent editor) {
    this.editor = editor;
    editor.setName(text.getName() + ".editor");
    editor.setToolTipText(text.getToolTipText());
    editor
        .getAccessibleContext()
        .setAccessibleName(text.getAccessibleContext().getAccessibleName());
    editor.setEnabled(text.isEnabled());
    copy(text, editor);
    TextChanges.tell(text, () -> copy(text, editor));
    TextChanges.tell(editor, () -> copy(editor, text));
  }

  private void copy(JTextComponent from, JTextComponent to) {
    if (!isFollowing && !from.getText().equals(to.getText())) {
      isFollowing = true;
      try {
        to.setText(from.getText());
        if (to == editor) {
          to.setCaretPosition(0);
          if (to instanceof JSyntaxTextArea) {
            ((JSyntaxTextArea) to).discardAllEdits(); // another element's
          }
        }
      } finally {
        isFollowing = false;
      }
    }
  }

  @Override
  public void setEnabled(boolean enabled) {
    super.setEnabled(enabled);
    if (editor != null) {
      editor.setEnabled(enabled);
    }
  }

  /** Else the editor would paint itself over the grey text. */
  @Override
  protected boolean isPaintingOrigin() {
    return editor != null;
  }

  @Override
  protected void paintChildren(Graphics g) {
    super.paintChildren(g);
    if (editor != null) {
      Point origin = SwingUtilities.convertPoint(editor, 0, 0, this);
      Graphics within = g.create(origin.x, origin.y, editor.getWidth(), editor.getHeight());
      Hints.paint(editor, text.hint(), within);
      within.dispose();
    }
  }
}
