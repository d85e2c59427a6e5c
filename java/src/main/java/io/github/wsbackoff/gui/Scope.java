package io.github.wsbackoff.gui;

import io.github.wsbackoff.config.WebSocketDefaults;
import io.github.wsbackoff.core.Spec;
import java.util.Collections;
import java.util.Enumeration;
import java.util.LinkedHashMap;
import java.util.Map;
import javax.swing.tree.TreeNode;
import org.apache.jmeter.gui.GuiPackage;
import org.apache.jmeter.gui.tree.JMeterTreeNode;
import org.apache.jmeter.testelement.TestElement;

/** What the element whose panel is shown takes from the plan around it. */
final class Scope {
  private Scope() {}

  /**
   * The properties that hold for the element of the open panel where it sets none: those of the
   * {@code wsb - Defaults} in its scope, the nearest first. To be called on the event thread.
   */
  static Map<String, String> inherited() {
    GuiPackage gui = GuiPackage.getInstance();
    return gui == null ? Collections.emptyMap() : inherited(gui.getCurrentNode());
  }

  static Map<String, String> inherited(JMeterTreeNode node) {
    Map<String, String> values = new LinkedHashMap<>();
    if (node == null) {
      return values;
    }
    // What stands beside a defaults element is not above it.
    boolean isDefaults = node.getTestElement() instanceof WebSocketDefaults;
    TreeNode level = isDefaults && node.getParent() != null ? node.getParent().getParent() : node;
    for (; level != null; level = level.getParent()) {
      for (Enumeration<?> children = level.children(); children.hasMoreElements(); ) {
        JMeterTreeNode child = (JMeterTreeNode) children.nextElement();
        if (child.isEnabled() && child.getTestElement() instanceof WebSocketDefaults) {
          take(child.getTestElement(), values);
        }
      }
    }
    return values;
  }

  private static void take(TestElement defaults, Map<String, String> values) {
    for (Spec.Key key : Spec.get().keysOf(WebSocketDefaults.class.getSimpleName())) {
      String value = defaults.getPropertyAsString(key.name, "");
      if (!value.isEmpty()) {
        values.putIfAbsent(key.name, value);
      }
    }
  }
}
