package io.github.wsbackoff.gui;

import io.github.wsbackoff.sampler.ConnectSampler;
import java.awt.BorderLayout;
import java.awt.Dimension;
import java.awt.Rectangle;
import java.util.Map;
import javax.swing.Scrollable;
import org.apache.jmeter.samplers.gui.AbstractSamplerGui;
import org.apache.jmeter.testelement.TestElement;

/**
 * The panel of {@link ConnectSampler}. Needs no native library. JMeter makes one when it starts,
 * and an exception here would take down all of its menus.
 */
public class ConnectSamplerGui extends AbstractSamplerGui implements Scrollable {
  private static final long serialVersionUID = 1L;

  private final PropertyPanel properties;

  /** Lays out the panel. */
  public ConnectSamplerGui() {
    setLayout(new BorderLayout(0, 5));
    setBorder(makeBorder());
    add(makeTitlePanel(), BorderLayout.NORTH);
    properties = new PropertyPanel(ConnectSampler.class.getSimpleName());
    add(properties, BorderLayout.CENTER);
    bindingGroup.add(properties);
  }

  @Override
  public String getStaticLabel() {
    return Messages.get("connect.title"); // called before this class has fields
  }

  @Override
  public String getLabelResource() {
    return getClass().getSimpleName();
  }

  @Override
  public String getDocAnchor() {
    return getStaticLabel().replace(' ', '_');
  }

  @Override
  public TestElement makeTestElement() {
    return new ConnectSampler();
  }

  @Override
  public void modifyTestElement(TestElement element) {
    // JMeter empties the element first; what a newer version stored must survive an older panel.
    Map<String, String> notShown = properties.notShown(element);
    super.modifyTestElement(element);
    notShown.forEach(element::setProperty);
  }

  @Override
  public void clearGui() {
    super.clearGui();
    properties.clear();
  }

  // ---- JMeter scrolls its panels by a pixel a step, and to the side rather than narrow a field

  @Override
  public Dimension getPreferredScrollableViewportSize() {
    return getPreferredSize();
  }

  @Override
  public int getScrollableUnitIncrement(Rectangle visible, int orientation, int direction) {
    return getFontMetrics(getFont()).getHeight();
  }

  @Override
  public int getScrollableBlockIncrement(Rectangle visible, int orientation, int direction) {
    return visible.height;
  }

  @Override
  public boolean getScrollableTracksViewportWidth() {
    return getParent() != null && getParent().getWidth() >= getMinimumSize().width;
  }

  @Override
  public boolean getScrollableTracksViewportHeight() {
    return getParent() != null && getParent().getHeight() >= getPreferredSize().height;
  }
}
