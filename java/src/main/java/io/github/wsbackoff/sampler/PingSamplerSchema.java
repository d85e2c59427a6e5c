package io.github.wsbackoff.sampler;

/** The properties of {@link PingSampler} as JMeter's schema. */
public final class PingSamplerSchema extends AbstractSamplerSchema {
  /** The shared instance. */
  public static final PingSamplerSchema INSTANCE = new PingSamplerSchema();

  private PingSamplerSchema() {
    super(PingSampler.class);
  }
}
