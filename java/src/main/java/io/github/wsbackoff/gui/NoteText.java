package io.github.wsbackoff.gui;

import java.awt.Dimension;
import java.awt.Insets;
import javax.swing.BorderFactory;
import javax.swing.JEditorPane;
import javax.swing.JLabel;
import javax.swing.event.HyperlinkEvent;

/**
 * A text for reading, in JMeter's font, that breaks its lines where the panel ends. A label asks
 * for the width of its longest line, and keeps the height it has at that width.
 */
final class NoteText extends JEditorPane {
  private static final long serialVersionUID = 1L;

  /** Keeps the longest note on a few lines in a window of any usual width. */
  private static final int PREFERRED_WIDTH = 400;

  /**
   * Shows the text.
   *
   * @param html what stands in the body of an HTML page
   */
  NoteText(String html) {
    super("text/html", "");
    // Before the text: it takes effect on what is set afterwards.
    putClientProperty(HONOR_DISPLAY_PROPERTIES, true);
    setEditable(false);
    setFocusable(false);
    setOpaque(false);
    setBorder(BorderFactory.createEmptyBorder());
    setMargin(new Insets(0, 0, 0, 0));
    setText("<html><body style='margin: 0'>" + html + "</body></html>");
    follow();
  }

  /** Has this called when somebody clicks on its link. */
  void onLink(Runnable clicked) {
    addHyperlinkListener(
        event -> {
          if (event.getEventType() == HyperlinkEvent.EventType.ACTIVATED) {
            clicked.run();
          }
        });
  }

  @Override
  public void updateUI() {
    super.updateUI();
    follow();
  }

  /** The look gives editors a font and colours of their own; a note is to look like a label. */
  private void follow() {
    JLabel label = new JLabel();
    setFont(label.getFont());
    setForeground(label.getForeground());
  }

  @Override
  public Dimension getPreferredSize() {
    Dimension wanted = super.getPreferredSize();
    return new Dimension(Math.min(wanted.width, PREFERRED_WIDTH), wanted.height);
  }

  @Override
  public Dimension getMinimumSize() {
    return new Dimension(0, super.getMinimumSize().height);
  }
}
