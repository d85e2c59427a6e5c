package io.github.wsbackoff.sampler;

import org.apache.jmeter.testelement.schema.PropertiesAccessor;

/** Sends one message; the sample ends when it has left. */
public class SendSampler extends AbstractMessageSampler {
  private static final long serialVersionUID = 1L;

  /** Without properties: all is inherited, or as built in. */
  public SendSampler() {
    super(SendSampler.class);
  }

  @Override
  public SendSamplerSchema getSchema() {
    return SendSamplerSchema.INSTANCE;
  }

  @Override
  public PropertiesAccessor<? extends SendSampler, ? extends SendSamplerSchema> getProps() {
    return new PropertiesAccessor<>(this, getSchema());
  }
}
