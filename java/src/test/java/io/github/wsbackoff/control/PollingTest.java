package io.github.wsbackoff.control;

import static io.github.wsbackoff.control.Plan.retry;
import static io.github.wsbackoff.control.Plan.sampler;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import io.github.wsbackoff.Log;
import io.github.wsbackoff.config.WebSocketDefaults;
import io.github.wsbackoff.control.Plan.Seen;
import io.github.wsbackoff.element.ThreadControl;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.apache.jmeter.control.OnceOnlyController;
import org.apache.jmeter.engine.util.CompoundVariable;
import org.apache.jmeter.processor.PostProcessor;
import org.apache.jmeter.testelement.AbstractTestElement;
import org.apache.jmeter.testelement.TestElement;
import org.apache.jmeter.testelement.property.FunctionProperty;
import org.apache.jmeter.testelement.property.JMeterProperty;
import org.apache.jmeter.threads.JMeterContext;
import org.apache.jmeter.threads.JMeterContextService;
import org.apache.jorphan.collections.HashTree;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.Timeout;

/** The controller around samples that succeed and are not yet what the plan waits for. */
public class PollingTest {
  @Rule public final Timeout timeout = Timeout.seconds(60);

  private static RetryController fast(String... more) {
    String[] fast = {"wsb.retry.strategy", "fixed", "wsb.retry.transientBase", "20"};
    String[] all = Arrays.copyOf(fast, fast.length + more.length);
    System.arraycopy(more, 0, all, fast.length, more.length);
    return retry(all);
  }

  @Test
  public void successes_are_followed_by_another_attempt_while_the_condition_holds()
      throws Exception {
    for (boolean among : new boolean[] {false, true}) {
      Plan plan = new Plan(2);
      RetryController poll = among ? fast() : fast("wsb.retry.while", "${unfinished}");
      HashTree inside = plan.add(poll);
      if (among) {
        WebSocketDefaults defaults = new WebSocketDefaults();
        defaults.setProperty("wsb.retry.while", "${unfinished}");
        inside.add(defaults);
      }
      inside.add(sampler("poll", "200", "500", "200", "202", "200", "202")).add(new Unfinished());
      plan.add(sampler("next", "200"));
      List<Seen> seen = plan.run();
      List<String> shown =
          Arrays.asList(
              "poll 200",
              "poll 500 failed",
              "poll 200",
              "poll 202",
              "next 200",
              "poll 200",
              "poll 202",
              "next 200");
      assertEquals(shown, plan.recorder.lines());
      long between = seen.get(1).start - seen.get(0).end;
      assertTrue("waited " + between, between >= 19);
      assertEquals("4", seen.get(4).variables.get("wsb.attempts"));
      assertEquals("succeeded", seen.get(4).variables.get("wsb.stop"));
      assertEquals("2", seen.get(7).variables.get("wsb.attempts"));
    }
  }

  @Test
  public void a_condition_that_never_ends_is_bounded() throws Exception {
    Plan plan = new Plan(1);
    plan.add(fast("wsb.retry.maxAttempts", "2", "wsb.retry.while", "true"))
        .add(sampler("poll", "200"));
    plan.add(sampler("next", "200"));
    List<Seen> seen = plan.run();
    assertEquals(Arrays.asList("poll 200", "poll 200", "next 200"), plan.recorder.lines());
    assertEquals("max-attempts", seen.get(2).variables.get("wsb.stop"));
  }

  @Test
  public void a_condition_that_is_none_fails_the_samples_inside() throws Exception {
    // A constant is known before; what comes of a function or a variable when the sample is out.
    Object[][] cases = {
      {"yes", "\"yes\"", true},
      {"1", "\"1\"", true},
      {"${undefined}", "${undefined}", false},
      {new Asked(""), "empty", false}
    };
    for (Object[] c : cases) {
      Plan plan = new Plan(2);
      plan.add(polling(fast(), c[0])).add(sampler("poll", "200"));
      plan.add(sampler("next", "200"));
      List<Seen> seen = plan.run();
      List<String> pass =
          c[2].equals(true)
              ? Arrays.asList("poll 200 failed", "next 200")
              : Arrays.asList("poll 200", "poll 200 failed", "next 200");
      List<String> both = new ArrayList<>(pass);
      both.addAll(pass);
      assertEquals(c[1].toString(), both, plan.recorder.lines());
      Seen failed = seen.get(pass.size() - 2);
      assertTrue(failed.failure, failed.failure.contains("wsb.retry.while"));
      assertTrue(failed.failure, failed.failure.contains(c[1].toString()));
      assertEquals("invalid", seen.get(pass.size() - 1).variables.get("wsb.stop"));
    }
  }

  private static <T extends TestElement> T polling(T element, Object condition) {
    if (condition instanceof JMeterProperty) {
      element.setProperty((JMeterProperty) condition);
    } else {
      element.setProperty("wsb.retry.while", condition.toString());
    }
    return element;
  }

  @Test
  public void what_is_wrong_is_told_once_for_all_threads() throws Exception {
    Log log = new Log();
    log.listen(ThreadControl.class);
    try {
      Plan plan = new Plan(2);
      plan.threads.setNumThreads(3);
      plan.add(polling(fast(), new Asked("1", "2", "3"))).add(sampler("poll", "200"));
      plan.run();
      assertEquals(log.errors().toString(), 1, log.errors().size());
    } finally {
      log.end();
    }
  }

  @Test
  public void a_condition_is_asked_once_an_attempt_and_never_before() throws Exception {
    for (boolean among : new boolean[] {false, true}) {
      Asked condition = new Asked("true", "true", "false", "true");
      Plan plan = new Plan(1);
      HashTree inside = plan.add(among ? fast() : polling(fast(), condition));
      if (among) {
        inside.add(polling(new WebSocketDefaults(), condition));
      }
      inside.add(sampler("poll", "200"));
      plan.run();
      assertEquals(Arrays.asList("poll 200", "poll 200", "poll 200"), plan.recorder.lines());
    }
  }

  @Test
  public void an_attempt_that_runs_no_sample_ends_it_and_says_so() throws Exception {
    Plan plan = new Plan(1);
    plan.add(fast("wsb.retry.while", "true"))
        .add(new OnceOnlyController())
        .add(sampler("poll", "200"));
    plan.add(sampler("next", "200"));
    List<Seen> seen = plan.run();
    assertEquals(Arrays.asList("poll 200", "next 200"), plan.recorder.lines());
    assertEquals("no-sample", seen.get(1).variables.get("wsb.stop"));
    assertEquals("1", seen.get(1).variables.get("wsb.attempts"));
  }

  /** A function that says these in turn, the last of them for ever; all copies together. */
  private static final class Asked extends FunctionProperty {
    private static final long serialVersionUID = 1L;
    private static final Queue<String> ANSWERS = new ConcurrentLinkedQueue<>();

    private final List<String> answers;

    private Asked(String... answers) {
      super("wsb.retry.while", new CompoundVariable());
      this.answers = Arrays.asList(answers);
      ANSWERS.clear();
    }

    @Override
    public String getStringValue() {
      synchronized (ANSWERS) {
        if (ANSWERS.isEmpty()) {
          ANSWERS.addAll(answers);
        }
        return ANSWERS.size() > 1 ? ANSWERS.poll() : ANSWERS.peek();
      }
    }
  }

  /** Says after each sample whether its code is another one than 202. */
  public static final class Unfinished extends AbstractTestElement implements PostProcessor {
    private static final long serialVersionUID = 1L;

    @Override
    public void process() {
      JMeterContext context = JMeterContextService.getContext();
      boolean unfinished = !context.getPreviousResult().getResponseCode().equals("202");
      context.getVariables().put("unfinished", String.valueOf(unfinished));
    }
  }
}
