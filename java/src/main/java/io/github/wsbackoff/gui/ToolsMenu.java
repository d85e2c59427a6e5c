package io.github.wsbackoff.gui;

import javax.swing.JMenu;
import javax.swing.JMenuItem;
import javax.swing.MenuElement;
import org.apache.jmeter.gui.action.ActionRouter;
import org.apache.jmeter.gui.plugin.MenuCreator;

/**
 * The lines <i>Migrate this plan (wsb)</i> and <i>Import a HAR recording (wsb)</i> in JMeter's menu
 * <i>Tools</i>.
 */
public final class ToolsMenu implements MenuCreator {
  @Override
  public JMenuItem[] getMenuItemsAtLocation(MENU_LOCATION location) {
    if (location != MENU_LOCATION.TOOLS) {
      return new JMenuItem[0];
    }
    return new JMenuItem[] {
      item("migrate", MigrateAction.MIGRATE), item("import", ImportAction.IMPORT)
    };
  }

  private static JMenuItem item(String words, String action) {
    JMenuItem item = new JMenuItem(Messages.get(words + ".menu"));
    item.setToolTipText(Messages.get(words + ".tooltip"));
    item.setActionCommand(action);
    item.addActionListener(ActionRouter.getInstance());
    return item;
  }

  @Override
  public JMenu[] getTopLevelMenus() {
    return new JMenu[0];
  }

  @Override
  public boolean localeChanged(MenuElement menu) {
    return false;
  }

  @Override
  public void localeChanged() {
    // There is one language.
  }
}
