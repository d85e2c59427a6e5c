package io.github.wsbackoff.gui;

import io.github.wsbackoff.sampler.CloseSampler;

/** The panel of {@link CloseSampler}. */
public class CloseSamplerGui extends AbstractWebSocketSamplerGui {
  private static final long serialVersionUID = 1L;

  /** Lays out the panel. */
  public CloseSamplerGui() {
    super(CloseSampler.class, CloseSampler::new);
  }
}
