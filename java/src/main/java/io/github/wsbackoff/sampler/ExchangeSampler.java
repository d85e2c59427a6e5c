package io.github.wsbackoff.sampler;

/** Sends a message and waits for the answer; many times in one sample if so asked. */
public class ExchangeSampler extends AbstractMessageSampler {
  private static final long serialVersionUID = 1L;

  /** Without properties: all is inherited, or as built in. */
  public ExchangeSampler() {
    super(ExchangeSampler.class);
  }
}
