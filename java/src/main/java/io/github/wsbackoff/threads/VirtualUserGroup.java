package io.github.wsbackoff.threads;

import java.util.concurrent.TimeUnit;
import org.apache.jmeter.engine.StandardJMeterEngine;
import org.apache.jmeter.testelement.TestStateListener;
import org.apache.jmeter.threads.JMeterContextService;
import org.apache.jmeter.threads.JMeterThread;
import org.apache.jmeter.threads.JMeterVariables;
import org.apache.jmeter.threads.ListenerNotifier;
import org.apache.jmeter.threads.ThreadGroup;
import org.apache.jmeter.util.JMeterUtils;
import org.apache.jorphan.collections.ListedHashTree;
import org.apache.jorphan.util.JMeterStopTestException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * JMeter's Thread Group with a virtual thread for each user: the same fields under the same names,
 * so that a plan converts by the names of two classes, and the same behaviour.
 *
 * <p>It extends the Thread Group for what JMeter and plugins do with one (Validate, recorders), and
 * starts, counts and stops its users by itself, as that part is private there. One thing is
 * otherwise: where a start fails midway, the users who have begun are stopped, and the test goes on
 * to its end.
 */
public class VirtualUserGroup extends ThreadGroup implements TestStateListener {
  private static final long serialVersionUID = 1L;

  private static final Logger log = LoggerFactory.getLogger(VirtualUserGroup.class);

  /** More than JMeter needs for a Stop to count, which it does on another thread. */
  private static final long STOP_COUNTS_MS = 300;

  private static final Object REMARK_LOCK = new Object();
  private static long remarkedAt;

  /** Of the last run; null before the first one, and in the copies that the users have. */
  private transient volatile Users users;

  private transient volatile Starter starter;

  @Override
  public void testStarted() {
    String remark = VirtualThreads.remark();
    if (remark.isEmpty() || !isNews()) {
      return;
    }
    if (VirtualThreads.areHere()) {
      log.warn(remark);
      return;
    }
    // Not by an exception: JMeter would tell nobody of the test's end, and its window would wait.
    JMeterUtils.reportErrorToUser(remark);
    StandardJMeterEngine.stopEngineNow();
    try {
      // Else the first groups of the plan would begin.
      TimeUnit.MILLISECONDS.sleep(STOP_COUNTS_MS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** All groups of a test have the same to say. */
  private static boolean isNews() {
    synchronized (REMARK_LOCK) {
      long test = JMeterContextService.getTestStartTime();
      boolean news = test != remarkedAt;
      remarkedAt = test;
      return news;
    }
  }

  @Override
  public void testStarted(String host) {
    testStarted();
  }

  @Override
  public void testEnded() {
    // JMeter has waited for all users.
  }

  @Override
  public void testEnded(String host) {
    // As above.
  }

  @Override
  public void start(
      int group, ListenerNotifier notifier, ListedHashTree tree, StandardJMeterEngine engine) {
    if (!VirtualThreads.areHere()) {
      throw new JMeterStopTestException(VirtualThreads.remark());
    }
    Users begun = new Users(VirtualThreads::unstarted);
    Starter starter = starter(begun, group, notifier, tree, engine);
    boolean delayed = get(getSchema().getDelayedStart());
    log.info(
        "Starting virtual users... group={} users={} ramp-up={} delayedStart={}",
        group,
        getNumThreads(),
        getRampUp(),
        delayed);
    this.users = begun;
    this.starter = starter;
    JMeterVariables variables = JMeterContextService.getContext().getVariables();
    if (delayed) {
      begun.startBy(getName() + "-ThreadStarter", () -> startEach(starter, variables));
    } else {
      starter.startAll(variables);
    }
    log.info("Started thread group number {}", group);
  }

  private Starter starter(
      Users users,
      int group,
      ListenerNotifier notifier,
      ListedHashTree tree,
      StandardJMeterEngine engine) {
    Starter.Maker maker =
        (number, variables) ->
            makeThread(engine, this, notifier, group, number, cloneTree(tree), variables);
    long rampUp = TimeUnit.SECONDS.toMillis(getRampUp());
    Starter starter = new Starter(users, maker, getNumThreads(), rampUp);
    if (getScheduler()) {
      starter.schedule(
          TimeUnit.SECONDS.toMillis(valid("delay", getDelay(), 0)),
          TimeUnit.SECONDS.toMillis(valid("duration", getDuration(), 1)));
    }
    return starter;
  }

  private long valid(String what, long seconds, long least) {
    if (seconds < least) {
      throw new JMeterStopTestException(
          String.format("Invalid %s %d set in Thread Group:%s", what, seconds, getName()));
    }
    return seconds;
  }

  /** The work of a thread that has no context yet: functions in the plan ask for it. */
  private static void startEach(Starter starter, JMeterVariables variables) {
    JMeterContextService.getContext().setVariables(variables);
    try {
      starter.startEach(variables);
    } catch (JMeterStopTestException e) {
      JMeterUtils.reportErrorToUser(e.getMessage(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public JMeterThread addNewThread(int delay, StandardJMeterEngine engine) {
    Starter starter = this.starter;
    if (starter == null) {
      throw new IllegalStateException("The group has not been started");
    }
    int number;
    synchronized (starter) {
      number = getNumThreads();
      setNumThreads(number + 1);
    }
    JMeterVariables variables = JMeterContextService.getContext().getVariables();
    JMeterThread user = starter.add(number, variables, delay);
    JMeterContextService.addTotalThreads(1);
    return user;
  }

  private Users users() {
    Users current = users;
    return current == null ? Users.NONE : current;
  }

  @Override
  public boolean stopThread(String threadName, boolean now) {
    return users().stop(threadName, now);
  }

  @Override
  public void tellThreadsToStop(boolean now) {
    users().stop(now);
  }

  @Override
  public void stop() {
    users().shutDown();
  }

  @Override
  public int numberOfActiveThreads() {
    return users().count();
  }

  @Override
  public boolean verifyThreadsStopped() {
    return users().haveEnded();
  }

  @Override
  public void waitThreadsStopped() {
    users().awaitEnd();
  }
}
