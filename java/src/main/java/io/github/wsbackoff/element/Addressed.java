package io.github.wsbackoff.element;

/** A sampler of ours that knows the address that it is about to send to. */
public interface Addressed {
  /**
   * The address as its user wrote it, or a part of one; "" where there is none. To be asked when it
   * is configured.
   */
  String address();

  /** What the address is a part of, or "". */
  String baseAddress();
}
