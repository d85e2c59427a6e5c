package io.github.wsbackoff.core;

import java.util.Arrays;

/**
 * The numbers that an operation wrote, in an array that a thread uses again and again. What the
 * places mean stands in the native part, {@code engine::operation}.
 */
public final class Figures {
  static final int LENGTH = 32;

  private static final int TEXT = 1;
  private static final int NO_MESSAGE = 2;
  private static final int ASKING = 3;
  static final int SCHEDULING = 28;
  private static final int PARKED = 29;
  private static final int NEWS = LENGTH - 1;

  /** Written by the native part. */
  final long[] raw = new long[LENGTH];

  /** Nothing was done. */
  public void clear() {
    Arrays.fill(raw, 0);
  }

  /** Whether the native part has something for the log, see {@link TestRuns#tellNews}. */
  boolean hasNews() {
    return raw[NEWS] != 0;
  }

  /** Whether the call goes on, and its ticket will be told. */
  boolean isParked() {
    return raw[PARKED] != 0;
  }

  /**
   * How long the operation had been done when its thread had a processor again, microseconds; 0
   * where the thread never parked. Only virtual threads do.
   */
  public long schedulingMicros() {
    return raw[SCHEDULING];
  }

  /** All went as asked. */
  public boolean isOk() {
    return raw[0] == 0;
  }

  /** No message came in time, and that is no failure. */
  public boolean isNoMessage() {
    return raw[0] == NO_MESSAGE;
  }

  /** Nothing was done yet: the connection is lost, and asks by what it is to be made anew. */
  public boolean isAsking() {
    return raw[0] == ASKING;
  }

  /** Whether the message is text (else binary, or there is none). */
  public boolean isText() {
    return raw[1] == TEXT;
  }

  /** Whether there is a message at all. */
  public boolean hasMessage() {
    return raw[1] != 0;
  }

  /** From the start to the first byte of the matching message; 0 if there was none. */
  public long latencyNanos() {
    return raw[3];
  }

  /** Bytes sent, framing included. */
  public long sentBytes() {
    return raw[4];
  }

  /** Bytes received, framing included. */
  public long receivedBytes() {
    return raw[5];
  }

  /** Messages that matched. */
  public long messages() {
    return raw[6];
  }

  /** Messages that did not match and were passed over. */
  public long skipped() {
    return raw[7];
  }

  /** Messages that wait for a later sampler. */
  public long queued() {
    return raw[8];
  }

  /** Code of the peer's close frame, 0 if there was none. */
  public long closeCode() {
    return raw[9];
  }

  /** From the sending to the answer, microseconds; 0 where nothing was exchanged. */
  public long roundTripMicros() {
    return raw[10];
  }

  /** How often the connection was opened anew before this sample began. */
  public long reconnects() {
    return raw[11];
  }

  /** Pauses between attempts of a reconnect, microseconds. */
  public long waitedMicros() {
    return raw[12];
  }

  /** DNS, TCP, proxy and TLS of a reconnect, microseconds. */
  public long connectMicros() {
    return raw[13];
  }

  /** Exchanges made in this sample. */
  public long repeats() {
    return raw[14];
  }

  /** Round trip in nanoseconds: 0 min, 1 mean, 2 p50, 3 p90, 4 p99, 5 max. */
  public long roundTripNanos(int figure) {
    return raw[15 + figure];
  }

  /** Messages that the bound of the queue cost so far. */
  public long dropped() {
    return raw[21];
  }

  /** So many bytes at the end of the data are no message, but what the sample says beside. */
  public int noteLength() {
    return (int) raw[25];
  }

  /** So many bytes behind all others of the data are messages that were dropped, to be shown. */
  public int shownLength() {
    return (int) raw[27];
  }

  /** Whether servers set cookies while the connection was made anew. */
  public boolean hasCookies() {
    return raw[26] != 0;
  }

  /** How long the message had been there when the operation began; 0 when it came later. */
  public long messageAgeMicros() {
    return raw[22];
  }
}
