package io.github.wsbackoff;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;

import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.apache.jmeter.control.Controller;
import org.apache.jmeter.control.LoopController;
import org.apache.jmeter.control.gui.LoopControlPanel;
import org.apache.jmeter.control.gui.TestPlanGui;
import org.apache.jmeter.engine.StandardJMeterEngine;
import org.apache.jmeter.engine.TreeCloner;
import org.apache.jmeter.engine.TreeClonerNoTimer;
import org.apache.jmeter.engine.util.NoThreadClone;
import org.apache.jmeter.gui.action.validation.TreeClonerForValidation;
import org.apache.jmeter.samplers.SampleEvent;
import org.apache.jmeter.samplers.SampleListener;
import org.apache.jmeter.samplers.Sampler;
import org.apache.jmeter.save.SaveService;
import org.apache.jmeter.testelement.AbstractTestElement;
import org.apache.jmeter.testelement.TestElement;
import org.apache.jmeter.threads.ThreadGroup;
import org.apache.jmeter.threads.gui.ThreadGroupGui;
import org.apache.jmeter.timers.Timer;
import org.apache.jmeter.validation.ComponentTreeClonerForValidation;
import org.apache.jorphan.collections.HashTree;
import org.apache.jorphan.collections.ListedHashTree;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;
import org.junit.rules.Timeout;

/** Whatever is started from the window, the plan in it stays as it was: it may be saved next. */
public class PlanIsUntouchedTest {
  /** A variable that the plan sets to nothing that a property takes, and a function. */
  private static final String[] TEXTS = {"${limit}", "${__P(wsb.test.base,20ms)}"};

  @Rule public final Timeout timeout = Timeout.seconds(120);
  @Rule public final TemporaryFolder folder = new TemporaryFolder();

  @Test
  public void a_plan_is_the_same_file_after_validate_start_no_pauses_run_and_stop()
      throws Exception {
    JMeterSetup.once();
    List<Supplier<TreeCloner>> modes = new ArrayList<>();
    modes.add(() -> new ComponentTreeClonerForValidation(false)); // Validate
    modes.add(() -> new TreeClonerForValidation(false));
    modes.add(() -> new TreeClonerNoTimer(false)); // Start no pauses
    modes.add(() -> new TreeCloner(false)); // Start
    modes.add(() -> new TreeCloner(false)); // and again
    for (String text : TEXTS) {
      HashTree plan = plan(text);
      String before = saved(plan);
      for (Supplier<TreeCloner> mode : modes) {
        TreeCloner cloner = mode.get();
        plan.traverse(cloner);
        runAndStop(cloner.getClonedTree());
        assertEquals(cloner.getClass().getSimpleName(), before, saved(plan));
      }
      File file = folder.newFile();
      Files.write(file.toPath(), before.getBytes(StandardCharsets.UTF_8));
      assertEquals("reloaded", before, saved(SaveService.loadTree(file)));
    }
  }

  @Test
  public void nothing_that_may_have_children_is_a_timer() throws Exception {
    JMeterSetup.once();
    for (TestElement element : Panels.elementsFilledWith("")) {
      boolean mayHaveChildren = element instanceof Controller;
      assertFalse(element.getName(), mayHaveChildren && element instanceof Timer);
    }
  }

  /** All elements of ours, and samplers below those that take some. */
  private static HashTree plan(String text) {
    ListedHashTree tree = new ListedHashTree();
    LoopController loop = new LoopController();
    loop.setLoops(-1);
    loop.setProperty(TestElement.GUI_CLASS, LoopControlPanel.class.getName());
    loop.setProperty(TestElement.TEST_CLASS, LoopController.class.getName());
    ThreadGroup threads = (ThreadGroup) new ThreadGroupGui().createTestElement();
    threads.setNumThreads(1);
    threads.setRampUp(0);
    threads.setSamplerController(loop);
    HashTree group = tree.add(new TestPlanGui().createTestElement()).add(threads);
    for (TestElement element : Panels.elementsFilledWith(text)) {
      if (element instanceof Timer) {
        continue;
      }
      HashTree below = group.add(element);
      if (element instanceof Controller) {
        Panels.elementsFilledWith(text).stream()
            .filter(e -> !(e instanceof Controller || e instanceof Timer))
            .forEach(below::add);
      }
    }
    // One that cannot pace holds each sample up for a second: it has only one in its scope.
    Panels.elementsFilledWith(text).stream()
        .filter(e -> e instanceof Timer)
        .forEach(timer -> firstSampler(group).add(timer));
    return tree;
  }

  private static HashTree firstSampler(HashTree group) {
    return group.list().stream()
        .filter(element -> element instanceof Sampler)
        .findFirst()
        .map(group::getTree)
        .orElseThrow(AssertionError::new);
  }

  private static String saved(HashTree plan) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    SaveService.saveTree(plan, bytes);
    return new String(bytes.toByteArray(), StandardCharsets.UTF_8);
  }

  private static void runAndStop(HashTree plan) throws InterruptedException {
    Seen seen = new Seen();
    ((ListedHashTree) plan).getTree(plan.getArray()[0]).add(seen);
    StandardJMeterEngine engine = new StandardJMeterEngine();
    engine.configure(plan);
    Thread thread = new Thread(engine::run);
    thread.start();
    boolean came = seen.enough.await(30, TimeUnit.SECONDS);
    engine.stopTest();
    thread.join();
    assertEquals("samples came", true, came);
  }

  /** Counts samples: of two iterations or one, as Validate makes only one. */
  public static final class Seen extends AbstractTestElement
      implements SampleListener, NoThreadClone {
    private static final long serialVersionUID = 1L;
    private final transient CountDownLatch enough = new CountDownLatch(7);

    @Override
    public void sampleOccurred(SampleEvent event) {
      enough.countDown();
    }

    @Override
    public void sampleStarted(SampleEvent event) {}

    @Override
    public void sampleStopped(SampleEvent event) {}
  }
}
