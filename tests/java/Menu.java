import java.awt.Component;
import java.util.Locale;
import javax.swing.JMenu;
import javax.swing.JMenuItem;
import org.apache.jmeter.gui.util.MenuFactory;
import org.apache.jmeter.util.JMeterUtils;

/**
 * Prints what JMeter offers in its menus, "category, label, class of the panel" with tabs between
 * them, as it finds it by itself in the home that is the argument. No window is opened.
 */
public final class Menu {
  private static final String[] CATEGORIES = {
    MenuFactory.THREADS,
    MenuFactory.SAMPLERS,
    MenuFactory.CONFIG_ELEMENTS,
    MenuFactory.CONTROLLERS,
    MenuFactory.TIMERS,
    MenuFactory.PRE_PROCESSORS,
    MenuFactory.POST_PROCESSORS,
    MenuFactory.ASSERTIONS,
    MenuFactory.LISTENERS
  };

  private Menu() {}

  public static void main(String[] arguments) {
    JMeterUtils.setJMeterHome(arguments[0]);
    JMeterUtils.loadJMeterProperties(arguments[0] + "/bin/jmeter.properties");
    JMeterUtils.setLocale(Locale.ENGLISH);
    for (String category : CATEGORIES) {
      JMenu menu = MenuFactory.makeMenu(category, "add");
      for (Component item : menu.getMenuComponents()) {
        if (item instanceof JMenuItem) {
          System.out.println(category + "\t" + ((JMenuItem) item).getText() + "\t" + item.getName());
        }
      }
    }
  }
}
