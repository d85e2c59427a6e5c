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

/** Tools, wsb - Migrate this plan: what is shown, and which files are written. */
public class PlanMigrationTest {
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
    PlanMigration migration = PlanMigration.of(plan);
    assertTrue(migration.changes());
    assertTrue(migration.report(), migration.report().contains("is now wsb - Connect"));
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
    File moved = PlanMigration.of(plan).writeBeside();
    PlanMigration again = PlanMigration.of(moved);
    assertFalse(again.changes());
    assertTrue(again.report(), again.report().contains("nothing to move"));
  }

  @Test
  public void a_file_that_is_no_plan_is_told_and_has_nothing_to_open() throws Exception {
    Files.write(plan.toPath(), "no plan".getBytes(StandardCharsets.UTF_8));
    PlanMigration migration = PlanMigration.of(plan);
    assertFalse(migration.changes());
    assertTrue(migration.report(), migration.report().contains("no well-formed XML"));
  }

  @Test
  public void a_plan_that_jmeter_cannot_open_is_named_with_what_it_lacks() throws Exception {
    IOException failure = assertThrows(IOException.class, () -> MigrateAction.load(plan));
    String text = failure.getMessage();
    for (String word : new String[] {plan.getPath(), "lib/ext", "OpenWebSocketSampler"}) {
      assertTrue(text, text.contains(word));
    }
    MigrateAction.load(PlanMigration.of(plan).writeBeside());
  }

  @Test
  public void jmeter_finds_the_menus_line_and_its_action() {
    JMenuItem[] items =
        services(MenuCreator.class, MigrateMenu.class).getMenuItemsAtLocation(MENU_LOCATION.TOOLS);
    assertEquals(1, items.length);
    assertEquals("wsb - Migrate this plan", items[0].getText());
    Command action = services(Command.class, MigrateAction.class);
    assertTrue(action.getActionNames().contains(items[0].getActionCommand()));
    assertEquals(0, new MigrateMenu().getMenuItemsAtLocation(MENU_LOCATION.FILE).length);
  }

  private static <S, T extends S> T services(Class<S> kind, Class<T> wanted) {
    return StreamSupport.stream(ServiceLoader.load(kind).spliterator(), false)
        .filter(wanted::isInstance)
        .map(wanted::cast)
        .findFirst()
        .orElseThrow(() -> new AssertionError("not found: " + wanted));
  }
}
