package io.github.wsbackoff.gui;

import io.github.wsbackoff.sampler.ConnectSampler;
import org.apache.jmeter.testelement.TestElement;

/** The panel of {@link ConnectSampler}. */
public class ConnectSamplerGui extends AbstractWebSocketSamplerGui {
  private static final long serialVersionUID = 1L;

  /** Lays out the panel. */
  public ConnectSamplerGui() {
    super(ConnectSampler.class);
  }

  @Override
  public TestElement makeTestElement() {
    return new ConnectSampler();
  }
}
