package io.github.wsbackoff.gui;

import io.github.wsbackoff.config.WebSocketDefaults;
import io.github.wsbackoff.core.Spec;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Enumeration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import javax.swing.tree.TreeNode;
import org.apache.jmeter.gui.GuiPackage;
import org.apache.jmeter.gui.tree.JMeterTreeNode;
import org.apache.jmeter.testelement.TestElement;

/** What the element whose panel is shown takes from the plan around it. */
final class Scope {
  /** What the names of our elements end with, in the menus and where nobody changes them. */
  private static final String MARK = " (wsb)";

  private Scope() {}

  /** A property that another element sets. */
  static final class Inherited {
    /** As it stands there, variables and all. */
    final String value;

    /** What that element is called in the plan, without the mark of ours: fields are narrow. */
    final String from;

    private Inherited(String value, String from) {
      this.value = value;
      this.from = from.endsWith(MARK) ? from.substring(0, from.length() - MARK.length()) : from;
    }
  }

  /**
   * The properties that hold for an element where it sets none: those of the {@code WebSocket
   * Defaults (wsb)} in its scope, the nearest first, and of several beside each other the upper
   * one, as JMeter does it. Empty for an element that is not in the open plan. To be called on the
   * event thread.
   */
  static Map<String, Inherited> of(TestElement element) {
    GuiPackage gui = GuiPackage.getInstance();
    return gui == null || element == null
        ? Collections.emptyMap()
        : inherited(gui.getTreeModel().getNodeOf(element));
  }

  static Map<String, Inherited> inherited(JMeterTreeNode node) {
    Map<String, Inherited> values = new LinkedHashMap<>();
    if (node == null) {
      return values;
    }
    Spec.Element kind = Spec.get().element(node.getTestElement().getClass().getSimpleName());
    // Beside a defaults element stand those that count for the same elements as it does.
    boolean isDefaults = node.getTestElement() instanceof WebSocketDefaults;
    for (JMeterTreeNode each : around(node, isDefaults ? node.getParent() : node)) {
      if (each.getTestElement() instanceof WebSocketDefaults) {
        take(each, kind, values);
      }
    }
    return values;
  }

  /**
   * The elements that stand where JMeter looks for what counts for an element, the nearest first,
   * of whatever kind. None for an element that is not in the open plan. To be called on the event
   * thread.
   */
  static List<TestElement> elements(TestElement element) {
    GuiPackage gui = GuiPackage.getInstance();
    JMeterTreeNode node =
        gui == null || element == null ? null : gui.getTreeModel().getNodeOf(element);
    return around(node, node).stream()
        .map(JMeterTreeNode::getTestElement)
        .collect(Collectors.toList());
  }

  /** What stands below a level of the tree, and beside it and what it is in, but for a node. */
  private static List<JMeterTreeNode> around(JMeterTreeNode node, TreeNode lowest) {
    List<JMeterTreeNode> all = new ArrayList<>();
    for (TreeNode level = lowest; level != null; level = level.getParent()) {
      for (Enumeration<?> children = level.children(); children.hasMoreElements(); ) {
        JMeterTreeNode child = (JMeterTreeNode) children.nextElement();
        if (child != node && child.isEnabled()) {
          all.add(child);
        }
      }
    }
    return all;
  }

  private static void take(
      JMeterTreeNode defaults, Spec.Element kind, Map<String, Inherited> values) {
    for (Spec.Key key : Spec.get().keysOf(WebSocketDefaults.class.getSimpleName())) {
      String value = defaults.getTestElement().getPropertyAsString(key.name, "");
      if (kind.inherits(key.name) && Spec.isSet(key.name, value)) {
        values.putIfAbsent(key.name, new Inherited(value, defaults.getName()));
      }
    }
  }
}
