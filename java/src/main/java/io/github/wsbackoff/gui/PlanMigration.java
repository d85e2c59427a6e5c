package io.github.wsbackoff.gui;

import io.github.wsbackoff.core.CommandLine;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;

/**
 * What the command {@code migrate} makes of a plan; nothing is written beside the plan before it is
 * asked for.
 */
final class PlanMigration {
  /** Exit code of {@code migrate} for a file that it does not touch. */
  private static final int NO_PLAN = 2;

  private final File plan;
  private final byte[] moved;
  private final String report;

  private PlanMigration(File plan, byte[] moved, String report) {
    this.plan = plan;
    this.moved = moved;
    this.report = report;
  }

  /**
   * Moves the plan in memory.
   *
   * @throws IOException if there is no room for the command's files, or it did not even report
   */
  static PlanMigration of(File plan) throws IOException {
    Path folder = Files.createTempDirectory("wsb-migrate");
    Path out = folder.resolve("out");
    Path moved = out.resolve(plan.getName());
    Path page = folder.resolve("report.html");
    try {
      // Twice: the report is about the plan, and speaks of no folder that is gone when it is read.
      int told =
          CommandLine.run("migrate", plan.getPath(), "--dry-run", "--report", page.toString());
      CommandLine.run("migrate", plan.getPath(), "--out", out.toString());
      if (!Files.exists(page) || told != NO_PLAN && !Files.exists(moved)) {
        throw new IOException(Messages.get("migrate.failed"));
      }
      String report = body(new String(Files.readAllBytes(page), StandardCharsets.UTF_8));
      // A plan that is none, or cannot be read: the report says why.
      byte[] bytes = Files.exists(moved) ? Files.readAllBytes(moved) : null;
      return new PlanMigration(plan, bytes, report);
    } finally {
      for (Path each : new Path[] {moved, out, page, folder}) {
        Files.deleteIfExists(each);
      }
    }
  }

  /** What stands in the body of a page: a pane of Swing knows nothing of today's styles. */
  private static String body(String page) {
    int from = page.indexOf('>', page.indexOf("<body")) + 1;
    return page.substring(from, page.lastIndexOf("</body>"));
  }

  /** What became of each element, as HTML. */
  String report() {
    return report;
  }

  /** Whether anything is moved. */
  boolean changes() throws IOException {
    return moved != null && !Arrays.equals(moved, Files.readAllBytes(plan.toPath()));
  }

  /**
   * Writes the moved plan into the plan's folder, where its files are found, under a name that is
   * free.
   */
  File writeBeside() throws IOException {
    String name = plan.getName().replaceFirst("(?i)\\.jmx$", "");
    for (int number = 1; ; number++) {
      String free = name + "-wsb" + (number > 1 ? "-" + number : "") + ".jmx";
      Path file = plan.getAbsoluteFile().toPath().resolveSibling(free);
      if (!Files.exists(file)) {
        return Files.write(file, moved, StandardOpenOption.CREATE_NEW).toFile();
      }
    }
  }
}
