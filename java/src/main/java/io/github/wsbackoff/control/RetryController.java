package io.github.wsbackoff.control;

import io.github.wsbackoff.element.Identified;
import io.github.wsbackoff.element.Identity;
import org.apache.jmeter.control.Controller;
import org.apache.jmeter.control.GenericController;
import org.apache.jmeter.control.NextIsNullException;
import org.apache.jmeter.control.TransactionSampler;
import org.apache.jmeter.processor.PostProcessor;
import org.apache.jmeter.samplers.SampleMonitor;
import org.apache.jmeter.samplers.SampleResult;
import org.apache.jmeter.samplers.Sampler;
import org.apache.jmeter.threads.JMeterContext;
import org.apache.jmeter.threads.JMeterContextService;
import org.apache.jmeter.threads.JMeterThread;
import org.apache.jmeter.threads.JMeterVariables;
import org.apache.jmeter.threads.SamplePackage;
import org.apache.jorphan.util.JMeterStopThreadException;

/**
 * Runs its children again, with backoff, until an attempt succeeds or the policy gives up; for
 * samplers of any kind.
 *
 * <p>It waits where no sample is under way. For the next attempt it waits in {@link #next}, before
 * anything of that attempt is looked at: conditions, transactions and timers inside then belong to
 * the attempt. For its turn at a shared gate it waits as a {@link SampleMonitor}, which JMeter
 * calls when all timers are over and the sample is about to be sent: only there the request's
 * address is known, and nothing comes between the turn and the request. What came of the sample it
 * sees as a {@link PostProcessor}, also inside a transaction with a sample of its own.
 *
 * <p>It must be no {@link org.apache.jmeter.timers.Timer}: "Validate" and "Start no pauses" leave
 * timers out by running what stands in the user's plan in place of a copy, and if that has
 * children, it runs and is changed.
 */
public class RetryController extends GenericController
    implements SampleMonitor, PostProcessor, Identified {
  private static final long serialVersionUID = 1L;

  /** Its chance is that of its copies in all threads, and of no other of its name. */
  private Identity identity = Identity.of(this);

  // Of the running thread; a clone and a deserialised copy start without.
  private transient Retries retries;

  /** The sampler that was handed out last, until it is clear what came of it. */
  private transient Sampler handed;

  /** Whether that comes from the last of the children. */
  private transient boolean lastChild;

  /** Its result, once there is one, and whether the retries know of it. */
  private transient SampleResult result;

  private transient boolean told;

  /** A sampler of someone else ran after it: the thread's "last sample" is not one of ours. */
  private transient boolean othersRan;

  // ---- the walk through the children

  @Override
  public Sampler next() {
    if (result != null && !told) {
      retries().ended(result, lastChild, false);
    }
    forget();
    Sampler next = super.next();
    if (next != null) {
      handed = sampledBy(next);
      othersRan = false;
    }
    return next;
  }

  private void forget() {
    handed = null;
    result = null;
    told = false;
  }

  /** JMeter hands out a transaction in place of the sampler that it is about to run. */
  private static Sampler sampledBy(Sampler next) {
    Sampler sampler = next;
    while (sampler instanceof TransactionSampler) {
      sampler = ((TransactionSampler) sampler).getSubSampler();
    }
    return sampler;
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
    boolean lastSampleOk =
        othersRan || Boolean.parseBoolean(variables().get(JMeterThread.LAST_SAMPLE_OK));
    boolean again = retries().over(lastSampleOk);
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
    forget();
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

  // ---- before and after each sample, of whomever in this thread

  /**
   * Waits for the attempt's turn.
   *
   * @throws JMeterStopThreadException if the thread is to end in place of the sample
   */
  @Override
  public void sampleStarting(Sampler sampler) {
    if (sampler != handed) {
      othersRan = true;
      return;
    }
    SamplePackage pack = (SamplePackage) variables().getObject(JMeterThread.PACKAGE_OBJECT);
    if (!retries().starts(pack, sampler)) {
      forget();
      throw new JMeterStopThreadException(getName() + ": the thread ends before its turn came");
    }
  }

  @Override
  public void sampleEnded(Sampler sampler) {
    // Its result is not there yet.
  }

  /** Keeps the result; what the assertions make of it is seen later. */
  @Override
  public void process() {
    JMeterContext context = JMeterContextService.getContext();
    if (handed != null && context.getCurrentSampler() == handed) {
      result = context.getPreviousResult();
    }
  }

  /**
   * Looks at the result of a sample below after all assertions and before all listeners.
   *
   * @return why it is to fail, or null
   */
  String judge(SampleResult judged) {
    if (judged != result) {
      return null; // of a sampler that another controller handed out
    }
    if (!told) {
      told = true;
      retries().ended(judged, lastChild, true);
    }
    return retries().unusable();
  }

  @Override
  public Identity identity() {
    return identity;
  }

  @Override
  public Object clone() {
    RetryController copy = (RetryController) super.clone();
    copy.identity = identity.ofCopy(copy);
    return copy;
  }

  @Override
  public void endThread() {
    retries().close();
  }
}
