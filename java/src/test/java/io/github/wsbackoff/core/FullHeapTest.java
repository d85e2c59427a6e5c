package io.github.wsbackoff.core;

import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

/** The JVM's own limits, under a native call. */
public class FullHeapTest {
  @Rule public final TemporaryFolder folder = new TemporaryFolder();

  @Test
  public void a_message_that_has_no_room_in_the_heap_goes_by_javas_name_and_the_jvm_lives()
      throws Exception {
    File log = folder.newFile("log");
    List<String> command = new ArrayList<>();
    command.add(System.getProperty("java.home") + File.separator + "bin" + File.separator + "java");
    command.addAll(Arrays.asList("-Xmx128m", "-Djava.awt.headless=true"));
    // Unpacked here: a library with all its debug information has no room in that heap, either.
    LibraryFile source = LibraryFile.fromSettings();
    Path library = source.isExplicit() ? source.explicit() : source.unpack();
    command.add("-D" + Settings.NATIVE_PATH + "=" + library);
    command.addAll(
        Arrays.asList("-cp", System.getProperty("java.class.path"), SmallHeap.class.getName()));
    Process process =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log).start();
    boolean ended = process.waitFor(60, TimeUnit.SECONDS);
    process.destroyForcibly();
    if (!source.isExplicit()) {
      LibraryFile.discard(library);
    }
    String text = new String(Files.readAllBytes(log.toPath()), StandardCharsets.UTF_8);
    assertTrue(text, ended && process.exitValue() == 0);
    assertTrue(text, text.contains("101"));
    assertTrue(
        text, text.contains("Non HTTP response code: java.lang.OutOfMemoryError | java.lang."));
    assertFalse(text, text.contains("native.failure"));
  }
}
