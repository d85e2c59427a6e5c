package io.github.wsbackoff.control;

import static io.github.wsbackoff.control.Plan.named;
import static io.github.wsbackoff.control.Plan.sampler;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import io.github.wsbackoff.control.Plan.Seen;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.apache.jmeter.control.LoopController;
import org.apache.jmeter.control.OnceOnlyController;
import org.apache.jmeter.testelement.AbstractTestElement;
import org.apache.jmeter.testelement.TestStateListener;
import org.apache.jmeter.threads.AbstractThreadGroup;
import org.apache.jmeter.timers.ConstantTimer;
import org.apache.jorphan.collections.HashTree;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.Timeout;

/** The controller in a real engine: who fetches, who waits, and what they have afterwards. */
public class OnceControllerTest {
  @Rule public final Timeout timeout = Timeout.seconds(90);

  private static OnceController once(String... properties) {
    OnceController once = named("log in", new OnceController());
    once.setProperty("wsb.once.variables", "token");
    for (int i = 0; i < properties.length; i += 2) {
      once.setProperty(properties[i], properties[i + 1]);
    }
    return once;
  }

  /** So many users who need a token, so often, and then use it. */
  private static Plan plan(int users, int loops, OnceController once, Tokens tokens)
      throws Exception {
    Plan plan = new Plan(loops);
    plan.threads.setNumThreads(users);
    plan.add(once).add(tokens);
    plan.add(sampler("use", "200"));
    return plan;
  }

  private static List<Seen> uses(Plan plan) {
    return plan.recorder.seen.stream()
        .filter(seen -> seen.label.equals("use"))
        .collect(Collectors.toList());
  }

  @Test
  public void one_fetches_and_all_others_wait_for_its_variables() throws Exception {
    Plan plan = plan(30, 3, once(), Tokens.answering(300, "200"));
    plan.run();
    assertEquals(1, Tokens.fetches());
    assertEquals(90, uses(plan).size());
    long fetched = plan.recorder.seen.get(0).end;
    int others = 0;
    for (Seen use : uses(plan)) {
      assertEquals("t0", use.variables.get("token"));
      assertTrue(use.start >= fetched);
      others += use.variables.get("wsb.once.result").equals("kept") ? 1 : 0;
    }
    assertEquals(89, others);
  }

  @Test
  public void it_is_fetched_anew_before_it_ends_and_never_by_two() throws Exception {
    Plan plan = new Plan(60);
    plan.threads.setNumThreads(20);
    plan.add(once("wsb.once.ttl", "1s")).add(Tokens.answering(50, "200"));
    ConstantTimer pause = new ConstantTimer();
    pause.setDelay("50");
    plan.add(sampler("use", "200")).add(pause);
    plan.run();
    assertEquals(1, Tokens.mostAtOnce());
    assertTrue("60 rounds of 50 ms: " + Tokens.fetches(), Tokens.fetches() >= 3);
    for (long gap : Tokens.gaps()) {
      assertTrue("at least 85 % of a lifetime: " + gap, gap >= 845);
    }
  }

  @Test
  public void a_fetch_that_fails_hands_over_after_the_servers_hint() throws Exception {
    Plan plan = plan(5, 1, once(), Tokens.answering(10, "429", "503", "200"));
    plan.run();
    assertEquals(3, Tokens.fetches());
    assertEquals("each by another user: " + Tokens.users(), 3, Tokens.users().size());
    assertEquals(1, Tokens.mostAtOnce());
    for (long gap : Tokens.gaps()) {
      assertTrue("the hint: " + gap, gap >= 199);
    }
    assertEquals(5, uses(plan).size());
    uses(plan).forEach(use -> assertEquals("t2", use.variables.get("token")));
  }

  @Test
  public void a_single_user_tries_again_by_itself() throws Exception {
    Plan plan = plan(1, 2, once(), Tokens.answering(10, "429", "200"));
    plan.run();
    assertEquals(2, Tokens.fetches());
    assertEquals("fetched", uses(plan).get(0).variables.get("wsb.once.result"));
    assertEquals("kept", uses(plan).get(1).variables.get("wsb.once.result"));
  }

  @Test
  public void what_no_retry_heals_lets_all_go_on_without() throws Exception {
    for (String answer : new String[] {"401", "forgets"}) {
      Plan plan = plan(5, 1, once(), Tokens.answering(200, answer));
      plan.run();
      assertEquals(5, uses(plan).size());
      Seen use = uses(plan).get(4);
      assertEquals("none", use.variables.get("wsb.once.result"));
      assertEquals("fatal", use.variables.get("wsb.once.stop"));
      assertNull(use.variables.get("token"));
    }
  }

  @Test
  public void two_of_one_name_fetch_each_for_itself() throws Exception {
    Plan plan = new Plan(3);
    plan.threads.setNumThreads(5);
    plan.add(once()).add(Tokens.answering(20, "200"));
    Tokens second = Tokens.answering(20, "200");
    second.setProperty("variable", "session");
    OnceController other = once();
    other.setProperty("wsb.once.variables", "session");
    plan.add(other).add(second);
    plan.add(sampler("use", "200"));
    plan.run();
    assertEquals(2, Tokens.fetches());
    for (Seen use : uses(plan)) {
      assertEquals("t0", use.variables.get("token"));
      assertEquals("t1", use.variables.get("session"));
    }
  }

  @Test
  public void those_of_one_key_that_set_other_variables_are_refused_both() throws Exception {
    Plan plan = new Plan(2);
    plan.add(once("wsb.once.key", "agents")).add(Tokens.answering(1, "200"));
    plan.add(sampler("use", "200"));
    plan.add(once("wsb.once.key", "agents", "wsb.once.variables", "session"))
        .add(Tokens.answering(1, "200"));
    plan.add(sampler("use", "200"));
    plan.run();
    assertEquals(1, Tokens.fetches());
    List<String> stops =
        uses(plan).stream()
            .map(use -> use.variables.get("wsb.once.stop"))
            .collect(Collectors.toList());
    assertEquals(Arrays.asList("", "invalid", "invalid", "invalid"), stops);
  }

  @Test
  public void a_start_that_another_element_breaks_off_leaves_nothing_to_later_tests()
      throws Exception {
    Plan aborted = plan(1, 1, once(), Tokens.answering(1, "200"));
    aborted.add(new BreaksTheStart());
    assertThrows(IllegalStateException.class, aborted::run);
    for (int test = 1; test <= 2; test++) {
      plan(2, 1, once(), Tokens.answering(1, "200")).run();
      assertEquals("in test " + test, 1, Tokens.fetches());
    }
  }

  /** As an element whose file is missing: JMeter ends such a test without telling the others. */
  public static final class BreaksTheStart extends AbstractTestElement
      implements TestStateListener {
    private static final long serialVersionUID = 1L;

    @Override
    public void testStarted() {
      throw new IllegalStateException("no file");
    }

    @Override
    public void testStarted(String host) {
      testStarted();
    }

    @Override
    public void testEnded() {}

    @Override
    public void testEnded(String host) {}
  }

  @Test
  public void a_fetch_that_hangs_is_overtaken_and_nobody_waits_longer_than_the_bound()
      throws Exception {
    Plan plan =
        plan(
            5,
            1,
            once("wsb.once.lease", "300ms", "wsb.once.timeout", "20s"),
            Tokens.answering(10, "hangs", "200"));
    stopAfterUses(plan, 4);
    long begun = System.currentTimeMillis();
    plan.run();
    assertTrue(System.currentTimeMillis() - begun < 20_000);
    assertEquals(2, Tokens.fetches());
    uses(plan).forEach(use -> assertEquals("t1", use.variables.get("token")));
  }

  @Test
  public void a_wait_ends_at_its_bound() throws Exception {
    Plan plan =
        plan(
            4,
            1,
            once("wsb.once.lease", "60s", "wsb.once.timeout", "400ms"),
            Tokens.answering(10, "hangs"));
    stopAfterUses(plan, 3);
    plan.run();
    assertEquals(1, Tokens.fetches());
    Seen use = uses(plan).get(0);
    assertEquals("timeout", use.variables.get("wsb.once.stop"));
    assertTrue(Long.parseLong(use.variables.get("wsb.once.waitedMs")) >= 400);
  }

  private static void stopAfterUses(Plan plan, int uses) {
    Thread stopper =
        new Thread(
            () -> {
              while (uses(plan).size() < uses) {
                sleep(20);
              }
              plan.stop();
            });
    stopper.setDaemon(true);
    stopper.start();
  }

  private static void sleep(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  public void a_thread_that_ends_in_its_fetch_hands_over() throws Exception {
    OnceController once = once("wsb.once.lease", "60s", "wsb.once.timeout", "60s");
    Plan plan = new Plan(1);
    plan.threads.setNumThreads(3);
    HashTree inside = plan.add(once);
    inside.add(Tokens.answering(200, "ends", "200"));
    inside.add(sampler("profile", "200"));
    plan.add(sampler("use", "200"));
    plan.run();
    assertEquals(2, Tokens.fetches());
    assertEquals(2, uses(plan).size());
    uses(plan).forEach(use -> assertEquals("t1", use.variables.get("token")));
  }

  @Test
  public void starting_the_next_loop_in_the_middle_hands_over_too() throws Exception {
    Plan plan = new Plan(2);
    plan.threads.setNumThreads(3);
    plan.threads.setProperty(AbstractThreadGroup.ON_SAMPLE_ERROR, "startnextloop");
    HashTree inside = plan.add(once("wsb.once.lease", "60s", "wsb.once.timeout", "60s"));
    inside.add(Tokens.answering(50, "503", "200"));
    inside.add(sampler("profile", "200"));
    plan.add(sampler("use", "200"));
    plan.run();
    assertEquals(2, Tokens.fetches());
    assertEquals("one user's first loop ended early", 5, uses(plan).size());
    assertTrue("the hint: " + Tokens.gaps(), Tokens.gaps().get(0) >= 199);
  }

  @Test
  public void stop_ends_the_waits_at_once() throws Exception {
    Plan plan = plan(10, 1, once("wsb.once.lease", "60s"), Tokens.answering(10, "hangs"));
    Thread stopper =
        new Thread(
            () -> {
              while (Tokens.fetches() == 0) {
                sleep(20);
              }
              sleep(300);
              plan.stop();
            });
    stopper.start();
    long begun = System.currentTimeMillis();
    plan.run();
    stopper.join();
    assertTrue(System.currentTimeMillis() - begun < 10_000);
    assertTrue("nobody went on", uses(plan).isEmpty());
  }

  @Test
  public void nested_in_loops_and_with_children_that_run_once_it_blocks_nobody() throws Exception {
    Plan plan = new Plan(2);
    plan.threads.setNumThreads(3);
    LoopController loop = named("loop", new LoopController());
    loop.setLoops(2);
    HashTree inLoop = plan.add(loop);
    HashTree inside = inLoop.add(once("wsb.once.ttl", "1ms", "wsb.once.early", "0"));
    inside.add(named("at first", new OnceOnlyController())).add(Tokens.answering(10, "200"));
    inLoop.add(sampler("use", "200"));
    plan.run();
    assertEquals(12, uses(plan).size());
    assertTrue("once for each user at most: " + Tokens.fetches(), Tokens.fetches() <= 3);
  }

  @Test
  public void wrong_properties_fetch_nothing_and_say_so() throws Exception {
    Plan plan = plan(2, 1, once("wsb.once.ttl", "soon"), Tokens.answering(10, "200"));
    plan.run();
    assertEquals(0, Tokens.fetches());
    assertEquals("invalid", uses(plan).get(1).variables.get("wsb.once.stop"));
  }

  @Test
  public void values_are_of_one_test() throws Exception {
    for (int test = 0; test < 2; test++) {
      Plan plan = plan(2, 1, once(), Tokens.answering(10, "200"));
      plan.run();
      assertEquals(1, Tokens.fetches());
      assertFalse(uses(plan).isEmpty());
    }
  }
}
