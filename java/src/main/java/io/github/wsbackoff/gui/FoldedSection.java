package io.github.wsbackoff.gui;

import java.text.MessageFormat;
import java.util.List;
import javax.swing.JComponent;
import javax.swing.JPanel;
import net.miginfocom.swing.MigLayout;

/**
 * Fields below a header that opens and closes them; the header says how many of them are set.
 * Closed fields keep what they hold.
 */
final class FoldedSection extends JPanel {
  private static final long serialVersionUID = 1L;

  private final String title;
  private final transient List<PropertyField> fields;
  private final FoldedHeader header = new FoldedHeader();
  private final JComponent body;

  /**
   * A closed one.
   *
   * @param id lets tests and screen tools find it
   * @param body where the fields stand
   */
  FoldedSection(String id, String title, List<PropertyField> fields, JComponent body) {
    super(new MigLayout("fillx, wrap 1, insets 0, gapy 0, hidemode 3", "[fill,grow]"));
    this.title = title;
    this.fields = fields;
    this.body = body;
    setName("section." + id);
    add(header, "wmin 0");
    add(body, "gapx 4 4"); // as far in as the fields in a titled frame
    header.addItemListener(event -> showBody());
    fields.forEach(field -> field.onChange(this::count));
    count();
    showBody();
  }

  /** Opens it if something in it is set, else closes it. */
  void showWhatIsSet() {
    header.setSelected(set() > 0);
  }

  private void showBody() {
    body.setVisible(header.isSelected());
    revalidate();
  }

  private long set() {
    return fields.stream().filter(PropertyField::isSet).count();
  }

  private void count() {
    long set = set();
    long wrong = fields.stream().filter(PropertyField::isWrong).count();
    String text = wrong > 0 ? "section.wrong" : "section.set";
    header.setText(set == 0 ? title : MessageFormat.format(Messages.get(text), title, set, wrong));
  }
}
