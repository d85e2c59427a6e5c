package io.github.wsbackoff.control;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.wsbackoff.config.WebSocketDefaults;
import io.github.wsbackoff.core.Failure;
import io.github.wsbackoff.core.Spec;
import io.github.wsbackoff.element.Steps;
import io.github.wsbackoff.element.Targets;
import io.github.wsbackoff.element.ThreadControl;
import io.github.wsbackoff.element.Values;
import java.util.Map;
import org.apache.jmeter.assertions.Assertion;
import org.apache.jmeter.config.ConfigTestElement;
import org.apache.jmeter.samplers.SampleResult;
import org.apache.jmeter.samplers.Sampler;
import org.apache.jmeter.testelement.TestElement;
import org.apache.jmeter.testelement.property.FunctionProperty;
import org.apache.jmeter.testelement.property.JMeterProperty;
import org.apache.jmeter.threads.SamplePackage;

/**
 * The retries of one {@link RetryController} in one thread: tells the native part what happened and
 * does in JMeter what it answers.
 */
final class Retries {
  private static final String ELEMENT = RetryController.class.getSimpleName();
  private static final String KEEP = "keep";
  private static final String WHILE = "wsb.retry.while";

  private final RetryController controller;
  private final ThreadControl control;
  private final SampleEnd end;

  // Of the time through the controller that is under way.
  private boolean running;
  private String shown = KEEP;

  /** The element whose {@link #WHILE} holds, or null. */
  private TestElement conditional;

  // Of the attempt that is under way.
  private boolean begun;
  private boolean sampled;
  private boolean failed;
  private boolean lastOk;
  private String lastCode;

  Retries(RetryController controller) {
    this.controller = controller;
    control = new ThreadControl(controller, ELEMENT);
    end = new SampleEnd(controller);
  }

  // ---- before a sample

  /**
   * A sample of this package is about to be sent; waits for the attempt's turn.
   *
   * @return whether it may be sent; else the thread is to end
   */
  boolean starts(SamplePackage pack, Sampler sampler) {
    if (!running) {
      begin(pack);
    }
    boolean mayBeSent = begun || turn(sampler);
    if (unusable() != null || !shown.equals(KEEP)) {
      watch(pack);
    }
    return mayBeSent;
  }

  private boolean turn(Sampler sampler) {
    begun = true;
    Map<String, Object> event = Steps.waiting("turn");
    Targets.describe(sampler, event);
    return control.await(event).path("stop").asText().isEmpty();
  }

  private void begin(SamplePackage pack) {
    running = true;
    startAttempt();
    control.prepare(() -> properties(pack));
    JsonNode answer = control.step(Steps.event("begin"));
    shown = answer.path("shown").asText(KEEP);
  }

  private void startAttempt() {
    begun = false;
    sampled = false;
    failed = false;
  }

  /** The controller's own, and of the defaults in the sample's scope what it leaves empty. */
  private Values properties(SamplePackage pack) {
    Values values = new Values(WHILE); // that is asked for after each attempt
    values.add(controller);
    conditional = hasCondition(controller) ? controller : null;
    for (ConfigTestElement config : pack.getConfigs()) {
      if (config instanceof WebSocketDefaults) {
        values.addDefaults(config, Spec.get().element(ELEMENT));
        conditional = conditional == null && hasCondition(config) ? config : conditional;
      }
    }
    if (conditional != null && !isFunction(conditional.getProperty(WHILE))) {
      values.put(
          WHILE, conditional.getPropertyAsString(WHILE).trim()); // a wrong one is told at once
    }
    return values;
  }

  private static boolean hasCondition(TestElement element) {
    JMeterProperty condition = element.getPropertyOrNull(WHILE);
    return condition != null
        && (isFunction(condition) || !condition.getStringValue().trim().isEmpty());
  }

  /** A function is not asked before its time. */
  private static boolean isFunction(JMeterProperty property) {
    return property instanceof FunctionProperty;
  }

  /** What the condition says now. */
  private String condition() {
    try {
      JMeterProperty condition = conditional.getProperty(WHILE);
      condition.recoverRunningVersion(conditional); // else it says what it said before
      return condition.getStringValue();
    } catch (RuntimeException | LinkageError e) { // of a ${__function}
      return e.toString();
    }
  }

  /** Lets the end of such samples be seen; a package lives as long as its thread. */
  private void watch(SamplePackage pack) {
    for (Assertion assertion : pack.getAssertions()) {
      if (assertion == end) {
        return;
      }
    }
    pack.addAssertion(end);
  }

  // ---- after a sample

  /**
   * A sample has ended.
   *
   * @param lastChild whether it comes from the controller's last child
   * @param early whether what it is shown as can still be changed
   */
  void ended(SampleResult result, boolean lastChild, boolean early) {
    control.repeatRefusal();
    sampled = true;
    lastOk = result.isSuccessful();
    lastCode = result.getResponseCode();
    if (lastOk || !running) {
      return;
    }
    failed = true;
    Map<String, Object> event = Steps.waiting("failed");
    Steps.describe(result, true, event);
    event.put("label", result.getSampleLabel());
    event.put("last", lastChild);
    JsonNode answer = control.step(event);
    if (early && answer.path("go").asBoolean()) {
      show(result, answer);
    }
  }

  private static void show(SampleResult result, JsonNode answer) {
    switch (answer.path("shown").asText()) {
      case "ignore":
        result.setSuccessful(true); // else "action after a sampler error" would act
        result.setIgnore();
        break;
      case "success":
        result.setSuccessful(true);
        result.setResponseCode(answer.path("code").asText());
        break;
      default: // as it is
    }
  }

  /**
   * The children are through; waits for the next attempt.
   *
   * @param lastSampleOk what JMeter says of the last sample
   * @return whether there is another attempt
   */
  boolean over(boolean lastSampleOk) {
    boolean ok = lastOk && lastSampleOk;
    boolean mayWait = failed || !ok || conditional != null;
    if (running && !sampled) {
      control.step(Steps.event("noSample"));
    }
    running = running && sampled && unusable() == null;
    startAttempt();
    if (running) {
      Map<String, Object> event = Steps.waiting("over");
      event.put("ok", ok);
      event.put("code", lastCode);
      if (conditional != null) {
        event.put("condition", condition());
      }
      JsonNode answer = mayWait ? control.await(event) : control.step(event);
      // What turns out to be wrong when the samples are out, those of one more attempt tell.
      running = answer.path("go").asBoolean() || unusable() != null;
    }
    return running;
  }

  /** The thread goes elsewhere in the middle of an attempt. */
  void abandon() {
    running = false;
  }

  /** The thread ends. */
  void close() {
    control.close();
  }

  /** Why the samples of this run must fail, or null. */
  String unusable() {
    Failure failure = control.failure();
    return running && failure != null ? failure.detail : null;
  }
}
