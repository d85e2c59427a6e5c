package io.github.wsbackoff.sampler;

/** Waits for a message, or several, that the server sends by itself. */
public class ReceiveSampler extends AbstractMessageSampler {
  private static final long serialVersionUID = 1L;

  /** Without properties: all is inherited, or as built in. */
  public ReceiveSampler() {
    super(ReceiveSampler.class);
  }
}
