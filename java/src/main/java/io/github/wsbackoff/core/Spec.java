package io.github.wsbackoff.core;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The table of properties, error codes and variables, printed by the native part when the jar is
 * built. Panels, tooltips, the schema and the tests are made from it; what a value means only the
 * native part knows.
 */
public final class Spec {
  /** Begins the key of every property that is ours. */
  public static final String PREFIX = "wsb.";

  private static final Logger log = LoggerFactory.getLogger(Spec.class);
  private static final String RESOURCE = "/io/github/wsbackoff/spec.json";
  private static final Spec INSTANCE = load();

  private final List<Section> sections = new ArrayList<>();
  private final List<Key> keys = new ArrayList<>();
  private final List<String> variables = new ArrayList<>();
  private final Map<String, String> messages = new LinkedHashMap<>();

  /** A group of keys that belong together. */
  public static final class Section {
    /** Stable name. */
    public final String id;

    /** Heading. */
    public final String title;

    private Section(JsonNode json) {
      id = json.path("id").asText();
      title = json.path("title").asText();
    }
  }

  /** One property as users store it. */
  public static final class Key {
    /** The stored name, for example {@code wsb.retry.base}. */
    public final String name;

    /** Id of its section. */
    public final String section;

    /** Short text for a panel. */
    public final String label;

    /** Shape of its values: url, text, duration, integer, number, choice, boolean, list, ... */
    public final String type;

    /** What holds when it is not set, for people; "" if nothing does. */
    public final String defaultText;

    /** Allowed words, if those are few. */
    public final List<String> choices;

    /** One sentence. */
    public final String help;

    private final List<String> elements;

    private Key(JsonNode json) {
      name = json.path("key").asText();
      section = json.path("section").asText();
      label = json.path("label").asText();
      type = json.path("type").asText();
      defaultText = json.path("default").asText();
      choices = texts(json.path("choices"));
      help = json.path("help").asText();
      elements = texts(json.path("elements"));
    }
  }

  private Spec() {}

  /** The table of this jar; empty if the jar has none, so that JMeter's menus survive. */
  public static Spec get() {
    return INSTANCE;
  }

  /** The sections in the order of panels. */
  public List<Section> sections() {
    return Collections.unmodifiableList(sections);
  }

  /** The keys of an element, by its simple class name, in the order of panels. */
  public List<Key> keysOf(String element) {
    return keys.stream().filter(key -> key.elements.contains(element)).collect(Collectors.toList());
  }

  /** What holds when a key is not set, "" if nothing does. */
  public String defaultOf(String name) {
    return find(name).map(key -> key.defaultText).orElse("");
  }

  /** The allowed words of a key, if those are few. */
  public List<String> choicesOf(String name) {
    return find(name).map(key -> key.choices).orElse(Collections.emptyList());
  }

  private Optional<Key> find(String name) {
    return keys.stream().filter(key -> key.name.equals(name)).findFirst();
  }

  /** Names of the JMeter variables that a connect sets. */
  public List<String> variables() {
    return Collections.unmodifiableList(variables);
  }

  /** The constant message of an error code. */
  public String messageOf(String code) {
    return messages.getOrDefault(code, code);
  }

  private static Spec load() {
    Spec spec = new Spec();
    try (InputStream in = Spec.class.getResourceAsStream(RESOURCE)) {
      if (in == null) {
        throw new IOException("it is not in the jar");
      }
      spec.fill(Json.read(in));
    } catch (IOException | RuntimeException e) {
      log.error("The table of properties {} cannot be read; panels will be empty", RESOURCE, e);
    }
    return spec;
  }

  private void fill(JsonNode json) {
    json.path("sections").forEach(section -> sections.add(new Section(section)));
    json.path("keys").forEach(key -> keys.add(new Key(key)));
    json.path("variables").forEach(variable -> variables.add(variable.path("name").asText()));
    json.path("codes")
        .forEach(code -> messages.put(code.path("code").asText(), code.path("message").asText()));
  }

  private static List<String> texts(JsonNode array) {
    List<String> texts = new ArrayList<>();
    array.forEach(text -> texts.add(text.asText()));
    return Collections.unmodifiableList(texts);
  }
}
