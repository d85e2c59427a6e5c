package io.github.wsbackoff.gui;

import java.nio.charset.StandardCharsets;
import org.apache.jmeter.samplers.SampleResult;
import org.apache.jmeter.visualizers.SamplerResultTab;

/** View Results Tree's choice that shows a result's bytes: offset, hex and text, 16 a line. */
public class BinaryRenderer extends SamplerResultTab {
  private static final int PER_LINE = 16;

  /** A text field with more of them stands still; a file saved from the listener has all. */
  private static final int MOST = 256 * 1024;

  @Override
  public void renderResult(SampleResult result) {
    results.setContentType("text/plain");
    setTextOptimized(dump(result.getResponseData()));
    results.setCaretPosition(0);
    resultsScrollPane.setViewportView(results);
  }

  @Override
  public String toString() {
    return Messages.title(BinaryRenderer.class);
  }

  /** The bytes as lines of text. */
  static String dump(byte[] bytes) {
    int shown = Math.min(bytes.length, MOST);
    StringBuilder text = new StringBuilder(shown * 5);
    for (int line = 0; line < shown; line += PER_LINE) {
      text.append(String.format("%08x ", line));
      for (int i = line; i < line + PER_LINE; i++) {
        text.append(i % 8 == 0 ? "  " : " ");
        if (i < shown) {
          text.append(Character.forDigit(bytes[i] >> 4 & 0xf, 16));
          text.append(Character.forDigit(bytes[i] & 0xf, 16));
        } else {
          text.append("  ");
        }
      }
      text.append("  |");
      byte[] printable = new byte[Math.min(PER_LINE, shown - line)];
      for (int i = 0; i < printable.length; i++) {
        byte b = bytes[line + i];
        printable[i] = b >= ' ' && b < 0x7f ? b : (byte) '.';
      }
      text.append(new String(printable, StandardCharsets.US_ASCII)).append("|\n");
    }
    if (shown < bytes.length) {
      text.append("... ").append(bytes.length - shown).append(" more bytes\n");
    }
    return text.toString();
  }
}
