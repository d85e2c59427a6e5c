package io.github.wsbackoff.gui;

import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import javax.swing.BorderFactory;
import javax.swing.JButton;
import javax.swing.JLabel;
import javax.swing.JPanel;
import javax.swing.JTextField;
import net.miginfocom.swing.MigLayout;

/**
 * Properties of ours that an element has and this version does not know, as a newer one may have
 * written them: to be seen, since samples refuse them, and to be removed one by one.
 */
final class UnknownKeys extends JPanel {
  private static final long serialVersionUID = 1L;

  private final Set<String> removed = new HashSet<>();

  UnknownKeys() {
    super(new MigLayout("fillx, wrap 3, insets 4 6 6 6, hidemode 3", "[]rel[fill,grow]rel[]"));
    setBorder(BorderFactory.createTitledBorder(Messages.get("unknown.title")));
    setVisible(false);
  }

  /** Shows those of another element, or of the same one anew. */
  void show(Map<String, String> properties) {
    removed.clear();
    removeAll();
    if (!properties.isEmpty()) {
      add(new NoteText(Messages.get("unknown.note")), "span 3, growx, wmin 0");
    }
    properties.forEach(this::addRow);
    setVisible(!properties.isEmpty());
    revalidate();
  }

  private void addRow(String key, String value) {
    JLabel label = new JLabel(key);
    JTextField field = new JTextField(value);
    field.setEditable(false);
    field.setToolTipText(value);
    label.setLabelFor(field);
    JButton remove = new JButton(Messages.get("unknown.remove"));
    remove.setName("remove." + key);
    remove.setToolTipText(Messages.get("unknown.tooltip"));
    remove.addActionListener(
        event -> {
          removed.add(key);
          label.setVisible(false);
          field.setVisible(false);
          remove.setVisible(false);
        });
    add(label);
    add(field, "wmin 90");
    add(remove);
  }

  /** Whether somebody has removed it. */
  boolean isRemoved(String key) {
    return removed.contains(key);
  }
}
