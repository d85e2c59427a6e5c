package io.github.wsbackoff.gui;

import java.awt.Component;
import java.awt.Dimension;
import java.awt.Rectangle;
import javax.swing.Scrollable;
import org.apache.jmeter.gui.JMeterGUIComponent;

/**
 * What the panels of all elements share. Each extends another class of JMeter's, and what those
 * have already stands in each panel again.
 *
 * <p>JMeter scrolls panels that do not say how by a pixel a step, and to the side rather than
 * narrow a field.
 */
interface ElementGui extends JMeterGUIComponent, Scrollable {
  @Override
  default String getLabelResource() {
    return getClass().getSimpleName();
  }

  @Override
  default Dimension getPreferredScrollableViewportSize() {
    return ((Component) this).getPreferredSize();
  }

  @Override
  default int getScrollableUnitIncrement(Rectangle visible, int orientation, int direction) {
    Component panel = (Component) this;
    return panel.getFontMetrics(panel.getFont()).getHeight();
  }

  @Override
  default int getScrollableBlockIncrement(Rectangle visible, int orientation, int direction) {
    return visible.height;
  }

  /** Fields and notes take the width there is; nothing is to be scrolled sideways. */
  @Override
  default boolean getScrollableTracksViewportWidth() {
    return true;
  }

  @Override
  default boolean getScrollableTracksViewportHeight() {
    Component panel = (Component) this;
    return panel.getParent() != null
        && panel.getParent().getHeight() >= panel.getPreferredSize().height;
  }
}
