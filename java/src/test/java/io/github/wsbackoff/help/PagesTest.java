package io.github.wsbackoff.help;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNotNull;
import static org.junit.Assert.assertTrue;

import io.github.wsbackoff.JMeterSetup;
import io.github.wsbackoff.Panels;
import io.github.wsbackoff.core.Project;
import io.github.wsbackoff.gui.VirtualUserGroupGui;
import java.awt.event.KeyEvent;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.swing.InputMap;
import javax.swing.JComponent;
import javax.swing.KeyStroke;
import org.junit.BeforeClass;
import org.junit.Test;

/** The documentation in the jar, and the ways to it. */
public class PagesTest {
  private static final Pattern LINK = Pattern.compile("<a href=\"([^\"]*)\">");
  private static final Pattern CODE = Pattern.compile("(?s)<(code|pre)>.*?</\\1>");

  @BeforeClass
  public static void jmeter() throws IOException {
    JMeterSetup.once();
  }

  @Test
  public void f1_in_every_panel_leads_to_a_page_that_is_there() throws IOException {
    List<JComponent> panels = new ArrayList<>(Panels.all());
    panels.add(new VirtualUserGroupGui());
    for (JComponent panel : panels) {
      InputMap keys = panel.getInputMap(JComponent.WHEN_IN_FOCUSED_WINDOW);
      Object action = keys.get(KeyStroke.getKeyStroke(KeyEvent.VK_F1, 0));
      assertNotNull(panel.getClass().getName(), panel.getActionMap().get(action));
      checkAddress(Pages.of(panel.getClass()));
    }
  }

  @Test
  public void every_page_becomes_html_without_a_rest_of_markdown() throws IOException {
    List<String> pages = pages();
    assertTrue(pages.toString(), pages.contains("retry-websocket.md"));
    assertTrue(pages.toString(), pages.contains("reference/properties.md"));
    for (String page : pages) {
      String html = Pages.html(page);
      String prose = CODE.matcher(html).replaceAll("");
      for (String mark : new String[] {"](", "**", "`", "\n#", "<p>|", "&lt;img"}) {
        assertFalse(page + " has " + mark, prose.contains(mark));
      }
    }
  }

  @Test
  public void every_link_leads_somewhere() throws IOException {
    for (String page : pages()) {
      Matcher link = LINK.matcher(Pages.html(page));
      while (link.find()) {
        String target = Pages.target(page, link.group(1));
        if (target.startsWith(Project.file(""))) {
          String file = target.substring(Project.file("").length()).split("#")[0];
          assertTrue(page + ": " + target, Files.exists(Paths.get(file)));
        } else if (!target.startsWith("https://")) {
          checkAddress(target);
        }
      }
    }
    assertEquals("https://openjdk.org/x", Pages.target("a.md", "https://openjdk.org/x"));
    assertEquals("reference/trace.md#a", Pages.target("reference/trace.md", "#a"));
    assertEquals("tune.md", Pages.target("reference/trace.md", "../tune.md"));
  }

  @Test
  public void markdown_becomes_what_swing_shows() {
    String[][] cases = {
      {"# A `b` (c)\n", "<h1><a name=\"a-b-c\"></a>A <code>b</code> (c)</h1>\n"},
      {"one\ntwo <3\n\nthree", "<p>one two &lt;3</p>\n<p>three</p>\n"},
      {
        "- a\n  b\n- **c**\n1. d\n",
        "<ul><li>a b</li>\n<li><b>c</b></li>\n</ul>\n<ol><li>d</li>\n</ol>\n"
      },
      {"```sh\n# no <heading>\n```\n", "<pre># no &lt;heading&gt;\n</pre>\n"},
      {
        "| a | b |\n|---|---|\n| `x|y` | \\| [l](u.md) |\n",
        "<table border=\"1\" cellspacing=\"0\" cellpadding=\"3\">\n<tr><th>a</th><th>b</th></tr>\n"
            + "<tr><td><code>x|y</code></td><td>| <a href=\"u.md\">l</a></td></tr>\n</table>\n"
      },
      {
        "| | |\n|---|---|\n| a | b |",
        "<table border=\"1\" cellspacing=\"0\" cellpadding=\"3\">\n"
            + "<tr><td>a</td><td>b</td></tr>\n"
            + "</table>\n"
      },
      {"![p](p.png)\n<img src=\"p.png\">\n", ""},
    };
    for (String[] each : cases) {
      assertEquals(each[1], Markdown.toHtml(each[0]));
    }
  }

  @Test
  public void one_follows_links_and_comes_back() {
    List<String> browsed = new ArrayList<>();
    HelpView view = new HelpView("Back", browsed::add);
    view.open("one-gate.md");
    view.follow("together.md");
    assertEquals("together.md", view.page());
    view.follow("https://openjdk.org/");
    assertEquals("together.md", view.page());
    assertEquals("[https://openjdk.org/]", browsed.toString());
    view.back();
    assertEquals("one-gate.md", view.page());
  }

  private static void checkAddress(String address) throws IOException {
    String[] parts = address.split("#");
    assertTrue(address, Pages.has(parts[0]));
    if (parts.length > 1) {
      String anchor = "<a name=\"" + parts[1] + "\">";
      assertTrue(address, Pages.html(parts[0]).contains(anchor));
    }
  }

  private static List<String> pages() throws IOException {
    Path docs = Paths.get("docs");
    try (Stream<Path> all = Files.walk(docs, 2)) {
      return all.filter(file -> file.toString().endsWith(".md"))
          .map(file -> docs.relativize(file).toString().replace('\\', '/'))
          .collect(Collectors.toList());
    }
  }
}
