package io.github.wsbackoff.help;

import java.awt.Frame;
import org.apache.jmeter.gui.util.EscapeDialog;
import org.apache.jorphan.gui.ComponentUtil;

/** The window with our documentation: one, beside JMeter's, made when somebody first asks. */
public final class HelpWindow {
  private static EscapeDialog window;
  private static HelpView view;

  private HelpWindow() {}

  /**
   * Shows a page; to be called on the event thread.
   *
   * @param page as {@link Pages#of} names it
   * @param title of the window
   * @param back of the button to the page before
   */
  public static void open(String page, String title, String back) {
    if (window == null) {
      // A frame of its own, as JMeter's help has: the main one may be brought before it.
      window = new EscapeDialog(new Frame(), title, false);
      view = new HelpView(back, HelpView::browse);
      window.getContentPane().add(view);
      window.pack();
      ComponentUtil.centerComponentInWindow(window, 60);
    }
    view.open(page);
    window.setVisible(true);
  }
}
