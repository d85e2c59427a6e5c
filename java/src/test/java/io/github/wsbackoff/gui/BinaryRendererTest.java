package io.github.wsbackoff.gui;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import io.github.wsbackoff.JMeterSetup;
import java.io.IOException;
import java.util.ServiceLoader;
import java.util.stream.StreamSupport;
import org.apache.jmeter.visualizers.ResultRenderer;
import org.junit.BeforeClass;
import org.junit.Test;

public class BinaryRendererTest {
  @BeforeClass
  public static void jmeter() throws IOException {
    JMeterSetup.once();
  }

  @Test
  public void bytes_show_as_offset_hex_and_text() {
    byte[] bytes = new byte[18];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) ('A' + i);
    }
    bytes[1] = 0;
    bytes[2] = (byte) 0xff;
    assertEquals(
        "00000000   41 00 ff 44 45 46 47 48  49 4a 4b 4c 4d 4e 4f 50  |A..DEFGHIJKLMNOP|\n"
            + "00000010   51 52                                             |QR|\n",
        BinaryRenderer.dump(bytes));
    assertEquals("", BinaryRenderer.dump(new byte[0]));
  }

  @Test
  public void more_than_a_text_field_can_show_is_cut_and_said() {
    String dump = BinaryRenderer.dump(new byte[300 * 1024]);
    assertTrue(dump.endsWith("\n... 45056 more bytes\n"));
  }

  @Test
  public void view_results_tree_finds_it() {
    ServiceLoader<ResultRenderer> found = ServiceLoader.load(ResultRenderer.class);
    assertTrue(
        StreamSupport.stream(found.spliterator(), false)
            .anyMatch(renderer -> renderer.toString().equals("Binary as Hex (wsb)")));
  }
}
