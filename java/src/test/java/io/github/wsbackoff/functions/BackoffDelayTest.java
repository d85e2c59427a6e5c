package io.github.wsbackoff.functions;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import io.github.wsbackoff.JMeterSetup;
import io.github.wsbackoff.Log;
import io.github.wsbackoff.OwnClassLoader;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.ServiceLoader;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.apache.jmeter.engine.util.CompoundVariable;
import org.apache.jmeter.functions.Function;
import org.apache.jmeter.functions.InvalidVariableException;
import org.apache.jmeter.threads.JMeterContextService;
import org.apache.jmeter.threads.JMeterVariables;
import org.junit.After;
import org.junit.Before;
import org.junit.BeforeClass;
import org.junit.Test;

/** The function as plans call it. */
public class BackoffDelayTest {
  private static final String LIBRARY = "natives/linux-x86_64/libws_backoff.so";

  private final Log log = new Log();
  private JMeterVariables variables;

  @BeforeClass
  public static void jmeter() throws IOException {
    JMeterSetup.once();
  }

  @Before
  public void newThread() {
    variables = new JMeterVariables();
    JMeterContextService.getContext().setVariables(variables);
    log.listen(BackoffDelay.class);
  }

  @After
  public void forget() {
    JMeterContextService.getContext().clear();
    log.end();
  }

  @Test
  public void jmeter_finds_it_and_reads_it_out_of_a_text() throws Exception {
    List<String> names = new ArrayList<>();
    ServiceLoader.load(Function.class, BackoffDelay.class.getClassLoader())
        .forEach(function -> names.add(function.getReferenceKey()));
    assertTrue(names.toString(), names.contains("__backoffDelay"));
    // JMeter takes functions from packages of this name alone.
    assertTrue(BackoffDelay.class.getName().contains(".functions."));

    variables.put("failed", "3");
    CompoundVariable text = new CompoundVariable();
    text.setParameters("wait ${__backoffDelay(${failed},exponential base=100ms,next)} ms");
    assertTrue(text.hasFunction());
    assertEquals("wait 400 ms", text.execute());
    assertEquals("400", variables.get("next"));

    text.setParameters("${__backoffDelay(2,table table=1s\\,5s\\,30s)}");
    assertEquals("5000", text.execute());
  }

  @Test
  public void it_answers_the_wait_of_the_policy() throws Exception {
    for (String[] row :
        new String[][] {
          {"1000", "1", "fixed"},
          {"8000", "4", "exponential"},
          {"7000", "1", "fixed hint-jitter=none", "", "7"},
          {"1000", "1", "fixed", "", " "},
          {"1000", "1", "fixed", "", "${retryAfter}"}, // an extractor that found nothing
          {"-1", "3", "fixed max-attempts=3"},
          {"-1", "1", "none"},
        }) {
      assertEquals(Arrays.toString(row), row[0], execute(Arrays.copyOfRange(row, 1, row.length)));
    }
    for (String policy : Arrays.asList("", " ", "decorrelated")) {
      long wait = Long.parseLong(execute("1", policy));
      assertTrue("" + wait, wait >= 1000 && wait <= 3000);
    }
    long defaults = Long.parseLong(execute("1"));
    assertTrue("" + defaults, defaults >= 1000 && defaults <= 3000);
    assertEquals(Collections.emptyList(), log.errors());
  }

  @Test
  public void a_wrong_argument_is_an_error_in_the_log_and_an_empty_answer() throws Exception {
    for (String[] row :
        new String[][] {
          {"100000", "0", "fixed", "wait"},
          {"${failed}", "${failed}", "fixed", "wait"},
          {"decorrelated-v2", "1", "fixd", "wait"},
          {"milliseconds (1500)", "1", "fixed base=soon", "wait"},
        }) {
      variables.put("wait", "an earlier one");
      log.forget();
      assertEquals("", execute(Arrays.copyOfRange(row, 1, row.length)));
      assertEquals("", variables.get("wait"));
      assertEquals(1, log.errors().size());
      assertTrue(log.errors().get(0), log.errors().get(0).contains(row[0]));
    }
  }

  @Test
  public void the_same_error_is_not_logged_by_every_turn_of_a_loop() throws Exception {
    BackoffDelay wrong = function("1", "lineal");
    BackoffDelay other = function("1", "lineally");
    for (int i = 0; i < 1000; i++) {
      assertEquals("", wrong.execute(null, null));
      assertEquals("", other.execute(null, null));
    }
    int errors = log.errors().size();
    // One each; a second one if this machine took ten seconds for the loop.
    assertTrue("" + errors, errors >= 2 && errors < 100);
  }

  @Test
  public void a_wrong_number_of_arguments_is_refused_when_the_plan_is_read() {
    assertThrows(InvalidVariableException.class, () -> execute());
    assertThrows(InvalidVariableException.class, () -> execute("1", "", "", "", ""));
  }

  @Test
  public void the_function_helper_gets_a_text_for_every_argument() {
    assertEquals(4, new BackoffDelay().getArgumentDesc().size());
  }

  @Test
  public void it_needs_no_variables() throws Exception {
    JMeterContextService.getContext().setVariables(null);
    assertEquals("1000", execute("1", "fixed", "wait"));
  }

  @Test
  public void threads_may_share_one() throws Exception {
    BackoffDelay shared = function("2", "table table=1s,2s");
    ExecutorService threads = Executors.newFixedThreadPool(8);
    try {
      List<Callable<Integer>> calls =
          Collections.nCopies(
              8,
              () -> {
                int right = 0;
                for (int i = 0; i < 200; i++) {
                  right += shared.execute(null, null).equals("2000") ? 1 : 0;
                }
                return right;
              });
      for (Future<Integer> right : threads.invokeAll(calls)) {
        assertEquals(200, (int) right.get());
      }
    } finally {
      threads.shutdown();
    }
  }

  @Test
  public void without_the_native_library_the_log_says_the_cure() throws Exception {
    try (OwnClassLoader loader =
        new OwnClassLoader().without(LIBRARY).without(LIBRARY + ".sha256")) {
      Function function = (Function) loader.create(BackoffDelay.class.getName());
      function.setParameters(Collections.singletonList(new CompoundVariable("1")));
      assertEquals("", function.execute(null, null));
      assertEquals(1, log.errors().size());
      assertTrue(log.errors().get(0), log.text().contains("Cure: "));
    }
  }

  private static String execute(String... arguments) throws InvalidVariableException {
    return function(arguments).execute(null, null);
  }

  private static BackoffDelay function(String... arguments) throws InvalidVariableException {
    List<CompoundVariable> parameters = new ArrayList<>();
    for (String argument : arguments) {
      parameters.add(new CompoundVariable(argument));
    }
    BackoffDelay function = new BackoffDelay();
    function.setParameters(parameters);
    assertFalse(function.getReferenceKey().isEmpty());
    return function;
  }
}
