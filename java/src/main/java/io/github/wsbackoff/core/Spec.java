package io.github.wsbackoff.core;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
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

  private static final Set<String> MESSAGE_TEXTS =
      new HashSet<>(
          Arrays.asList("wsb.payload", "wsb.match.value", "wsb.match.discard", "wsb.autoReply"));

  private static final Logger log = LoggerFactory.getLogger(Spec.class);
  private static final String RESOURCE = "/io/github/wsbackoff/spec.json";
  private static final Spec INSTANCE = load();

  private final List<Section> sections = new ArrayList<>();
  private final Map<String, Key> keys = new LinkedHashMap<>();
  private final Map<String, Element> elements = new ConcurrentHashMap<>();
  private final List<Variable> variables = new ArrayList<>();
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

    private final String value;
    private final List<String> elements;
    private final List<String> own;

    private Key(JsonNode json) {
      name = json.path("key").asText();
      section = json.path("section").asText();
      label = json.path("label").asText();
      type = json.path("type").asText();
      defaultText = json.path("default").asText();
      choices = texts(json.path("choices"));
      help = json.path("help").asText();
      value = json.path("value").asText();
      elements = texts(json.path("elements"));
      own = texts(json.path("own"));
    }
  }

  /** One kind of element: which keys and variables it has. */
  public final class Element {
    private final Set<String> inherited = new HashSet<>();
    private final List<String> sets = new ArrayList<>();

    private Element(String name) {
      for (Key key : keysOf(name)) {
        if (!key.own.contains(name)) {
          inherited.add(key.name);
        }
      }
      for (Variable variable : variables) {
        if (variable.elements.contains(name)) {
          sets.add(variable.name);
        }
      }
    }

    /** Whether it takes a key from defaults; one that is in no table goes to all. */
    public boolean inherits(String key) {
      return inherited.contains(key) || !keys.containsKey(key);
    }

    /** Names of the JMeter variables that it sets. */
    public List<String> variables() {
      return Collections.unmodifiableList(sets);
    }
  }

  private static final class Variable {
    private final String name;
    private final List<String> elements;

    private Variable(JsonNode json) {
      name = json.path("name").asText();
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
    return keys.values().stream()
        .filter(key -> key.elements.contains(element))
        .collect(Collectors.toList());
  }

  /** A kind of element, by its simple class name. */
  public Element element(String name) {
    return elements.computeIfAbsent(name, Element::new);
  }

  /** The value that holds when a key is not set, "" if none does. */
  public String defaultOf(String name) {
    return find(name).map(key -> key.value).orElse("");
  }

  /** The allowed words of a key, if those are few. */
  public List<String> choicesOf(String name) {
    return find(name).map(key -> key.choices).orElse(Collections.emptyList());
  }

  /** Whether a key's value is (part of) a message: of several lines, and blanks belong to it. */
  public static boolean isMessageText(String name) {
    return MESSAGE_TEXTS.contains(name);
  }

  /** Whether a value counts: blanks set nothing, but in messages. */
  public static boolean isSet(String name, String value) {
    return !(isMessageText(name) ? value : value.trim()).isEmpty();
  }

  private Optional<Key> find(String name) {
    return Optional.ofNullable(keys.get(name));
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
    json.path("keys").forEach(key -> add(new Key(key)));
    json.path("variables").forEach(variable -> variables.add(new Variable(variable)));
    json.path("codes")
        .forEach(code -> messages.put(code.path("code").asText(), code.path("message").asText()));
  }

  private void add(Key key) {
    keys.put(key.name, key);
  }

  private static List<String> texts(JsonNode array) {
    List<String> texts = new ArrayList<>();
    array.forEach(text -> texts.add(text.asText()));
    return Collections.unmodifiableList(texts);
  }
}
