package io.github.wsbackoff.gui;

import java.awt.Dimension;
import java.util.List;
import java.util.function.IntSupplier;
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
  private final transient IntSupplier labelWidth;
  private final ReadText wrong = new ReadText();

  /** What the columns were made for. */
  private int fitted = -1;

  /**
   * Lays out fields.
   *
   * @param labelWidth of the column of labels, the same in all grids of a panel; asked anew
   *     whenever they are laid out, as JMeter's zoom makes all texts larger
   */
  FieldGrid(List<PropertyField> fields, IntSupplier labelWidth) {
    super(new MigLayout("fillx, insets 4 6 6 6, hidemode 3"));
    this.fields = fields;
    this.labelWidth = labelWidth;
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

  private void fit() {
    int width = labelWidth.getAsInt();
    if (width != fitted) {
      fitted = width;
      String pair = "[" + width + "!]rel[fill,grow,sizegroup fields,90::]";
      ((MigLayout) getLayout()).setColumnConstraints(pair + "16" + pair);
    }
  }

  @Override
  public Dimension getPreferredSize() {
    fit();
    return super.getPreferredSize();
  }

  @Override
  public Dimension getMinimumSize() {
    fit();
    return super.getMinimumSize();
  }

  @Override
  public void doLayout() {
    fit();
    super.doLayout();
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
