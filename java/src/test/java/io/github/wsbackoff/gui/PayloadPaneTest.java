package io.github.wsbackoff.gui;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import io.github.wsbackoff.JMeterSetup;
import java.awt.Color;
import java.awt.Graphics;
import java.awt.image.BufferedImage;
import java.io.IOException;
import javax.swing.JTextArea;
import org.junit.BeforeClass;
import org.junit.Rule;
import org.junit.Test;

/** The editor of a payload and the text behind it; without a screen another text stands in. */
public class PayloadPaneTest {
  @Rule public final OnEventThread eventThread = new OnEventThread();

  private final JTextArea editor = new JTextArea();

  @BeforeClass
  public static void jmeter() throws IOException {
    JMeterSetup.once();
  }

  @Test
  public void what_is_written_there_is_what_the_plan_gets_and_the_other_way_round() {
    HintArea text = new HintArea(3, 20);
    text.setText("{}");
    new PayloadPane(text).follow(editor);
    assertEquals("{}", editor.getText());
    editor.append("\n${id}");
    assertEquals("{}\n${id}", text.getText());
    text.setText("");
    assertEquals("", editor.getText());
    text.setText("another element's");
    assertEquals("another element's", editor.getText());
    assertEquals("its beginning is seen", 0, editor.getCaretPosition());
    editor.insert("not ", 0);
    assertEquals("not another element's", text.getText());
    assertEquals("it stays where somebody writes", 4, editor.getCaretPosition());
  }

  @Test
  public void it_cannot_be_edited_where_the_text_cannot() {
    HintArea text = new HintArea(3, 20);
    PayloadPane pane = new PayloadPane(text);
    pane.follow(editor);
    pane.setEnabled(false);
    assertFalse(editor.isEnabled());
    pane.setEnabled(true);
    assertTrue(editor.isEnabled());
  }

  @Test
  public void the_grey_text_is_seen_while_it_is_empty() {
    HintArea text = new HintArea(3, 20);
    PayloadPane pane = new PayloadPane(text);
    pane.removeAll();
    pane.add(editor);
    pane.follow(editor);
    pane.setSize(300, 60);
    pane.doLayout();
    int empty = inked(pane);
    text.setHint("ping (WebSocket Defaults)");
    assertTrue(inked(pane) > empty);
    editor.setText(" ");
    assertEquals(empty, inked(pane));
  }

  @Test
  public void colours_follow_how_a_payload_begins() {
    String[][] cases = {
      {"{\"a\": 1}", "text/javascript"},
      {"\n [1]", "text/javascript"},
      {"<a/>", "text/xml"},
      {"CONNECT\n\n", "text/plain"},
      {"", "text/plain"},
    };
    for (String[] each : cases) {
      assertEquals(each[0], each[1], PayloadPane.style(each[0]));
    }
  }

  private static int inked(PayloadPane pane) {
    BufferedImage image = new BufferedImage(300, 60, BufferedImage.TYPE_INT_RGB);
    Graphics graphics = image.getGraphics();
    pane.getComponent(0).setBackground(Color.WHITE);
    pane.getComponent(0).setForeground(Color.BLACK);
    pane.paint(graphics);
    graphics.dispose();
    int inked = 0;
    for (int x = 0; x < image.getWidth(); x++) {
      for (int y = 0; y < image.getHeight(); y++) {
        inked += (image.getRGB(x, y) & 0xff) < 200 ? 1 : 0;
      }
    }
    return inked;
  }
}
