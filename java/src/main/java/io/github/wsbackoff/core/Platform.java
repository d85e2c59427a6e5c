package io.github.wsbackoff.core;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.Locale;
import java.util.stream.Stream;

/** The system under the JVM: which native library fits it, and how to name it in messages. */
final class Platform {
  /** Folders that a jar may have under {@code natives/}. */
  static final String[] KNOWN = {
    "linux-x86_64", "linux-aarch64", "macos-x86_64", "macos-aarch64", "windows-x86_64",
  };

  private final String os;
  private final String arch;

  Platform(String os, String arch) {
    this.os = os;
    this.arch = arch;
  }

  static Platform current() {
    return new Platform(System.getProperty("os.name", ""), System.getProperty("os.arch", ""));
  }

  /** Folder of this platform's library, for example {@code linux-x86_64}. */
  String id() {
    return family() + "-" + machine();
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
    String libc = family().equals("linux") ? ", " + libc() : "";
    return os + " " + arch + libc + ", Java " + System.getProperty("java.version");
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
      return maps.filter(line -> line.contains("/ld-musl-") || line.contains("/libc.so.6"))
          .findFirst()
          .map(line -> line.contains("/ld-musl-") ? "musl" : "glibc")
          .orElse("unknown C library");
    } catch (IOException | RuntimeException e) {
      return "unknown C library";
    }
  }
}
