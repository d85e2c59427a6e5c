package io.github.wsbackoff.sampler;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import io.github.wsbackoff.JMeterSetup;
import io.github.wsbackoff.core.ConnectResult;
import io.github.wsbackoff.core.Results;
import io.github.wsbackoff.core.Spec;
import java.io.IOException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import org.apache.jmeter.samplers.SampleResult;
import org.junit.BeforeClass;
import org.junit.Test;

public class ConnectSampleTest {
  private static final String HEAD = "HTTP/1.1 429 Too Many Requests\nRetry-After: 2\n\n";
  private static final String REFUSED =
      "{'outcome':1,'status':429,'message':'Too Many Requests',"
          + "'elapsedUs':30000,'waitedUs':20400,'connectUs':1600,'latencyUs':2400,"
          + "'sentBytes':180,'headBytes':50,'bodyBytes':4,'url':'ws://h/',"
          + "'requestHead':'GET / HTTP/1.1\\nHost: h\\n\\n','responseHead':'HEAD',"
          + "'body':'slow','timeline':'1. 429','flags':0,'attempts':2,'throttled':1,"
          + "'hintMs':-1,'rate':1500,'gateQueue':3,'stop':'max-attempts','each':[]}";

  @BeforeClass
  public static void jmeter() throws IOException {
    JMeterSetup.once();
  }

  @Test
  public void a_refusal_keeps_status_texts_and_figures() throws Exception {
    SampleResult sample = sample(REFUSED, 30);
    assertFalse(sample.isSuccessful());
    assertEquals("429", sample.getResponseCode());
    assertEquals("Too Many Requests", sample.getResponseMessage());
    assertEquals(2, sample.getConnectTime());
    assertEquals(2, sample.getLatency());
    assertEquals(180, sample.getSentBytes());
    assertEquals(54, sample.getBytesAsLong());
    assertEquals("GET / HTTP/1.1\nHost: h\n\n", sample.getRequestHeaders());
    assertEquals(HEAD + "1. 429", sample.getResponseHeaders());
    assertEquals("what the server sent, only", "slow", sample.getResponseDataAsString());
    assertEquals(SampleResult.TEXT, sample.getDataType());
    assertEquals(0, sample.getSubResults().length);
  }

  @Test
  public void waits_are_idle_time_and_all_else_is_elapsed() throws Exception {
    SampleResult sample = sample(REFUSED, 30);
    long wall = sample.getEndTime() - sample.getStartTime();
    assertEquals(20, sample.getIdleTime());
    assertEquals(wall, sample.getTime() + sample.getIdleTime());
  }

  @Test
  public void waits_are_elapsed_time_if_so_asked() throws Exception {
    SampleResult sample = sample(REFUSED.replace("'flags':0", "'flags':1"), 30);
    assertEquals(0, sample.getIdleTime());
    assertEquals(sample.getEndTime() - sample.getStartTime(), sample.getTime());
  }

  @Test
  public void rounding_never_makes_elapsed_time_negative() throws Exception {
    SampleResult sample = sample(REFUSED.replace("20400", "99000000"), 1);
    assertTrue("elapsed " + sample.getTime(), sample.getTime() >= 0);
  }

  @Test
  public void an_answer_without_body_counts_its_wire_bytes_only() throws Exception {
    SampleResult sample = sample(REFUSED.replace("'bodyBytes':4", "'bodyBytes':0"), 1);
    assertEquals(50, sample.getBytesAsLong());
  }

  @Test
  public void attempts_become_sub_results_under_one_label() throws Exception {
    String attempts =
        "[{'startedMs':1700000000000,'elapsedUs':900,'waitUs':20400,'ok':false,'code':'429',"
            + "'message':'Too Many Requests','connectUs':0,'latencyUs':0,'sentBytes':90,"
            + "'headBytes':50,'bodyBytes':4,'requestHead':'','responseHead':'','body':'slow'},"
            + "{'startedMs':1700000000021,'elapsedUs':8000,'waitUs':0,'ok':false,'code':'429',"
            + "'message':'Too Many Requests','connectUs':0,'latencyUs':0,'sentBytes':90,"
            + "'headBytes':50,'bodyBytes':4,'requestHead':'','responseHead':'','body':'slow'}]";
    String json =
        REFUSED.replace("'flags':0", "'flags':2").replace("'each':[]", "'each':" + attempts);
    SampleResult sample = sample(json, 30);
    SampleResult[] subs = sample.getSubResults();
    assertEquals(2, subs.length);
    for (SampleResult sub : subs) {
      assertEquals("connect" + ConnectSample.ATTEMPT_SUFFIX, sub.getSampleLabel());
      assertEquals("429", sub.getResponseCode());
    }
    assertEquals(1700000000000L, subs[0].getStartTime());
    assertEquals(1, subs[0].getTime());
    assertEquals(8, subs[1].getTime());
    assertEquals(20, subs[0].getIdleTime());
    assertEquals("the parent's own", 180, sample.getSentBytes());
    assertTrue(sample.getTime() < 1000);
  }

  @Test
  public void a_failure_of_this_side_has_a_code_and_fresh_variables() {
    ConnectResult result = ConnectResult.failed("native.unavailable", "the cure");
    SampleResult sample = new SampleResult();
    sample.sampleStart();
    ConnectSample.finish(sample, result);
    assertEquals("Non HTTP response code: native.unavailable", sample.getResponseCode());
    assertEquals("behind a blank line", "\nthe cure", sample.getResponseHeaders());
    assertEquals("no extractor finds our words", "", sample.getResponseDataAsString());
    assertFalse(sample.isSuccessful());
    assertEquals("0", variables(result).get("wsb.attempts"));
    assertEquals("", variables(result).get("wsb.timeToConnectMs"));
    assertEquals("native.unavailable", variables(result).get("wsb.stop"));
  }

  @Test
  public void variables_are_made_of_the_figures() {
    Map<String, String> refused = variables(result(REFUSED));
    String[][] expected = {
      {"wsb.attempts", "2"},
      {"wsb.throttled", "1"},
      {"wsb.waitedMs", "20"},
      {"wsb.timeToConnectMs", ""},
      {"wsb.hintMs", ""},
      {"wsb.stop", "max-attempts"},
      {"wsb.lastStatus", ""},
      {"wsb.sample", "Log in"},
      {"wsb.rate", "1.500"},
      {"wsb.gateQueue", "3"},
    };
    for (String[] each : expected) {
      assertEquals(each[0], each[1], refused.get(each[0]));
    }
    assertEquals(new HashSet<>(Spec.get().element("ConnectSampler").variables()), refused.keySet());
    String json = "{'outcome':0,'elapsedUs':1030999,'lastStatus':101,'hintMs':0,'rate':-1}";
    Map<String, String> connected = variables(result(json));
    assertEquals("1030", connected.get("wsb.timeToConnectMs"));
    assertEquals("101", connected.get("wsb.lastStatus"));
    assertEquals("0", connected.get("wsb.hintMs"));
    assertEquals("", connected.get("wsb.rate"));
  }

  @Test
  public void what_was_open_already_is_no_connect_of_this_sample() {
    Map<String, String> reused = variables(ConnectResult.reused("It is open."));
    assertEquals("", reused.get("wsb.sample"));
    assertEquals("reused", reused.get("wsb.stop"));
  }

  private static Map<String, String> variables(ConnectResult result) {
    Map<String, String> variables = new HashMap<>();
    result.variables("Log in", variables::put);
    return variables;
  }

  private static ConnectResult result(String json) {
    String head = HEAD.replace("\n", "\\n");
    return Results.of(json.replace("HEAD", head).replace('\'', '"'));
  }

  private static SampleResult sample(String json, long lasts) throws InterruptedException {
    ConnectResult result = result(json);
    SampleResult sample = new SampleResult();
    sample.setSampleLabel("connect");
    sample.sampleStart();
    Thread.sleep(lasts);
    ConnectSample.finish(sample, result);
    return sample;
  }
}
