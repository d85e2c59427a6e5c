package io.github.wsbackoff.report;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import io.github.wsbackoff.JMeterSetup;
import java.io.IOException;
import java.util.TreeMap;
import org.apache.jmeter.report.core.Sample;
import org.apache.jmeter.report.core.SampleMetadata;
import org.apache.jmeter.report.processor.ListResultData;
import org.apache.jmeter.report.processor.MapResultData;
import org.apache.jmeter.report.processor.SampleContext;
import org.apache.jmeter.report.processor.ValueResultData;
import org.apache.jmeter.report.processor.graph.AbstractGraphConsumer;
import org.apache.jmeter.util.JMeterUtils;
import org.junit.After;
import org.junit.BeforeClass;
import org.junit.Test;

/** A graph of connects, fed with rows as JMeter reads them from its result file. */
public class ConnectsGraphTest {
  private static final String START = "sampleresult.timestamp.start";
  private static final String[] COLUMNS = {
    "timeStamp",
    "elapsed",
    "label",
    "IdleTime",
    "\"wsb.sample\"",
    "\"wsb.timeToConnectMs\"",
    "\"wsb.stop\""
  };

  @BeforeClass
  public static void jmeter() throws IOException {
    JMeterSetup.once();
  }

  @After
  public void asBefore() {
    JMeterUtils.setProperty(START, "true");
  }

  @Test
  public void later_rows_of_a_thread_that_repeat_the_variables_do_not_count() {
    String[][] rows = {
      {"1000", "5", "Log in", "0", "Log in", "5", "connected"},
      {"1100", "5", "Ask", "0", "Log in", "5", "connected"},
      {"1200", "95", "Log in", "0", "Log in", "95", "connected"},
      {"1300", "5", "Ask", "0", "Log in", "95", "connected"},
      {"1400", "5", "Before any connect", "0", "null", "null", "null"},
    };
    MapResultData graph = drawn("wsb.timeToConnectMs", "mean,max", COLUMNS, rows);
    assertEquals("{1000.0=50.0}", series(graph, "mean").toString());
    assertEquals("{1000.0=95.0}", series(graph, "max").toString());
  }

  @Test
  public void a_connect_counts_when_it_was_over_whatever_a_time_stamp_is() {
    String[] row = {"1000", "500", "Log in", "7000", "Log in", "7500", "connected"};
    assertEquals(
        "waits are no elapsed time",
        "{8000.0=7500.0}",
        series(drawn("wsb.timeToConnectMs", "max", COLUMNS, row), "max").toString());
    JMeterUtils.setProperty(START, "false");
    row[0] = "8500";
    assertEquals(
        "{8000.0=7500.0}",
        series(drawn("wsb.timeToConnectMs", "max", COLUMNS, row), "max").toString());
  }

  @Test
  public void those_without_a_value_are_left_out() {
    String[][] rows = {
      {"1000", "5", "Log in", "0", "Log in", "", "max-elapsed"},
      {"1000", "5", "Log in", "0", "Log in", "40", "connected"},
    };
    MapResultData graph = drawn("wsb.timeToConnectMs", "median", COLUMNS, rows);
    assertEquals("{1000.0=40.0}", series(graph, "median").toString());
  }

  @Test
  public void values_are_counted_second_by_second() {
    String[][] rows = {
      {"1000", "5", "Log in", "0", "Log in", "5", "connected"},
      {"1900", "5", "Log in", "0", "Log in", "5", "connected"},
      {"1100", "5", "Ask", "0", "Log in", "5", "connected"},
      {"2000", "5", "Log in", "0", "Log in", "", "max-elapsed"},
    };
    MapResultData graph = drawn("wsb.stop", "count", COLUMNS, rows);
    assertEquals("{1000.0=2.0}", series(graph, "connected").toString());
    assertEquals("{2000.0=1.0}", series(graph, "max-elapsed").toString());
  }

  @Test
  public void a_result_file_without_our_columns_has_an_empty_graph() {
    String[] columns = {"timeStamp", "elapsed", "label"};
    MapResultData graph = drawn("wsb.stop", "count", columns, new String[] {"1000", "5", "Log in"});
    assertEquals(0, list(graph, AbstractGraphConsumer.RESULT_SERIES).getSize());
  }

  @Test
  public void what_cannot_be_shown_says_what_can() {
    ConnectsGraph graph = new ConnectsGraph();
    Exception error =
        assertThrows(IllegalArgumentException.class, () -> graph.setShow("mean, p99"));
    assertTrue(error.getMessage(), error.getMessage().contains("\"p99\""));
    assertTrue(error.getMessage(), error.getMessage().contains("mean, median, p95, max, or count"));
  }

  private static MapResultData drawn(
      String variable, String show, String[] columns, String[]... rows) {
    ConnectsGraph graph = new ConnectsGraph();
    SampleContext context = new SampleContext();
    SampleMetadata metadata = new SampleMetadata(',', columns);
    graph.setName("graph");
    graph.setTitle("Graph");
    graph.setSampleVariableName(variable);
    graph.setShow(show);
    graph.setGranularity(1000);
    graph.initialize();
    graph.setSampleContext(context);
    graph.setConsumedMetadata(metadata, 0);
    graph.startConsuming();
    for (int i = 0; i < rows.length; i++) {
      graph.consume(new Sample(i, metadata, rows[i]), 0);
    }
    graph.stopConsuming();
    return (MapResultData) context.getData().get("graph");
  }

  private static ListResultData list(MapResultData map, String name) {
    return (ListResultData) map.getResult(name);
  }

  private static Object value(Object data) {
    return ((ValueResultData) data).getValue();
  }

  /** Second by second. */
  private static TreeMap<Object, Object> series(MapResultData graph, String name) {
    TreeMap<Object, Object> points = new TreeMap<>();
    for (Object each : list(graph, AbstractGraphConsumer.RESULT_SERIES)) {
      MapResultData one = (MapResultData) each;
      if (value(one.getResult(AbstractGraphConsumer.RESULT_SERIES_NAME)).equals(name)) {
        for (Object point : list(one, AbstractGraphConsumer.RESULT_SERIES_DATA)) {
          points.put(
              value(((ListResultData) point).get(0)), value(((ListResultData) point).get(1)));
        }
      }
    }
    return points;
  }
}
