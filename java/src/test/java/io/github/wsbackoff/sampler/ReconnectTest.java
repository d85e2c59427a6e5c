package io.github.wsbackoff.sampler;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import io.github.wsbackoff.JMeterSetup;
import io.github.wsbackoff.RawServer;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.jmeter.control.LoopController;
import org.apache.jmeter.engine.StandardJMeterEngine;
import org.apache.jmeter.engine.util.NoThreadClone;
import org.apache.jmeter.protocol.http.control.AuthManager;
import org.apache.jmeter.protocol.http.control.Cookie;
import org.apache.jmeter.protocol.http.control.CookieManager;
import org.apache.jmeter.protocol.http.control.Header;
import org.apache.jmeter.protocol.http.control.HeaderManager;
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
import org.junit.After;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.Timeout;

/**
 * What JMeter's managers say when a lost connection is made anew, in a plan of one thread that a
 * real engine runs.
 */
public class ReconnectTest {
  private static final List<SampleResult> SEEN = new CopyOnWriteArrayList<>();
  private static RawServer server;

  @Rule public final Timeout timeout = Timeout.seconds(60);
  private final ListedHashTree tree = new ListedHashTree();
  private HashTree group;

  @Before
  public void plan() throws IOException {
    JMeterSetup.once();
    SEEN.clear();
    start();
    ThreadGroup threads = new ThreadGroup();
    LoopController loop = new LoopController();
    loop.setLoops(1);
    loop.setContinueForever(false);
    threads.setNumThreads(1);
    threads.setRampUp(0);
    threads.setSamplerController(loop);
    HashTree plan = tree.add(new TestPlan("plan"));
    plan.add(new Recorder());
    group = plan.add(threads);
  }

  @After
  public void stop() throws IOException {
    server.close();
  }

  private static void start(String... answers) throws IOException {
    if (server != null) {
      server.close();
    }
    server = new RawServer(answers);
  }

  @Test
  public void a_token_that_changed_is_sent_in_place_of_that_of_the_connect() {
    group.add(headers("X-All", "all-${token}"));
    set("token", "one");
    group.add(connect()).add(headers("X-Connects", "own-${token}"));
    for (String token : new String[] {"two", "three"}) {
      set("token", token);
      group.add(new Drop());
      group.add(exchange());
    }
    run();
    assertEquals(3, server.heads().size());
    String[] tokens = {"one", "two", "three"};
    for (int i = 0; i < tokens.length; i++) {
      has(i, "X-All: all-" + tokens[i]);
      has(i, "X-Connects: own-" + tokens[i]);
    }
  }

  @Test
  public void managers_of_the_sampler_come_before_those_of_the_connect() {
    group.add(connect()).add(headers("X-Token", "connect"));
    group.add(new Drop());
    HashTree nearer = group.add(exchange());
    nearer.add(headers("X-Token", "exchange"));
    AuthManager logins = new AuthManager();
    logins.set(-1, "", "me", "secret", "", "", AuthManager.Mechanism.BASIC);
    nearer.add(logins);
    run();
    has(0, "X-Token: connect");
    has(1, "X-Token: exchange");
    has(1, "Authorization: Basic bWU6c2VjcmV0");
  }

  @Test
  public void a_cookie_that_another_sampler_changed_is_sent_and_those_of_the_answers_are_stored()
      throws Exception {
    start(
        RawServer.ACCEPT_WITH + "Set-Cookie: first=1; Path=/\r\n",
        RawServer.refusal(429, "Wait", "Retry-After-Ms: 1\r\nSet-Cookie: place=7; Path=/\r\n", ""),
        RawServer.ACCEPT_WITH + "Set-Cookie: second=2; Path=/\r\n");
    CookieManager cookies = new CookieManager();
    cookies.add(new Cookie("session", "old", "127.0.0.1", "/", false, 0));
    group.add(cookies);
    group.add(connect());
    group.add(new Drop());
    group.add(new Login());
    group.add(exchange());
    group.add(new Drop());
    group.add(exchange());
    run();
    has(0, "session=old");
    has(1, "session=new");
    has(1, "first=1");
    has(2, "place=7");
    for (String cookie : new String[] {"session=new", "first=1", "place=7", "second=2"}) {
      has(3, cookie);
    }
  }

  @Test
  public void a_manager_that_cannot_be_used_any_more_fails_the_sample_and_nothing_is_sent() {
    group.add(headers("X-Token", "${token}"));
    set("token", "one");
    group.add(connect());
    group.add(new Drop());
    set("token", "two\r\nX-Other: 1");
    group.add(exchange());
    set("token", "three");
    group.add(exchange());
    runEngine();
    List<String> codes = new ArrayList<>();
    SEEN.forEach(sample -> codes.add(sample.getResponseCode()));
    codes.removeIf(String::isEmpty); // of the steps between
    assertEquals("[101, Non HTTP response code: spec.invalid, 200]", codes.toString());
    assertEquals(2, server.heads().size());
    has(1, "X-Token: three");
  }

  private void run() {
    runEngine();
    for (SampleResult sample : SEEN) {
      assertTrue(
          sample.getSampleLabel() + ": " + sample.getResponseHeaders(), sample.isSuccessful());
    }
  }

  private void runEngine() {
    StandardJMeterEngine engine = new StandardJMeterEngine();
    engine.configure(tree);
    engine.run();
  }

  private static void has(int n, String part) {
    String head = server.heads().get(n);
    assertTrue(part + " in " + head, head.contains(part));
    assertFalse(head, head.contains("${"));
  }

  private static HeaderManager headers(String name, String value) {
    HeaderManager headers = new HeaderManager();
    headers.add(new Header(name, value));
    return headers;
  }

  private static TestElement connect() {
    ConnectSampler connect = new ConnectSampler();
    connect.setName("connect");
    connect.setProperty("wsb.url", server.url("/agents"));
    connect.setProperty("wsb.reconnect", "on-next-use");
    connect.setProperty("wsb.retry.base", "1");
    connect.setProperty("wsb.retry.transientBase", "1ms");
    return connect;
  }

  private static TestElement exchange() {
    ExchangeSampler exchange = new ExchangeSampler();
    exchange.setName("exchange");
    exchange.setProperty("wsb.payload", "back");
    return exchange;
  }

  private void set(String name, String value) {
    Assign assign = new Assign();
    assign.setProperty("name", name);
    assign.setProperty("value", value);
    group.add(assign);
  }

  /** Samples that stand for what plans do between. */
  public abstract static class Step extends AbstractSampler {
    private static final long serialVersionUID = 1L;

    @Override
    public SampleResult sample(Entry entry) {
      SampleResult sample = new SampleResult();
      sample.setSampleLabel(getClass().getSimpleName());
      sample.sampleStart();
      sample.setSuccessful(true);
      try {
        act();
      } catch (IOException e) {
        sample.setSuccessful(false);
      }
      sample.sampleEnd();
      return sample;
    }

    abstract void act() throws IOException;
  }

  /** Sets a variable. */
  public static final class Assign extends Step {
    private static final long serialVersionUID = 1L;

    @Override
    void act() {
      JMeterContextService.getContext()
          .getVariables()
          .put(getPropertyAsString("name"), getPropertyAsString("value"));
    }
  }

  /** The server drops all connections. */
  public static final class Drop extends Step {
    private static final long serialVersionUID = 1L;

    @Override
    void act() throws IOException {
      server.drop();
    }
  }

  /** As an HTTP sampler does whose answer sets a cookie. */
  public static final class Login extends Step {
    private static final long serialVersionUID = 1L;
    private transient CookieManager cookies;

    @Override
    public void addTestElement(TestElement element) {
      if (element instanceof CookieManager) {
        cookies = (CookieManager) element;
      }
    }

    @Override
    void act() {
      cookies.add(new Cookie("session", "new", "127.0.0.1", "/", false, 0));
    }
  }

  /** Listens for the whole plan. */
  public static final class Recorder extends AbstractTestElement
      implements SampleListener, NoThreadClone {
    private static final long serialVersionUID = 1L;

    @Override
    public void sampleOccurred(SampleEvent event) {
      SEEN.add(event.getResult());
    }

    @Override
    public void sampleStarted(SampleEvent event) {}

    @Override
    public void sampleStopped(SampleEvent event) {}
  }
}
