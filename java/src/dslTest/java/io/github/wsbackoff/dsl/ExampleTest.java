package io.github.wsbackoff.dsl;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Scanner;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.Rule;
import org.junit.Test;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.junit.platform.launcher.listeners.SummaryGeneratingListener;
import org.junit.platform.launcher.listeners.TestExecutionSummary;
import org.junit.rules.TemporaryFolder;
import org.junit.rules.Timeout;

/** The example of docs/java-dsl.md: it is there as it is here, and it passes. */
public class ExampleTest {
  private static final String NAME = "example.ThrottledServerTest";

  @Rule public final Timeout timeout = Timeout.seconds(120);
  @Rule public final TemporaryFolder folder = new TemporaryFolder();

  @Test
  public void it_passes_where_a_server_refuses_many() throws Exception {
    Path port = folder.getRoot().toPath().resolve("port");
    ProcessBuilder command =
        new ProcessBuilder(
            System.getProperty("wsb.test.cli"), "serve", "--listen", "127.0.0.1:0", "--port-file");
    command.command().add(port.toString());
    command.command().add("--limit");
    command.command().add("token-bucket rate=10 burst=5");
    File log = folder.newFile("log");
    Process server = command.redirectErrorStream(true).redirectOutput(log).start();
    try {
      while (!Files.exists(port) || Files.size(port) == 0) {
        assertTrue(text(log.toPath()), server.isAlive());
        Thread.sleep(20);
      }
      String address = text(port).trim();
      System.setProperty("server", "ws://" + address);
      TestExecutionSummary summary = run();
      assertEquals(1, summary.getTestsSucceededCount());
      assertEquals(20, counted("accepted", address));
      assertTrue(counted("refused", address) >= 10);
    } finally {
      System.clearProperty("server");
      server.destroy();
      server.waitFor();
    }
  }

  @Test
  public void the_page_shows_it_as_it_is() throws IOException {
    String page = text(Paths.get("docs/java-dsl.md"));
    String example = text(Paths.get("java/src/dslTest/java/example/ThrottledServerTest.java"));
    String shown = example.substring(example.indexOf("import static io.github"));
    assertTrue("docs/java-dsl.md lacks:\n" + shown, page.contains("```java\n" + shown + "```\n"));
  }

  private static TestExecutionSummary run() throws Exception {
    SummaryGeneratingListener listener = new SummaryGeneratingListener();
    LauncherFactory.create()
        .execute(
            LauncherDiscoveryRequestBuilder.request().selectors(selectClass(NAME)).build(),
            listener);
    TestExecutionSummary summary = listener.getSummary();
    for (TestExecutionSummary.Failure failure : summary.getFailures()) {
      throw new AssertionError(
          failure.getTestIdentifier().getDisplayName(), failure.getException());
    }
    return summary;
  }

  /** What the server says of itself. */
  private static int counted(String figure, String address) throws IOException {
    try (InputStream in = new URL("http://" + address + "/stats").openStream();
        Scanner scanner = new Scanner(in, "UTF-8").useDelimiter("\\A")) {
      String stats = scanner.next();
      Matcher found = Pattern.compile("\"" + figure + "\":\\s*(\\d+)").matcher(stats);
      assertTrue(stats, found.find());
      return Integer.parseInt(found.group(1));
    }
  }

  private static String text(Path file) throws IOException {
    return new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
  }
}
