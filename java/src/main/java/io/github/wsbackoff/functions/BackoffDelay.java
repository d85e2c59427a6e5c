package io.github.wsbackoff.functions;

import io.github.wsbackoff.core.NativeLibraryException;
import io.github.wsbackoff.core.Query;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.jmeter.engine.util.CompoundVariable;
import org.apache.jmeter.functions.AbstractFunction;
import org.apache.jmeter.functions.InvalidVariableException;
import org.apache.jmeter.samplers.SampleResult;
import org.apache.jmeter.samplers.Sampler;
import org.apache.jmeter.threads.JMeterVariables;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * {@code ${__backoffDelay(attempt, policy, variable, Retry-After)}}: the wait in milliseconds
 * before the next attempt, for those who keep a retry script. Computed by the code that Connect
 * retries with. -1 says that the policy allows no further attempt.
 *
 * <p>A wrong argument is an error in the log, and the answer is empty, as with JMeter's own
 * functions; so is what is stored in the variable, lest an earlier wait is taken for the answer.
 * The same error is logged at most every ten seconds.
 */
public class BackoffDelay extends AbstractFunction {
  private static final Logger log = LoggerFactory.getLogger(BackoffDelay.class);
  private static final String NAME = "__backoffDelay";

  /** A loop that asks wrongly asks wrongly thousands of times. */
  private static final long QUIET_NANOS = TimeUnit.SECONDS.toNanos(10);

  private static final int MOST_COMPLAINTS = 100;

  /** When each complaint was last logged, by its text. */
  private static final Map<String, Long> complaints = new HashMap<>();

  private static final List<String> ARGUMENTS =
      Collections.unmodifiableList(
          Arrays.asList(
              "Failed attempts so far, 1 after the first",
              "Policy, like: decorrelated base=1s cap=30s; commas within it as \\, (empty: the"
                  + " defaults of a WebSocket Connect (wsb))",
              "Name of variable in which to store the result (optional)",
              "The server's Retry-After, seconds or date; the wait is not shorter (optional)"));

  // One array, replaced as a whole: threads may share a function.
  private volatile CompoundVariable[] arguments = {};

  @Override
  public String execute(SampleResult previous, Sampler sampler) throws InvalidVariableException {
    CompoundVariable[] given = arguments;
    String wait = "";
    try {
      Query.Delay delay = Query.delay(text(given, 0), text(given, 1), text(given, 3));
      wait = String.valueOf(delay.millis);
      log.debug("{}: {} ms {} {}", NAME, wait, delay.stop, delay.ignored);
    } catch (IllegalArgumentException | NativeLibraryException e) {
      if (isNews(e.getMessage())) {
        log.error("{}: {}", NAME, e.getMessage());
      }
    } catch (RuntimeException | LinkageError | VirtualMachineError e) {
      // JMeter drops the sample without a word when a function throws.
      if (isNews(e.toString())) {
        log.error("{} failed", NAME, e);
      }
    }
    String name = text(given, 2);
    JMeterVariables variables = getVariables();
    if (variables != null && !name.isEmpty()) {
      variables.put(name, wait);
    }
    return wait;
  }

  /** Whether this was not logged a moment ago. */
  private static boolean isNews(String complaint) {
    synchronized (complaints) {
      long now = System.nanoTime();
      Long last = complaints.get(complaint);
      if (last != null && now - last < QUIET_NANOS) {
        return false;
      }
      if (complaints.size() >= MOST_COMPLAINTS) {
        complaints.clear();
      }
      complaints.put(complaint, now);
      return true;
    }
  }

  private static String text(CompoundVariable[] arguments, int index) {
    return index < arguments.length ? arguments[index].execute().trim() : "";
  }

  @Override
  public void setParameters(Collection<CompoundVariable> parameters)
      throws InvalidVariableException {
    checkParameterCount(parameters, 1, ARGUMENTS.size());
    arguments = parameters.toArray(new CompoundVariable[0]);
  }

  @Override
  public String getReferenceKey() {
    return NAME;
  }

  @Override
  public List<String> getArgumentDesc() {
    return ARGUMENTS;
  }
}
