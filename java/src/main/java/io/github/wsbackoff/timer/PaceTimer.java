package io.github.wsbackoff.timer;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.wsbackoff.config.WebSocketDefaults;
import io.github.wsbackoff.core.Failure;
import io.github.wsbackoff.core.Spec;
import io.github.wsbackoff.element.Identified;
import io.github.wsbackoff.element.Identity;
import io.github.wsbackoff.element.Steps;
import io.github.wsbackoff.element.Targets;
import io.github.wsbackoff.element.ThreadControl;
import io.github.wsbackoff.element.Values;
import java.util.Map;
import org.apache.jmeter.assertions.AssertionResult;
import org.apache.jmeter.config.ConfigTestElement;
import org.apache.jmeter.processor.PostProcessor;
import org.apache.jmeter.samplers.SampleResult;
import org.apache.jmeter.testelement.AbstractTestElement;
import org.apache.jmeter.threads.JMeterContext;
import org.apache.jmeter.threads.JMeterContextService;
import org.apache.jmeter.threads.JMeterThread;
import org.apache.jmeter.threads.JMeterVariables;
import org.apache.jmeter.threads.SamplePackage;
import org.apache.jmeter.timers.Timer;

/**
 * Puts the samples in its scope behind a gate.
 *
 * <p>As a {@link Timer} it waits for the turn of each itself and answers no pause to JMeter: when a
 * turn comes is not known before, as what comes of others' samples moves it, and only one queue
 * keeps the order. As a {@link PostProcessor} of the same samples it learns what came of them; a
 * listener would not see those inside a transaction with a sample of its own.
 */
public class PaceTimer extends AbstractTestElement implements Timer, PostProcessor, Identified {
  private static final long serialVersionUID = 1L;

  private static final String ELEMENT = PaceTimer.class.getSimpleName();
  private static final String SCOPE = "wsb.pace.scope";

  /**
   * Before each sample that cannot be paced: it is sent, to fail with the reason, but must not
   * hammer.
   */
  private static final long UNPACED_MILLIS = 1000;

  /** What it shares it shares with itself in all threads, and with no other of its name. */
  private Identity identity = Identity.of(this);

  // Of the running thread; a clone and a deserialised copy start without.
  private transient ThreadControl control;

  /** Whether the native part wants to know what came of the sample, and of its body. */
  private transient boolean listens;

  private transient boolean wantsBody;

  @Override
  public long delay() {
    ThreadControl current = control();
    current.prepare(this::properties);
    Map<String, Object> event = Steps.waiting("turn");
    if (current.failure() == null && current.values().inForce(SCOPE).equalsIgnoreCase("target")) {
      Targets.describe(JMeterContextService.getContext().getCurrentSampler(), event);
    }
    JsonNode answer = current.await(event);
    listens = answer.path("listens").asBoolean();
    wantsBody = answer.path("wantsBody").asBoolean();
    return current.failure() == null ? 0 : UNPACED_MILLIS;
  }

  @Override
  public void process() {
    SampleResult sample = JMeterContextService.getContext().getPreviousResult();
    Failure failure = control().failure();
    if (sample == null) {
      return;
    }
    if (failure != null) {
      AssertionResult why = new AssertionResult(getName());
      why.setResultForFailure(failure.detail);
      sample.addAssertionResult(why);
      sample.setSuccessful(false);
    } else if (listens) {
      Map<String, Object> event = Steps.event("sampled");
      Steps.describe(sample, wantsBody, event);
      control().step(event);
    }
  }

  /** What is set here, or by the defaults in the scope of the sample that is to be sent. */
  private Values properties() {
    Values values = new Values();
    values.add(this);
    JMeterContext context = JMeterContextService.getContext();
    JMeterVariables variables = context.getVariables();
    Object pack = variables == null ? null : variables.getObject(JMeterThread.PACKAGE_OBJECT);
    if (pack instanceof SamplePackage) {
      for (ConfigTestElement config : ((SamplePackage) pack).getConfigs()) {
        if (config instanceof WebSocketDefaults) {
          values.addDefaults(config, Spec.get().element(ELEMENT));
        }
      }
    }
    return values;
  }

  private ThreadControl control() {
    if (control == null) {
      control = new ThreadControl(this, ELEMENT);
    }
    return control;
  }

  @Override
  public Object clone() {
    PaceTimer copy = (PaceTimer) super.clone();
    copy.identity = identity.ofCopy(copy);
    return copy;
  }

  @Override
  public Identity identity() {
    return identity;
  }

  @Override
  public void endThread() {
    control().close();
  }
}
