package io.github.wsbackoff.core;

import java.io.File;
import java.text.SimpleDateFormat;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Date;
import java.util.List;
import java.util.Locale;
import org.apache.jmeter.services.FileServer;
import org.apache.jmeter.util.JMeterUtils;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The page about a test: what it is made of, where it goes, and who is told. */
public final class Reports {
  private static final Logger log = LoggerFactory.getLogger(Reports.class);

  /** JMeter's property that keeps, beyond the end of a test, when it began. */
  static final String LATEST = "TESTSTART.MS";

  private Reports() {}

  /** The folder that pages go to, absolute; null for none. */
  private static File folder() {
    String folder = Settings.get(Settings.REPORT);
    return folder.isEmpty() ? null : new File(folder).getAbsoluteFile();
  }

  /** A file of the test that began then; its folder is made if need be. */
  private static File file(File folder, String name, long testStart, String ending) {
    if (!folder.isDirectory() && !folder.mkdirs()) {
      log.error("{}: the folder {} cannot be made", Settings.REPORT, folder);
    }
    String stamp = new SimpleDateFormat("yyyyMMdd-HHmmss", Locale.ROOT).format(new Date(testStart));
    return new File(folder, name + "-" + stamp + ending);
  }

  /** Where a test traces if a page is wanted and no trace is named; "" if none is wanted. */
  static String trace(long testStart) {
    File folder = folder();
    return folder == null ? "" : file(folder, "trace", testStart, ".jsonl").getPath();
  }

  /** Where the last test of this JVM traced, if it did, or the trace that is named; "" for none. */
  public static String latestTrace() {
    long testStart = JMeterUtils.getPropDefault(LATEST, 0L);
    return testStart == 0 ? Settings.get(Settings.TRACE) : Settings.trace(testStart);
  }

  /** At the end of a test, when its trace is written: the page, if one is wanted. */
  static void testEnded(long testStart) {
    File folder = folder();
    if (folder == null) {
      return;
    }
    File trace = new File(Settings.trace(testStart));
    if (!trace.isFile()) {
      log.warn("{}: no page, as nothing was traced in this test", Settings.REPORT);
      return;
    }
    write(Collections.singletonList(trace), file(folder, "report", testStart, ".html"));
  }

  /**
   * Writes a page about what was traced, or what a result file says.
   *
   * @return false if that failed, which the standard error tells why
   */
  public static boolean write(List<File> sources, File page) {
    List<String> command = new ArrayList<>();
    command.add("report");
    for (File source : sources) {
      command.add(source.getPath());
    }
    Collections.addAll(command, "--output", page.getPath());
    String plan = FileServer.getFileServer().getScriptName();
    if (plan != null && !plan.isEmpty()) {
      command.add("--title=" + plan);
    }
    boolean written = CommandLine.run(command.toArray(new String[0])) == 0;
    if (written) {
      log.info("A page about the test: {}", page);
    } else {
      log.error("No page about the test could be written to {}; the reason is printed", page);
    }
    return written;
  }
}
