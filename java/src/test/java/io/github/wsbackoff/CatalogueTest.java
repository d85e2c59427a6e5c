package io.github.wsbackoff;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.wsbackoff.gui.VirtualUserGroupGui;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.apache.jmeter.gui.JMeterGUIComponent;
import org.junit.BeforeClass;
import org.junit.Test;

/** Our entry for the Plugins Manager's catalogue. */
public class CatalogueTest {
  private static final String CHANGES =
      "# Changelog\n\n## [0.3.0] - unreleased\n\n### Added\n- a\n\n"
          + "## [0.2.0] - 2027-01-01\n\nFaster, and\ncalmer.\n\n### Added\n- b\n";

  @BeforeClass
  public static void jmeter() throws IOException {
    JMeterSetup.once();
  }

  @Test
  public void the_file_is_as_script_catalogue_makes_it() throws IOException {
    String file = Catalogue.text(Catalogue.FILE);
    assertEquals("run script/catalogue", Catalogue.renewed(file), file);
  }

  @Test
  public void every_element_and_every_panel_is_a_component() throws IOException {
    Set<String> components = Catalogue.components();
    List<JMeterGUIComponent> panels = new ArrayList<>(Panels.all());
    panels.add(new VirtualUserGroupGui());
    for (JMeterGUIComponent panel : panels) {
      assertTrue(components.toString(), components.contains(panel.getClass().getName()));
      String element = panel.makeTestElement().getClass().getName();
      assertTrue(components.toString(), components.contains(element));
    }
    assertEquals(2 * panels.size(), components.size());
  }

  @Test
  public void a_new_version_comes_last_and_what_was_said_of_the_others_stays() throws IOException {
    String before =
        "[{\"versions\": {\"0.1.0\": {\"changes\": \"First.\", \"downloadUrl\": \"u\"}}}]";
    String once = Catalogue.renewed(before, "0.2.0", CHANGES);
    assertEquals(once, Catalogue.renewed(once, "0.2.0", CHANGES));
    JsonNode versions = new ObjectMapper().readTree(once).path(0).path("versions");
    List<String> names = new ArrayList<>();
    versions.fieldNames().forEachRemaining(names::add);
    assertEquals("[0.1.0, 0.2.0]", names.toString());
    assertEquals("First.", versions.path("0.1.0").path("changes").asText());
    assertEquals("Faster, and calmer.", versions.path("0.2.0").path("changes").asText());
    String url = versions.path("0.2.0").path("downloadUrl").asText();
    assertTrue(url, url.endsWith("/v0.2.0/ws-backoff-0.2.0.jar"));
  }

  @Test
  public void a_version_that_nothing_sums_up_is_refused() {
    for (String version : new String[] {"0.3.0", "0.4.0"}) {
      String said =
          assertThrows(IllegalStateException.class, () -> Catalogue.renewed("[]", version, CHANGES))
              .getMessage();
      assertTrue(said, said.contains(version));
    }
  }
}
