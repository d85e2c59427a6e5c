package io.github.wsbackoff.sampler;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import io.github.wsbackoff.JMeterSetup;
import io.github.wsbackoff.RawServer;
import java.io.IOException;
import java.util.concurrent.TimeUnit;
import org.apache.commons.codec.digest.DigestUtils;
import org.apache.jmeter.assertions.Assertion;
import org.apache.jmeter.assertions.AssertionResult;
import org.apache.jmeter.assertions.MD5HexAssertion;
import org.apache.jmeter.assertions.ResponseAssertion;
import org.apache.jmeter.assertions.SizeAssertion;
import org.apache.jmeter.samplers.SampleResult;
import org.apache.jmeter.threads.JMeterContextService;
import org.apache.jmeter.threads.JMeterVariables;
import org.junit.After;
import org.junit.Before;
import org.junit.BeforeClass;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.Timeout;

/** JMeter's own assertions on what our samplers show: the recipes of docs/messages.md. */
public class AssertionsTest {
  @Rule public final Timeout timeout = new Timeout(30, TimeUnit.SECONDS);
  private RawServer server;

  @BeforeClass
  public static void jmeter() throws IOException {
    JMeterSetup.once();
  }

  @Before
  public void connect() throws IOException {
    JMeterContextService.getContext().setVariables(new JMeterVariables());
    server = new RawServer();
    ConnectSampler sampler = new ConnectSampler();
    sampler.setProperty("wsb.url", server.url("/"));
    assertEquals("101", sampler.sample(null).getResponseCode());
  }

  @After
  public void stopServer() throws IOException {
    new ConnectSampler().threadFinished();
    server.close();
  }

  @Test
  public void an_expected_close_by_the_server_is_a_success() throws IOException {
    server.push(RawServer.CLOSE, "\u0003\u00f0go"); // 1008
    SampleResult sample = new ReceiveSampler().sample(null);
    assertFalse(sample.isSuccessful());

    ResponseAssertion code = new ResponseAssertion();
    code.setTestFieldResponseCode();
    code.setToEqualsType();
    code.addTestString("closed.1008");
    code.setAssumeSuccess(true);
    assertTrue(holds(code, sample));
    assertTrue(sample.isSuccessful());

    code.clearTestStrings();
    code.addTestString("closed.1000");
    assertFalse(holds(code, sample));
  }

  @Test
  public void the_code_of_a_close_of_ours_is_the_servers() {
    SampleResult sample = new CloseSampler().sample(null);
    ResponseAssertion code = new ResponseAssertion();
    code.setTestFieldResponseCode();
    code.setToEqualsType();
    code.addTestString("1000");
    assertTrue(holds(code, sample));
  }

  @Test
  public void a_binary_message_is_asserted_by_its_digest_size_and_bytes() {
    ExchangeSampler exchange = new ExchangeSampler();
    exchange.setProperty("wsb.payloadType", "hex");
    exchange.setProperty("wsb.payload", "00ff10");
    SampleResult sample = exchange.sample(null);

    MD5HexAssertion digest = new MD5HexAssertion();
    digest.setAllowedMD5Hex("00000000000000000000000000000000");
    assertFalse(holds(digest, sample));
    digest.setAllowedMD5Hex(md5(new byte[] {0, (byte) 0xff, 0x10}));
    assertTrue(holds(digest, sample));

    SizeAssertion size = new SizeAssertion();
    size.setTestFieldNetworkSize();
    size.setCompOper(SizeAssertion.EQUAL);
    size.setAllowedSize(2 + 3); // the frame's head, and three bytes
    assertTrue(holds(size, sample));

    exchange.setProperty("wsb.match.mode", "binary-prefix");
    exchange.setProperty("wsb.match.value", "00ff");
    assertTrue(exchange.sample(null).isSuccessful());
    exchange.setProperty("wsb.match.value", "01");
    exchange.setProperty("wsb.match.others", "fail");
    SampleResult other = exchange.sample(null);
    assertEquals("Non HTTP response code: message.unexpected", other.getResponseCode());
    exchange.threadFinished();
  }

  private static boolean holds(Assertion assertion, SampleResult sample) {
    AssertionResult result = assertion.getResult(sample);
    assertFalse(result.getFailureMessage(), result.isError());
    return !result.isFailure();
  }

  private static String md5(byte[] data) {
    return DigestUtils.md5Hex(data);
  }
}
