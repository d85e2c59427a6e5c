package io.github.wsbackoff.sampler;

/** The properties of {@link ConnectSampler} as JMeter's schema. */
public final class ConnectSamplerSchema extends AbstractSamplerSchema {
  /** The shared instance. */
  public static final ConnectSamplerSchema INSTANCE = new ConnectSamplerSchema();

  private ConnectSamplerSchema() {
    super(ConnectSampler.class);
  }
}
