package io.github.wsbackoff.gui;

import io.github.wsbackoff.core.Spec;
import java.awt.BorderLayout;
import java.awt.Font;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import javax.swing.BorderFactory;
import javax.swing.JButton;
import javax.swing.JComboBox;
import javax.swing.JComponent;
import javax.swing.JFileChooser;
import javax.swing.JLabel;
import javax.swing.JPanel;
import javax.swing.JScrollPane;
import javax.swing.JTextArea;
import javax.swing.JTextField;
import javax.swing.ListCellRenderer;
import javax.swing.event.DocumentEvent;
import javax.swing.event.DocumentListener;
import javax.swing.plaf.basic.BasicComboBoxEditor;
import javax.swing.text.JTextComponent;
import org.apache.jmeter.gui.Binding;
import org.apache.jmeter.gui.util.FileDialoger;
import org.apache.jmeter.testelement.TestElement;

/**
 * Label and field of one property. Every field takes text, also those with a list to choose from,
 * so that {@code ${variables}} work everywhere; an empty field removes the property.
 */
final class PropertyField implements Binding {
  /** Shapes whose values are short enough for half a line. */
  private static final List<String> SHORT =
      Arrays.asList(
          "text", "duration", "integer", "number", "choice", "boolean", "statuses", "size");

  private static final int COLUMNS = 9;
  private static final int ROWS = 5;

  private final Spec.Key key;
  private final JLabel label;
  private final JTextComponent text;
  private final JComponent component;

  PropertyField(Spec.Key key) {
    this.key = key;
    label = new JLabel(key.label);
    text = Spec.isMessageText(key.name) ? area() : new HintField(key.defaultText, COLUMNS);
    component = build();
    String tooltip = tooltip();
    label.setToolTipText(tooltip);
    text.setToolTipText(tooltip);
    component.setToolTipText(tooltip);
    label.setLabelFor(text);
    text.getAccessibleContext().setAccessibleName(key.label);
    // Lets tests and screen tools find a field by its property.
    text.setName(key.name);
  }

  Spec.Key key() {
    return key;
  }

  JLabel label() {
    return label;
  }

  JComponent component() {
    return component;
  }

  /** Messages have lines. */
  private static JTextComponent area() {
    JTextArea area = new JTextArea(ROWS, COLUMNS);
    area.setFont(new Font(Font.MONOSPACED, Font.PLAIN, new JTextField().getFont().getSize()));
    return area;
  }

  private JComponent build() {
    if (text instanceof JTextArea) {
      return new JScrollPane(text);
    }
    switch (key.type) {
      case "choice":
        return combo(key.choices);
      case "boolean":
        return combo(Arrays.asList("true", "false"));
      case "file":
        return withBrowseButton();
      default:
        return text;
    }
  }

  boolean isShort() {
    return SHORT.contains(key.type) && !Spec.isMessageText(key.name);
  }

  void clear() {
    show("");
  }

  /** What the field holds, "" if nothing. */
  String value() {
    return text.getText();
  }

  /** Whether its own value counts, not what is inherited or built in. */
  boolean isSet() {
    String value = value();
    return !(Spec.isMessageText(key.name) ? value : value.trim()).isEmpty();
  }

  /** Has this called, on the event thread, whenever the value may have changed. */
  void onChange(Runnable changed) {
    text.getDocument()
        .addDocumentListener(
            new DocumentListener() {
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
                // Only of styled texts.
              }
            });
  }

  @Override
  public void updateElement(TestElement element) {
    String value = text.getText();
    if (value.isEmpty()) {
      element.removeProperty(key.name);
    } else {
      element.setProperty(key.name, value);
    }
  }

  @Override
  public void updateUi(TestElement element) {
    show(element.getPropertyAsString(key.name, ""));
  }

  private void show(String value) {
    if (component instanceof JComboBox) {
      // Its own idea of what is chosen must follow, else choosing that again does nothing.
      ((JComboBox<?>) component).setSelectedItem(value);
    }
    text.setText(value);
    text.setCaretPosition(0);
  }

  private JComponent combo(List<String> choices) {
    JComboBox<String> combo = new JComboBox<>();
    combo.setEditor(
        new BasicComboBoxEditor() {
          @Override
          protected JTextField createEditorComponent() {
            return (JTextField) text;
          }
        });
    text.setBorder(BorderFactory.createEmptyBorder(0, 2, 0, 2)); // the box draws one already
    combo.setEditable(true);
    combo.addItem(""); // back to the default
    choices.forEach(combo::addItem);
    combo.setMaximumRowCount(choices.size() + 1);
    ListCellRenderer<? super String> renderer = combo.getRenderer();
    String unset = Messages.get("tooltip.default") + ": " + key.defaultText;
    combo.setRenderer(
        (list, value, index, selected, focused) ->
            renderer.getListCellRendererComponent(
                list, "".equals(value) ? unset : value, index, selected, focused));
    return combo;
  }

  private JComponent withBrowseButton() {
    JButton browse = new JButton(Messages.get("browse"));
    browse.addActionListener(
        event -> {
          JFileChooser chooser = FileDialoger.promptToOpenFile();
          if (chooser != null && chooser.getSelectedFile() != null) {
            text.setText(chooser.getSelectedFile().getPath());
          }
        });
    JPanel panel = new JPanel(new BorderLayout(5, 0));
    panel.add(text, BorderLayout.CENTER);
    panel.add(browse, BorderLayout.EAST);
    return panel;
  }

  private String tooltip() {
    String allowed =
        key.choices.isEmpty()
            ? Messages.getOrEmpty("allowed." + key.type)
            : key.choices.stream().collect(Collectors.joining(", "));
    String ifUnset = key.defaultText.isEmpty() ? Messages.get("tooltip.none") : key.defaultText;
    StringBuilder html = new StringBuilder("<html><body style='width: 300px'>");
    html.append(escape(key.help)).append("<br>");
    line(html, "tooltip.default", ifUnset);
    if (!allowed.isEmpty()) {
      line(html, "tooltip.allowed", allowed);
    }
    line(html, "tooltip.property", key.name);
    return html.append("</body></html>").toString();
  }

  private static void line(StringBuilder html, String title, String text) {
    html.append("<br>").append(Messages.get(title)).append(": ").append(escape(text));
  }

  private static String escape(String text) {
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
  }
}
