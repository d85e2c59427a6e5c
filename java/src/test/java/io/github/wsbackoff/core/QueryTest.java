package io.github.wsbackoff.core;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import org.junit.Test;

/** Questions over the boundary and what Java makes of the answers. */
public class QueryTest {
  @Test
  public void a_delay_comes_with_what_became_of_the_hint() {
    Query.Delay plain = Query.delay("3", "exponential base=100ms", "");
    assertEquals("400  ", plain.millis + " " + plain.stop + " " + plain.ignored);
    Query.Delay hinted = Query.delay("1", "fixed hint-jitter=none", "7");
    assertEquals("7000  ", hinted.millis + " " + hinted.stop + " " + hinted.ignored);
    Query.Delay ignored = Query.delay("1", "fixed", "0");
    assertEquals("1000  zero", ignored.millis + " " + ignored.stop + " " + ignored.ignored);
    Query.Delay last = Query.delay("3", "fixed max-attempts=3", "");
    assertEquals("-1 max-attempts ", last.millis + " " + last.stop + " " + last.ignored);
  }

  @Test
  public void a_wrong_delay_question_says_what_is_allowed() {
    Exception error =
        assertThrows(IllegalArgumentException.class, () -> Query.delay("1", "fixed base=x", ""));
    assertTrue(error.getMessage(), error.getMessage().contains("base=\"x\" is not allowed"));
  }

  @Test
  public void bands_come_with_a_line() {
    Map<String, String> properties = new HashMap<>();
    properties.put("wsb.retry.strategy", "equal");
    properties.put("wsb.retry.base", ""); // not set
    properties.put("wsb.retry.maxAttempts", "3");
    Query.Bands answer = Query.bands(properties, Collections.singletonList("wsb.retry.table"));
    assertEquals("Waits about 0.75, 1.5 s; gives up after 3 attempts, or 120 s.", answer.line);
    assertEquals(2, answer.bands.size());
    Query.Band second = answer.bands.get(1);
    assertEquals(2, second.attempt);
    assertEquals(1000, second.lowestMillis);
    assertEquals(1500, second.medianMillis);
    assertEquals(2000, second.highestMillis);
    assertTrue(answer.problems.isEmpty() && answer.unknown.isEmpty());
  }

  @Test
  public void problems_and_what_is_not_known_are_data() {
    Query.Bands wrong =
        Query.bands(Collections.singletonMap("wsb.retry.base", "soon"), Collections.emptyList());
    assertEquals(1, wrong.problems.size());
    assertTrue(wrong.problems.get(0), wrong.problems.get(0).startsWith("wsb.retry.base: \"soon\""));
    Query.Bands later =
        Query.bands(Collections.emptyMap(), Arrays.asList("wsb.retry.seed", "wsb.retry.base"));
    assertEquals(Arrays.asList("wsb.retry.base"), later.unknown);
    assertEquals("", later.line);
  }

  @Test
  public void what_is_no_question_is_misuse() {
    NativeLibrary.load();
    byte[] question = "{\"ask\":\"time\"}".getBytes(StandardCharsets.UTF_8);
    assertThrows(IllegalStateException.class, () -> Native.query(question));
  }
}
