package io.github.wsbackoff.control;

import io.github.wsbackoff.JMeterSetup;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.jmeter.control.GenericController;
import org.apache.jmeter.control.LoopController;
import org.apache.jmeter.engine.StandardJMeterEngine;
import org.apache.jmeter.engine.util.NoThreadClone;
import org.apache.jmeter.samplers.AbstractSampler;
import org.apache.jmeter.samplers.Entry;
import org.apache.jmeter.samplers.SampleEvent;
import org.apache.jmeter.samplers.SampleListener;
import org.apache.jmeter.samplers.SampleResult;
import org.apache.jmeter.testelement.AbstractTestElement;
import org.apache.jmeter.testelement.TestElement;
import org.apache.jmeter.testelement.TestPlan;
import org.apache.jmeter.threads.JMeterContextService;
import org.apache.jmeter.threads.ThreadGroup;
import org.apache.jorphan.collections.HashTree;
import org.apache.jorphan.collections.ListedHashTree;

/** A plan of one thread in a real engine in this JVM, with samplers that answer by a script. */
final class Plan {
  final ThreadGroup threads = new ThreadGroup();
  final Recorder recorder = new Recorder();
  private final ListedHashTree tree = new ListedHashTree();
  private final HashTree group;
  private final StandardJMeterEngine engine = new StandardJMeterEngine();

  /** A plan whose thread goes so often through what {@link #add} puts in. */
  Plan(int loops) throws IOException {
    JMeterSetup.once();
    Scripted.NEXT.clear();
    LoopController loop = new LoopController();
    loop.setLoops(loops);
    loop.setContinueForever(false);
    threads.setName("Group");
    threads.setNumThreads(1);
    threads.setRampUp(0);
    threads.setSamplerController(loop);
    HashTree plan = tree.add(new TestPlan("plan"));
    plan.add(recorder);
    group = plan.add(threads);
  }

  /** Adds an element under the thread group; answers where its children go. */
  HashTree add(TestElement element) {
    return group.add(element);
  }

  /** Runs to the end; what the listeners saw, in order. */
  List<Seen> run() {
    engine.configure(tree);
    engine.run();
    return recorder.seen;
  }

  /** As JMeter's Stop button, from another thread. */
  void stop() {
    engine.stopTest();
  }

  /** As JMeter's Shutdown button. */
  void shutdown() {
    engine.askThreadsToStop();
  }

  static RetryController retry(String... properties) {
    RetryController retry = new RetryController();
    retry.setName("again");
    for (int i = 0; i < properties.length; i += 2) {
      retry.setProperty(properties[i], properties[i + 1]);
    }
    return retry;
  }

  /** A sampler that answers with these codes in turn, the last of them for ever. */
  static Scripted sampler(String label, String... codes) {
    Scripted sampler = new Scripted();
    sampler.setName(label);
    sampler.setProperty("codes", String.join(",", codes));
    return sampler;
  }

  static <T extends GenericController> T named(String name, T controller) {
    controller.setName(name);
    return controller;
  }

  /** One result as listeners saw it. */
  static final class Seen {
    final String label;
    final String code;
    final boolean ok;
    final long start;
    final long end;
    final String failure;
    final Map<String, String> variables = new TreeMap<>();

    private Seen(SampleResult result) {
      label = result.getSampleLabel();
      code = result.getResponseCode();
      ok = result.isSuccessful();
      start = result.getStartTime();
      end = result.getEndTime();
      failure = String.valueOf(result.getFirstAssertionFailureMessage());
      JMeterContextService.getContext()
          .getVariables()
          .entrySet()
          .forEach(v -> variables.put(v.getKey(), String.valueOf(v.getValue())));
    }

    @Override
    public String toString() {
      return label + " " + code + (ok ? "" : " failed");
    }
  }

  /** Listens for the whole plan. */
  static final class Recorder extends AbstractTestElement implements SampleListener, NoThreadClone {
    private static final long serialVersionUID = 1L;

    final transient List<Seen> seen = new CopyOnWriteArrayList<>();

    @Override
    public void sampleOccurred(SampleEvent event) {
      seen.add(new Seen(event.getResult()));
    }

    @Override
    public void sampleStarted(SampleEvent event) {}

    @Override
    public void sampleStopped(SampleEvent event) {}

    List<String> lines() {
      List<String> lines = new ArrayList<>();
      seen.forEach(s -> lines.add(s.toString()));
      return lines;
    }
  }

  /** Answers by its script: a code, and after a blank the headers. */
  public static final class Scripted extends AbstractSampler {
    private static final long serialVersionUID = 1L;
    private static final Map<String, AtomicInteger> NEXT = new ConcurrentHashMap<>();

    @Override
    public SampleResult sample(Entry entry) {
      SampleResult result = new SampleResult();
      result.setSampleLabel(getName());
      result.sampleStart();
      String[] codes = getPropertyAsString("codes").split(",");
      int n = NEXT.computeIfAbsent(getName(), key -> new AtomicInteger()).getAndIncrement();
      String[] answer = codes[Math.min(n, codes.length - 1)].split(" ", 2);
      result.setResponseCode(answer[0]);
      result.setSuccessful(answer[0].startsWith("2"));
      result.setResponseHeaders(
          "HTTP/1.1 " + (answer.length > 1 ? answer[0] + "\n" + answer[1] : answer[0]));
      result.sampleEnd();
      return result;
    }
  }
}
