package io.github.wsbackoff.control;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.jmeter.samplers.AbstractSampler;
import org.apache.jmeter.samplers.Entry;
import org.apache.jmeter.samplers.Interruptible;
import org.apache.jmeter.samplers.SampleResult;
import org.apache.jmeter.threads.JMeterContextService;

/** A token endpoint as a sampler: sets the variable {@code token}, by a script of answers. */
public final class Tokens extends AbstractSampler implements Interruptible {
  private static final long serialVersionUID = 1L;

  private static final AtomicInteger NEXT = new AtomicInteger();
  private static final AtomicInteger RUNNING = new AtomicInteger();
  private static final AtomicInteger MOST_RUNNING = new AtomicInteger();
  private static final Set<String> USERS = ConcurrentHashMap.newKeySet();
  private static final List<Long> TIMES = Collections.synchronizedList(new ArrayList<Long>());

  private transient volatile Thread sleeper;

  /**
   * Answers in turn, the last of them for ever: a status, or {@code hangs} for 30 s, {@code ends}
   * its thread, {@code forgets} to set the variable. Each takes so many milliseconds.
   */
  static Tokens answering(long millis, String... script) {
    NEXT.set(0);
    MOST_RUNNING.set(0);
    USERS.clear();
    TIMES.clear();
    Tokens tokens = new Tokens();
    tokens.setName("token");
    tokens.setProperty("millis", String.valueOf(millis));
    tokens.setProperty("script", String.join(",", script));
    return tokens;
  }

  static int mostAtOnce() {
    return MOST_RUNNING.get();
  }

  static Set<String> users() {
    return USERS;
  }

  static int fetches() {
    return TIMES.size();
  }

  /** Milliseconds from each fetch to the next. */
  static List<Long> gaps() {
    List<Long> gaps = new ArrayList<>();
    for (int i = 1; i < TIMES.size(); i++) {
      gaps.add(TIMES.get(i) - TIMES.get(i - 1));
    }
    return gaps;
  }

  @Override
  public SampleResult sample(Entry entry) {
    List<String> script = Arrays.asList(getPropertyAsString("script").split(","));
    int number = NEXT.getAndIncrement();
    String answer = script.get(Math.min(number, script.size() - 1));
    SampleResult result = new SampleResult();
    result.setSampleLabel(getName());
    result.sampleStart();
    TIMES.add(result.getStartTime());
    USERS.add(Thread.currentThread().getName());
    MOST_RUNNING.accumulateAndGet(RUNNING.incrementAndGet(), Math::max);
    boolean stopped = false;
    try {
      sleeper = Thread.currentThread();
      Thread.sleep(answer.equals("hangs") ? 30_000 : getPropertyAsLong("millis"));
    } catch (InterruptedException e) {
      stopped = true; // no answer came: others must not go on as if one had
      Thread.currentThread().interrupt();
    } finally {
      sleeper = null;
      RUNNING.decrementAndGet();
    }
    if (answer.equals("ends")) {
      JMeterContextService.getContext().getThread().stop();
    }
    String code = Character.isDigit(answer.charAt(0)) ? answer : "200";
    if (stopped) {
      code = "Non HTTP response code: java.lang.InterruptedException";
    }
    if (code.equals("200") && !answer.equals("forgets")) {
      JMeterContextService.getContext()
          .getVariables()
          .put(getPropertyAsString("variable", "token"), "t" + number);
    }
    result.setResponseCode(code);
    result.setSuccessful(code.equals("200"));
    result.setResponseHeaders("HTTP/1.1 " + code + "\nRetry-After-Ms: 200\n");
    result.sampleEnd();
    return result;
  }

  @Override
  public boolean interrupt() {
    Thread current = sleeper;
    if (current != null) {
      current.interrupt();
    }
    return current != null;
  }
}
