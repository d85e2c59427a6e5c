package io.github.wsbackoff.core;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNotSame;
import static org.junit.Assert.assertTrue;
import static org.junit.Assume.assumeTrue;

import io.github.wsbackoff.JMeterSetup;
import io.github.wsbackoff.OwnClassLoader;
import io.github.wsbackoff.RawServer;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.jmeter.samplers.SampleResult;
import org.apache.jmeter.samplers.Sampler;
import org.junit.After;
import org.junit.BeforeClass;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

/** Loading the library for real, each time in a class loader of its own. */
public class NativeLibraryTest {
  private static final String LIBRARY =
      "natives/" + Platform.current().id() + "/" + Platform.current().libraryName();

  @Rule public final TemporaryFolder folder = new TemporaryFolder();

  @BeforeClass
  public static void jmeter() throws IOException {
    JMeterSetup.once();
  }

  @After
  public void forgetSettings() {
    System.clearProperty(Settings.NATIVE_PATH);
    System.clearProperty(Settings.NATIVE_TMPDIR);
  }

  @Test
  public void two_class_loaders_each_load_a_copy_and_leave_no_file() throws Exception {
    File temporary = folder.newFolder();
    System.setProperty(Settings.NATIVE_TMPDIR, temporary.getPath());
    try (RawServer server = new RawServer();
        OwnClassLoader one = new OwnClassLoader();
        OwnClassLoader two = new OwnClassLoader()) {
      for (OwnClassLoader loader : Arrays.asList(one, two, one)) {
        SampleResult sample = connect(loader, server.url("/"));
        assertTrue(sample.getResponseHeaders(), sample.isSuccessful());
      }
      assertNotSame(one.loadClass(Native.class.getName()), two.loadClass(Native.class.getName()));
      assertEquals(Arrays.asList(), Arrays.asList(temporary.list()));
      end(one);
      end(two);
    }
  }

  @Test
  public void a_library_outside_the_jar_loads_in_two_class_loaders_too() throws Exception {
    Path outside = folder.newFile("mine.so").toPath();
    Files.copy(
        getClass().getResourceAsStream("/" + LIBRARY),
        outside,
        java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    System.setProperty(Settings.NATIVE_PATH, outside.toString());
    try (RawServer server = new RawServer();
        OwnClassLoader one = new OwnClassLoader().without(LIBRARY);
        OwnClassLoader two = new OwnClassLoader().without(LIBRARY)) {
      for (OwnClassLoader loader : Arrays.asList(one, two)) {
        SampleResult sample = connect(loader, server.url("/"));
        assertTrue(sample.getResponseHeaders(), sample.isSuccessful());
        end(loader);
      }
      assertTrue("not ours to delete", Files.exists(outside));
    }
  }

  @Test
  public void a_missing_library_is_a_failed_sample_that_names_the_cure() throws Exception {
    try (OwnClassLoader loader =
        new OwnClassLoader().without(LIBRARY).without(LIBRARY + ".sha256")) {
      for (int i = 0; i < 2; i++) { // the failure is kept and told again
        fails(
            loader,
            "no library for " + Platform.current().id(),
            System.getProperty("os.arch"),
            Settings.NATIVE_PATH);
      }
    }
  }

  @Test
  public void a_library_of_others_is_a_failed_sample() throws Exception {
    System.setProperty(Settings.NATIVE_PATH, compile("int other(void) { return 1; }\n"));
    try (OwnClassLoader loader = new OwnClassLoader()) {
      fails(loader, "no library of ws-backoff", Settings.NATIVE_PATH);
    }
  }

  @Test
  public void a_library_of_another_version_is_a_failed_sample() throws Exception {
    String abi = "long long Java_io_github_wsbackoff_core_Native_abi(void *e, void *c)";
    System.setProperty(Settings.NATIVE_PATH, compile(abi + " { return 99; }\n"));
    try (OwnClassLoader loader = new OwnClassLoader()) {
      fails(
          loader,
          "version 99",
          "this jar speaks " + NativeLibrary.ABI,
          "one version of ws-backoff in lib/ext");
    }
  }

  private String compile(String code) throws Exception {
    Path library = folder.getRoot().toPath().resolve("libother.so");
    Path source = folder.newFile("other.c").toPath();
    Files.write(source, code.getBytes(StandardCharsets.US_ASCII));
    assumeTrue("no C compiler", runs("cc", "-shared", "-fPIC", "-o", "" + library, "" + source));
    return library.toString();
  }

  private static SampleResult connect(OwnClassLoader loader, String url) throws Exception {
    Sampler sampler = (Sampler) loader.create("io.github.wsbackoff.sampler.ConnectSampler");
    sampler.setName("connect");
    sampler.setProperty("wsb.url", url);
    sampler.setProperty("wsb.retry.strategy", "none");
    return sampler.sample(null);
  }

  /** What a test's end does, so that no runtime stays behind. */
  private static void end(OwnClassLoader loader) throws Exception {
    Object sampler = loader.create("io.github.wsbackoff.sampler.ConnectSampler");
    sampler.getClass().getMethod("testEnded").invoke(sampler);
  }

  private static void fails(OwnClassLoader loader, String... words) throws Exception {
    SampleResult sample = connect(loader, "ws://127.0.0.1:1/");
    assertFalse(sample.isSuccessful());
    assertEquals("Non HTTP response code: native.unavailable", sample.getResponseCode());
    assertEquals("The native library is not available", sample.getResponseMessage());
    String text = sample.getResponseHeaders();
    List<String> all = new ArrayList<>(Arrays.asList(words));
    all.add("Cure: ");
    all.add(System.getProperty("os.name"));
    for (String word : all) {
      assertTrue(text + "\nlacks " + word, text.contains(word));
    }
  }

  private static boolean runs(String... command) throws InterruptedException {
    try {
      Process process = new ProcessBuilder(command).inheritIO().start();
      return process.waitFor(30, TimeUnit.SECONDS) && process.exitValue() == 0;
    } catch (IOException e) {
      return false;
    }
  }
}
