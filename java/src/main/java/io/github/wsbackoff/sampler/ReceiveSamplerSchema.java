package io.github.wsbackoff.sampler;

/** The properties of {@link ReceiveSampler} as JMeter's schema. */
public final class ReceiveSamplerSchema extends AbstractSamplerSchema {
  /** The shared instance. */
  public static final ReceiveSamplerSchema INSTANCE = new ReceiveSamplerSchema();

  private ReceiveSamplerSchema() {
    super(ReceiveSampler.class);
  }
}
