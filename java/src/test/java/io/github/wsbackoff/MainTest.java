package io.github.wsbackoff;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;
import static org.junit.Assume.assumeTrue;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;
import org.junit.rules.Timeout;

/** The commands in a JVM of their own, with nothing but our classes on its class path. */
public class MainTest {
  private static final int SIGTERM = 128 + 15;

  @Rule public final Timeout timeout = new Timeout(60, TimeUnit.SECONDS);
  @Rule public final TemporaryFolder folder = new TemporaryFolder();

  @Test
  public void help_and_version_need_no_jmeter() throws Exception {
    Process help = start("--help");
    String text = output(help);
    assertEquals(text, 0, help.waitFor());
    assertTrue(text, text.contains("serve"));
    Process version = start("--version");
    assertTrue(output(version).startsWith("ws-backoff "));
    assertEquals(0, version.waitFor());
  }

  @Test
  public void an_unknown_command_ends_with_an_error_code() throws Exception {
    Process process = start("conquer");
    String text = output(process);
    assertTrue(text, text.contains("conquer"));
    assertTrue("exit code " + process.waitFor(), process.waitFor() != 0);
  }

  @Test
  public void serve_runs_until_sigterm_and_ends_in_order() throws Exception {
    Path portFile = folder.getRoot().toPath().resolve("port");
    File log = folder.newFile("log"); // destroy() closes a pipe
    List<String> command =
        command(null, "serve", "--listen", "127.0.0.1:0", "--port-file", "" + portFile);
    Process server =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log).start();
    while (!Files.exists(portFile)) {
      assertTrue(server.isAlive());
      Thread.sleep(20);
    }
    String[] address =
        new String(Files.readAllBytes(portFile), StandardCharsets.UTF_8).trim().split(":");
    try (Socket socket = new Socket()) {
      socket.connect(new InetSocketAddress(address[0], Integer.parseInt(address[1])), 2000);
    }
    long begun = System.nanoTime();
    server.destroy(); // SIGTERM
    int code = server.waitFor();
    String text = new String(Files.readAllBytes(log.toPath()), StandardCharsets.UTF_8);
    assertEquals(text, SIGTERM, code);
    long millis = (System.nanoTime() - begun) / 1_000_000;
    assertTrue(millis + " ms", millis < 4000);
    assertTrue(text, text.contains("listening on ws://127.0.0.1:"));
  }

  @Test
  public void a_missing_library_names_the_cure() throws Exception {
    Process process =
        new ProcessBuilder(command("-Dwsb.native.path=/nowhere.so", "serve"))
            .redirectErrorStream(true)
            .start();
    String text = output(process);
    assertEquals(text, 69, process.waitFor());
    assertTrue(text, text.contains("/nowhere.so") && text.contains("Cure: "));
  }

  @Test
  public void a_temporary_folder_mounted_noexec_is_explained() throws Exception {
    String unshare = "/usr/bin/unshare";
    assumeTrue("no unshare", Files.exists(Paths.get(unshare)));
    Path temporary = folder.newFolder("noexec").toPath();
    String mount = "mount -t tmpfs -o noexec tmpfs " + temporary;
    assumeTrue("no mounts in a namespace here", exitCode(unshare, "-rm", "sh", "-c", mount) == 0);
    List<String> command =
        new ArrayList<>(Arrays.asList(unshare, "-rm", "sh", "-c", mount + " && exec \"$@\"", "sh"));
    command.addAll(command("-Dwsb.native.tmpdir=" + temporary, "--version"));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String text = output(process);
    assertEquals(text, 69, process.waitFor());
    for (String word : Arrays.asList("noexec", "Cure: ", "wsb.native.tmpdir", "" + temporary)) {
      assertTrue(text, text.contains(word));
    }
  }

  private static int exitCode(String... command) throws IOException, InterruptedException {
    return new ProcessBuilder(command).inheritIO().start().waitFor();
  }

  private static Process start(String... arguments) throws IOException {
    return new ProcessBuilder(command(null, arguments)).redirectErrorStream(true).start();
  }

  private static List<String> command(String option, String... arguments) {
    List<String> command = new ArrayList<>();
    command.add(System.getProperty("java.home") + File.separator + "bin" + File.separator + "java");
    command.add("-Xcheck:jni");
    if (option != null) {
      command.add(option);
    }
    // Classes and resources of the plugin alone, in whatever folders or jar the build has them.
    String ours =
        Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
            .filter(MainTest::isOurs)
            .collect(Collectors.joining(File.pathSeparator));
    command.addAll(Arrays.asList("-cp", ours, Main.class.getName()));
    command.addAll(Arrays.asList(arguments));
    return command;
  }

  private static boolean isOurs(String entry) {
    return new File(entry, "io/github/wsbackoff/Main.class").exists()
        || new File(entry, "io/github/wsbackoff/spec.json").exists();
  }

  private static String output(Process process) throws IOException {
    try (BufferedReader reader =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      return reader.lines().collect(Collectors.joining("\n"));
    }
  }
}
