package io.github.wsbackoff.script;

import io.github.wsbackoff.core.Figures;
import java.nio.charset.StandardCharsets;

/** A message that came, for scripts. */
public final class Message {
  private final byte[] bytes;
  private final boolean isText;
  private final long roundTripMicros;

  Message(byte[] bytes, Figures figures) {
    this.bytes = bytes;
    isText = figures.isText();
    roundTripMicros = figures.roundTripMicros();
  }

  /** Whether it is a text message. */
  public boolean isText() {
    return isText;
  }

  /** Its bytes as they came; of a text, UTF-8. */
  public byte[] getBytes() {
    return bytes.clone();
  }

  /** Its bytes as UTF-8. */
  public String getText() {
    return new String(bytes, StandardCharsets.UTF_8);
  }

  /** Of an exchange, the microseconds from the start of sending to the whole answer; else 0. */
  public long getRoundTripMicros() {
    return roundTripMicros;
  }

  /** Its text. */
  @Override
  public String toString() {
    return getText();
  }
}
