package io.github.wsbackoff.gui;

import io.github.wsbackoff.config.WebSocketDefaults;
import io.github.wsbackoff.core.Spec;
import io.github.wsbackoff.sampler.ConnectSampler;
import io.github.wsbackoff.sampler.OneAttempt;
import java.lang.ref.WeakReference;
import java.text.MessageFormat;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.swing.BorderFactory;
import javax.swing.JPanel;
import net.miginfocom.swing.MigLayout;
import org.apache.jmeter.control.Controller;
import org.apache.jmeter.gui.Binding;
import org.apache.jmeter.testelement.TestElement;
import org.apache.jmeter.testelement.property.JMeterProperty;
import org.apache.jmeter.testelement.property.PropertyIterator;

/**
 * The properties of one element, made from the key table: first those that say what it is for, then
 * a section that can be closed for each group of others; labels and fields in columns that align
 * over all sections.
 */
final class PropertyPanel extends JPanel implements Binding {
  private static final long serialVersionUID = 1L;

  /** Sections that make the retry policy; the first one has the strategy. */
  private static final List<String> POLICY = Arrays.asList("retry", "hint");

  private static final String STRATEGY = "wsb.retry.strategy";
  private static final String FIRST_USER = "Thread Group 1-1";
  private static final String ADDRESS = "wsb.url";

  private final transient List<PropertyField> fields = new ArrayList<>();
  private final PolicyPreview preview = new PolicyPreview(this::policy, this::problems, this::user);

  /** Null for elements that do not connect first of all. */
  private final ConnectionTrial trial;

  /**
   * Whether the element takes from the defaults what it leaves empty; then those have all its keys.
   */
  private final boolean inherits;

  private final UnknownKeys unknown = new UnknownKeys();
  private final transient List<FoldedSection> folded = new ArrayList<>();

  /** The element that is shown, as JMeter shows it again and again. */
  private transient WeakReference<TestElement> shown = new WeakReference<>(null);

  /**
   * Empty fields.
   *
   * @param element simple class name of the element
   * @param note what stands above them
   * @param help shows the page about the element
   */
  PropertyPanel(String element, String note, Runnable help) {
    super(new MigLayout("fillx, wrap 1, insets 0, gapy 6, hidemode 3", "[fill,grow]"));
    List<Spec.Key> keys = Spec.get().keysOf(element);
    inherits = Spec.get().keysOf(WebSocketDefaults.class.getSimpleName()).containsAll(keys);
    boolean connects = element.equals(ConnectSampler.class.getSimpleName());
    trial = connects ? new ConnectionTrial(this::attempt) : null;
    if (keys.isEmpty()) {
      add(new NoteText(Messages.get("missing")), "wmin 0");
      return;
    }
    NoteText above = new NoteText(note + PanelHelp.link());
    above.onLink(help);
    add(above, "wmin 0");
    add(unknown);
    keys.forEach(key -> fields.add(new PropertyField(key, element)));
    List<FirstFields.Group> first = FirstFields.of(element);
    first.forEach(this::addFirst);
    Set<String> shownFirst =
        first.stream().flatMap(g -> g.keys.stream()).collect(Collectors.toSet());
    for (Spec.Section section : Spec.get().sections()) {
      List<PropertyField> own =
          fields.stream()
              .filter(field -> field.key().section.equals(section.id))
              .filter(field -> !shownFirst.contains(field.key().name))
              .collect(Collectors.toList());
      if (own.isEmpty()) {
        continue;
      }
      if (first.isEmpty()) {
        add(titled(section.title, own));
      } else {
        boolean more = first.stream().anyMatch(group -> group.section.equals(section.id));
        addFolded(section, more, own);
      }
    }
    policyFields().forEach(field -> field.onChange(preview::changed));
    fields.stream().filter(this::hasToDoWithRelevance).forEach(f -> f.onChange(this::weigh));
    weigh();
  }

  private boolean hasToDoWithRelevance(PropertyField field) {
    return field.relevance() != null
        || fields.stream()
            .map(PropertyField::relevance)
            .anyMatch(other -> other != null && other.decider.equals(field.key().name));
  }

  private void addFirst(FirstFields.Group group) {
    String title =
        Spec.get().sections().stream()
            .filter(section -> section.id.equals(group.section))
            .map(section -> section.title)
            .collect(Collectors.joining());
    add(titled(title, group.keys.stream().map(this::field).collect(Collectors.toList())));
  }

  private void addFolded(Spec.Section section, boolean more, List<PropertyField> own) {
    String title =
        more ? MessageFormat.format(Messages.get("section.more"), section.title) : section.title;
    FoldedSection folds = new FoldedSection(section.id, title, own, grid(own));
    folded.add(folds);
    add(folds);
  }

  private JPanel titled(String title, List<PropertyField> own) {
    JPanel panel = grid(own);
    panel.setBorder(BorderFactory.createTitledBorder(title));
    return panel;
  }

  private PropertyField field(String key) {
    return fields.stream()
        .filter(field -> field.key().name.equals(key))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException(key));
  }

  private Stream<PropertyField> policyFields() {
    return fields.stream().filter(field -> POLICY.contains(field.key().section));
  }

  /** What holds for the policy: what the panel has, else what the element inherits. */
  private Map<String, String> policy() {
    Map<String, String> values = new LinkedHashMap<>();
    policyFields().forEach(field -> values.put(field.key().name, field.valueInForce()));
    return values;
  }

  /** The first user of a plan as JMeter names them; controllers have streams of their own. */
  private String user() {
    TestElement element = shown.get();
    return element instanceof Controller ? FIRST_USER + " " + element.getName() : FIRST_USER;
  }

  /** One attempt by all that holds now, as the sample of this moment would make it. */
  private OneAttempt attempt() {
    Map<String, String> values = new LinkedHashMap<>();
    fields.forEach(field -> values.put(field.key().name, field.valueInForce()));
    TestElement element = shown.get();
    if (element != null) {
      values.putAll(notShown(element));
      values.keySet().removeIf(unknown::isRemoved);
    }
    return new OneAttempt(values, Scope.elements(element));
  }

  /**
   * Has JMeter write its panel into an element. It empties the element first; what a newer version
   * stored there must survive an older panel.
   */
  void keepNotShown(TestElement element, Consumer<TestElement> write) {
    Map<String, String> notShown = notShown(element);
    write.accept(element);
    notShown.forEach(
        (key, value) -> {
          if (!unknown.isRemoved(key)) {
            element.setProperty(key, value);
          }
        });
  }

  /** Properties of ours that the element has and this panel has no field for. */
  private Map<String, String> notShown(TestElement element) {
    Set<String> shown = fields.stream().map(field -> field.key().name).collect(Collectors.toSet());
    Map<String, String> others = new LinkedHashMap<>();
    for (PropertyIterator all = element.propertyIterator(); all.hasNext(); ) {
      JMeterProperty property = all.next();
      String name = property.getName();
      if (name.startsWith(Spec.PREFIX) && !shown.contains(name)) {
        others.put(name, property.getStringValue());
      }
    }
    return others;
  }

  /** What the field of a key holds, "" if nothing, or if there is none. */
  String value(String key) {
    return fields.stream()
        .filter(field -> field.key().name.equals(key))
        .findFirst()
        .map(PropertyField::value)
        .orElse("");
  }

  void clear() {
    unknown.show(Collections.emptyMap());
    fields.forEach(PropertyField::clear);
  }

  @Override
  public void updateElement(TestElement element) {
    fields.forEach(field -> field.updateElement(element));
  }

  @Override
  public void updateUi(TestElement element) {
    fields.forEach(field -> field.updateUi(element));
    inherit(element);
    unknown.show(notShown(element));
    if (shown.get() != element) { // else somebody works on it, and has opened what they want
      folded.forEach(FoldedSection::showWhatIsSet);
      shown = new WeakReference<>(element);
      if (trial != null) {
        trial.reset();
      }
    }
    preview.changed(); // the fields may be as before, and the element inherit other values
  }

  private void inherit(TestElement element) {
    Map<String, Scope.Inherited> all = inherits ? Scope.of(element) : Collections.emptyMap();
    fields.forEach(field -> field.inherit(all.get(field.key().name)));
    weigh();
  }

  private JPanel grid(List<PropertyField> own) {
    FieldGrid grid = new FieldGrid(own, this::labelWidth);
    if (own.stream().anyMatch(field -> field.key().name.equals(STRATEGY))) {
      grid.add(preview, "newline, span 4, growx, wmin 0");
    }
    if (trial != null && own.stream().anyMatch(field -> field.key().name.equals(ADDRESS))) {
      grid.add(trial, "newline, span 4, growx, wmin 0");
    }
    return grid;
  }

  /** Labels before keys; what a field says of itself already is not said again. */
  private String problems(List<String> found) {
    List<String> texts = new ArrayList<>();
    for (String problem : found) {
      Optional<PropertyField> field =
          fields.stream().filter(f -> problem.startsWith(f.key().name + ":")).findFirst();
      if (!field.isPresent()) {
        texts.add(problem);
      } else if (field.get().problem().isEmpty()) {
        String key = field.get().key().name;
        texts.add(field.get().key().label + " (" + key + ")" + problem.substring(key.length()));
      }
    }
    return texts.isEmpty() ? Messages.get("preview.wrong") : String.join("\n", texts);
  }

  /** Enables the fields that mean something as the others are. */
  private void weigh() {
    for (PropertyField field : fields) {
      Relevance relevance = field.relevance();
      if (relevance != null) {
        field.setRelevant(relevance.holds(decider -> field(decider).textInForce()));
      }
    }
  }

  /** One for all, so that fields align over all sections. */
  private int labelWidth() {
    return fields.stream().mapToInt(f -> f.label().getPreferredSize().width).max().getAsInt();
  }
}
