package io.github.wsbackoff.core;

import java.nio.file.Path;
import java.util.Locale;

/**
 * Loads the native library, once a class loader and at first use, so that plans open and save
 * without it. A failure is kept: every later use fails at once with the same words.
 */
public final class NativeLibrary {
  /** Version of the boundary that this jar speaks. */
  static final long ABI = 9;

  private static volatile boolean loaded;
  private static NativeLibraryException failure;

  private NativeLibrary() {}

  /**
   * Loads the library if that did not happen yet.
   *
   * @throws NativeLibraryException if it cannot be used; the message names the cure
   */
  public static void load() {
    if (!loaded) { // without a lock: every connect asks
      loadOnce();
    }
  }

  private static synchronized void loadOnce() {
    if (loaded) {
      return;
    }
    if (failure != null) {
      throw failure;
    }
    try {
      load(LibraryFile.fromSettings());
      loaded = true;
    } catch (NativeLibraryException e) {
      failure = e;
      throw e;
    } catch (RuntimeException e) {
      failure =
          new NativeLibraryException("The native library of ws-backoff cannot be used: " + e, e);
      throw failure;
    }
  }

  /** Whether the library is there to be called. */
  public static boolean isLoaded() {
    return loaded;
  }

  private static void load(LibraryFile source) {
    if (source.isExplicit()) {
      try {
        link(source, source.explicit());
      } catch (NativeLibraryException e) {
        // Another class loader of this JVM has the file; a copy is another file.
        if (!String.valueOf(e.getMessage()).contains("already loaded in another classloader")) {
          throw e;
        }
        linkAndDiscard(source, source.copyOfExplicit());
      }
    } else {
      linkAndDiscard(source, source.unpack());
    }
  }

  private static void linkAndDiscard(LibraryFile source, Path copy) {
    try {
      link(source, copy);
    } finally {
      if (source.platform().deletesLoadedFiles()) {
        LibraryFile.discard(copy);
      } else {
        // deleteOnExit works in reverse order: the folder is named first to go last.
        copy.getParent().toFile().deleteOnExit();
        copy.toFile().deleteOnExit();
      }
    }
  }

  /** Loads a file into this class loader and checks that it speaks our version of the boundary. */
  static void link(LibraryFile source, Path file) {
    long abi;
    try {
      System.load(file.toString());
      abi = Native.abi();
    } catch (UnsatisfiedLinkError | SecurityException e) {
      String reason = String.valueOf(e.getMessage()).replace(file + ": ", "");
      throw source.failure(reason, file, cure(reason), e);
    } catch (RuntimeException e) {
      // Java 24 and newer, with native access denied: an IllegalCallerException, unknown to Java 8.
      throw source.failure(
          e.toString(), file, "start Java with --enable-native-access=ALL-UNNAMED", e);
    }
    if (abi != ABI) {
      throw source.failure(
          "it speaks version " + abi + " of the boundary, this jar speaks " + ABI,
          file,
          "keep one version of ws-backoff in lib/ext, and let "
              + Settings.NATIVE_PATH
              + " name a library of the same version",
          null);
    }
  }

  /** What to do about a message of the system's loader. */
  static String cure(String message) {
    String text = message.toLowerCase(Locale.ROOT);
    if (text.contains("failed to map segment") || text.contains("operation not permitted")) {
      return "this folder is mounted noexec: name one from which programs may run with the property"
          + " "
          + Settings.NATIVE_TMPDIR
          + " (in user.properties or with -J), or a library outside the jar with "
          + Settings.NATIVE_PATH;
    }
    if (text.contains("glibc_")) {
      return "this system's C library is older than the one the jar was built for: use the released"
          + " jar or one from script/package (glibc 2.17)";
    }
    if (text.contains("wrong elf class") || text.contains("wrong architecture")) {
      return "the library is for another architecture: remove "
          + Settings.NATIVE_PATH
          + ", or name a library for this one";
    }
    if (text.contains("undefined symbol") || text.contains("native.abi")) {
      return "this is no library of ws-backoff, or one of another version: correct "
          + Settings.NATIVE_PATH;
    }
    if (text.contains("ld-linux")) {
      return "the library is for glibc, this system has musl (as Alpine Linux): use the released"
          + " jar or one from script/package, which has both, or build one here"
          + " (script/build)";
    }
    if (text.contains("libgcc_s") || text.contains("no such file")) {
      return "this system lacks a library that ours needs: use the released jar or one from"
          + " script/package, which need none, or build one here (script/build)";
    }
    return "report this message; meanwhile a library of your own build (script/build) can be named"
        + " with the property "
        + Settings.NATIVE_PATH;
  }
}
