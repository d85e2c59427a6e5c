package io.github.wsbackoff.sampler;

/** Sends a ping and waits for its pong: the round-trip time without the server's program. */
public class PingSampler extends AbstractMessageSampler {
  private static final long serialVersionUID = 1L;

  /** Without properties: all is inherited, or as built in. */
  public PingSampler() {
    super(PingSampler.class);
  }
}
