package io.github.wsbackoff.core;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * Finds the file of the native library: the one that a setting names, else a private copy of the
 * one in the jar, its checksum verified. Does not load it.
 */
final class LibraryFile {
  /** Hex digits of the checksum in a copy's name: enough to tell builds apart. */
  private static final int NAME_DIGITS = 12;

  /** How the names of the copies' folders begin. */
  private static final String FOLDER = "ws-backoff-";

  /** From writing a copy to loading it takes less. */
  private static final Duration YOUNG = Duration.ofMinutes(10);

  private final Platform platform;
  private final Function<String, InputStream> resources;
  private final String explicitPath;
  private final Path temporaryFolder;

  LibraryFile(
      Platform platform,
      Function<String, InputStream> resources,
      String explicitPath,
      Path temporaryFolder) {
    this.platform = platform;
    this.resources = resources;
    this.explicitPath = explicitPath;
    this.temporaryFolder = temporaryFolder;
  }

  static LibraryFile fromSettings() {
    String folder = Settings.get(Settings.NATIVE_TMPDIR);
    return new LibraryFile(
        Platform.current(),
        NativeLibrary.class::getResourceAsStream,
        Settings.get(Settings.NATIVE_PATH),
        Paths.get(folder.isEmpty() ? System.getProperty("java.io.tmpdir") : folder));
  }

  Platform platform() {
    return platform;
  }

  boolean isExplicit() {
    return !explicitPath.isEmpty();
  }

  /** The file that the setting names. */
  Path explicit() {
    Path path = Paths.get(explicitPath).toAbsolutePath();
    if (!Files.isRegularFile(path)) {
      throw failure(
          "there is no such file",
          path,
          "correct the property " + Settings.NATIVE_PATH + ", or remove it to use the jar's own",
          null);
    }
    return path;
  }

  /** A new copy of the setting's file, for a second class loader: a JVM loads a path only once. */
  Path copyOfExplicit() {
    try {
      byte[] library = Files.readAllBytes(explicit());
      return write(library, sha256(library));
    } catch (IOException e) {
      throw failure("cannot be read: " + e, explicit(), "check the file's permissions", e);
    }
  }

  /** A new copy of the library in the jar, in a folder of its own that only this user may enter. */
  Path unpack() {
    String name = "/natives/" + platform.id() + "/" + platform.libraryName();
    byte[] library = resource(name);
    if (library == null) {
      throw failure(
          "this jar has no library for " + platform.id() + ", only for: " + bundled(),
          Paths.get("jar:" + name),
          "use the jar of a release that has it, or build one (script/build) and name it with the"
              + " property "
              + Settings.NATIVE_PATH,
          null);
    }
    byte[] noted = resource(name + ".sha256");
    String expected = noted == null ? "none" : new String(noted, StandardCharsets.US_ASCII).trim();
    String hash = sha256(library);
    if (!hash.equals(expected)) {
      throw failure(
          "wrong checksum: SHA-256 is " + hash + ", the jar says " + expected,
          Paths.get("jar:" + name),
          "the jar is damaged: copy it again",
          null);
    }
    return write(library, hash);
  }

  private Path write(byte[] library, String hash) {
    if (!platform.deletesLoadedFiles()) {
      sweep();
    }
    String base = platform.libraryName();
    int dot = base.lastIndexOf('.');
    String name =
        base.substring(0, dot) + "-" + hash.substring(0, NAME_DIGITS) + base.substring(dot);
    Path folder = null;
    try {
      Files.createDirectories(temporaryFolder);
      // The folder's name is unique, so that every class loader gets a path of its own.
      folder = Files.createTempDirectory(temporaryFolder, FOLDER, ownerOnly());
      Path file = folder.resolve(name).toAbsolutePath();
      Files.write(file, library);
      String written = sha256(Files.readAllBytes(file));
      if (!written.equals(hash)) {
        throw new IOException("wrong checksum after writing: " + written + " in place of " + hash);
      }
      return file;
    } catch (IOException | UnsupportedOperationException e) {
      discard(folder == null ? null : folder.resolve(name));
      throw failure(
          "cannot be unpacked: " + e,
          temporaryFolder,
          "make room in this folder or make it writable, or name another with the property "
              + Settings.NATIVE_TMPDIR,
          e);
    }
  }

  /**
   * Removes the copies that earlier JVMs left, where a loaded file cannot be deleted: the JVM that
   * loaded one still has it when it ends. What a running JVM has loaded stays for the same reason.
   */
  private void sweep() {
    // A younger one may be another JVM's that has not loaded it yet.
    Instant young = Instant.now().minus(YOUNG);
    try (DirectoryStream<Path> folders = Files.newDirectoryStream(temporaryFolder, FOLDER + "*")) {
      for (Path folder : folders) {
        if (Files.getLastModifiedTime(folder).toInstant().isBefore(young)) {
          remove(folder);
        }
      }
    } catch (IOException | DirectoryIteratorException e) {
      // Another start sweeps again.
    }
  }

  /** Removes a folder with nothing but copies in it. */
  private void remove(Path folder) {
    String base = platform.libraryName();
    int dot = base.lastIndexOf('.');
    String copies = base.substring(0, dot) + "-*" + base.substring(dot);
    try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, copies)) {
      for (Path file : files) {
        Files.delete(file);
      }
      Files.delete(folder);
    } catch (IOException | DirectoryIteratorException e) {
      // In use, or somebody else's.
    }
  }

  /** Removes a copy and its folder, as far as the system allows, else when the JVM ends. */
  static void discard(Path copy) {
    if (copy == null) {
      return;
    }
    for (Path path : Arrays.asList(copy, copy.getParent())) {
      try {
        Files.deleteIfExists(path);
      } catch (IOException e) {
        path.toFile().deleteOnExit();
      }
    }
  }

  NativeLibraryException failure(String reason, Path path, String cure, Throwable cause) {
    return new NativeLibraryException(
        "The native library of ws-backoff cannot be used: "
            + reason
            + ".\nLibrary: "
            + path
            + "\nSystem: "
            + platform.describe()
            + "\nCure: "
            + cure
            + ".",
        cause);
  }

  private String bundled() {
    String found =
        Arrays.stream(Platform.KNOWN)
            .filter(id -> hasLibrary(id))
            .collect(Collectors.joining(", "));
    return found.isEmpty() ? "none" : found;
  }

  private boolean hasLibrary(String id) {
    String[] parts = id.split("-", 2);
    String name = new Platform(parts[0], parts[1], "").libraryName();
    return resource("/natives/" + id + "/" + name + ".sha256") != null;
  }

  private byte[] resource(String name) {
    try (InputStream in = resources.apply(name)) {
      if (in == null) {
        return null;
      }
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      byte[] buffer = new byte[1 << 16];
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        out.write(buffer, 0, n);
      }
      return out.toByteArray();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static FileAttribute<?>[] ownerOnly() {
    boolean posix = FileSystems.getDefault().supportedFileAttributeViews().contains("posix");
    return posix
        ? new FileAttribute<?>[] {
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"))
        }
        : new FileAttribute<?>[0];
  }

  static String sha256(byte[] bytes) {
    try {
      StringBuilder hex = new StringBuilder();
      for (byte b : MessageDigest.getInstance("SHA-256").digest(bytes)) {
        hex.append(String.format("%02x", b));
      }
      return hex.toString();
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }
}
