package io.github.wsbackoff.core;

/** Where this project is to be found. */
public final class Project {
  /** Its address; the catalogue of JMeter's Plugins Manager has the same. */
  public static final String HOME = "https://github.com/wsbackoff/ws-backoff";

  private Project() {}

  /**
   * The address of one of its files.
   *
   * @param path from its root on, with slashes
   */
  public static String file(String path) {
    return HOME + "/blob/HEAD/" + path;
  }
}
