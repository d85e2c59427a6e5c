package io.github.wsbackoff.gui;

import io.github.wsbackoff.core.Spec;
import java.awt.BorderLayout;
import java.awt.Color;
import java.awt.Component;
import java.awt.KeyboardFocusManager;
import java.text.MessageFormat;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import javax.swing.JButton;
import javax.swing.JComboBox;
import javax.swing.JComponent;
import javax.swing.JFileChooser;
import javax.swing.JLabel;
import javax.swing.JPanel;
import javax.swing.JTextField;
import javax.swing.ListCellRenderer;
import javax.swing.SwingUtilities;
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

  private static final String PAYLOAD = "wsb.payload";

  /** A sentence of more letters needs a line of its own. */
  private static final int LONGEST_SHORT = 24;

  private static final int COLUMNS = 9;
  private static final int ROWS = 5;

  private final Spec.Key key;
  private final String element;
  private final JLabel label;

  /**
   * What the plan has, and how it is shown: that is kept to the letter until somebody changes it.
   */
  private String shownValue = "";

  private String shownText = "";

  /** When it means something; null: always. */
  private final Relevance relevance;

  /** What counts while nothing is set here; null: what is built in. */
  private Scope.Inherited inherited;

  private final JTextComponent text;
  private final JComponent component;

  /**
   * An empty field.
   *
   * @param element simple class name of the element whose property it is
   */
  PropertyField(Spec.Key key, String element) {
    this.key = key;
    this.element = element;
    relevance = Relevance.of(key.name, element);
    label = new JLabel(Wording.label(key));
    text = Spec.isMessageText(key.name) ? new HintArea(ROWS, COLUMNS) : new HintField(COLUMNS);
    component = build();
    inherit(null);
    onChange(this::colour);
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

  /** When it means something; null: always. */
  Relevance relevance() {
    return relevance;
  }

  JComponent component() {
    return component;
  }

  private JComponent build() {
    if (text instanceof HintArea) {
      HintArea area = (HintArea) text;
      return key.name.equals(PAYLOAD) ? new PayloadPane(area) : new FramedPane(area);
    }
    switch (key.type) {
      case "choice":
      case "boolean":
        return combo();
      case "file":
        return withBrowseButton();
      default:
        return text;
    }
  }

  boolean isShort() {
    return SHORT.contains(key.type)
        && !Spec.isMessageText(key.name)
        && Wording.words(key).stream()
            .allMatch(word -> Wording.spoken(key, word).length() <= LONGEST_SHORT);
  }

  void clear() {
    show("");
  }

  /** What the field holds, as a plan stores it; "" if nothing. */
  String value() {
    String now = text.getText();
    return now.equals(shownText) ? shownValue : Wording.stored(key, now);
  }

  /** What counts of all that the plan says: its own value, else the inherited one, else "". */
  String valueInForce() {
    return isSet() || inherited == null ? value() : inherited.value;
  }

  /** What counts in the end: as before, else what is built in. */
  String textInForce() {
    String value = valueInForce();
    return Spec.isSet(key.name, value) ? value : Spec.get().defaultOf(key.name);
  }

  /** Whether its own value counts, not what is inherited or built in. */
  boolean isSet() {
    return Spec.isSet(key.name, value());
  }

  /**
   * Shows in grey what counts while nothing is set here.
   *
   * @param inherited what another element sets; null: what is built in counts
   */
  void inherit(Scope.Inherited inherited) {
    this.inherited = inherited;
    String special = Messages.getOrEmpty("default." + element + "." + key.name);
    String builtIn = Wording.spoken(key, special.isEmpty() ? key.defaultText : special);
    ((Hinted) text)
        .setHint(
            inherited == null
                ? builtIn
                : MessageFormat.format(
                    Messages.get("hint.from"),
                    Wording.spoken(key, inherited.value),
                    inherited.from));
  }

  /** Whether it holds what cannot be. */
  boolean isWrong() {
    return FieldCheck.isWrong(key, value());
  }

  /**
   * What is wrong with what the field holds, with its label and its key; "" if nothing is known.
   */
  String problem() {
    return isWrong()
        ? MessageFormat.format(Messages.get("wrong"), key.label, key.name, value(), allowed())
        : "";
  }

  private void colour() {
    Color normal = new JTextField().getForeground();
    text.setForeground(isWrong() ? ReadText.warning(normal) : normal);
  }

  /**
   * Whether it means anything as the other fields are. One that holds something, or is being
   * edited, can be edited all the same: the sample refuses what is wrong in it.
   */
  void setRelevant(boolean means) {
    boolean relevant = means || isSet() || isEdited();
    label.setEnabled(relevant);
    text.setEnabled(relevant);
    component.setEnabled(relevant);
    for (Component part : component.getComponents()) {
      part.setEnabled(relevant);
    }
  }

  private boolean isEdited() {
    Component focused = KeyboardFocusManager.getCurrentKeyboardFocusManager().getFocusOwner();
    return focused != null && SwingUtilities.isDescendingFrom(focused, component);
  }

  /** Has this called, on the event thread, whenever the value may have changed. */
  void onChange(Runnable changed) {
    TextChanges.tell(text, changed);
  }

  @Override
  public void updateElement(TestElement element) {
    String value = value();
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
    shownValue = value;
    shownText = Wording.words(key).contains(value) ? Wording.spoken(key, value) : value;
    if (component instanceof JComboBox) {
      // Its own idea of what is chosen must follow, else choosing that again does nothing.
      ((JComboBox<?>) component).setSelectedItem(shownText);
    }
    text.setText(shownText);
    shownText = text.getText(); // a field of one line has blanks for the ends of lines
    text.setCaretPosition(0);
  }

  private JComponent combo() {
    List<String> sentences =
        Wording.words(key).stream()
            .map(word -> Wording.spoken(key, word))
            .collect(Collectors.toList());
    JComboBox<String> combo = new JComboBox<>();
    combo.setEditable(true);
    // Some looks draw a frame around the whole list, others around its text.
    text.setBorder(((JComponent) combo.getEditor().getEditorComponent()).getBorder());
    combo.setEditor(
        new BasicComboBoxEditor() {
          @Override
          protected JTextField createEditorComponent() {
            return (JTextField) text;
          }
        });
    combo.addItem(""); // back to the default
    sentences.forEach(combo::addItem);
    combo.setPrototypeDisplayValue(""); // sentences are not to widen the panel
    combo.setMaximumRowCount(sentences.size() + 1);
    ListCellRenderer<? super String> renderer = combo.getRenderer();
    combo.setRenderer(
        (list, value, index, selected, focused) ->
            renderer.getListCellRendererComponent(
                list, "".equals(value) ? unset() : value, index, selected, focused));
    return combo;
  }

  /** The first item of a list: what counts when nothing is chosen. */
  private String unset() {
    return MessageFormat.format(Messages.get("choice.unset"), ((Hinted) text).hint());
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
    String ifUnset = key.defaultText.isEmpty() ? Messages.get("tooltip.none") : key.defaultText;
    StringBuilder html = new StringBuilder("<html><body style='width: 300px'>");
    html.append(escape(key.help)).append("<br>");
    line(html, "tooltip.default", ifUnset);
    String allowed = allowed();
    if (!allowed.isEmpty()) {
      line(html, "tooltip.allowed", allowed);
    }
    if (relevance != null) {
      line(html, "tooltip.only", relevance.decider + " = " + String.join(", ", relevance.values));
    }
    line(html, "tooltip.property", key.name);
    return html.append("</body></html>").toString();
  }

  /** What may stand here, as a plan stores it; "" if anything may. */
  private String allowed() {
    String own = Messages.getOrEmpty("allowed." + key.name);
    String shape = own.isEmpty() ? Messages.getOrEmpty("allowed." + key.type) : own;
    return key.choices.isEmpty() ? shape : String.join(", ", key.choices);
  }

  private static void line(StringBuilder html, String title, String text) {
    html.append("<br>").append(Messages.get(title)).append(": ").append(escape(text));
  }

  private static String escape(String text) {
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
  }
}
