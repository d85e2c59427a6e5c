package io.github.wsbackoff.dsl;

import java.util.function.Supplier;
import org.apache.jmeter.gui.JMeterGUIComponent;
import org.apache.jmeter.samplers.Sampler;
import org.apache.jmeter.testelement.TestElement;
import us.abstracta.jmeter.javadsl.core.samplers.BaseSampler;

/**
 * What all samplers of this module share.
 *
 * @param <T> the sampler
 */
public abstract class WsSampler<T extends WsSampler<T>> extends BaseSampler<T>
    implements Settings<T> {
  private final Supplier<? extends Sampler> maker;
  private final Properties properties;

  /**
   * @param name "" for that of the panel
   */
  WsSampler(
      String name, Supplier<? extends Sampler> maker, Class<? extends JMeterGUIComponent> panel) {
    super(Properties.name(name, panel), panel);
    this.maker = maker;
    properties = Properties.of(maker.get(), panel);
  }

  @Override
  @SuppressWarnings("unchecked") // T is this class
  public T set(String key, String value) {
    properties.set(key, value);
    return (T) this;
  }

  @Override
  protected TestElement buildTestElement() {
    return properties.fill(maker.get());
  }
}
