package io.github.wsbackoff.sampler;

/** The properties of {@link CloseSampler} as JMeter's schema. */
public final class CloseSamplerSchema extends AbstractSamplerSchema {
  /** The shared instance. */
  public static final CloseSamplerSchema INSTANCE = new CloseSamplerSchema();

  private CloseSamplerSchema() {
    super(CloseSampler.class);
  }
}
