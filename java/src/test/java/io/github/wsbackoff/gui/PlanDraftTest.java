package io.github.wsbackoff.gui;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import io.github.wsbackoff.JMeterSetup;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.ServiceLoader;
import java.util.stream.StreamSupport;
import javax.swing.JMenuItem;
import org.apache.jmeter.gui.action.Command;
import org.apache.jmeter.gui.plugin.MenuCreator;
import org.apache.jmeter.gui.plugin.MenuCreator.MENU_LOCATION;
import org.junit.Before;
import org.junit.BeforeClass;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

/**
 * Tools, Migrate this plan (wsb) and Import a HAR recording (wsb): what is shown, and which files
 * are written.
 */
public class PlanDraftTest {
  @Rule public final TemporaryFolder folder = new TemporaryFolder();
  private File plan;

  @BeforeClass
  public static void jmeter() throws IOException {
    JMeterSetup.once();
  }

  @Before
  public void plan() throws IOException {
    plan = new File(folder.getRoot(), "shift change.JMX");
    Files.copy(new File("tests/plans/before.jmx").getAbsoluteFile().toPath(), plan.toPath());
  }

  private String[] files() {
    String[] names = folder.getRoot().list();
    Arrays.sort(names);
    return names;
  }

  @Test
  public void the_moved_plan_is_written_beside_when_it_is_asked_for() throws Exception {
    byte[] before = Files.readAllBytes(plan.toPath());
    PlanDraft migration = PlanDraft.migrated(plan);
    assertTrue(migration.hasPlan());
    assertTrue(migration.report(), migration.report().contains("is now WebSocket Connect (wsb)"));
    assertFalse(migration.report(), migration.report().contains("<style"));
    assertFalse(migration.report(), migration.report().contains("written to"));
    assertArrayEquals(new String[] {"shift change.JMX"}, files());

    File moved = migration.writeBeside();
    assertEquals(new File(folder.getRoot(), "shift change-wsb.jmx"), moved);
    String text = new String(Files.readAllBytes(moved.toPath()), StandardCharsets.UTF_8);
    assertTrue(text, text.contains("io.github.wsbackoff.sampler.ConnectSampler"));
    assertEquals("shift change-wsb-2.jmx", migration.writeBeside().getName());
    assertArrayEquals("the plan is as it was", before, Files.readAllBytes(plan.toPath()));
  }

  @Test
  public void a_moved_plan_has_nothing_to_open() throws Exception {
    File moved = PlanDraft.migrated(plan).writeBeside();
    PlanDraft again = PlanDraft.migrated(moved);
    assertFalse(again.hasPlan());
    assertTrue(again.report(), again.report().contains("nothing to move"));
  }

  @Test
  public void a_file_that_is_no_plan_is_told_and_has_nothing_to_open() throws Exception {
    Files.write(plan.toPath(), "no plan".getBytes(StandardCharsets.UTF_8));
    PlanDraft migration = PlanDraft.migrated(plan);
    assertFalse(migration.hasPlan());
    assertTrue(migration.report(), migration.report().contains("no well-formed XML"));
  }

  @Test
  public void a_plan_that_jmeter_cannot_open_is_named_with_what_it_lacks() throws Exception {
    IOException failure = assertThrows(IOException.class, () -> MigrateAction.load(plan));
    String text = failure.getMessage();
    for (String word : new String[] {plan.getPath(), "lib/ext", "OpenWebSocketSampler"}) {
      assertTrue(text, text.contains(word));
    }
    MigrateAction.load(PlanDraft.migrated(plan).writeBeside());
  }

  @Test
  public void a_recordings_plan_is_written_beside_it_under_a_free_name() throws Exception {
    File har = new File(folder.getRoot(), "Schicht übergabe.har");
    Files.copy(new File("tests/recordings/login.har").getAbsoluteFile().toPath(), har.toPath());
    PlanDraft draft = PlanDraft.imported(har, false);
    assertTrue(draft.hasPlan());
    assertTrue(draft.report(), draft.report().startsWith("<ul><li>"));
    assertFalse(draft.report(), draft.report().contains("written"));
    assertArrayEquals(new String[] {"Schicht übergabe.har", plan.getName()}, files());

    File made = draft.writeBeside();
    assertEquals("Schicht übergabe.jmx", made.getName());
    String text = new String(Files.readAllBytes(made.toPath()), StandardCharsets.UTF_8);
    assertTrue(text, text.contains("ConnectSampler") && !text.contains("HTTPSamplerProxy"));
    File more = PlanDraft.imported(har, true).writeBeside();
    assertEquals("Schicht übergabe-2.jmx", more.getName());
    text = new String(Files.readAllBytes(more.toPath()), StandardCharsets.UTF_8);
    assertTrue(text, text.contains("HTTPSamplerProxy"));
    PlanAction.load(made);
  }

  @Test
  public void a_folder_that_takes_no_plan_is_named_with_the_reason() throws Exception {
    File gone = folder.newFolder("gone");
    File har = new File(gone, "visit.har");
    Files.copy(new File("tests/recordings/login.har").getAbsoluteFile().toPath(), har.toPath());
    PlanDraft draft = PlanDraft.imported(har, false);
    assertTrue(har.delete() && gone.delete());
    IOException failure = assertThrows(IOException.class, draft::writeBeside);
    String text = failure.getMessage();
    for (String word : new String[] {new File(gone, "visit.jmx").getPath(), "NoSuchFile"}) {
      assertTrue(text, text.contains(word));
    }
  }

  @Test
  public void a_recording_without_sockets_is_told_and_has_nothing_to_open() throws Exception {
    File har = new File(folder.getRoot(), "a&b<c>.har");
    Files.write(har.toPath(), "{}".getBytes(StandardCharsets.UTF_8));
    PlanDraft draft = PlanDraft.imported(har, false);
    assertFalse(draft.hasPlan());
    assertTrue(draft.report(), draft.report().contains("a&amp;b&lt;c>.har"));
  }

  @Test
  public void jmeter_finds_the_menus_lines_and_their_actions() {
    JMenuItem[] items =
        services(MenuCreator.class, ToolsMenu.class).getMenuItemsAtLocation(MENU_LOCATION.TOOLS);
    Command[] actions = {
      services(Command.class, MigrateAction.class), services(Command.class, ImportAction.class)
    };
    String[] words = {"Migrate this plan (wsb)", "Import a HAR recording (wsb)"};
    assertEquals(words.length, items.length);
    for (int i = 0; i < words.length; i++) {
      assertEquals(words[i], items[i].getText());
      assertTrue(actions[i].getActionNames().contains(items[i].getActionCommand()));
    }
    assertEquals(0, new ToolsMenu().getMenuItemsAtLocation(MENU_LOCATION.FILE).length);
  }

  private static <S, T extends S> T services(Class<S> kind, Class<T> wanted) {
    return StreamSupport.stream(ServiceLoader.load(kind).spliterator(), false)
        .filter(wanted::isInstance)
        .map(wanted::cast)
        .findFirst()
        .orElseThrow(() -> new AssertionError("not found: " + wanted));
  }
}
