package io.github.wsbackoff.gui;

import io.github.wsbackoff.sampler.ReceiveSampler;
import org.apache.jmeter.testelement.TestElement;

/** The panel of {@link ReceiveSampler}. */
public class ReceiveSamplerGui extends AbstractWebSocketSamplerGui {
  private static final long serialVersionUID = 1L;

  /** Lays out the panel. */
  public ReceiveSamplerGui() {
    super(ReceiveSampler.class);
  }

  @Override
  public TestElement makeTestElement() {
    return new ReceiveSampler();
  }
}
