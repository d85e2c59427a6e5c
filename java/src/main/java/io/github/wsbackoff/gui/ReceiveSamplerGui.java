package io.github.wsbackoff.gui;

import io.github.wsbackoff.sampler.ReceiveSampler;

/** The panel of {@link ReceiveSampler}. */
public class ReceiveSamplerGui extends AbstractWebSocketSamplerGui {
  private static final long serialVersionUID = 1L;

  /** Lays out the panel. */
  public ReceiveSamplerGui() {
    super(ReceiveSampler.class, ReceiveSampler::new);
  }
}
