package io.github.wsbackoff.control;

import org.apache.jmeter.assertions.Assertion;
import org.apache.jmeter.assertions.AssertionResult;
import org.apache.jmeter.samplers.SampleResult;
import org.apache.jmeter.testelement.AbstractTestElement;

/**
 * The last assertion of the samples below a controller, added while the plan runs: the one place
 * that sees what all other assertions left and can still change what listeners, transactions around
 * and "action after a sampler error" get to see.
 */
final class SampleEnd extends AbstractTestElement implements Assertion {
  private static final long serialVersionUID = 1L;

  private final transient RetryController controller;

  SampleEnd(RetryController controller) {
    this.controller = controller;
    setName(controller.getName());
  }

  @Override
  public AssertionResult getResult(SampleResult result) {
    AssertionResult verdict = new AssertionResult(getName());
    String failure = controller.judge(result);
    if (failure != null) {
      verdict.setResultForFailure(failure);
    }
    return verdict;
  }
}
