package io.github.wsbackoff.control;

import static io.github.wsbackoff.control.Plan.named;
import static io.github.wsbackoff.control.Plan.sampler;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import io.github.wsbackoff.RawServer;
import io.github.wsbackoff.config.WebSocketDefaults;
import io.github.wsbackoff.control.Plan.Seen;
import io.github.wsbackoff.sampler.ConnectSampler;
import io.github.wsbackoff.sampler.SendSampler;
import io.github.wsbackoff.timer.PaceTimer;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.jmeter.control.GenericController;
import org.apache.jmeter.control.TransactionController;
import org.apache.jorphan.collections.HashTree;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.Timeout;

/** The timer in a real engine: when samples start, and what it learns from them. */
public class PaceTimerTest {
  @Rule public final Timeout timeout = Timeout.seconds(60);

  private static PaceTimer pace(String... properties) {
    PaceTimer pace = new PaceTimer();
    pace.setName("pace");
    for (int i = 0; i < properties.length; i += 2) {
      pace.setProperty(properties[i], properties[i + 1]);
    }
    return pace;
  }

  private static Plan plan(int users, int loops, PaceTimer pace, Plan.Scripted sampler)
      throws Exception {
    Plan plan = new Plan(loops);
    plan.threads.setNumThreads(users);
    plan.add(pace);
    plan.add(sampler);
    return plan;
  }

  private static long span(List<Seen> seen) {
    long first = seen.stream().mapToLong(each -> each.start).min().getAsLong();
    return seen.stream().mapToLong(each -> each.start).max().getAsLong() - first;
  }

  @Test
  public void a_fixed_rate_holds_for_all_users_together() throws Exception {
    PaceTimer pace = pace("wsb.pace.mode", "fixed", "wsb.pace.rate", "50", "wsb.pace.burst", "5");
    Plan plan = plan(5, 5, pace, sampler("call", "200"));
    List<Seen> seen = plan.run();
    assertEquals(25, seen.size());
    assertTrue("20 gaps of 20 ms: " + span(seen), span(seen) >= 390);
    assertEquals("50.000", seen.get(0).variables.get("wsb.rate"));
    assertTrue(seen.get(24).variables.containsKey("wsb.pace.waitedMs"));
  }

  @Test
  public void a_hint_in_a_result_holds_the_next_sample() throws Exception {
    List<Seen> seen = plan(1, 2, pace(), sampler("call", "429 RETRY-after-ms: 400", "200")).run();
    assertTrue(seen.get(1).start - seen.get(0).end >= 398);
    assertEquals("25.000", seen.get(1).variables.get("wsb.rate"));
  }

  @Test
  public void connects_to_one_address_share_a_gate_whatever_their_labels() throws Exception {
    try (RawServer server = new RawServer()) {
      Plan plan = new Plan(2);
      WebSocketDefaults defaults = new WebSocketDefaults();
      defaults.setProperty("wsb.baseUrl", server.url("/api/"));
      plan.add(defaults);
      String[] gate = {"wsb.pace.mode", "fixed", "wsb.pace.rate", "5", "wsb.pace.scope", "target"};
      plan.add(pace(gate));
      plan.add(connect("part", "calls?id=1"));
      plan.add(connect("whole", server.url("/api/calls?id=2")));
      List<Seen> seen = plan.run();
      assertEquals(4, seen.size());
      assertTrue("3 gaps of 200 ms: " + span(seen), span(seen) >= 590);
    }
  }

  @Test
  public void messages_to_one_address_share_its_gate_whatever_their_labels() throws Exception {
    try (RawServer server = new RawServer()) {
      Plan plan = new Plan(1);
      plan.add(connect("connect", server.url("/calls")));
      HashTree paced = plan.add(named("paced", new GenericController()));
      String[] gate = {"wsb.pace.mode", "fixed", "wsb.pace.rate", "5", "wsb.pace.scope", "Target"};
      paced.add(pace(gate));
      for (String label : new String[] {"first", "second", "third"}) {
        SendSampler send = new SendSampler();
        send.setName(label);
        send.setProperty("wsb.payload", label);
        paced.add(send);
      }
      List<Seen> seen = plan.run();
      assertEquals(4, seen.size());
      List<Seen> sent = seen.subList(1, 4);
      assertTrue("2 gaps of 200 ms: " + span(sent), span(sent) >= 390);
    }
  }

  private static ConnectSampler connect(String label, String url) {
    ConnectSampler connect = new ConnectSampler();
    connect.setName(label);
    connect.setProperty("wsb.url", url);
    return connect;
  }

  @Test
  public void it_hears_of_samples_inside_a_transaction_with_a_sample_of_its_own() throws Exception {
    Plan plan = new Plan(2);
    TransactionController transaction = named("transaction", new TransactionController());
    transaction.setGenerateParentSample(true);
    HashTree inside = plan.add(transaction);
    inside.add(sampler("call", "429 Retry-After-Ms: 400", "200"));
    plan.add(pace());
    List<Seen> seen = plan.run();
    assertEquals("only transactions", 2, seen.size());
    assertTrue(seen.get(1).end - seen.get(0).end >= 398);
  }

  @Test
  public void it_takes_what_it_leaves_empty_from_the_defaults() throws Exception {
    WebSocketDefaults defaults = new WebSocketDefaults();
    defaults.setProperty("wsb.shared.rate", "20");
    defaults.setProperty("wsb.shared.mode", "pause"); // not for timers
    Plan plan = plan(1, 1, pace(), sampler("call", "200"));
    plan.add(defaults);
    assertEquals("20.000", plan.run().get(0).variables.get("wsb.rate"));
  }

  @Test
  public void a_wait_ends_the_thread_at_the_end_of_its_schedule() throws Exception {
    PaceTimer pace = pace("wsb.pace.mode", "fixed", "wsb.pace.rate", "0.1");
    Plan plan = plan(3, 5, pace, sampler("call", "200"));
    plan.threads.setScheduler(true);
    plan.threads.setDuration(1);
    long begun = System.currentTimeMillis();
    assertEquals("the first turn comes at once", 1, plan.run().size());
    long took = System.currentTimeMillis() - begun;
    assertTrue(took + " ms", took >= 900 && took < 9_000);
  }

  @Test
  public void stop_ends_a_wait_at_once() throws Exception {
    PaceTimer pace = pace("wsb.pace.mode", "fixed", "wsb.pace.rate", "0.01");
    Plan plan = plan(10, 5, pace, sampler("call", "200"));
    Thread stopper =
        new Thread(
            () -> {
              try {
                while (plan.recorder.seen.isEmpty()) {
                  TimeUnit.MILLISECONDS.sleep(20);
                }
                TimeUnit.MILLISECONDS.sleep(300);
              } catch (InterruptedException e) {
                throw new AssertionError(e);
              }
              plan.stop();
            });
    stopper.start();
    long begun = System.currentTimeMillis();
    assertEquals(1, plan.run().size());
    assertTrue(System.currentTimeMillis() - begun < 20_000);
    stopper.join();
  }

  @Test
  public void a_sample_that_cannot_be_paced_fails_with_the_reason() throws Exception {
    Seen seen = plan(1, 1, pace("wsb.pace.mode", "slow"), sampler("call", "200")).run().get(0);
    assertFalse(seen.ok);
    assertTrue(seen.failure, seen.failure.contains("wsb.pace.mode"));
    assertTrue(seen.failure, seen.failure.contains("fixed"));
  }
}
