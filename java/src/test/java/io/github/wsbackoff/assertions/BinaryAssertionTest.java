package io.github.wsbackoff.assertions;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import io.github.wsbackoff.JMeterSetup;
import java.io.IOException;
import org.apache.jmeter.assertions.AssertionResult;
import org.apache.jmeter.protocol.http.sampler.HTTPSampleResult;
import org.apache.jmeter.samplers.SampleResult;
import org.junit.BeforeClass;
import org.junit.Test;

/** Bytes of responses, of samplers that are not ours, too. */
public class BinaryAssertionTest {
  private static final byte[] BYTES = {0, (byte) 0xff, 7, 8};

  @BeforeClass
  public static void jmeter() throws IOException {
    JMeterSetup.once();
  }

  @Test
  public void the_response_of_any_sampler_is_compared_byte_by_byte() {
    String[][] cases = {
      // mode, value, not, a part of what is said; null: it passes
      {"equals", "00 ff 07 08", "", null},
      {"", "00ff0708", "false", null},
      {"equals", "00ff", "", "from byte 2 on (counted from 0) they are 0708"},
      {"contains", "ff07", "", null},
      {"contains", "ff07", "true", "contain ff07"},
      {"starts", "00", "", null},
      {"ends", "07", "", "they end with 08"},
    };
    for (SampleResult response : new SampleResult[] {new SampleResult(), new HTTPSampleResult()}) {
      response.setResponseData(BYTES);
      for (String[] c : cases) {
        AssertionResult result = assertion(c[0], c[1], c[2]).getResult(response);
        String what = String.join(" ", c[0], c[1], c[2]) + ": " + result.getFailureMessage();
        assertEquals(what, c[3] != null, result.isFailure());
        assertFalse(what, result.isError());
        assertTrue(what, c[3] == null || result.getFailureMessage().contains(c[3]));
        assertEquals("assertion", result.getName());
      }
    }
  }

  @Test
  public void a_value_that_changes_between_samples_is_the_one_of_then() {
    SampleResult response = new SampleResult();
    response.setResponseData(BYTES);
    BinaryAssertion assertion = assertion("starts", "00", "");
    for (int sample = 0; sample < 2; sample++) {
      assertion.setProperty("wsb.assert.value", "00");
      assertFalse(assertion.getResult(response).isFailure());
      assertion.setProperty("wsb.assert.value", "01");
      assertTrue(assertion.getResult(response).isFailure());
    }
    assertion.threadFinished();
    assertTrue("it works again afterwards", assertion.getResult(response).isFailure());
    assertion.threadFinished();
  }

  @Test
  public void a_wrong_property_is_an_error_that_names_it() {
    String[][] cases = {
      {"is", "00", "", "wsb.assert.mode"},
      {"equals", "0", "", "wsb.assert.value"},
      {"contains", "", "", "wsb.assert.value"},
      {"equals", "00", "perhaps", "wsb.assert.not"},
    };
    for (String[] c : cases) {
      AssertionResult result = assertion(c[0], c[1], c[2]).getResult(new SampleResult());
      assertTrue(c[3], result.isError());
      assertFalse(c[3], result.isFailure());
      assertTrue(result.getFailureMessage(), result.getFailureMessage().contains(c[3]));
      // The sample was sent, and the message is shown in one line.
      assertFalse(result.getFailureMessage(), result.getFailureMessage().contains("sent"));
      assertFalse(result.getFailureMessage(), result.getFailureMessage().contains("\n"));
    }
  }

  private static BinaryAssertion assertion(String mode, String value, String not) {
    BinaryAssertion assertion = new BinaryAssertion();
    assertion.setName("assertion");
    assertion.setProperty("wsb.assert.mode", mode);
    assertion.setProperty("wsb.assert.value", value);
    assertion.setProperty("wsb.assert.not", not);
    return assertion;
  }
}
