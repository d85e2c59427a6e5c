package io.github.wsbackoff.gui;

import java.awt.Color;
import java.awt.Insets;
import javax.swing.BorderFactory;
import javax.swing.JLabel;
import javax.swing.JTextArea;

/** Plain text for reading that looks like a label and breaks its lines where the panel ends. */
final class ReadText extends JTextArea {
  private static final long serialVersionUID = 1L;

  private boolean warns;

  ReadText() {
    setEditable(false);
    setFocusable(false);
    setOpaque(false);
    setLineWrap(true);
    setWrapStyleWord(true);
  }

  /** Says how things are. */
  void say(String text) {
    warns = false;
    setText(text);
    dress();
  }

  /** Says what is wrong, in another colour. */
  void warn(String text) {
    warns = true;
    setText(text);
    dress();
  }

  @Override
  public void updateUI() {
    super.updateUI();
    dress();
  }

  /** The look gives texts a font, a frame and colours of their own. */
  private void dress() {
    JLabel label = new JLabel();
    setFont(label.getFont());
    setForeground(warns ? warning(label.getForeground()) : label.getForeground());
    setBorder(BorderFactory.createEmptyBorder());
    setMargin(new Insets(0, 0, 0, 0));
  }

  /** That of what is wrong, where texts have this colour. */
  static Color warning(Color text) {
    return DelayChart.mix(text, Color.RED, 0.6);
  }
}
