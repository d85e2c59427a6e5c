package io.github.wsbackoff.visualizers;

import io.github.wsbackoff.element.Element;
import org.apache.jmeter.engine.util.NoThreadClone;
import org.apache.jmeter.samplers.Clearable;
import org.apache.jmeter.samplers.Remoteable;
import org.apache.jmeter.testelement.AbstractTestElement;
import org.apache.jmeter.testelement.TestStateListener;

/**
 * Has a panel that shows how the connects of a test get on. It takes no samples: the native part
 * counts, and the panel asks it. All that the element sees of a test is whether it runs here or on
 * remote servers, whose native parts this JVM cannot ask; so it stays here in a remote test.
 */
public class ConnectsListener extends AbstractTestElement
    implements Element, TestStateListener, Remoteable, NoThreadClone, Clearable {
  private static final long serialVersionUID = 1L;

  private static volatile boolean remote;

  /** Whether the test that runs, or that ran last, is one of remote servers. */
  public static boolean isRemote() {
    return remote;
  }

  @Override
  public void testStarted() {
    remote = false;
  }

  @Override
  public void testStarted(String host) {
    remote = true;
  }

  @Override
  public void testEnded() {
    // Its figures stay.
  }

  @Override
  public void testEnded(String host) {
    // Its servers say the same each.
  }

  /** JMeter clears the panels of elements that can be cleared. */
  @Override
  public void clearData() {
    // The element holds nothing.
  }
}
