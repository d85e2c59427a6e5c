package io.github.wsbackoff.core;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNotEquals;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

public class LibraryFileTest {
  private static final Platform LINUX = new Platform("Linux", "amd64", "glibc");
  private static final String NAME = "/natives/linux-x86_64/libws_backoff.so";

  @Rule public final TemporaryFolder folder = new TemporaryFolder();
  private final Map<String, byte[]> jar = new HashMap<>();
  private final byte[] library = {1, 2, 3, 4};
  private Path temporary;

  @Before
  public void fillTheJar() {
    temporary = folder.getRoot().toPath().resolve("new/tmp");
    jar.put(NAME, library);
    jar.put(NAME + ".sha256", LibraryFile.sha256(library).getBytes(StandardCharsets.US_ASCII));
  }

  @Test
  public void platforms_have_the_names_that_the_build_gives_them() {
    String[][] cases = {
      {"Linux", "amd64", "glibc", "linux-x86_64", "libws_backoff.so"},
      {"Linux", "amd64", "unknown C library", "linux-x86_64", "libws_backoff.so"},
      {"Linux", "amd64", "musl", "linux-x86_64-musl", "libws_backoff.so"},
      {"Linux", "aarch64", "glibc", "linux-aarch64", "libws_backoff.so"},
      {"Linux", "aarch64", "musl", "linux-aarch64-musl", "libws_backoff.so"},
      {"Mac OS X", "x86_64", "", "macos-x86_64", "libws_backoff.dylib"},
      {"Mac OS X", "aarch64", "", "macos-aarch64", "libws_backoff.dylib"},
      {"Windows Server 2022", "amd64", "", "windows-x86_64", "ws_backoff.dll"},
      {"SunOS", "sparcv9", "", "sunos-sparcv9", "libws_backoff.so"},
    };
    for (String[] c : cases) {
      Platform platform = new Platform(c[0], c[1], c[2]);
      assertEquals(c[3], platform.id());
      assertEquals(c[4], platform.libraryName());
    }
  }

  @Test
  public void the_c_library_is_the_one_in_memory() {
    String[][] cases = {
      {"musl", "7f00 r--p 0 08:01 7 /lib/ld-musl-x86_64.so.1"},
      {"musl", "7f00 r-xp 0 08:01 7 /usr/lib/x86_64-linux-musl/libc.so"},
      {
        "musl",
        "7f00 r--p 0 08:01 9 /lib/libc.so.6",
        "7f00 r--p 0 08:01 7 /lib/ld-musl-aarch64.so.1"
      },
      {"glibc", "7f00 r--p 0 08:01 7 /usr/lib/x86_64-linux-gnu/libc.so.6"},
      {"glibc", "7f00 r--p 0 08:01 7 /lib64/libc-2.17.so"},
      {"unknown C library", "7f00 r--p 0 08:01 7 /opt/java/lib/libjvm.so"},
    };
    for (String[] c : cases) {
      assertEquals(c[0], Platform.libc(Arrays.stream(c).skip(1)));
    }
  }

  @Test
  public void a_copy_is_private_and_named_by_its_hash() throws IOException {
    Path copy = file(LINUX, "").unpack();
    assertArrayEquals(library, Files.readAllBytes(copy));
    String hash = LibraryFile.sha256(library).substring(0, 12);
    assertEquals("libws_backoff-" + hash + ".so", copy.getFileName().toString());
    assertEquals(
        "rwx------",
        PosixFilePermissions.toString(Files.getPosixFilePermissions(copy.getParent())));
    LibraryFile.discard(copy);
    assertFalse("folder left", Files.exists(copy.getParent()));
  }

  @Test
  public void every_copy_has_a_path_of_its_own() {
    assertNotEquals(file(LINUX, "").unpack(), file(LINUX, "").unpack());
  }

  @Test
  public void copies_that_earlier_runs_on_windows_left_are_removed_and_nothing_else()
      throws IOException {
    Platform windows = new Platform("Windows 11", "amd64", "");
    String name = "/natives/windows-x86_64/ws_backoff.dll";
    jar.put(name, library);
    jar.put(name + ".sha256", LibraryFile.sha256(library).getBytes(StandardCharsets.US_ASCII));
    Path left = file(windows, "").unpack();
    Path fresh = file(windows, "").unpack();
    // What is in use cannot be deleted, as this folder that has something in it.
    Path used = file(windows, "").unpack();
    Files.delete(used);
    Files.createDirectories(used.resolve("held"));
    Path foreign = temporary.resolve("ws-backoff-report/page.html");
    Files.createDirectories(foreign.getParent());
    Files.write(foreign, library);
    for (Path old : new Path[] {left, used, foreign}) {
      Files.setLastModifiedTime(old.getParent(), FileTime.from(Instant.now().minusSeconds(3600)));
    }
    Path own = file(windows, "").unpack();
    assertFalse("left behind", Files.exists(left.getParent()));
    for (Path path : new Path[] {fresh, used, foreign, own}) {
      assertTrue(path.toString(), Files.exists(path));
    }
  }

  @Test
  public void a_wrong_checksum_says_that_the_jar_is_damaged() {
    jar.put(NAME, new byte[] {1, 2, 3, 5});
    fails(LINUX, "", "wrong checksum", LibraryFile.sha256(library), "copy it again");
    jar.remove(NAME + ".sha256");
    fails(LINUX, "", "wrong checksum", "none");
  }

  @Test
  public void a_platform_without_library_is_told_what_there_is() {
    fails(
        new Platform("SunOS", "sparcv9", ""),
        "",
        "no library for sunos-sparcv9",
        "only for: linux-x86_64",
        "SunOS sparcv9",
        Settings.NATIVE_PATH);
  }

  @Test
  public void an_unusable_temporary_folder_names_the_property() throws IOException {
    temporary = folder.newFile("no-folder").toPath();
    fails(LINUX, "", "cannot be unpacked", temporary.toString(), Settings.NATIVE_TMPDIR);
  }

  @Test
  public void a_path_that_does_not_exist_names_path_and_property() {
    fails(LINUX, "/nowhere/lib.so", "no such file", "/nowhere/lib.so", Settings.NATIVE_PATH);
  }

  @Test
  public void messages_of_the_system_lead_to_their_cure() {
    String[][] cases = {
      {"/tmp/x.so: failed to map segment from shared object", Settings.NATIVE_TMPDIR},
      {"/lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.34' not found", "script/package"},
      {"/tmp/x.so: wrong ELF class: ELFCLASS32", "another architecture"},
      {"'long io.github.wsbackoff.core.Native.abi()'", "no library of ws-backoff"},
      {"libgcc_s.so.1: cannot open shared object file: No such file or directory", "need none"},
      {"Error loading shared library ld-linux-x86-64.so.2: No such file or directory", "Alpine"},
      {"something new", "report this message"},
    };
    for (String[] c : cases) {
      assertTrue(c[0], NativeLibrary.cure(c[0]).contains(c[1]));
    }
  }

  private LibraryFile file(Platform platform, String explicit) {
    return new LibraryFile(platform, this::open, explicit, temporary);
  }

  private InputStream open(String name) {
    return jar.containsKey(name) ? new ByteArrayInputStream(jar.get(name)) : null;
  }

  private void fails(Platform platform, String explicit, String... words) {
    LibraryFile file = file(platform, explicit);
    String message =
        assertThrows(
                NativeLibraryException.class,
                () -> {
                  if (file.isExplicit()) {
                    file.explicit();
                  } else {
                    file.unpack();
                  }
                })
            .getMessage();
    for (String word : words) {
      assertTrue(message + "\nlacks " + word, message.contains(word));
    }
    assertTrue(message, message.contains("Cure: "));
  }
}
