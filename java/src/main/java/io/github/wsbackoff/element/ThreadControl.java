package io.github.wsbackoff.element;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import io.github.wsbackoff.core.Control;
import io.github.wsbackoff.core.Failure;
import io.github.wsbackoff.core.NativeLibraryException;
import io.github.wsbackoff.core.TestRuns;
import java.util.Map;
import java.util.function.Supplier;
import org.apache.jmeter.threads.JMeterContextService;
import org.apache.jmeter.threads.JMeterThread;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The native control of one element in one thread: made when it is first needed, and anew when
 * properties have changed or the test is another one. Does in JMeter what all answers may ask for.
 * Never throws: JMeter would end the thread, or lose the sample.
 */
public final class ThreadControl {
  private static final Logger log = LoggerFactory.getLogger(ThreadControl.class);

  private final Identified element;
  private final String kind;

  private Control control;
  private Values values;
  private long passes;
  private Failure failure;
  private JsonNode refused = MissingNode.getInstance();

  /**
   * @param kind the element's name in the table of keys
   */
  public ThreadControl(Identified element, String kind) {
    this.element = element;
    this.kind = kind;
  }

  /** Before the first step of a pass: from now on these properties hold. */
  public void prepare(Supplier<Values> properties) {
    failure = null;
    refused = MissingNode.getInstance();
    long pass = passes++;
    attempt(
        () -> {
          Values current = properties.get(); // may run a ${__function}
          if (control == null || !control.isUsable() || !current.sameAs(values)) {
            close();
            control =
                Control.open(
                    kind,
                    element.getName(),
                    element.identity().text(),
                    element.place(),
                    current.toMap(),
                    Steps.user(),
                    pass);
            values = current;
          }
          return MissingNode.getInstance();
        });
  }

  /** The properties that hold; null before {@link #prepare}. */
  public Values values() {
    return values;
  }

  /** Tells an event that is answered at once; a missing node where there is no answer. */
  public JsonNode step(Map<String, Object> event) {
    return isUsable() ? attempt(() -> control.step(event)) : MissingNode.getInstance();
  }

  /** Tells an event that may be answered after a wait; otherwise as {@link #step}. */
  public JsonNode await(Map<String, Object> event) {
    return isUsable() ? attempt(() -> control.await(event)) : MissingNode.getInstance();
  }

  /** Why the element cannot do what it is for, or null. */
  public Failure failure() {
    return failure;
  }

  /**
   * Sets the variables of a refusal once more: a sampler inside, which ran all the same, may have
   * set its own under the same names.
   */
  public void repeatRefusal() {
    if (failure != null) {
      Steps.setVariables(refused);
    }
  }

  /** Frees it; what it waits for, or others wait for, is given up. */
  public void close() {
    if (control != null) {
      control.close();
      control = null;
    }
  }

  private boolean isUsable() {
    return failure == null && control != null;
  }

  private JsonNode attempt(Supplier<JsonNode> step) {
    try {
      JsonNode answer = step.get();
      Steps.setVariables(answer);
      Failure refusal = Control.failureOf(answer);
      if (refusal != null) {
        refused = answer;
        refuse(refusal);
      }
      String warning = answer.path("warning").asText("");
      if (!warning.isEmpty() && isNews(warning)) {
        log.warn("{}: {}", element.getName(), warning);
      }
      if (answer.path("endThread").asBoolean()) {
        endThread();
      }
      return answer;
    } catch (NativeLibraryException e) {
      failure = Failure.of(e);
      if (TestRuns.isNews(e.getMessage())) { // whoever was the first to need the library
        log.error("{}: {}", element.getName(), failure.detail);
      }
    } catch (RuntimeException | LinkageError | VirtualMachineError e) {
      log.error("{} failed in an unforeseen way", element.getName(), e);
      refuse(Failure.of(e));
    }
    return MissingNode.getInstance();
  }

  private void refuse(Failure refusal) {
    failure = refusal;
    if (isNews(refusal.code)) { // not its words, which may be others in each thread and pass
      log.error("{}: {}", element.getName(), refusal.detail);
    }
  }

  /** Whether the element has not told this in this test yet, in whatever thread. */
  private boolean isNews(String what) {
    return TestRuns.isNews(element.getName() + " " + element.identity().text() + " " + what);
  }

  /** As JMeter does when a timer's pause would end after the schedule. */
  private void endThread() {
    JMeterThread thread = JMeterContextService.getContext().getThread();
    if (thread != null) {
      log.info("{}: the thread's schedule is over before the wait is", element.getName());
      thread.stop();
    }
  }
}
