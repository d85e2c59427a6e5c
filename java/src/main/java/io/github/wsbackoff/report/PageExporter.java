package io.github.wsbackoff.report;

import io.github.wsbackoff.core.NativeLibraryException;
import io.github.wsbackoff.core.Reports;
import io.github.wsbackoff.core.TestRuns;
import java.io.File;
import java.util.ArrayList;
import java.util.List;
import org.apache.jmeter.JMeter;
import org.apache.jmeter.report.config.ReportGeneratorConfiguration;
import org.apache.jmeter.report.config.SubConfiguration;
import org.apache.jmeter.report.dashboard.AbstractDataExporter;
import org.apache.jmeter.report.dashboard.ExportException;
import org.apache.jmeter.report.processor.SampleContext;
import org.apache.jmeter.util.JMeterUtils;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes our page beside JMeter's dashboard, at {@code -e -o} and at {@code -g}, when named in
 * user.properties: {@code jmeter.reportgenerator.exporter.wsbackoff.classname}.
 *
 * <p>It tells of the result file, and of the traces that the exporter's property {@code traces}
 * names (several with {@code ;} between them), else of the test's own trace.
 */
public final class PageExporter extends AbstractDataExporter {
  private static final Logger log = LoggerFactory.getLogger(PageExporter.class);

  /** The page's name in the dashboard's folder. */
  static final String PAGE = "ws-backoff.html";

  private static final String TRACES = "traces";
  private static final String FOLDER = "output_dir";

  /** Never throws: JMeter would leave its own dashboard unwritten, too. */
  @Override
  public void export(
      SampleContext context, File results, ReportGeneratorConfiguration configuration) {
    try {
      write(results, configuration);
    } catch (ExportException | RuntimeException | LinkageError e) {
      log.error("{}: no page beside the dashboard", getName(), e);
    }
  }

  private void write(File results, ReportGeneratorConfiguration configuration)
      throws ExportException {
    SubConfiguration own = configuration.getExportConfigurations().get(getName());
    File folder = folder(own);
    if (!folder.isDirectory() && !folder.mkdirs()) {
      throw new ExportException("The folder " + folder + " cannot be made");
    }
    try {
      // Its trace is whole then, whoever was told of the end first.
      TestRuns.ended();
      List<File> sources = traces(own);
      sources.add(results);
      if (!Reports.write(sources, new File(folder, PAGE))) {
        throw new ExportException("No page about " + sources + "; the reason is printed");
      }
    } catch (NativeLibraryException e) {
      throw new ExportException(e.getMessage(), e);
    }
  }

  /** Where JMeter puts its dashboard. */
  private File folder(SubConfiguration own) throws ExportException {
    String dashboard = JMeterUtils.getProperty(JMeter.JMETER_REPORT_OUTPUT_DIR_PROPERTY);
    if (dashboard != null && !dashboard.isEmpty()) {
      return new File(dashboard);
    }
    return getPropertyFromConfig(own, FOLDER, new File("report-output"), File.class);
  }

  private List<File> traces(SubConfiguration own) throws ExportException {
    List<File> traces = new ArrayList<>();
    String named = getPropertyFromConfig(own, TRACES, "", String.class).trim();
    if (named.isEmpty()) {
      File trace = new File(Reports.latestTrace());
      // Made by an earlier start, or on another machine: the results alone are worth a page.
      if (trace.isFile() && trace.length() > 0) {
        traces.add(trace);
      }
    } else {
      for (String name : named.split(";")) {
        File trace = new File(name.trim());
        if (trace.isFile()) {
          traces.add(trace);
        } else {
          log.error("{}: the trace {} is not there; the page tells without it", getName(), trace);
        }
      }
    }
    return traces;
  }
}
