package io.github.wsbackoff.sampler;

/** The properties of {@link SendSampler} as JMeter's schema. */
public final class SendSamplerSchema extends AbstractSamplerSchema {
  /** The shared instance. */
  public static final SendSamplerSchema INSTANCE = new SendSamplerSchema();

  private SendSamplerSchema() {
    super(SendSampler.class);
  }
}
