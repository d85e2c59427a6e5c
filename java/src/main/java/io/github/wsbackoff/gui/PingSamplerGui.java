package io.github.wsbackoff.gui;

import io.github.wsbackoff.sampler.PingSampler;
import org.apache.jmeter.testelement.TestElement;

/** The panel of {@link PingSampler}. */
public class PingSamplerGui extends AbstractWebSocketSamplerGui {
  private static final long serialVersionUID = 1L;

  /** Lays out the panel. */
  public PingSamplerGui() {
    super(PingSampler.class);
  }

  @Override
  public TestElement makeTestElement() {
    return new PingSampler();
  }
}
