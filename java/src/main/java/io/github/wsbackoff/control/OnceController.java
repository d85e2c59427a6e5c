package io.github.wsbackoff.control;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.wsbackoff.element.Identified;
import io.github.wsbackoff.element.Identity;
import io.github.wsbackoff.element.Steps;
import io.github.wsbackoff.element.ThreadControl;
import io.github.wsbackoff.element.Values;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.jmeter.control.GenericController;
import org.apache.jmeter.control.NextIsNullException;
import org.apache.jmeter.samplers.SampleResult;
import org.apache.jmeter.samplers.Sampler;
import org.apache.jmeter.threads.JMeterContextService;
import org.apache.jmeter.threads.JMeterVariables;

/**
 * Lets one thread run its children, for a token say, while all others wait for the variables that
 * the children set; and nobody while those can still be used.
 *
 * <p>It waits in {@link #next}, where no sample is under way. The end of the children, or of the
 * thread, is told to the native part, which then lets the next one in.
 */
public class OnceController extends GenericController implements Identified {
  private static final long serialVersionUID = 1L;

  /** What it shares it shares with itself in all threads, and with no other of its name. */
  private Identity identity = Identity.of(this);

  // Of the running thread; a clone and a deserialised copy start without.
  private transient ThreadControl control;

  /** This thread runs the children. */
  private transient boolean running;

  /** The variables whose values to bring then, and whether to bring the body of a failed sample. */
  private transient List<String> wants;

  private transient boolean wantsBody;

  /** The latest result before the children ran. */
  private transient SampleResult before;

  // ---- the walk through the children

  @Override
  public Sampler next() {
    if (subControllersAndSamplers.isEmpty()) {
      return super.next(); // nothing to fetch with
    }
    if (!running && !enter()) {
      return null;
    }
    Sampler next = super.next();
    if (next == null && running) {
      leave(); // the children were of the kind that runs only once
    }
    return next;
  }

  /** Waits until it is clear who fetches; whether it is this thread. */
  private boolean enter() {
    control().prepare(this::properties);
    obey(control().await(Steps.waiting("enter")));
    if (control().failure() != null) {
      refused();
    }
    return running;
  }

  @Override
  protected Sampler nextIsNull() throws NextIsNullException {
    if (running) {
      Map<String, Object> event = Steps.waiting("done");
      event.put("variables", brought());
      describeSample(event);
      obey(control().await(event));
    }
    super.nextIsNull();
    return running ? next() : null;
  }

  private void obey(JsonNode order) {
    running = order.path("run").asBoolean();
    wantsBody = order.path("wantsBody").asBoolean();
    wants = new ArrayList<>();
    order.path("wants").forEach(name -> wants.add(name.asText()));
    before = JMeterContextService.getContext().getPreviousResult();
  }

  private Map<String, String> brought() {
    JMeterVariables variables = JMeterContextService.getContext().getVariables();
    Map<String, String> brought = new LinkedHashMap<>();
    for (String name : wants) {
      String value = variables.get(name);
      if (value != null) {
        brought.put(name, value);
      }
    }
    return brought;
  }

  /** Adds the children's last sample, if there was one. */
  private void describeSample(Map<String, Object> event) {
    SampleResult last = JMeterContextService.getContext().getPreviousResult();
    if (last == null || last == before) {
      return;
    }
    Map<String, Object> sample = new LinkedHashMap<>();
    Steps.describe(last, wantsBody && !last.isSuccessful(), sample);
    sample.put("ageMs", Math.max(0, System.currentTimeMillis() - last.getStartTime()));
    event.put("sample", sample);
  }

  /** The children are broken off: by the plan, or by a sample that failed. */
  private void leave() {
    if (running) {
      running = false;
      Map<String, Object> event = Steps.event("leave");
      describeSample(event);
      control().step(event);
    }
  }

  @Override
  public void triggerEndOfLoop() {
    leave();
    super.triggerEndOfLoop();
  }

  @Override
  public void initialize() {
    leave();
    super.initialize();
  }

  /** The properties cannot be used, which is in the log: there are no values. */
  private static void refused() {
    JMeterVariables variables = JMeterContextService.getContext().getVariables();
    if (variables != null) {
      variables.put("wsb.once.result", "none");
      variables.put("wsb.once.stop", "invalid");
      variables.put("wsb.once.waitedMs", "0");
    }
  }

  private Values properties() {
    Values values = new Values();
    values.add(this);
    return values;
  }

  private ThreadControl control() {
    if (control == null) {
      control = new ThreadControl(this, OnceController.class.getSimpleName());
    }
    return control;
  }

  @Override
  public Object clone() {
    OnceController copy = (OnceController) super.clone();
    copy.identity = identity.ofCopy(copy);
    return copy;
  }

  @Override
  public Identity identity() {
    return identity;
  }

  @Override
  public void endThread() {
    running = false;
    control().close();
  }
}
