package io.github.wsbackoff.sampler;

import org.apache.jmeter.testelement.schema.PropertiesAccessor;

/** Sends a ping and waits for its pong: the round-trip time without the server's program. */
public class PingSampler extends AbstractMessageSampler {
  private static final long serialVersionUID = 1L;

  /** Without properties: all is inherited, or as built in. */
  public PingSampler() {
    super(PingSampler.class);
  }

  @Override
  public PingSamplerSchema getSchema() {
    return PingSamplerSchema.INSTANCE;
  }

  @Override
  public PropertiesAccessor<? extends PingSampler, ? extends PingSamplerSchema> getProps() {
    return new PropertiesAccessor<>(this, getSchema());
  }
}
