package io.github.wsbackoff.help;

import io.github.wsbackoff.core.Project;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/** Our documentation, which the jar carries: pages by their path in {@code docs}. */
public final class Pages {
  private static final String FOLDER = "/io/github/wsbackoff/docs/";

  /** By the simple class names of the panels. */
  private static final Map<String, String> OF_PANEL = new HashMap<>();

  static {
    OF_PANEL.put("ConnectSamplerGui", "retry-websocket.md");
    OF_PANEL.put("WebSocketDefaultsGui", "reference/properties.md");
    for (String each : new String[] {"Send", "Receive", "Exchange", "Ping", "Close"}) {
      OF_PANEL.put(each + "SamplerGui", "messages.md");
    }
    OF_PANEL.put("BinaryAssertionGui", "messages.md");
    OF_PANEL.put("RetryControllerGui", "retry-any-sampler.md");
    OF_PANEL.put("OnceControllerGui", "one-token.md");
    OF_PANEL.put("PaceTimerGui", "one-gate.md#a-timer-that-listens");
    OF_PANEL.put("ConnectsListenerGui", "read-results.md#while-it-runs");
    OF_PANEL.put("VirtualUserGroupGui", "virtual-users.md");
  }

  private Pages() {}

  /** The page about what a panel shows, with the anchor of its part, if that is one part. */
  public static String of(Class<?> panel) {
    String page = OF_PANEL.get(panel.getSimpleName());
    if (page == null) {
      throw new IllegalArgumentException(panel.getName());
    }
    return page;
  }

  /** Whether the jar has a page. */
  static boolean has(String path) {
    return path.endsWith(".md") && Pages.class.getResource(FOLDER + path) != null;
  }

  /** The body of a page in HTML. */
  static String html(String path) throws IOException {
    try (InputStream in = Pages.class.getResourceAsStream(FOLDER + path)) {
      if (in == null) {
        throw new IOException("The jar of ws-backoff has no page " + path);
      }
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      byte[] buffer = new byte[8192];
      for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
        bytes.write(buffer, 0, read);
      }
      return Markdown.toHtml(new String(bytes.toByteArray(), StandardCharsets.UTF_8));
    }
  }

  /**
   * Where a link leads: another page of the jar with its anchor, or a whole address.
   *
   * @param page the path of the page that it stands in
   */
  static String target(String page, String link) {
    if (link.startsWith("#")) {
      return page + link;
    }
    URI target = URI.create("docs/" + page).resolve(link).normalize();
    if (target.isAbsolute()) {
      return target.toString();
    }
    String inside = target.toString();
    String path = inside.startsWith("docs/") ? inside.substring("docs/".length()) : "";
    return has(path.split("#")[0]) ? path : Project.file(inside);
  }
}
