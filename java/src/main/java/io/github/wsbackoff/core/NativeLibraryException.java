package io.github.wsbackoff.core;

/**
 * The native library cannot be used; the message names the system, the file, the reason and the
 * cure.
 */
public final class NativeLibraryException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  NativeLibraryException(String message, Throwable cause) {
    super(message, cause);
  }
}
