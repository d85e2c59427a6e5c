package io.github.wsbackoff.gui;

import java.util.List;
import java.util.stream.Collectors;
import javax.swing.JPanel;
import net.miginfocom.swing.MigLayout;

/**
 * Fields in two columns, and below them what is wrong with those that hold what cannot be. Short
 * fields stand two in a line, long ones have a line of their own.
 */
final class FieldGrid extends JPanel {
  private static final long serialVersionUID = 1L;

  private final transient List<PropertyField> fields;
  private final ReadText wrong = new ReadText();

  FieldGrid(List<PropertyField> fields, int labelWidth) {
    super(new MigLayout("fillx, insets 4 6 6 6, hidemode 3", columns(labelWidth)));
    this.fields = fields;
    boolean lineOpen = false;
    for (PropertyField field : fields) {
      boolean beside = lineOpen && field.isShort();
      add(field.label(), beside ? "" : "newline");
      add(field.component(), field.isShort() ? "wmin 90" : "wmin 90, span 3, growx");
      lineOpen = field.isShort() && !beside;
      field.onChange(this::check);
    }
    wrong.setName("wrong");
    wrong.setVisible(false);
    add(wrong, "newline, span 4, growx, width 0:200:");
  }

  private static String columns(int labelWidth) {
    String pair = "[" + labelWidth + "!]rel[fill,grow,sizegroup fields,90::]";
    return pair + "16" + pair;
  }

  private void check() {
    String all =
        fields.stream()
            .map(PropertyField::problem)
            .filter(problem -> !problem.isEmpty())
            .collect(Collectors.joining("\n"));
    if (!all.equals(wrong.getText())) {
      wrong.warn(all);
      wrong.setVisible(!all.isEmpty());
      revalidate();
    }
  }
}
