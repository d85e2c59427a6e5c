package io.github.wsbackoff.gui;

import io.github.wsbackoff.sampler.ExchangeSampler;
import org.apache.jmeter.testelement.TestElement;

/** The panel of {@link ExchangeSampler}. */
public class ExchangeSamplerGui extends AbstractWebSocketSamplerGui {
  private static final long serialVersionUID = 1L;

  /** Lays out the panel. */
  public ExchangeSamplerGui() {
    super(ExchangeSampler.class);
  }

  @Override
  public TestElement makeTestElement() {
    return new ExchangeSampler();
  }
}
