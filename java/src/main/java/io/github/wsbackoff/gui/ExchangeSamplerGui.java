package io.github.wsbackoff.gui;

import io.github.wsbackoff.sampler.ExchangeSampler;

/** The panel of {@link ExchangeSampler}. */
public class ExchangeSamplerGui extends AbstractWebSocketSamplerGui {
  private static final long serialVersionUID = 1L;

  /** Lays out the panel. */
  public ExchangeSamplerGui() {
    super(ExchangeSampler.class, ExchangeSampler::new);
  }
}
