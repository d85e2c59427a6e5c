package io.github.wsbackoff.element;

import java.io.IOException;
import java.io.ObjectOutputStream;
import java.io.Serializable;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;
import org.apache.jmeter.gui.GuiPackage;
import org.apache.jmeter.testelement.TestElement;

/**
 * Which element of the user's plan a running one is: the same for its copies in all threads, on all
 * servers of a remote test, and behind all Module Controllers that name it; another for each
 * element of the plan, whatever it is called. Never part of the plan's file.
 *
 * <p>Copies know what they were made from. What was copied and pasted in JMeter's window does so,
 * too, and is an element of its own: there the search ends at what stands in the window's tree.
 */
public final class Identity implements Serializable {
  private static final long serialVersionUID = 1L;

  private static final AtomicLong LAST = new AtomicLong();

  private final transient TestElement element;
  private final transient Identity original;

  /** What others of that name are told apart by; null until someone asks. */
  private String text;

  private Identity(TestElement element, Identity original) {
    this.element = element;
    this.original = original;
  }

  /** That of an element that is no copy. */
  public static Identity of(TestElement element) {
    return new Identity(element, null);
  }

  /** That of a copy of this one. */
  public Identity ofCopy(TestElement copy) {
    return new Identity(copy, this);
  }

  /** What tells the element from others. The first who asks decides it, when a test starts. */
  public String text() {
    return text(Identity::isInWindow);
  }

  /**
   * As {@link #text()}.
   *
   * @param plan whether an element stands in the plan that is being edited
   */
  synchronized String text(Predicate<TestElement> plan) {
    if (text == null) {
      boolean own = original == null || plan.test(element);
      text = own ? "#" + LAST.incrementAndGet() : original.text(plan);
    }
    return text;
  }

  private static boolean isInWindow(TestElement element) {
    GuiPackage window = GuiPackage.getInstance();
    return window != null && window.getTreeModel().getNodeOf(element) != null;
  }

  /** A plan on its way to remote servers: there nobody knows where it came from. */
  private void writeObject(ObjectOutputStream out) throws IOException {
    text();
    out.defaultWriteObject();
  }
}
