package io.github.wsbackoff.dsl;

import io.github.wsbackoff.gui.PaceTimerGui;
import io.github.wsbackoff.timer.PaceTimer;
import org.apache.jmeter.testelement.TestElement;
import us.abstracta.jmeter.javadsl.core.timers.BaseTimer;

/**
 * <i>Pace Timer (wsb)</i>: samples in its scope wait for their turn at a gate that learns, or at a
 * fixed rate.
 */
public final class WsPace extends BaseTimer implements PaceSettings<WsPace> {
  private final Properties properties = Properties.of(new PaceTimer(), PaceTimerGui.class);

  WsPace(String name) {
    super(Properties.name(name, PaceTimerGui.class), PaceTimerGui.class);
  }

  @Override
  public WsPace set(String key, String value) {
    properties.set(key, value);
    return this;
  }

  @Override
  protected TestElement buildTestElement() {
    return properties.fill(new PaceTimer());
  }
}
