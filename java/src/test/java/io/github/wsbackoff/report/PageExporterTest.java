package io.github.wsbackoff.report;

import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import io.github.wsbackoff.JMeterSetup;
import io.github.wsbackoff.core.Settings;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.Properties;
import java.util.concurrent.TimeUnit;
import org.apache.jmeter.JMeter;
import org.apache.jmeter.report.config.ReportGeneratorConfiguration;
import org.apache.jmeter.report.processor.SampleContext;
import org.apache.jmeter.util.JMeterUtils;
import org.junit.After;
import org.junit.Before;
import org.junit.BeforeClass;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;
import org.junit.rules.Timeout;

/** The page beside the dashboard: what it is made of, and what happens where that cannot be. */
public class PageExporterTest {
  private static final String EXPORTER = "jmeter.reportgenerator.exporter.wsbackoff.";
  private static final String RESULTS =
      "timeStamp,elapsed,label,responseCode,responseMessage,threadName,success\n"
          + "1795887665750,5,Log in,101,Switching Protocols,Agents 1-1,true\n"
          + "1795887665760,5,Log in,429,Too Many Requests,Agents 1-2,false\n";

  @Rule public final Timeout timeout = new Timeout(60, TimeUnit.SECONDS);
  @Rule public final TemporaryFolder folder = new TemporaryFolder();
  private File dashboard;
  private File results;

  @BeforeClass
  public static void jmeter() throws IOException {
    JMeterSetup.once();
  }

  @Before
  public void files() throws IOException {
    dashboard = new File(folder.getRoot(), "dashboard");
    results = file("results.jtl", RESULTS);
    JMeterUtils.setProperty(JMeter.JMETER_REPORT_OUTPUT_DIR_PROPERTY, dashboard.getPath());
    JMeterUtils.setProperty(Settings.TRACE, "");
  }

  @After
  public void asBefore() {
    JMeterUtils.getJMeterProperties().remove(JMeter.JMETER_REPORT_OUTPUT_DIR_PROPERTY);
    JMeterUtils.getJMeterProperties().remove(Settings.TRACE);
  }

  @Test
  public void results_alone_are_worth_a_page() throws Exception {
    export("");
    assertTrue(page(), page().contains("1 of 2 users"));
  }

  @Test
  public void the_traces_that_are_named_tell_of_the_run() throws Exception {
    String one = file("one.jsonl", attempt("Agents 1-1", 101)).getPath();
    String other = file("other.jsonl", attempt("Agents 1-2", 101)).getPath();
    export(one + " ; " + other);
    assertTrue(page(), page().contains("All 2 users got in."));
  }

  @Test
  public void the_tests_own_trace_is_taken_where_none_is_named() throws Exception {
    File trace = file("trace.jsonl", attempt("Agents 1-1", 101));
    JMeterUtils.setProperty(Settings.TRACE, trace.getPath());
    export("");
    assertTrue(page(), page().contains("The one user got in."));
    Files.write(trace.toPath(), new byte[0]);
    export("");
    assertTrue("an empty one tells nothing", page().contains("1 of 2 users"));
  }

  @Test
  public void a_trace_that_is_missing_is_left_out() throws Exception {
    export(new File(folder.getRoot(), "nowhere.jsonl").getPath());
    assertTrue(page(), page().contains("1 of 2 users"));
  }

  @Test
  public void what_cannot_be_read_costs_the_page_and_not_jmeters_dashboard() throws Exception {
    export(file("garbage.jsonl", "no trace\n").getPath());
    assertFalse(new File(dashboard, PageExporter.PAGE).exists());
  }

  @Test
  public void a_folder_that_cannot_be_made_costs_the_page() throws Exception {
    String below = new File(results, "dashboard").getPath();
    JMeterUtils.setProperty(JMeter.JMETER_REPORT_OUTPUT_DIR_PROPERTY, below);
    export("");
    assertFalse(new File(below).exists());
  }

  private void export(String traces) throws Exception {
    Properties properties = new Properties();
    try (InputStream in = getClass().getResourceAsStream("/bin/reportgenerator.properties")) {
      properties.load(in);
    }
    properties.put(EXPORTER + "classname", PageExporter.class.getName());
    properties.put(EXPORTER + "property.traces", traces);
    PageExporter exporter = new PageExporter();
    exporter.setName("wsbackoff");
    exporter.export(
        new SampleContext(), results, ReportGeneratorConfiguration.loadFromProperties(properties));
  }

  private String page() throws IOException {
    byte[] bytes = Files.readAllBytes(new File(dashboard, PageExporter.PAGE).toPath());
    return new String(bytes, StandardCharsets.UTF_8);
  }

  private File file(String name, String text) throws IOException {
    File file = new File(folder.getRoot(), name);
    Files.write(file.toPath(), text.getBytes(StandardCharsets.UTF_8));
    return file;
  }

  private static String attempt(String user, int status) {
    return "{\"at\":1795887665750000,\"element\":\"ConnectSampler\",\"target\":\"ws://h/\",\"user\":\""
        + user
        + "\",\"ordinal\":0,\"attempt\":1,\"sentUs\":100,\"headUs\":300,\"totalUs\":400,\"status\":"
        + status
        + ",\"stop\":\"connected\"}\n";
  }
}
