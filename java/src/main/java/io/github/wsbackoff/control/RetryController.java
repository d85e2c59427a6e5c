package io.github.wsbackoff.control;

import org.apache.jmeter.control.Controller;
import org.apache.jmeter.control.GenericController;
import org.apache.jmeter.control.NextIsNullException;
import org.apache.jmeter.samplers.SampleResult;
import org.apache.jmeter.samplers.Sampler;
import org.apache.jmeter.testelement.schema.PropertiesAccessor;
import org.apache.jmeter.threads.JMeterContextService;
import org.apache.jmeter.threads.JMeterThread;
import org.apache.jmeter.threads.JMeterVariables;
import org.apache.jmeter.threads.SamplePackage;
import org.apache.jmeter.timers.Timer;

/**
 * Runs its children again, with backoff, until an attempt succeeds or the policy gives up; for
 * samplers of any kind.
 *
 * <p>It waits where no sample is under way. For the next attempt it waits in {@link #next}, before
 * anything of that attempt is looked at: conditions, transactions and timers inside then belong to
 * the attempt. For its turn at a shared gate it waits in {@link #delay}, as JMeter's Synchronizing
 * Timer does, because only there the request's address is known. JMeter asks a controller that is a
 * {@link Timer} before every sample below it, and below its siblings.
 */
public class RetryController extends GenericController implements Timer, Life {
  private static final long serialVersionUID = 1L;

  // Of the running thread; a clone and a deserialised copy start without.
  private transient Retries retries;

  /** What was handed out last is being sampled, or was just sampled. */
  private transient boolean sampling;

  /** Whether that comes from the last of the children. */
  private transient boolean lastChild;

  /** The latest result that is known, of whomever. */
  private transient SampleResult seen;

  @Override
  public RetryControllerSchema getSchema() {
    return RetryControllerSchema.INSTANCE;
  }

  @Override
  public PropertiesAccessor<? extends RetryController, ? extends RetryControllerSchema> getProps() {
    return new PropertiesAccessor<>(this, getSchema());
  }

  // ---- the walk through the children

  @Override
  public Sampler next() {
    if (sampling) {
      sampling = false;
      SampleResult previous = JMeterContextService.getContext().getPreviousResult();
      if (previous != null && previous != seen) {
        seen = previous;
        retries().ended(previous, lastChild, false);
      }
    }
    Sampler next = super.next();
    if (next != null) {
      sampling = true;
      seen = JMeterContextService.getContext().getPreviousResult();
    }
    return next;
  }

  @Override
  protected Sampler nextIsASampler(Sampler sampler) throws NextIsNullException {
    lastChild = isAtLastChild();
    return super.nextIsASampler(sampler);
  }

  @Override
  protected Sampler nextIsAController(Controller controller) throws NextIsNullException {
    lastChild = isAtLastChild();
    return super.nextIsAController(controller);
  }

  private boolean isAtLastChild() {
    return current == subControllersAndSamplers.size() - 1;
  }

  @Override
  protected Sampler nextIsNull() throws NextIsNullException {
    // An assertion of a transaction inside fails that one's own sample, which only this variable
    // tells.
    boolean again =
        retries().over(Boolean.parseBoolean(variables().get(JMeterThread.LAST_SAMPLE_OK)));
    super.nextIsNull();
    return again ? next() : null;
  }

  @Override
  public void triggerEndOfLoop() {
    abandon();
    super.triggerEndOfLoop();
  }

  @Override
  public void initialize() {
    abandon();
    super.initialize();
  }

  private void abandon() {
    sampling = false;
    retries().abandon();
  }

  private Retries retries() {
    if (retries == null) {
      retries = new Retries(this);
    }
    return retries;
  }

  private static JMeterVariables variables() {
    return JMeterContextService.getContext().getVariables();
  }

  // ---- before and after each sample below

  /** No pause of its own, but the place to wait for a turn. */
  @Override
  public long delay() {
    if (sampling) {
      SamplePackage pack = (SamplePackage) variables().getObject(JMeterThread.PACKAGE_OBJECT);
      retries().starts(pack);
    }
    return 0;
  }

  /**
   * Looks at the result of a sample below after all assertions and before all listeners.
   *
   * @return why it is to fail, or null
   */
  String judge(SampleResult result) {
    if (sampling && result != seen) {
      seen = result;
      retries().ended(result, lastChild, true);
    }
    return retries().unusable();
  }

  @Override
  public void endThread() {
    retries().close();
  }
}
