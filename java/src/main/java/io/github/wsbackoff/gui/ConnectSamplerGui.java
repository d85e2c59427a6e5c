package io.github.wsbackoff.gui;

import io.github.wsbackoff.sampler.ConnectSampler;

/** The panel of {@link ConnectSampler}. */
public class ConnectSamplerGui extends AbstractWebSocketSamplerGui {
  private static final long serialVersionUID = 1L;

  /** Lays out the panel. */
  public ConnectSamplerGui() {
    super(ConnectSampler.class, ConnectSampler::new);
  }
}
