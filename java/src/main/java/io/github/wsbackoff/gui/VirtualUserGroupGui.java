package io.github.wsbackoff.gui;

import io.github.wsbackoff.threads.VirtualThreads;
import io.github.wsbackoff.threads.VirtualUserGroup;
import java.awt.BorderLayout;
import java.awt.Container;
import javax.swing.JPanel;
import org.apache.jmeter.testelement.TestElement;
import org.apache.jmeter.threads.gui.ThreadGroupGui;

/** The panel of {@link VirtualUserGroup}: JMeter's own of a Thread Group, with a note. */
public class VirtualUserGroupGui extends ThreadGroupGui implements ElementGui {
  private static final long serialVersionUID = 1L;

  @Override
  public TestElement makeTestElement() {
    return new VirtualUserGroup();
  }

  /** Called before this class has fields, as the next one. */
  @Override
  protected Container makeTitlePanel() {
    String remark = VirtualThreads.remark();
    String java = Messages.get("virtual.java") + " " + VirtualThreads.VERSION + ".";
    JPanel panel = new JPanel(new BorderLayout(0, 5));
    panel.add(super.makeTitlePanel(), BorderLayout.NORTH);
    NoteText note =
        new NoteText(
            Messages.get("note.VirtualUserGroup")
                + "<br>"
                + (remark.isEmpty() ? java : "<b>" + remark + "</b>")
                + PanelHelp.link());
    note.onLink(() -> PanelHelp.open(this));
    panel.add(note, BorderLayout.SOUTH);
    PanelHelp.addKeys(this);
    return panel;
  }

  @Override
  public String getStaticLabel() {
    return Messages.title(getClass());
  }

  @Override
  public String getLabelResource() {
    return getClass().getSimpleName();
  }

  @Override
  public String getDocAnchor() {
    return getStaticLabel().replace(' ', '_');
  }
}
