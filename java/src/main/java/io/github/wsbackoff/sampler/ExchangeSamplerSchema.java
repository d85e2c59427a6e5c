package io.github.wsbackoff.sampler;

/** The properties of {@link ExchangeSampler} as JMeter's schema. */
public final class ExchangeSamplerSchema extends AbstractSamplerSchema {
  /** The shared instance. */
  public static final ExchangeSamplerSchema INSTANCE = new ExchangeSamplerSchema();

  private ExchangeSamplerSchema() {
    super(ExchangeSampler.class);
  }
}
