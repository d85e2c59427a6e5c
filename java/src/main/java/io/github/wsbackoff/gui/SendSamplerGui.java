package io.github.wsbackoff.gui;

import io.github.wsbackoff.sampler.SendSampler;

/** The panel of {@link SendSampler}. */
public class SendSamplerGui extends AbstractWebSocketSamplerGui {
  private static final long serialVersionUID = 1L;

  /** Lays out the panel. */
  public SendSamplerGui() {
    super(SendSampler.class, SendSampler::new);
  }
}
