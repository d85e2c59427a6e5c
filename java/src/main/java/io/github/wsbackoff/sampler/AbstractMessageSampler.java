package io.github.wsbackoff.sampler;

import io.github.wsbackoff.core.ConnectResult;
import io.github.wsbackoff.core.Connection;
import io.github.wsbackoff.core.Connections;
import io.github.wsbackoff.core.Failure;
import io.github.wsbackoff.core.Figures;
import io.github.wsbackoff.core.NativeLibraryException;
import io.github.wsbackoff.core.Operation;
import io.github.wsbackoff.core.Origin;
import io.github.wsbackoff.core.Schedule;
import io.github.wsbackoff.core.Spec;
import io.github.wsbackoff.element.Addressed;
import io.github.wsbackoff.element.Values;
import java.io.IOException;
import java.net.URL;
import java.util.List;
import org.apache.jmeter.samplers.Entry;
import org.apache.jmeter.samplers.SampleResult;
import org.apache.jmeter.threads.JMeterVariables;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A sampler that uses an open connection, or opens it first where it has a URL of its own; what it
 * does there is one call of the native part a sample. What it is to do is handed over once, and
 * again when its properties have changed.
 */
public abstract class AbstractMessageSampler extends AbstractWebSocketSampler implements Addressed {
  private static final long serialVersionUID = 1L;
  private static final Logger log = LoggerFactory.getLogger(AbstractMessageSampler.class);

  // Of this thread's clone.
  private transient Payload payload;
  private transient Operation operation;
  private transient Values evaluated;
  private transient Values preparedFrom;
  private transient String preparedFor;
  private transient String description;
  private transient Opening opening;
  private transient boolean opens;
  private transient MessageVariables variables;
  private transient Thread thread;
  private transient Connections connections;

  AbstractMessageSampler(Class<? extends AbstractMessageSampler> element) {
    super(element);
  }

  /** Called on the sampling thread after the operation, whatever came of it. */
  void performed(Connections connections, String id, Connection connection) {
    // Only a sampler that ends the connection has something to do.
  }

  /** Whether its success is told by the server's close code. */
  boolean closes() {
    return false;
  }

  @Override
  public SampleResult sample(Entry entry) {
    SampleResult sample = new SampleResult();
    sample.setSampleLabel(getName());
    Failure failure = prepare();
    sample.setRequestHeaders(description == null ? "" : description);
    sample.setSamplerData(payload.shown());
    sample.sampleStart();
    Connections connections = connections();
    sample.setURL(connections.url(preparedFor));
    Figures figures = connections.figures();
    ConnectResult opened = null;
    byte[] data = null;
    if (failure == null) {
      try {
        opened = open(connections);
        if (opened == null || opened.ok) {
          sample.setURL(connections.url(preparedFor));
          data = perform(connections, figures);
        }
      } catch (Throwable e) { // JMeter would lose the sample, or with an Error the thread
        failure = unforeseen(e);
      }
    }
    if (failure != null) {
      figures.clear();
      MessageSample.fail(sample, failure);
    } else if (opened != null && !opened.ok) {
      figures.clear();
      ConnectSample.finish(sample, opened);
    } else {
      MessageSample.finish(sample, data, figures, closes(), opened);
    }
    setVariables(figures);
    if (opened == null) {
      disownVariables();
    } else {
      setVariables(opened);
    }
    return sample;
  }

  /** Its own, else that of its connection, while there is one. */
  @Override
  public String address() {
    Values values = evaluate();
    String own = values.get(ConnectPlan.ADDRESS);
    if (own != null) {
      return own;
    }
    URL url = connections().url(values.inForce(CONNECTION));
    return url == null ? "" : url.toString();
  }

  @Override
  public String baseAddress() {
    Values values = evaluate();
    return values.get(ConnectPlan.ADDRESS) == null ? "" : baseAddress(connecting(values));
  }

  /**
   * What a Connect in its place would have: address and id as here, all else from the defaults in
   * scope. What is open is used unless the plan says otherwise here.
   */
  private Values connecting(Values values) {
    Values connecting = new Values();
    connecting.put(CONNECTION, values.get(CONNECTION));
    connecting.put(ConnectPlan.ADDRESS, values.get(ConnectPlan.ADDRESS));
    String whenOpen = values.get(Opening.WHEN_OPEN);
    connecting.put(Opening.WHEN_OPEN, whenOpen == null ? Opening.REUSE : whenOpen);
    inherit(connecting, Spec.get().element(ConnectSampler.class.getSimpleName()));
    return connecting;
  }

  /** Those of the calling thread, which is always the same one in JMeter. */
  private Connections connections() {
    if (thread != Thread.currentThread()) {
      thread = Thread.currentThread();
      connections = Connections.ofThisThread();
    }
    return connections;
  }

  /** Makes ready what is to be done; says why if that cannot be. */
  private Failure prepare() {
    if (payload == null) {
      payload = new Payload();
    }
    try {
      Values values = evaluate();
      opens = values.get(ConnectPlan.ADDRESS) != null;
      if (opens) {
        opening = opening == null ? new Opening(this) : opening;
        opening.plan(connecting(values));
      }
      if (values.sameAs(evaluated) && operation != null && operation.isUsable()) {
        payload.repeat();
      } else {
        evaluated = null; // until all of it has been read
        prepare(values.copy());
        evaluated = values;
      }
      return null;
    } catch (IOException e) { // of the payload's file
      return Failure.of("spec.invalid", e.getMessage());
    } catch (RuntimeException | LinkageError | VirtualMachineError e) { // also of a ${__function}
      return unforeseen(e);
    }
  }

  private void prepare(Values values) throws IOException {
    String id = values.take(CONNECTION);
    id = id == null ? Spec.get().defaultOf(CONNECTION) : id;
    values.take(ConnectPlan.ADDRESS);
    payload.take(values);
    boolean same = values.sameAs(preparedFrom);
    if (!same || !id.equals(preparedFor)) {
      preparedFor = id;
      description = CONNECTION + " = " + id + "\n" + values.describe();
    }
    if (!same || !operation.isUsable()) {
      discard();
      operation = Operation.prepare(elementName(), values.toMap());
      preparedFrom = values;
    }
  }

  /** Opens the connection if that is for this sample to do, else null. */
  private ConnectResult open(Connections connections) {
    if (!opens || !opening.isNeeded(connections)) {
      return null;
    }
    Failure wrong = operation.check(payload.bytes());
    if (wrong != null) {
      throw new Refused(wrong); // before anything is sent
    }
    return opening.open(scope());
  }

  private byte[] perform(Connections connections, Figures figures) {
    Connection connection = connections.get(preparedFor);
    if (connection == null) {
      Failure wrong = operation.check(payload.bytes());
      throw new Refused(wrong == null ? noConnection(connections) : wrong);
    }
    try {
      activate(connection);
      byte[] data = perform(connection, figures);
      Origin origin = connections.origin(preparedFor);
      if (origin != null && figures.isAsking()) {
        Failure failure = origin.renew(connection, others());
        if (failure != null) {
          throw new Refused(failure);
        }
        data = perform(connection, figures);
      }
      if (origin != null && figures.hasCookies()) {
        origin.store(connection.takeCookies(), others());
      }
      return data;
    } finally {
      deactivate();
      performed(connections, preparedFor, connection);
    }
  }

  private byte[] perform(Connection connection, Figures figures) {
    long left = Schedule.leftMillis(getThreadContext());
    return connection.perform(operation, payload.bytes(), left, figures);
  }

  private Failure noConnection(Connections connections) {
    List<String> ids = connections.ids();
    return Failure.of(
        "connection.none",
        "This thread has no connection '"
            + preparedFor
            + "'; it has: "
            + (ids.isEmpty() ? "none" : String.join(", ", ids)));
  }

  private Failure unforeseen(Throwable e) {
    if (e instanceof Refused) {
      return ((Refused) e).failure;
    }
    if (!(e instanceof NativeLibraryException)) {
      log.error("{}: the sample failed in an unforeseen way", getName(), e);
    }
    return Failure.of(e);
  }

  private void setVariables(Figures figures) {
    JMeterVariables all = getThreadContext().getVariables();
    if (all == null) {
      return;
    }
    if (variables == null) {
      variables = new MessageVariables(kind().variables());
    }
    variables.set(all, figures);
  }

  @Override
  public void endThread() {
    quietly(this::discard);
    quietly(this::endOpening);
    super.endThread();
  }

  @Override
  public void testEnded() {
    Payload.forgetFiles();
    super.testEnded();
  }

  private void discard() {
    if (operation != null) {
      operation.close();
      operation = null;
      preparedFrom = null;
    }
  }

  private void endOpening() {
    if (opening != null) {
      opening.discard();
    }
  }

  /** Nothing was done, and why; without a stack trace, as a plan may run into it often. */
  private static final class Refused extends RuntimeException {
    private static final long serialVersionUID = 1L;
    private final transient Failure failure;

    Refused(Failure failure) {
      super(failure.detail, null, false, false);
      this.failure = failure;
    }
  }
}
