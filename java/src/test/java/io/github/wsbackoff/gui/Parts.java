package io.github.wsbackoff.gui;

import java.awt.Component;
import java.awt.Container;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import javax.swing.text.JTextComponent;

/** The components of a panel, for tests that look at them. */
final class Parts {
  private Parts() {}

  /** All of a kind, in the order in which they were added. */
  static <T> List<T> of(Container parent, Class<T> kind) {
    List<T> found = new ArrayList<>();
    walk(
        parent,
        part -> {
          if (kind.isInstance(part)) {
            found.add(kind.cast(part));
          }
        });
    return found;
  }

  /** The field of a property. */
  static JTextComponent field(Container panel, String key) {
    return of(panel, JTextComponent.class).stream()
        .filter(field -> key.equals(field.getName()))
        .findFirst()
        .orElseThrow(() -> new AssertionError(key));
  }

  private static void walk(Container parent, Consumer<Component> visit) {
    for (Component child : parent.getComponents()) {
      visit.accept(child);
      if (child instanceof Container) {
        walk((Container) child, visit);
      }
    }
  }

  /** Opens every section. */
  static void openAll(Container panel) {
    of(panel, FoldedHeader.class).forEach(header -> header.setSelected(true));
  }

  /** Whether one sees a part: neither it nor what it stands in is hidden. */
  static boolean isVisible(Container part, Container panel) {
    for (Container at = part; at != panel; at = at.getParent()) {
      if (!at.isVisible()) {
        return false;
      }
    }
    return true;
  }

  /** What a shown window does by itself: a text knows its height only once it has its width. */
  static void settle(Container window) {
    for (int pass = 0; pass < 3; pass++) {
      invalidateAll(window);
      layOut(window);
    }
  }

  private static void invalidateAll(Container container) {
    for (Component child : container.getComponents()) {
      if (child instanceof Container) {
        invalidateAll((Container) child);
      }
    }
    container.invalidate();
  }

  private static void layOut(Container container) {
    container.doLayout();
    for (Component child : container.getComponents()) {
      if (child instanceof Container) {
        layOut((Container) child);
      }
    }
  }
}
