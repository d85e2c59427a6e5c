package io.github.wsbackoff.gui;

import io.github.wsbackoff.help.HelpWindow;
import io.github.wsbackoff.help.Pages;
import java.awt.event.ActionEvent;
import java.awt.event.KeyEvent;
import javax.swing.AbstractAction;
import javax.swing.JComponent;
import javax.swing.JPanel;
import javax.swing.KeyStroke;
import org.apache.jmeter.gui.action.KeyStrokes;

/**
 * Leads from a panel to the page about what it shows: by a link in its note, and by the keys of
 * help, which else open JMeter's own reference, where our elements are not. JMeter's menu still
 * does that.
 */
final class PanelHelp {
  private static final String ACTION = "wsb.help";
  private static final KeyStroke F1 = KeyStroke.getKeyStroke(KeyEvent.VK_F1, 0);

  private PanelHelp() {}

  /** The end of a note, see {@link NoteText#onLink}. */
  static String link() {
    return " <a href='help'>" + Messages.get("help.link") + "</a>";
  }

  /** Gives a panel the keys: they count wherever in the window the focus is while it is shown. */
  static void addKeys(JPanel panel) {
    for (KeyStroke key : new KeyStroke[] {F1, KeyStrokes.HELP}) {
      panel.getInputMap(JComponent.WHEN_IN_FOCUSED_WINDOW).put(key, ACTION);
    }
    panel
        .getActionMap()
        .put(
            ACTION,
            new AbstractAction() {
              private static final long serialVersionUID = 1L;

              @Override
              public void actionPerformed(ActionEvent event) {
                open(panel);
              }
            });
  }

  /** Shows the page. */
  static void open(JPanel panel) {
    HelpWindow.open(
        Pages.of(panel.getClass()), Messages.get("help.title"), Messages.get("help.back"));
  }
}
