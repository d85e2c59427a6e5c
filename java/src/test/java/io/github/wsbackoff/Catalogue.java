package io.github.wsbackoff;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.wsbackoff.core.Project;
import java.io.IOException;
import java.lang.reflect.Modifier;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.jmeter.gui.JMeterGUIComponent;

/**
 * Our entry for the catalogue of JMeter's Plugins Manager, {@code docs/ws-backoff.json}: {@code
 * script/catalogue} renews it from Cargo.toml's version, CHANGELOG.md and the elements that there
 * are. What it says of earlier versions stays.
 */
public final class Catalogue {
  static final Path FILE = Paths.get("docs/ws-backoff.json");

  private static final String PICTURES = "https://raw.githubusercontent.com/wsbackoff/ws-backoff";
  private static final ObjectMapper JSON = new ObjectMapper();

  private Catalogue() {}

  /** Writes the file anew. */
  public static void main(String[] arguments) throws IOException {
    JMeterSetup.once();
    String before = Files.exists(FILE) ? text(FILE) : "[]";
    Files.write(FILE, renewed(before).getBytes(StandardCharsets.UTF_8));
  }

  /** What the file should hold that holds this. */
  static String renewed(String before) throws IOException {
    return renewed(before, version(text(Paths.get("Cargo.toml"))), text(Paths.get("CHANGELOG.md")));
  }

  static String renewed(String before, String version, String changelog) throws IOException {
    ArrayNode catalogue = JSON.createArrayNode();
    ObjectNode entry = catalogue.addObject();
    entry.put("id", "ws-backoff");
    entry.put("name", "WebSocket with backoff (wsb)");
    entry.put(
        "description",
        "WebSocket samplers that retry a refused upgrade with backoff and jitter and never before"
            + " the server's Retry-After; a controller that retries any sampler, a shared gate, one"
            + " token for all, and commands that find out a server's limit and tune a plan.");
    entry.put("screenshotUrl", PICTURES + "/v" + version + "/docs/connect.png");
    entry.put("helpUrl", Project.HOME + "#readme");
    entry.put("vendor", "ws-backoff");
    entry.put("markerClass", "io.github.wsbackoff.sampler.ConnectSampler");
    ArrayNode classes = entry.putArray("componentClasses");
    components().forEach(classes::add);
    ObjectNode versions = entry.putObject("versions");
    JsonNode earlier = JSON.readTree(before).path(0).path("versions");
    earlier.fields().forEachRemaining(each -> versions.set(each.getKey(), each.getValue()));
    ObjectNode current = versions.putObject(version);
    current.put("changes", changes(changelog, version));
    current.put(
        "downloadUrl",
        Project.HOME + "/releases/download/v" + version + "/ws-backoff-" + version + ".jar");
    return JSON.writer(new Layout()).writeValueAsString(catalogue) + "\n";
  }

  /** Every class that a saved plan may name: those of the elements and of their panels. */
  static Set<String> components() throws IOException {
    Set<String> names = new TreeSet<>();
    for (Class<?> panel : panels()) {
      names.add(panel.getName());
      names.add(made(panel).makeTestElement().getClass().getName());
    }
    return names;
  }

  private static List<Class<?>> panels() throws IOException {
    try (Stream<Path> files = Files.list(classes().resolve("io/github/wsbackoff/gui"))) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> name.endsWith(".class"))
          .map(name -> loaded("io.github.wsbackoff.gui." + name.replace(".class", "")))
          .filter(JMeterGUIComponent.class::isAssignableFrom)
          .filter(kind -> !Modifier.isAbstract(kind.getModifiers()))
          .collect(Collectors.toList());
    }
  }

  private static Path classes() {
    try {
      return Paths.get(Main.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  private static Class<?> loaded(String name) {
    try {
      return Class.forName(name);
    } catch (ClassNotFoundException e) {
      throw new IllegalStateException(e);
    }
  }

  private static JMeterGUIComponent made(Class<?> panel) {
    try {
      return (JMeterGUIComponent) panel.getDeclaredConstructor().newInstance();
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }

  private static String version(String manifest) {
    Matcher found = Pattern.compile("(?m)^version = \"([^\"]+)\"").matcher(manifest);
    if (!found.find()) {
      throw new IllegalStateException("Cargo.toml has no version");
    }
    return found.group(1);
  }

  /** The paragraph that a version's section opens with: what the Plugins Manager shows of it. */
  private static String changes(String changelog, String version) {
    String heading = "(?m)^## \\[" + Pattern.quote(version) + "\\].*\\n\\n";
    Matcher found = Pattern.compile(heading + "((?:[^#\\n-].*\\n)+)").matcher(changelog);
    if (!found.find()) {
      throw new IllegalStateException(
          "CHANGELOG.md: the section of " + version + " opens with no paragraph that sums it up");
    }
    return found.group(1).trim().replace('\n', ' ');
  }

  static String text(Path file) throws IOException {
    return new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
  }

  /** As the catalogue itself is laid out. */
  private static final class Layout extends DefaultPrettyPrinter {
    private static final long serialVersionUID = 1L;

    Layout() {
      indentArraysWith(new DefaultIndenter("  ", "\n"));
      indentObjectsWith(new DefaultIndenter("  ", "\n"));
    }

    @Override
    public DefaultPrettyPrinter createInstance() {
      return new Layout();
    }

    @Override
    public void writeObjectFieldValueSeparator(JsonGenerator out) throws IOException {
      out.writeRaw(": ");
    }
  }
}
