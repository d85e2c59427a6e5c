package io.github.wsbackoff.help;

import java.awt.BorderLayout;
import java.awt.Desktop;
import java.awt.Dimension;
import java.io.IOException;
import java.net.URI;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.Consumer;
import javax.swing.JButton;
import javax.swing.JEditorPane;
import javax.swing.JPanel;
import javax.swing.JScrollPane;
import javax.swing.SwingUtilities;
import javax.swing.event.HyperlinkEvent;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Shows a page of the documentation, and those that its links lead to. */
final class HelpView extends JPanel {
  private static final long serialVersionUID = 1L;
  private static final Logger log = LoggerFactory.getLogger(HelpView.class);

  private final JEditorPane text = new JEditorPane("text/html", "");
  private final JButton back;
  private final transient Deque<String> before = new ArrayDeque<>();
  private final transient Consumer<String> browser;
  private String page = "";

  /**
   * Shows nothing yet.
   *
   * @param browser opens what is not in the jar
   */
  HelpView(String backLabel, Consumer<String> browser) {
    super(new BorderLayout());
    this.browser = browser;
    back = new JButton(backLabel);
    back.addActionListener(event -> back());
    text.putClientProperty(JEditorPane.HONOR_DISPLAY_PROPERTIES, true);
    text.setEditable(false);
    text.addHyperlinkListener(
        event -> {
          if (event.getEventType() == HyperlinkEvent.EventType.ACTIVATED) {
            follow(event.getDescription());
          }
        });
    JScrollPane pane = new JScrollPane(text);
    pane.setPreferredSize(new Dimension(900, 700));
    JPanel buttons = new JPanel(new BorderLayout());
    buttons.add(back, BorderLayout.WEST);
    add(buttons, BorderLayout.NORTH);
    add(pane, BorderLayout.CENTER);
  }

  /** Opens a page as the first one. */
  void open(String address) {
    before.clear();
    show(address);
  }

  /** Goes where a link leads. */
  void follow(String link) {
    String target = Pages.target(page.split("#")[0], link);
    if (Pages.has(target.split("#")[0])) {
      before.push(page);
      show(target);
    } else {
      browser.accept(target);
    }
  }

  /** Goes back to the page before, where there is one. */
  void back() {
    show(before.pop());
  }

  private void show(String address) {
    page = address;
    back.setEnabled(!before.isEmpty());
    int anchor = address.indexOf('#');
    try {
      text.setText(
          "<html><head><style>code, pre { font-size: "
              + text.getFont().getSize() // the kit's own is too small to be read
              + "pt }</style></head><body style='margin: 12px'>"
              + Pages.html(anchor < 0 ? address : address.substring(0, anchor))
              + "</body></html>");
    } catch (IOException e) {
      log.warn("{}", e.getMessage());
      text.setText(e.getMessage());
    }
    text.setCaretPosition(0);
    if (anchor >= 0) { // once it is laid out
      SwingUtilities.invokeLater(() -> text.scrollToReference(address.substring(anchor + 1)));
    }
  }

  /** What is shown: a path with its anchor. */
  String page() {
    return page;
  }

  /** Opens an address as the desktop does, as far as there is one. */
  static void browse(String address) {
    try {
      Desktop.getDesktop().browse(URI.create(address));
    } catch (IOException | UnsupportedOperationException e) {
      log.warn("No browser can be started here; the page is {}", address);
    }
  }
}
