package io.github.wsbackoff;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import org.apache.jmeter.util.JMeterUtils;

/** As much of a JMeter as elements and JMX files need, once a JVM. */
public final class JMeterSetup {
  private static boolean done;

  private JMeterSetup() {}

  /** Loads JMeter's own properties from its configuration artifact. */
  public static synchronized void once() throws IOException {
    if (done) {
      return;
    }
    Path home = Files.createTempDirectory("wsb-jmeter-home");
    Path bin = Files.createDirectories(home.resolve("bin"));
    String[] names = {"jmeter", "saveservice", "upgrade", "user", "system"};
    for (String name : names) {
      Path file = bin.resolve(name + ".properties");
      try (InputStream in = JMeterSetup.class.getResourceAsStream("/bin/" + name + ".properties")) {
        Files.copy(in, file);
      }
      file.toFile().deleteOnExit();
    }
    JMeterUtils.setJMeterHome(home.toString());
    JMeterUtils.loadJMeterProperties(bin + File.separator + "jmeter.properties");
    JMeterUtils.setLocale(Locale.ENGLISH);
    JMeterUtils.initLocale();
    home.toFile().deleteOnExit();
    done = true;
  }
}
