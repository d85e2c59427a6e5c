package io.github.wsbackoff.sampler;

/** Sends one message; the sample ends when it has left. */
public class SendSampler extends AbstractMessageSampler {
  private static final long serialVersionUID = 1L;

  /** Without properties: all is inherited, or as built in. */
  public SendSampler() {
    super(SendSampler.class);
  }
}
