package io.github.wsbackoff.control;

import static io.github.wsbackoff.control.Plan.retry;
import static io.github.wsbackoff.control.Plan.sampler;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import io.github.wsbackoff.config.WebSocketDefaults;
import io.github.wsbackoff.control.Plan.Seen;
import java.util.Arrays;
import java.util.List;
import org.apache.jmeter.processor.PostProcessor;
import org.apache.jmeter.testelement.AbstractTestElement;
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
  public void a_condition_that_never_ends_is_bounded_and_one_that_is_none_is_told()
      throws Exception {
    Object[][] cases = {{"true", "max-attempts", 2}, {"${undefined}", "invalid", 1}};
    for (Object[] c : cases) {
      Plan plan = new Plan(1);
      plan.add(fast("wsb.retry.maxAttempts", "2", "wsb.retry.while", (String) c[0]))
          .add(sampler("poll", "200"));
      plan.add(sampler("next", "200"));
      List<Seen> seen = plan.run();
      Seen next = seen.get(seen.size() - 1);
      assertEquals(c[0].toString(), c[2], seen.size() - 1);
      assertEquals(c[1], next.variables.get("wsb.stop"));
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
