package io.github.wsbackoff.sampler;

import io.github.wsbackoff.core.ConnectResult;
import io.github.wsbackoff.element.Addressed;
import org.apache.jmeter.samplers.Entry;
import org.apache.jmeter.samplers.SampleResult;

/**
 * Opens a WebSocket, again and again with backoff where the server pushes back; one sample a
 * connect. JMeter's own managers and options are asked here, the rest does the native part.
 */
public class ConnectSampler extends AbstractWebSocketSampler implements Addressed {
  private static final long serialVersionUID = 1L;

  // Of this thread's clone.
  private transient Opening opening;

  /** Without properties: all is inherited, or as built in. */
  public ConnectSampler() {
    super(ConnectSampler.class);
  }

  @Override
  public SampleResult sample(Entry entry) {
    SampleResult sample = new SampleResult();
    sample.setSampleLabel(getName());
    ConnectResult result = null;
    sample.setSamplerData(ConnectPlan.TITLE);
    if (opening == null) {
      opening = new Opening(this);
    }
    try {
      opening.plan(evaluate());
      sample.setSamplerData(opening.description());
    } catch (RuntimeException | LinkageError | VirtualMachineError e) { // of a ${__function}
      result = opening.unforeseen(e);
    }
    sample.sampleStart();
    if (result == null) {
      result = opening.open(scope());
    }
    ConnectSample.finish(sample, result);
    setVariables(result);
    return sample;
  }

  @Override
  public String address() {
    return evaluate().inForce(ConnectPlan.ADDRESS);
  }

  @Override
  public String baseAddress() {
    return baseAddress(evaluate());
  }

  @Override
  public void endThread() {
    quietly(this::discard);
    super.endThread();
  }

  private void discard() {
    if (opening != null) {
      opening.discard();
    }
  }
}
