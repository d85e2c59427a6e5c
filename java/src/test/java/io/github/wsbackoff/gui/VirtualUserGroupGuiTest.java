package io.github.wsbackoff.gui;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import io.github.wsbackoff.JMeterSetup;
import io.github.wsbackoff.threads.VirtualThreads;
import io.github.wsbackoff.threads.VirtualUserGroup;
import java.awt.Component;
import java.awt.Container;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.Map;
import java.util.TreeMap;
import javax.swing.JScrollPane;
import org.apache.jmeter.control.LoopController;
import org.apache.jmeter.gui.AbstractJMeterGuiComponent;
import org.apache.jmeter.gui.action.validation.TreeClonerForValidation;
import org.apache.jmeter.gui.util.MenuFactory;
import org.apache.jmeter.save.SaveService;
import org.apache.jmeter.testelement.TestElement;
import org.apache.jmeter.testelement.property.JMeterProperty;
import org.apache.jmeter.testelement.property.PropertyIterator;
import org.apache.jmeter.threads.AbstractThreadGroup;
import org.apache.jmeter.threads.ThreadGroup;
import org.apache.jmeter.threads.gui.ThreadGroupGui;
import org.apache.jorphan.collections.ListedHashTree;
import org.junit.BeforeClass;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

/** The group and its panel against JMeter's own: the same fields, saved alike. */
public class VirtualUserGroupGuiTest {
  @Rule public final TemporaryFolder folder = new TemporaryFolder();

  @BeforeClass
  public static void jmeter() throws IOException {
    JMeterSetup.once();
  }

  /** What a person may fill in, as text where it may hold a variable. */
  private static <T extends AbstractThreadGroup> T filled(T group) {
    group.setName("Agents");
    group.setComment("all of them");
    group.setProperty(AbstractThreadGroup.NUM_THREADS, "${users}");
    group.setProperty(ThreadGroup.RAMP_TIME, "30");
    group.setProperty(ThreadGroup.DELAYED_START, true);
    group.setProperty(ThreadGroup.SCHEDULER, true);
    group.setProperty(ThreadGroup.DURATION, "${duration}");
    group.setProperty(ThreadGroup.DELAY, "5");
    group.setProperty(AbstractThreadGroup.IS_SAME_USER_ON_NEXT_ITERATION, false);
    group.setProperty(AbstractThreadGroup.ON_SAMPLE_ERROR, "startnextloop");
    LoopController loop = new LoopController();
    loop.setLoops("${loops}");
    group.setSamplerController(loop);
    return group;
  }

  /** Its properties but for the names of the classes, and the loops that are an element inside. */
  private static Map<String, String> texts(TestElement element) {
    Map<String, String> texts = new TreeMap<>();
    for (PropertyIterator all = element.propertyIterator(); all.hasNext(); ) {
      JMeterProperty property = all.next();
      String name = property.getName();
      if (property.getObjectValue() instanceof LoopController) {
        LoopController loop = (LoopController) property.getObjectValue();
        texts.put(name, loop.getPropertyAsString(LoopController.LOOPS));
      } else if (!name.equals(TestElement.TEST_CLASS) && !name.equals(TestElement.GUI_CLASS)) {
        texts.put(name, property.getStringValue());
      }
    }
    return texts;
  }

  private static TestElement throughPanel(AbstractJMeterGuiComponent panel, TestElement element) {
    panel.configure(element);
    TestElement copy = panel.makeTestElement();
    panel.modifyTestElement(copy);
    return copy;
  }

  @Test
  public void a_new_one_has_our_names_and_the_thread_groups_properties() {
    TestElement ours = new VirtualUserGroupGui().createTestElement();
    TestElement theirs = new ThreadGroupGui().createTestElement();
    assertEquals(VirtualUserGroup.class, ours.getClass());
    assertEquals("Virtual Thread Group (wsb)", ours.getName());
    String panel = VirtualUserGroupGui.class.getName();
    assertEquals(panel, ours.getPropertyAsString(TestElement.GUI_CLASS));
    ours.setName(theirs.getName());
    assertEquals(texts(theirs), texts(ours));
  }

  @Test
  public void every_field_survives_the_panel_as_in_the_thread_groups() {
    TestElement ours = throughPanel(new VirtualUserGroupGui(), filled(new VirtualUserGroup()));
    TestElement theirs = throughPanel(new ThreadGroupGui(), filled(new ThreadGroup()));
    assertEquals(texts(theirs), texts(ours));
    assertEquals("${users}", ours.getPropertyAsString("ThreadGroup.num_threads"));
    assertTrue(ours.getPropertyAsBoolean("ThreadGroup.delayedStart"));
  }

  @Test
  public void the_panel_keeps_no_state_of_another_group() {
    VirtualUserGroupGui panel = new VirtualUserGroupGui();
    TestElement fresh = panel.createTestElement();
    panel.configure(filled(new VirtualUserGroup()));
    assertEquals(texts(fresh), texts(throughPanel(panel, fresh)));
  }

  @Test
  public void a_plan_converts_by_the_names_of_the_classes_and_back() throws IOException {
    String ours = saved(named(filled(new VirtualUserGroup()), VirtualUserGroupGui.class));
    String theirs = saved(named(filled(new ThreadGroup()), ThreadGroupGui.class));
    String group = "io.github.wsbackoff.threads.VirtualUserGroup";
    String converted =
        theirs
            .replace("<ThreadGroup ", "<" + group + " ")
            .replace("</ThreadGroup>", "</" + group + ">")
            .replace("testclass=\"ThreadGroup\"", "testclass=\"" + group + "\"")
            .replace("\"ThreadGroupGui\"", "\"" + VirtualUserGroupGui.class.getName() + "\"");
    assertEquals(ours, converted);
    TestElement loaded = loaded(converted);
    assertEquals(VirtualUserGroup.class, loaded.getClass());
    assertEquals(texts(filled(new ThreadGroup())), texts(loaded));
    assertEquals(texts(loaded(theirs)), texts(loaded));
  }

  private static TestElement named(TestElement element, Class<?> panel) {
    element.setProperty(TestElement.TEST_CLASS, element.getClass().getName());
    element.setProperty(TestElement.GUI_CLASS, panel.getName());
    return element;
  }

  private String saved(TestElement element) throws IOException {
    File file = folder.newFile();
    try (OutputStream out = Files.newOutputStream(file.toPath())) {
      SaveService.saveTree(new ListedHashTree(element), out);
    }
    return new String(Files.readAllBytes(file.toPath()), StandardCharsets.UTF_8);
  }

  private TestElement loaded(String plan) throws IOException {
    File file = folder.newFile();
    Files.write(file.toPath(), plan.getBytes(StandardCharsets.UTF_8));
    return (TestElement) SaveService.loadTree(file).getArray()[0];
  }

  @Test
  public void it_goes_to_a_remote_server_and_into_every_users_tree() throws Exception {
    VirtualUserGroup group = filled(new VirtualUserGroup());
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
      out.writeObject(group);
    }
    try (ObjectInputStream in =
        new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
      VirtualUserGroup sent = (VirtualUserGroup) in.readObject();
      assertEquals(texts(group), texts(sent));
      // What JMeter asks of one that was never started.
      sent.stop();
      sent.tellThreadsToStop();
      sent.waitThreadsStopped();
      assertTrue(sent.verifyThreadsStopped());
      assertFalse(sent.stopThread("Agents 1-1", true));
      assertEquals(0, sent.numberOfActiveThreads());
    }
    assertEquals(texts(group), texts((TestElement) group.clone()));
  }

  @Test
  public void validate_takes_one_user_of_it() {
    ListedHashTree tree = new ListedHashTree(filled(new VirtualUserGroup()));
    TreeClonerForValidation cloner = new TreeClonerForValidation();
    tree.traverse(cloner);
    VirtualUserGroup one = (VirtualUserGroup) cloner.getClonedTree().getArray()[0];
    assertEquals(1, one.getNumThreads());
    assertFalse(one.getScheduler());
  }

  @Test
  public void it_is_in_the_menu_of_groups_under_its_own_name() {
    VirtualUserGroupGui panel = new VirtualUserGroupGui();
    assertTrue(panel.getMenuCategories().contains(MenuFactory.THREADS));
    assertEquals("Virtual Thread Group (wsb)", panel.getStaticLabel());
    assertEquals("VirtualUserGroupGui", panel.getLabelResource());
    assertEquals("Virtual_Thread_Group_(wsb)", panel.getDocAnchor());
  }

  @Test
  public void the_panel_says_which_java_it_needs_and_which_this_is_at_any_width() {
    VirtualUserGroupGui panel = new VirtualUserGroupGui();
    JScrollPane window = new JScrollPane(panel);
    for (int width : new int[] {1600, 1000, 700}) {
      window.setSize(width, 600);
      for (int pass = 0; pass < 3; pass++) {
        layOut(window);
      }
      NoteText note = note(panel);
      assertTrue(note.getText().contains("Java 21 or newer"));
      assertTrue(note.getText(), note.getText().contains("Java " + VirtualThreads.VERSION));
      assertTrue("wider than " + width, note.getWidth() <= width);
      int needed = note.getUI().getPreferredSize(note).height;
      assertTrue("cut to " + note.getHeight() + " of " + needed, note.getHeight() >= needed);
    }
  }

  private static void layOut(Container parent) {
    parent.doLayout();
    for (Component child : parent.getComponents()) {
      if (child instanceof Container) {
        layOut((Container) child);
      }
    }
  }

  private static NoteText note(Container parent) {
    for (Component child : parent.getComponents()) {
      NoteText found =
          child instanceof NoteText
              ? (NoteText) child
              : child instanceof Container ? note((Container) child) : null;
      if (found != null) {
        return found;
      }
    }
    return null;
  }
}
