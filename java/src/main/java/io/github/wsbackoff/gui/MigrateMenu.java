package io.github.wsbackoff.gui;

import javax.swing.JMenu;
import javax.swing.JMenuItem;
import javax.swing.MenuElement;
import org.apache.jmeter.gui.action.ActionRouter;
import org.apache.jmeter.gui.plugin.MenuCreator;

/** The line <i>wsb - Migrate this plan</i> in JMeter's menu <i>Tools</i>. */
public final class MigrateMenu implements MenuCreator {
  @Override
  public JMenuItem[] getMenuItemsAtLocation(MENU_LOCATION location) {
    if (location != MENU_LOCATION.TOOLS) {
      return new JMenuItem[0];
    }
    JMenuItem item = new JMenuItem(Messages.get("migrate.menu"));
    item.setToolTipText(Messages.get("migrate.tooltip"));
    item.setActionCommand(MigrateAction.MIGRATE);
    item.addActionListener(ActionRouter.getInstance());
    return new JMenuItem[] {item};
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
