package io.github.wsbackoff.assertions;

import io.github.wsbackoff.core.Failure;
import io.github.wsbackoff.core.Operation;
import io.github.wsbackoff.element.Life;
import io.github.wsbackoff.element.Values;
import org.apache.jmeter.assertions.Assertion;
import org.apache.jmeter.assertions.AssertionResult;
import org.apache.jmeter.samplers.SampleResult;
import org.apache.jmeter.testelement.AbstractTestElement;

/**
 * Looks at the bytes of a response, of whatever sampler; JMeter's own assertions take them for
 * text.
 */
public class BinaryAssertion extends AbstractTestElement implements Assertion, Life {
  private static final long serialVersionUID = 1L;

  private static final String ELEMENT = BinaryAssertion.class.getSimpleName();

  // Of this thread's clone.
  private transient Operation prepared;
  private transient Values preparedFrom;

  @Override
  public AssertionResult getResult(SampleResult response) {
    AssertionResult result = new AssertionResult(getName());
    try {
      prepare();
      Failure failure = prepared.judge(response.getResponseData());
      if (failure != null) {
        result.setFailure(!failure.isInvalid());
        result.setError(failure.isInvalid());
        result.setFailureMessage(failure.detail);
      }
    } catch (RuntimeException | LinkageError | VirtualMachineError e) { // also of a ${__function}
      result.setError(true);
      result.setFailureMessage(Failure.of(e).detail);
    }
    return result;
  }

  private void prepare() {
    Values values = new Values();
    values.add(this);
    if (prepared == null || !prepared.isUsable() || !values.sameAs(preparedFrom)) {
      endThread();
      prepared = Operation.prepare(ELEMENT, values.toMap());
      preparedFrom = values;
    }
  }

  @Override
  public void endThread() {
    if (prepared != null) {
      prepared.close();
      prepared = null;
    }
  }
}
