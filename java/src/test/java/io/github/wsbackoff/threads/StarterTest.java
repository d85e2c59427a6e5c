package io.github.wsbackoff.threads;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import io.github.wsbackoff.JMeterSetup;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.jmeter.control.LoopController;
import org.apache.jmeter.threads.JMeterThread;
import org.apache.jmeter.threads.JMeterVariables;
import org.apache.jorphan.collections.ListedHashTree;
import org.apache.jorphan.util.JMeterStopTestException;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.Timeout;

/** When users start, and how all end: on threads of any kind. */
public class StarterTest {
  @Rule public final Timeout timeout = Timeout.seconds(60);

  private final Users users = new Users((name, task) -> new Thread(task, name));
  private final JMeterVariables variables = new JMeterVariables();
  private final List<User> made = Collections.synchronizedList(new ArrayList<>());

  @Before
  public void jmeter() throws Exception {
    JMeterSetup.once();
  }

  /** Keeps what it was told, and runs until it is stopped or interrupted. */
  private static class User extends JMeterThread {
    final CountDownLatch end = new CountDownLatch(1);
    final long madeAt = System.currentTimeMillis();
    int initialDelay;
    boolean scheduled;
    volatile boolean stopped;
    volatile boolean wasInterrupted;

    User(String name) {
      super(tree(), null, null);
      setThreadName(name);
    }

    private static ListedHashTree tree() {
      return new ListedHashTree(new LoopController());
    }

    @Override
    public void run() {
      try {
        end.await();
      } catch (InterruptedException e) {
        wasInterrupted = true;
      }
    }

    @Override
    public void stop() {
      stopped = true;
    }

    @Override
    public void setInitialDelay(int delay) {
      initialDelay = delay;
    }

    @Override
    public void setScheduled(boolean is) {
      scheduled = is;
    }
  }

  private JMeterThread make(int number, JMeterVariables variables) {
    User user = new User("G 1-" + (number + 1));
    made.add(user);
    return user;
  }

  private Starter starter(int count, long rampUp) {
    return new Starter(users, this::make, count, rampUp);
  }

  private void endAll() {
    made.forEach(user -> user.end.countDown());
    users.awaitEnd();
    assertEquals(0, users.count());
  }

  @Test
  public void users_begin_at_their_place_in_the_ramp_up_however_many_there_are() {
    long begin = System.currentTimeMillis();
    starter(1_000, 400).startAll(variables);
    assertEquals(1_000, users.count());
    long took = System.currentTimeMillis() - begin;
    for (int number = 0; number < 1_000; number++) {
      User user = made.get(number);
      long place = user.madeAt + user.initialDelay - begin;
      // A user who is made after its place begins at once.
      long wanted = 400L * number / 1_000;
      assertTrue(number + ": " + place, place >= wanted && place <= Math.max(wanted + 20, took));
    }
    endAll();
  }

  @Test
  public void a_delayed_start_makes_each_user_when_it_begins() throws Exception {
    Starter starter = starter(5, 400);
    starter.schedule(100, 60_000);
    long begin = System.currentTimeMillis();
    starter.startEach(variables);
    for (int number = 0; number < 5; number++) {
      User user = made.get(number);
      long place = user.madeAt - begin - 100;
      assertTrue(number + ": " + place, place >= 100L * number - 5 && place < 100L * number + 90);
      assertEquals(0, user.initialDelay);
      assertTrue(user.scheduled && user.getStartTime() <= user.madeAt);
      long end = user.getEndTime() - begin - 60_000;
      assertTrue("all end together: " + end, end >= 95 && end < 190);
    }
    endAll();
  }

  @Test
  public void a_delayed_start_ends_with_the_schedule() throws Exception {
    Starter starter = starter(3, 10_000);
    starter.schedule(0, 1_000);
    long begin = System.nanoTime();
    starter.startEach(variables);
    assertTrue(TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begin) < 900);
    assertEquals("the others would begin after the end", 1, made.size());
    endAll();
  }

  @Test
  public void the_schedule_counts_from_each_users_making() {
    Starter starter = starter(2, 0);
    starter.schedule(3_000, 5_000);
    starter.startAll(variables);
    for (User user : made) {
      assertTrue(user.scheduled);
      assertEquals(5_000, user.getEndTime() - user.getStartTime());
      long wait = user.getStartTime() - user.madeAt;
      assertTrue(String.valueOf(wait), wait > 2_900 && wait <= 3_000);
    }
    endAll();
  }

  @Test
  public void a_start_that_fails_midway_stops_those_who_have_begun() {
    Starter.Maker failing =
        (number, variables) -> {
          if (number == 3) {
            throw new OutOfMemoryError("no room");
          }
          return make(number, variables);
        };
    Starter starter = new Starter(users, failing, 10, 0);
    JMeterStopTestException told =
        assertThrows(JMeterStopTestException.class, () -> starter.startAll(variables));
    assertTrue(
        told.getMessage(), told.getMessage().contains("only 3 of 10 users could be started"));
    assertTrue(told.getMessage(), told.getMessage().contains("no room"));
    users.awaitEnd();
    assertTrue(made.stream().allMatch(user -> user.stopped && user.wasInterrupted));
  }

  @Test
  public void a_stop_during_the_start_reaches_every_user_and_starts_no_other() throws Exception {
    Starter starter =
        new Starter(
            users,
            (number, variables) -> {
              if (number == 50) {
                users.stop(true); // as from another thread, at the worst moment
              }
              return make(number, variables);
            },
            1_000,
            0);
    starter.startAll(variables);
    users.awaitEnd();
    assertEquals("the one that was being made, too", 51, made.size());
    assertTrue(made.subList(0, 50).stream().allMatch(user -> user.stopped && user.wasInterrupted));
  }

  @Test
  public void a_stop_ends_the_pause_of_a_delayed_start() throws Exception {
    Starter starter = starter(10, 600_000);
    users.startBy("starter", () -> uninterrupted(() -> starter.startEach(variables)));
    while (made.isEmpty()) {
      Thread.sleep(5);
    }
    assertFalse("a start goes on", users.isStopped());
    users.shutDown();
    made.get(0).end.countDown(); // its sample is over
    users.awaitEnd();
    assertTrue(made.get(0).stopped && !made.get(0).wasInterrupted);
    assertTrue(users.haveEnded());
    assertEquals(1, made.size());
  }

  private interface Step {
    void run() throws InterruptedException;
  }

  private static void uninterrupted(Step step) {
    try {
      step.run();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  public void one_user_is_stopped_by_its_name() {
    starter(3, 0).startAll(variables);
    assertTrue(users.stop("G 1-2", false));
    assertFalse(users.stop("G 1-9", true));
    assertTrue(made.get(1).stopped && !made.get(0).stopped && !made.get(2).stopped);
    assertTrue(users.stop("G 1-3", true));
    made.get(0).end.countDown();
    made.get(1).end.countDown();
    users.awaitEnd();
    assertTrue(made.get(2).wasInterrupted && !made.get(1).wasInterrupted);
  }

  @Test
  public void a_user_that_dies_of_an_error_is_not_waited_for() {
    Starter starter =
        new Starter(
            users,
            (number, variables) -> {
              User user =
                  new User("G 1-1") {
                    @Override
                    public void run() {
                      throw new NoClassDefFoundError("in a listener");
                    }
                  };
              made.add(user);
              return user;
            },
            1,
            0);
    starter.startAll(variables);
    users.awaitEnd();
    assertEquals(0, users.count());
  }

  @Test
  public void a_thread_that_cannot_start_is_not_waited_for() {
    Users none =
        new Users(
            (name, task) ->
                new Thread(task, name) {
                  @Override
                  public synchronized void start() {
                    throw new OutOfMemoryError("unable to create native thread");
                  }
                });
    Starter starter = new Starter(none, this::make, 2, 0);
    assertThrows(JMeterStopTestException.class, () -> starter.startAll(variables));
    none.awaitEnd();
    assertEquals(0, none.count());
  }

  @Test
  public void whoever_waits_for_the_end_is_not_turned_away_by_an_interrupt() throws Exception {
    starter(1, 0).startAll(variables);
    Thread engine = new Thread(users::awaitEnd);
    engine.start();
    engine.interrupt();
    engine.join(200);
    assertTrue("it waits on", engine.isAlive());
    made.get(0).end.countDown();
    engine.join();
  }

  @Test
  public void users_added_later_have_the_schedule_and_are_waited_for() {
    Starter starter = starter(1, 0);
    starter.schedule(0, 10_000);
    starter.startAll(variables);
    assertEquals("G 1-2", starter.add(1, variables, 70).getThreadName());
    assertEquals(70, made.get(1).initialDelay);
    assertTrue(made.get(1).scheduled);
    assertEquals(2, users.count());
    endAll();
  }
}
