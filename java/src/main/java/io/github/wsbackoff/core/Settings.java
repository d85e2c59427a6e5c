package io.github.wsbackoff.core;

import java.io.File;
import org.apache.jmeter.threads.JMeterContextService;
import org.apache.jmeter.util.JMeterUtils;

/**
 * Settings of the whole process, which are no properties of a plan: JMeter properties
 * (user.properties, {@code -J}), else system properties ({@code -D}), which also work outside
 * JMeter.
 */
public final class Settings {
  /** File that every attempt is written to, as JSON lines. */
  public static final String TRACE = "wsb.trace";

  /** Folder for a page about each test, written when it ends. */
  public static final String REPORT = "wsb.report";

  /** {@code all}: the trace shows secrets in addresses, too. */
  public static final String TRACE_SHOW = "wsb.trace.show";

  /** How often the log is told how connects get on, {@code off}: never. */
  public static final String PROGRESS = "wsb.progress";

  /** Address and port, or a port, at which the figures are served; empty: nowhere. */
  public static final String METRICS_LISTEN = "wsb.metrics.listen";

  /** Native library to load in place of the one in the jar. */
  public static final String NATIVE_PATH = "wsb.native.path";

  /** Folder to unpack the native library in, in place of the system's temporary folder. */
  public static final String NATIVE_TMPDIR = "wsb.native.tmpdir";

  private Settings() {}

  /** The file that attempts of the running test are written to, absolute; "" for none. */
  public static String trace() {
    return trace(JMeterContextService.getTestStartTime());
  }

  /** The same of the test that began then. */
  static String trace(long testStart) {
    String trace = get(TRACE);
    return trace.isEmpty() ? Reports.trace(testStart) : new File(trace).getAbsolutePath();
  }

  /** The value of a setting without surrounding space, "" if it is not set. */
  public static String get(String name) {
    String value = "";
    try {
      value = JMeterUtils.getPropDefault(name, "");
    } catch (LinkageError e) {
      // Started by `java -jar`: there is no JMeter here.
    }
    return (value.isEmpty() ? System.getProperty(name, "") : value).trim();
  }
}
