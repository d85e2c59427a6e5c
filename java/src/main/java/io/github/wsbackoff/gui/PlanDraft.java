package io.github.wsbackoff.gui;

import io.github.wsbackoff.core.CommandLine;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A plan that a command has made of a file, and what the command says of it; nothing is written
 * beside the file before it is asked for.
 */
final class PlanDraft {
  /** Exit code of {@code migrate} for a file that it does not touch. */
  private static final int NO_PLAN = 2;

  private final Path folder;
  private final String name;
  private final byte[] plan;
  private final String report;

  /**
   * Keeps what a command has made.
   *
   * @param source the file that it was made of; the plan belongs beside it
   * @param ending what the plan's name has in the place of the file's ending
   * @param plan null: there is nothing to open
   */
  private PlanDraft(File source, String ending, byte[] plan, String report) {
    this.folder = source.getAbsoluteFile().toPath().getParent();
    this.name = source.getName().replaceFirst("(?i)(\\.jmx|\\.har|\\.har\\.gz)$", "") + ending;
    this.plan = plan;
    this.report = report;
  }

  /**
   * A plan moved to our elements.
   *
   * @throws IOException if there is no room for the command's files, or it did not even report
   */
  static PlanDraft migrated(File source) throws IOException {
    try (Scratch scratch = new Scratch("wsb-migrate")) {
      Path page = scratch.file("report.html");
      Path out = scratch.file("out");
      Path moved = scratch.file("out/" + source.getName());
      // Twice: the report is about the plan, and speaks of no folder that is gone when it is read.
      int told =
          CommandLine.run("migrate", source.getPath(), "--dry-run", "--report", page.toString());
      CommandLine.run("migrate", source.getPath(), "--out", out.toString());
      if (!Files.exists(page) || told != NO_PLAN && !Files.exists(moved)) {
        throw new IOException(Messages.get("migrate.failed"));
      }
      // A plan that is none, or cannot be read: the report says why.
      byte[] plan = Files.exists(moved) ? Files.readAllBytes(moved) : null;
      if (plan != null && Arrays.equals(plan, Files.readAllBytes(source.toPath()))) {
        plan = null;
      }
      return new PlanDraft(source, "-wsb", plan, body(text(page)));
    }
  }

  /**
   * The plan of a recording.
   *
   * @param withRequests with the requests in it that gave what its sockets use
   * @throws IOException if there is no room for the command's files, or it did not even report
   */
  static PlanDraft imported(File source, boolean withRequests) throws IOException {
    try (Scratch scratch = new Scratch("wsb-import")) {
      Path page = scratch.file("report.md");
      Path made = scratch.file("made.jmx");
      List<String> command = new ArrayList<>(Arrays.asList("import", source.getPath()));
      command.addAll(Arrays.asList("-o", made.toString(), "--report", page.toString()));
      if (withRequests) {
        command.add("--http");
      }
      CommandLine.run(command.toArray(new String[0]));
      if (!Files.exists(page)) {
        throw new IOException(Messages.get("import.failed"));
      }
      byte[] plan = Files.exists(made) ? Files.readAllBytes(made) : null;
      return new PlanDraft(source, "", plan, points(text(page)));
    }
  }

  private static String text(Path page) throws IOException {
    return new String(Files.readAllBytes(page), StandardCharsets.UTF_8);
  }

  /** What stands in the body of a page: a pane of Swing knows nothing of today's styles. */
  private static String body(String page) {
    int from = page.indexOf('>', page.indexOf("<body")) + 1;
    return page.substring(from, page.lastIndexOf("</body>"));
  }

  /** The points of a list in Markdown, as HTML. */
  private static String points(String markdown) {
    StringBuilder html = new StringBuilder("<ul>");
    for (String line : markdown.split("\n")) {
      if (line.startsWith("- ")) {
        String point = line.substring(2).replace("&", "&amp;").replace("<", "&lt;");
        html.append("<li>").append(point).append("</li>");
      }
    }
    return html.append("</ul>").toString();
  }

  /** What became of each part, as HTML. */
  String report() {
    return report;
  }

  /** Whether there is a plan to open, other than the file that it was made of. */
  boolean hasPlan() {
    return plan != null;
  }

  /**
   * Writes the plan into the folder of what it was made of, where its files are found, under a name
   * that is free.
   */
  File writeBeside() throws IOException {
    for (int number = 1; ; number++) {
      Path file = folder.resolve(name + (number > 1 ? "-" + number : "") + ".jmx");
      if (!Files.exists(file)) {
        return write(file);
      }
    }
  }

  private File write(Path file) throws IOException {
    try {
      return Files.write(file, plan, StandardOpenOption.CREATE_NEW).toFile();
    } catch (IOException e) {
      // Its own words are often no more than the file's name.
      String why = e.getMessage() + " (" + e.getClass().getSimpleName() + ")";
      throw new IOException(String.format(Messages.get("migrate.unwritable"), file, why), e);
    }
  }

  /** A folder for what commands write, gone when it is closed. */
  private static final class Scratch implements AutoCloseable {
    private final Path folder;
    private final List<Path> files = new ArrayList<>();

    Scratch(String name) throws IOException {
      folder = Files.createTempDirectory(name);
    }

    /** One of them, which may never be written; what stands in another comes after that. */
    Path file(String name) {
      Path file = folder.resolve(name);
      files.add(0, file);
      return file;
    }

    @Override
    public void close() throws IOException {
      for (Path file : files) {
        Files.deleteIfExists(file);
      }
      Files.deleteIfExists(folder);
    }
  }
}
