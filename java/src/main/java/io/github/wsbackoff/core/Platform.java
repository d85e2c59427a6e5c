package io.github.wsbackoff.core;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The system under the JVM: which native library fits it, and how to name it in messages. */
final class Platform {
  /** Folders that a jar may have under {@code natives/}. */
  static final String[] KNOWN = {
    "linux-x86_64",
    "linux-aarch64",
    "linux-x86_64-musl",
    "linux-aarch64-musl",
    "macos-x86_64",
    "macos-aarch64",
    "windows-x86_64",
  };

  private static final String MUSL = "musl";

  private final String os;
  private final String arch;

  /** The C library; "" where a system has but one. */
  private final String libc;

  Platform(String os, String arch, String libc) {
    this.os = os;
    this.arch = arch;
    this.libc = libc;
  }

  static Platform current() {
    String os = System.getProperty("os.name", "");
    String libc = os.equals("Linux") ? libc() : "";
    return new Platform(os, System.getProperty("os.arch", ""), libc);
  }

  /** Folder of this platform's library, for example {@code linux-x86_64}. */
  String id() {
    return family() + "-" + machine() + (libc.equals(MUSL) ? "-musl" : "");
  }

  /** Name of the library's file, for example {@code libws_backoff.so}. */
  String libraryName() {
    switch (family()) {
      case "windows":
        return "ws_backoff.dll";
      case "macos":
        return "libws_backoff.dylib";
      default:
        return "libws_backoff.so";
    }
  }

  /** A loaded file can be deleted: everywhere but on Windows. */
  boolean deletesLoadedFiles() {
    return !family().equals("windows");
  }

  /** Operating system, architecture, C library and Java, for people. */
  String describe() {
    String library = libc.isEmpty() ? "" : ", " + libc;
    return os + " " + arch + library + ", Java " + System.getProperty("java.version");
  }

  private String family() {
    String name = os.toLowerCase(Locale.ROOT);
    if (name.startsWith("windows")) {
      return "windows";
    }
    return name.startsWith("mac") ? "macos" : name.replace(' ', '_');
  }

  private String machine() {
    switch (arch) {
      case "amd64":
        return "x86_64";
      case "arm64":
        return "aarch64";
      default:
        return arch;
    }
  }

  /**
   * The C library that this JVM runs on. Files on the disk tell nothing: a glibc system may have
   * musl installed beside.
   */
  private static String libc() {
    try (Stream<String> maps =
        Files.lines(Paths.get("/proc/self/maps"), StandardCharsets.ISO_8859_1)) {
      return libc(maps);
    } catch (IOException | UncheckedIOException e) {
      return "unknown C library";
    }
  }

  /**
   * The C library among the files that a process has in memory. A program for glibc on Alpine has
   * names of both there, and runs on musl.
   */
  static String libc(Stream<String> maps) {
    // Alpine's and Debian's name of it.
    Pattern musl = Pattern.compile("/ld-musl-|-linux-musl/libc\\.so");
    Pattern glibc = Pattern.compile("/libc(\\.so\\.6|-2\\.[0-9]+\\.so)");
    List<String> files = maps.collect(Collectors.toList());
    if (files.stream().anyMatch(file -> musl.matcher(file).find())) {
      return MUSL;
    }
    boolean found = files.stream().anyMatch(file -> glibc.matcher(file).find());
    return found ? "glibc" : "unknown C library";
  }
}
