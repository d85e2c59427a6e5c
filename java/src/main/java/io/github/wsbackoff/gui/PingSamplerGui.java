package io.github.wsbackoff.gui;

import io.github.wsbackoff.sampler.PingSampler;

/** The panel of {@link PingSampler}. */
public class PingSamplerGui extends AbstractWebSocketSamplerGui {
  private static final long serialVersionUID = 1L;

  /** Lays out the panel. */
  public PingSamplerGui() {
    super(PingSampler.class, PingSampler::new);
  }
}
