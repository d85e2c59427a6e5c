import io.github.wsbackoff.gui.SendSamplerGui;
import io.github.wsbackoff.sampler.SendSampler;
import java.awt.Component;
import java.awt.Container;
import java.lang.reflect.InvocationTargetException;
import java.util.Locale;
import javax.swing.JFrame;
import javax.swing.SwingUtilities;
import org.apache.jmeter.gui.util.JSyntaxTextArea;
import org.apache.jmeter.util.JMeterUtils;

/**
 * The payload of a Send in JMeter's editor, which there is only on a screen: opens the panel in a
 * window and works in it as a person does. The home is the argument; ends with an error at the
 * first thing that is not as it should be.
 */
public final class PayloadEditor {
  private static final String KEY = "wsb.payload";

  private final SendSamplerGui panel = new SendSamplerGui();
  private final JSyntaxTextArea editor;

  private PayloadEditor() {
    JFrame window = new JFrame("Payload");
    window.add(panel);
    window.setSize(900, 700);
    window.setVisible(true);
    editor = find(panel);
    check("an editor on a screen", true, editor != null && editor.isShowing());
  }

  public static void main(String[] arguments) throws Exception {
    JMeterUtils.setJMeterHome(arguments[0]);
    JMeterUtils.loadJMeterProperties(arguments[0] + "/bin/jmeter.properties");
    JMeterUtils.setLocale(Locale.ENGLISH);
    int status = 0;
    try {
      SwingUtilities.invokeAndWait(() -> new PayloadEditor().work());
    } catch (InvocationTargetException e) {
      e.getCause().printStackTrace();
      status = 1;
    }
    System.exit(status); // the window is open
  }

  private void work() {
    show("{\"a\": 1}", "text");
    check("the plan's text", "{\"a\": 1}", editor.getText());
    check("its colours", "text/javascript", editor.getSyntaxEditingStyle());
    check("nothing to undo in a text that nobody wrote", false, editor.canUndo());
    editor.append("\n");
    check("what is written", "{\"a\": 1}\n", stored());
    editor.undoLastAction();
    check("what is undone", "{\"a\": 1}", stored());
    show("<a/>", "text");
    check("another element's colours", "text/xml", editor.getSyntaxEditingStyle());
    check("another element's text cannot be undone into this one's", false, editor.canUndo());
    show("", "file");
    check("it can be edited where a file counts", false, editor.isEnabled());
    show("", "text");
    check("the text of an element without one", "", editor.getText());
    check("it can be edited again", true, editor.isEnabled());
  }

  private void show(String payload, String type) {
    SendSampler element = new SendSampler();
    element.setProperty(KEY, payload);
    element.setProperty("wsb.payloadType", type);
    panel.configure(element);
  }

  private String stored() {
    SendSampler element = new SendSampler();
    panel.modifyTestElement(element);
    return element.getPropertyAsString(KEY);
  }

  private static void check(String what, Object wanted, Object found) {
    if (!wanted.equals(found)) {
      throw new AssertionError(what + ": " + found + " in place of " + wanted);
    }
  }

  private static JSyntaxTextArea find(Container within) {
    for (Component each : within.getComponents()) {
      if (each instanceof JSyntaxTextArea) {
        return (JSyntaxTextArea) each;
      }
      JSyntaxTextArea found = each instanceof Container ? find((Container) each) : null;
      if (found != null) {
        return found;
      }
    }
    return null;
  }
}
