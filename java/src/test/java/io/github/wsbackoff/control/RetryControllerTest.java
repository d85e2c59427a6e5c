package io.github.wsbackoff.control;

import static io.github.wsbackoff.control.Plan.named;
import static io.github.wsbackoff.control.Plan.retry;
import static io.github.wsbackoff.control.Plan.sampler;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNotEquals;
import static org.junit.Assert.assertTrue;

import io.github.wsbackoff.RawServer;
import io.github.wsbackoff.config.WebSocketDefaults;
import io.github.wsbackoff.control.Plan.Seen;
import io.github.wsbackoff.core.Settings;
import io.github.wsbackoff.sampler.ConnectSampler;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.jmeter.assertions.Assertion;
import org.apache.jmeter.assertions.AssertionResult;
import org.apache.jmeter.control.GenericController;
import org.apache.jmeter.control.IfController;
import org.apache.jmeter.control.InterleaveControl;
import org.apache.jmeter.control.LoopController;
import org.apache.jmeter.control.RandomController;
import org.apache.jmeter.control.TransactionController;
import org.apache.jmeter.samplers.SampleResult;
import org.apache.jmeter.testelement.AbstractTestElement;
import org.apache.jmeter.timers.Timer;
import org.apache.jmeter.util.JMeterUtils;
import org.apache.jorphan.collections.HashTree;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;
import org.junit.rules.Timeout;

/** The controller in a real engine: what runs again, when, and what the listeners are shown. */
public class RetryControllerTest {
  private static final String[] FAST = {
    "wsb.retry.strategy", "fixed", "wsb.retry.base", "20", "wsb.retry.transientBase", "20"
  };

  @Rule public final TemporaryFolder folder = new TemporaryFolder();
  @Rule public final Timeout timeout = Timeout.seconds(60);

  private static RetryController fast(String... more) {
    String[] all = Arrays.copyOf(FAST, FAST.length + more.length);
    System.arraycopy(more, 0, all, FAST.length, more.length);
    return retry(all);
  }

  private static void shows(Plan plan, String... lines) {
    assertEquals(Arrays.asList(lines), plan.recorder.lines());
  }

  @Test
  public void two_controllers_of_one_name_draw_by_streams_of_their_own_in_each_run_alike()
      throws Exception {
    List<List<String>> runs = new ArrayList<>();
    for (int run = 0; run < 2; run++) {
      Path trace = folder.getRoot().toPath().resolve("trace" + run);
      JMeterUtils.setProperty(Settings.TRACE, trace.toString());
      try {
        Plan plan = new Plan(1);
        for (String label : new String[] {"one", "two"}) {
          RetryController retry =
              retry("wsb.retry.seed", "7", "wsb.retry.strategy", "full", "wsb.retry.base", "90ms");
          plan.add(retry).add(sampler(label, "429", "200"));
        }
        plan.run();
      } finally {
        JMeterUtils.getJMeterProperties().remove(Settings.TRACE);
      }
      List<String> waits = new ArrayList<>();
      Matcher wait =
          Pattern.compile("\"waitMs\":([0-9.]+)")
              .matcher(new String(Files.readAllBytes(trace), StandardCharsets.UTF_8));
      while (wait.find()) {
        waits.add(wait.group(1));
      }
      assertEquals(waits.toString(), 2, waits.size());
      assertNotEquals(waits.get(0), waits.get(1));
      runs.add(waits);
    }
    assertEquals(runs.get(0), runs.get(1));
  }

  @Test
  public void children_run_again_until_they_succeed_and_the_waits_lie_between_samples()
      throws Exception {
    Plan plan = new Plan(2);
    plan.add(fast()).add(sampler("call", "429", "503", "200", "500", "200"));
    plan.add(sampler("next", "200"));
    List<Seen> seen = plan.run();
    shows(
        plan,
        "call 429 failed",
        "call 503 failed",
        "call 200",
        "next 200",
        "call 500 failed",
        "call 200",
        "next 200");
    for (int retried : new int[] {0, 1, 4}) {
      long between = seen.get(retried + 1).start - seen.get(retried).end;
      assertTrue("waited " + between, between >= 19); // both are rounded to milliseconds
    }
    assertEquals("3", seen.get(3).variables.get("wsb.attempts"));
    assertEquals("2", seen.get(3).variables.get("wsb.throttled"));
    assertEquals("succeeded", seen.get(3).variables.get("wsb.stop"));
    assertEquals("200", seen.get(3).variables.get("wsb.lastStatus"));
    assertTrue(Long.parseLong(seen.get(3).variables.get("wsb.timeToSuccessMs")) >= 40);
    assertEquals("2", seen.get(6).variables.get("wsb.attempts"));
  }

  @Test
  public void a_policy_that_gives_up_lets_the_plan_go_on_and_starts_afresh_next_time()
      throws Exception {
    Plan plan = new Plan(2);
    plan.add(fast("wsb.retry.maxAttempts", "2", "wsb.retry.prefix", "mine."))
        .add(sampler("call", "429"));
    plan.add(sampler("next", "200"));
    List<Seen> seen = plan.run();
    shows(
        plan,
        "call 429 failed",
        "call 429 failed",
        "next 200",
        "call 429 failed",
        "call 429 failed",
        "next 200");
    assertEquals("max-attempts", seen.get(5).variables.get("mine.stop"));
    assertEquals("", seen.get(5).variables.get("mine.timeToSuccessMs"));
    assertFalse(seen.get(5).variables.containsKey("wsb.stop"));
  }

  @Test
  public void a_fatal_status_is_not_tried_again() throws Exception {
    Plan plan = new Plan(1);
    plan.add(fast()).add(sampler("call", "404", "200"));
    assertEquals(1, plan.run().size());
  }

  @Test
  public void a_hint_holds_the_next_attempt_back() throws Exception {
    Plan plan = new Plan(1);
    plan.add(fast()).add(sampler("call", "429 RETRY-after-ms: 300", "200"));
    List<Seen> seen = plan.run();
    assertTrue(seen.get(1).start - seen.get(0).end >= 299);
    assertEquals("300", seen.get(1).variables.get("wsb.hintMs"));
  }

  @Test
  public void retried_attempts_are_ignored_or_turned_into_successes() throws Exception {
    Plan ignored = new Plan(1);
    ignored.add(fast("wsb.retry.attemptsShown", "ignore")).add(sampler("call", "429", "200"));
    ignored.add(sampler("next", "500"));
    ignored.run();
    shows(ignored, "call 200", "next 500 failed");

    Plan success = new Plan(1);
    success
        .add(fast("wsb.retry.attemptsShown", "success"))
        .add(sampler("call", "429", "503", "200"));
    success.run();
    shows(success, "call retried 429", "call retried 503", "call 200");

    Plan inTheEnd = new Plan(1);
    inTheEnd
        .add(fast("wsb.retry.attemptsShown", "success", "wsb.retry.maxAttempts", "2"))
        .add(sampler("call", "429"));
    inTheEnd.run();
    shows(inTheEnd, "call retried 429", "call 429 failed");
  }

  @Test
  public void an_assertion_inside_fails_an_attempt() throws Exception {
    for (String shown : new String[] {"keep", "ignore", "success"}) {
      Plan plan = new Plan(1);
      HashTree inside = plan.add(fast("wsb.retry.attemptsShown", shown));
      inside.add(sampler("call", "200", "201", "202")).add(new FailsBelow202());
      plan.run();
      String first = shown.equals("success") ? "call retried 20" : "call 20";
      String end = shown.equals("success") ? "" : " failed";
      if (shown.equals("ignore")) {
        shows(plan, "call 202");
      } else {
        shows(plan, first + "0" + end, first + "1" + end, "call 202");
      }
    }
  }

  @Test
  public void the_last_child_decides_unless_others_count() throws Exception {
    Plan last = new Plan(1);
    HashTree inside = last.add(fast("wsb.retry.attemptsShown", "ignore"));
    inside.add(sampler("first", "500"));
    inside.add(sampler("last", "429", "200"));
    last.run();
    shows(last, "first 500 failed", "first 500 failed", "last 200");

    Plan any = new Plan(1);
    inside = any.add(fast("wsb.retry.counts", "any"));
    inside.add(sampler("first", "500", "200"));
    inside.add(sampler("last", "200"));
    any.run();
    shows(any, "first 500 failed", "last 200", "first 200", "last 200");

    Plan matching = new Plan(1);
    inside = matching.add(fast("wsb.retry.counts", "matching", "wsb.retry.label", "^f"));
    inside.add(sampler("first", "500", "200"));
    inside.add(sampler("last", "500"));
    matching.run();
    shows(matching, "first 500 failed", "last 500 failed", "first 200", "last 500 failed");
  }

  @Test
  public void other_controllers_inside_begin_afresh_with_each_attempt() throws Exception {
    Plan plan = new Plan(2);
    HashTree inside = plan.add(fast());
    LoopController loop = named("loop", new LoopController());
    loop.setLoops(2);
    inside.add(loop).add(sampler("twice", "200"));
    IfController never = named("never", new IfController());
    never.setUseExpression(true);
    never.setCondition("false");
    inside.add(never).add(sampler("never", "200"));
    inside.add(fast("wsb.retry.prefix", "inner.")).add(sampler("inner", "429", "404", "200"));
    plan.run();
    shows(
        plan,
        "twice 200",
        "twice 200",
        "inner 429 failed",
        "inner 404 failed", // fatal for both
        "twice 200",
        "twice 200",
        "inner 200");
  }

  @Test
  public void an_outer_controller_tries_again_what_an_inner_one_gave_up() throws Exception {
    Plan plan = new Plan(1);
    plan.add(fast())
        .add(fast("wsb.retry.maxAttempts", "2", "wsb.retry.prefix", "inner."))
        .add(sampler("call", "429", "429", "429", "200"));
    plan.add(sampler("next", "200"));
    List<Seen> seen = plan.run();
    assertEquals(5, seen.size());
    assertEquals("2", seen.get(4).variables.get("wsb.attempts"));
    assertEquals("2", seen.get(4).variables.get("inner.attempts"));
  }

  @Test
  public void a_transaction_inside_is_one_an_attempt() throws Exception {
    for (boolean parent : new boolean[] {false, true}) {
      Plan plan = new Plan(1);
      HashTree inside = plan.add(fast()).add(transaction(parent));
      inside.add(sampler("call", "429", "200"));
      plan.run();
      if (parent) {
        shows(plan, "transaction 429 failed", "transaction 200");
      } else {
        shows(plan, "call 429 failed", "transaction  failed", "call 200", "transaction 200");
      }
    }
  }

  @Test
  public void an_assertion_of_a_transaction_inside_fails_an_attempt() throws Exception {
    Plan plan = new Plan(1);
    HashTree inside = plan.add(fast("wsb.retry.maxAttempts", "2")).add(transaction(true));
    inside.add(sampler("call", "200"));
    inside.add(new FailsTransactions());
    plan.run();
    assertEquals(2, plan.recorder.seen.size());
  }

  @Test
  public void a_transaction_around_fails_with_the_attempts_that_are_kept() throws Exception {
    for (boolean parent : new boolean[] {false, true}) {
      for (String shown : new String[] {"keep", "ignore", "success"}) {
        Plan plan = new Plan(1);
        plan.add(transaction(parent))
            .add(fast("wsb.retry.attemptsShown", shown))
            .add(sampler("call", "429", "200"));
        List<Seen> seen = plan.run();
        Seen transaction = seen.get(seen.size() - 1);
        assertEquals("transaction", transaction.label);
        assertEquals(shown + " " + parent, !shown.equals("keep"), transaction.ok);
      }
    }
  }

  @Test
  public void actions_after_an_error_come_first_unless_the_failure_is_not_shown() throws Exception {
    Plan keep = new Plan(2);
    keep.threads.setProperty("ThreadGroup.on_sample_error", "startnextloop");
    keep.add(fast()).add(sampler("call", "429", "200"));
    keep.run();
    shows(keep, "call 429 failed", "call 200");

    for (String action : new String[] {"startnextloop", "stopthread", "stoptest"}) {
      Plan plan = new Plan(1);
      plan.threads.setProperty("ThreadGroup.on_sample_error", action);
      plan.add(fast("wsb.retry.attemptsShown", "ignore")).add(sampler("call", "429", "429", "200"));
      plan.add(sampler("next", "200"));
      plan.run();
      shows(plan, "call 200", "next 200");
    }
  }

  @Test
  public void a_wrong_property_fails_the_samples_with_its_name_and_the_plan_goes_on()
      throws Exception {
    Plan plan = new Plan(2);
    plan.add(retry("wsb.retry.base", "soon")).add(sampler("call", "200"));
    plan.add(sampler("next", "200"));
    List<Seen> seen = plan.run();
    shows(plan, "call 200 failed", "next 200", "call 200 failed", "next 200");
    assertTrue(seen.get(0).failure, seen.get(0).failure.contains("wsb.retry.base"));
    assertTrue(seen.get(0).failure, seen.get(0).failure.contains("soon"));
    assertEquals("invalid", seen.get(1).variables.get("wsb.stop"));
  }

  @Test
  public void what_a_connect_inside_says_does_not_hide_that_a_property_is_wrong() throws Exception {
    try (RawServer server = new RawServer()) {
      Plan plan = new Plan(1);
      ConnectSampler connect = new ConnectSampler();
      connect.setName("connect");
      connect.setProperty("wsb.url", server.url("/"));
      plan.add(retry("wsb.retry.base", "soon")).add(connect);
      plan.add(sampler("next", "200"));
      List<Seen> seen = plan.run();
      assertFalse(seen.get(0).ok);
      assertEquals("invalid", seen.get(1).variables.get("wsb.stop"));
    }
  }

  @Test
  public void the_defaults_in_scope_hold_for_it() throws Exception {
    Plan plan = new Plan(1);
    WebSocketDefaults defaults = new WebSocketDefaults();
    defaults.setProperty("wsb.retry.maxAttempts", "2");
    defaults.setProperty("wsb.retry.base", "1h");
    defaults.setProperty("wsb.url", "ws://of.the.samplers/");
    plan.add(defaults);
    plan.add(fast()).add(sampler("call", "429"));
    assertEquals(2, plan.run().size());
  }

  @Test
  public void a_gate_holds_all_attempts_to_its_rate() throws Exception {
    Plan plan = new Plan(5);
    plan.add(fast("wsb.shared.mode", "pace", "wsb.shared.rate", "20")).add(sampler("call", "200"));
    List<Seen> seen = plan.run();
    long took = seen.get(4).start - seen.get(0).start;
    assertTrue("4 gaps of 25 to 75 ms: " + took, took >= 90);
    assertFalse(seen.get(4).variables.get("wsb.rate").isEmpty());
  }

  @Test
  public void a_gate_holds_attempts_below_any_controller_and_leaves_siblings_alone()
      throws Exception {
    GenericController[] wrappers = {
      transaction(false), transaction(true), new InterleaveControl(), new RandomController()
    };
    for (GenericController inside : wrappers) {
      Plan plan = new Plan(4);
      HashTree group =
          plan.add(named("outer", new GenericController()))
              .add(fast("wsb.shared.mode", "pace", "wsb.shared.rate", "20"));
      group.add(named("inner", inside)).add(sampler("call", "200"));
      plan.add(sampler("next", "200"));
      List<Seen> calls = new ArrayList<>();
      Seen before = null;
      for (Seen seen : plan.run()) {
        if (seen.label.equals("call") || seen.label.equals("inner")) {
          calls.add(seen);
        } else if (seen.label.equals("next")) {
          long waited = seen.start - before.end;
          assertTrue("a sibling waited " + waited, waited < 20);
        }
        before = seen;
      }
      long took = calls.get(calls.size() - 1).start - calls.get(0).start;
      assertTrue(inside.getClass() + ": 3 gaps of 25 to 75 ms: " + took, took >= 65);
    }
  }

  @Test
  public void a_turn_comes_after_all_pauses_and_right_before_its_sample() throws Exception {
    Plan plan = new Plan(5);
    HashTree call = plan.add(fast("wsb.shared.mode", "pace", "wsb.shared.rate", "20"));
    call.add(sampler("call", "200")).add(new Uneven());
    List<Seen> seen = plan.run();
    for (int i = 1; i < seen.size(); i++) {
      long gap = seen.get(i).start - seen.get(i - 1).start;
      assertTrue("turns are 25 to 75 ms apart: " + gap, gap >= 20);
    }
  }

  @Test
  public void a_turn_that_would_come_after_the_schedule_ends_the_thread_without_its_sample()
      throws Exception {
    Plan plan = new Plan(3);
    plan.threads.setScheduler(true);
    plan.threads.setDuration(2);
    plan.add(fast("wsb.shared.mode", "pace", "wsb.shared.rate", "0.1", "wsb.shared.minRate", "0.1"))
        .add(sampler("call", "200"));
    long begun = System.nanoTime();
    plan.run();
    assertTrue(TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - begun) < 8);
    shows(plan, "call 200");
  }

  @Test
  public void stop_ends_the_wait_for_a_turn() throws Exception {
    Plan plan = new Plan(3);
    plan.add(fast("wsb.shared.mode", "pace", "wsb.shared.rate", "0.1", "wsb.shared.minRate", "0.1"))
        .add(sampler("call", "200"));
    long took = millisFromFirstSampleToEnd(plan, plan::stop);
    assertTrue("stopped after " + took, took < 5_000);
    shows(plan, "call 200");
  }

  @Test
  public void it_does_not_swallow_a_siblings_failure_under_an_interleave_controller()
      throws Exception {
    Plan plan = new Plan(4);
    InterleaveControl interleave = named("interleave", new InterleaveControl());
    interleave.setStyle(InterleaveControl.IGNORE_SUB_CONTROLLERS);
    HashTree inside = plan.add(interleave);
    HashTree retry = inside.add(fast("wsb.retry.attemptsShown", "ignore"));
    retry.add(sampler("mine", "200"));
    retry.add(sampler("mine too", "200"));
    inside.add(sampler("other", "500"));
    plan.run();
    shows(plan, "mine 200", "other 500 failed", "mine too 200", "other 500 failed");
  }

  @Test
  public void stop_ends_a_wait_at_once_and_shutdown_does_not() throws Exception {
    Plan stopped = new Plan(1);
    stopped
        .add(retry("wsb.retry.strategy", "fixed", "wsb.retry.base", "50s", "wsb.retry.cap", "60s"))
        .add(sampler("call", "429"));
    long took = millisFromFirstSampleToEnd(stopped, stopped::stop);
    assertTrue("stopped after " + took, took < 10_000);
    shows(stopped, "call 429 failed");

    Plan shut = new Plan(1);
    shut.add(retry("wsb.retry.strategy", "fixed", "wsb.retry.base", "1s"))
        .add(sampler("call", "429"));
    took = millisFromFirstSampleToEnd(shut, shut::shutdown);
    assertTrue("shut down after " + took, took >= 900);
    shows(shut, "call 429 failed");
  }

  private static long millisFromFirstSampleToEnd(Plan plan, Runnable end) throws Exception {
    Thread thread = new Thread(plan::run);
    thread.start();
    while (plan.recorder.seen.isEmpty()) {
      TimeUnit.MILLISECONDS.sleep(5);
    }
    long begun = System.nanoTime();
    end.run();
    thread.join();
    return TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begun);
  }

  @Test
  public void a_wait_beyond_the_schedule_ends_the_thread_now() throws Exception {
    Plan plan = new Plan(1);
    plan.threads.setScheduler(true);
    plan.threads.setDuration(30);
    plan.add(retry("wsb.retry.strategy", "fixed", "wsb.retry.base", "50s", "wsb.retry.cap", "60s"))
        .add(sampler("call", "429"));
    plan.add(sampler("next", "200"));
    long begun = System.nanoTime();
    plan.run();
    assertTrue(TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - begun) < 25);
    shows(plan, "call 429 failed");
  }

  private static TransactionController transaction(boolean parent) {
    TransactionController transaction = named("transaction", new TransactionController());
    transaction.setGenerateParentSample(parent);
    return transaction;
  }

  /** Fails samples whose code is below 202. */
  public static final class FailsBelow202 extends AbstractTestElement implements Assertion {
    private static final long serialVersionUID = 1L;

    @Override
    public AssertionResult getResult(SampleResult result) {
      AssertionResult verdict = new AssertionResult("assertion");
      if (result.getResponseCode().compareTo("202") < 0) {
        verdict.setResultForFailure("too low");
      }
      return verdict;
    }
  }

  /** Pauses of 60 and 0 ms in turn. */
  public static final class Uneven extends AbstractTestElement implements Timer {
    private static final long serialVersionUID = 1L;
    private transient boolean odd;

    @Override
    public long delay() {
      odd = !odd;
      return odd ? 60 : 0;
    }
  }

  /** Fails the samples of transactions. */
  public static final class FailsTransactions extends AbstractTestElement implements Assertion {
    private static final long serialVersionUID = 1L;

    @Override
    public AssertionResult getResult(SampleResult result) {
      AssertionResult verdict = new AssertionResult("assertion");
      if (result.getSampleLabel().equals("transaction")) {
        verdict.setResultForFailure("no");
      }
      return verdict;
    }
  }
}
