package io.github.wsbackoff.core;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import io.github.wsbackoff.JMeterSetup;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.Collections;
import java.util.concurrent.TimeUnit;
import org.apache.jmeter.util.JMeterUtils;
import org.junit.After;
import org.junit.BeforeClass;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;
import org.junit.rules.Timeout;

/** Where a test's page and its trace go, and when there is none. */
public class ReportsTest {
  private static final long START = 1_795_887_665_750L;
  private static final String TRACED =
      "{\"at\":1795887665750000,\"element\":\"ConnectSampler\",\"target\":\"ws://h/\",\"user\":\"A"
          + " 1-1\",\"ordinal\":0,\"attempt\":1,\"sentUs\":100,\"headUs\":300,\"totalUs\":400,\"status\":101,\"stop\":\"connected\"}\n";

  @Rule public final Timeout timeout = new Timeout(60, TimeUnit.SECONDS);
  @Rule public final TemporaryFolder folder = new TemporaryFolder();

  @BeforeClass
  public static void jmeter() throws IOException {
    JMeterSetup.once();
  }

  @After
  public void asBefore() {
    JMeterUtils.getJMeterProperties().remove(Settings.REPORT);
    JMeterUtils.getJMeterProperties().remove(Settings.TRACE);
    JMeterUtils.getJMeterProperties().remove(Reports.LATEST);
  }

  @Test
  public void without_the_setting_there_is_neither_page_nor_trace() {
    assertEquals("", Reports.trace(START));
    Reports.testEnded(START);
    assertEquals("", Reports.latestTrace());
    assertEquals(0, folder.getRoot().list().length);
  }

  @Test
  public void a_test_traces_into_the_folder_and_its_page_lies_beside_that() throws IOException {
    File pages = new File(folder.getRoot(), "a/pages");
    JMeterUtils.setProperty(Settings.REPORT, pages.getPath());
    File trace = new File(Reports.trace(START));
    assertEquals(pages, trace.getParentFile());
    assertTrue(trace.getName(), trace.getName().matches("trace-\\d{8}-\\d{6}\\.jsonl"));
    write(trace);
    JMeterUtils.setProperty(Reports.LATEST, Long.toString(START));
    Reports.testEnded(START);
    assertEquals(trace.getPath(), Reports.latestTrace());
    String page = trace.getName().replace("trace-", "report-").replace(".jsonl", ".html");
    assertTrue(text(new File(pages, page)).contains("</html>"));
  }

  @Test
  public void the_trace_that_is_named_is_the_one_that_is_told_of() throws IOException {
    File pages = folder.newFolder("pages");
    File trace = folder.newFile("named.jsonl");
    JMeterUtils.setProperty(Settings.REPORT, pages.getPath());
    JMeterUtils.setProperty(Settings.TRACE, trace.getPath());
    write(trace);
    Reports.testEnded(START);
    assertEquals(trace.getPath(), Reports.latestTrace());
    assertEquals("only the page", 1, pages.list().length);
  }

  @Test
  public void of_a_test_without_our_elements_no_earlier_trace_is_told() throws IOException {
    JMeterUtils.setProperty(Settings.REPORT, folder.getRoot().getPath());
    JMeterUtils.setProperty(Reports.LATEST, Long.toString(START));
    File trace = new File(Reports.trace(START));
    write(trace);
    Reports.testEnded(START);
    assertEquals(trace.getPath(), Reports.latestTrace());
    JMeterUtils.setProperty(Reports.LATEST, Long.toString(START + 60_000));
    assertFalse(new File(Reports.latestTrace()).exists());
  }

  @Test
  public void where_nothing_was_traced_there_is_no_page() {
    JMeterUtils.setProperty(Settings.REPORT, folder.getRoot().getPath());
    Reports.testEnded(START);
    assertEquals(0, folder.getRoot().list().length);
  }

  @Test
  public void a_page_that_cannot_be_written_fails_nothing_else() throws IOException {
    File trace = folder.newFile("trace.jsonl");
    write(trace);
    File nowhere = new File(trace, "report.html");
    assertFalse(Reports.write(Collections.singletonList(trace), nowhere));
    File there = new File(folder.getRoot(), "report.html");
    assertTrue(Reports.write(Collections.singletonList(trace), there));
  }

  private static void write(File trace) throws IOException {
    Files.write(trace.toPath(), TRACED.getBytes(StandardCharsets.UTF_8));
  }

  private static String text(File file) throws IOException {
    return new String(Files.readAllBytes(file.toPath()), StandardCharsets.UTF_8);
  }
}
