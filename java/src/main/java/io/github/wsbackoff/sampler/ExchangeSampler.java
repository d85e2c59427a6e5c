package io.github.wsbackoff.sampler;

import org.apache.jmeter.testelement.schema.PropertiesAccessor;

/** Sends a message and waits for the answer; many times in one sample if so asked. */
public class ExchangeSampler extends AbstractMessageSampler {
  private static final long serialVersionUID = 1L;

  /** Without properties: all is inherited, or as built in. */
  public ExchangeSampler() {
    super(ExchangeSampler.class);
  }

  @Override
  public ExchangeSamplerSchema getSchema() {
    return ExchangeSamplerSchema.INSTANCE;
  }

  @Override
  public PropertiesAccessor<? extends ExchangeSampler, ? extends ExchangeSamplerSchema> getProps() {
    return new PropertiesAccessor<>(this, getSchema());
  }
}
