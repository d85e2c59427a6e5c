package io.github.wsbackoff.sampler;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.apache.jmeter.protocol.http.control.Header;
import org.apache.jmeter.protocol.http.control.HeaderManager;
import org.apache.jmeter.testelement.TestElement;

/**
 * The Header Managers in a sampler's scope, nearest first. Apart from the sampler, which then loads
 * without JMeter's HTTP part.
 */
final class HeaderManagers {
  private final List<HeaderManager> managers = new ArrayList<>();

  static boolean accepts(TestElement element) {
    return element instanceof HeaderManager;
  }

  void add(TestElement element) {
    managers.add((HeaderManager) element);
  }

  /**
   * Name and value of every header to send. A name that a nearer manager has hides those of farther
   * ones, as in JMeter's own HTTP sampler; within one manager a name may stand several times.
   */
  List<List<String>> headers() {
    List<List<String>> headers = new ArrayList<>();
    Set<String> taken = new HashSet<>();
    for (HeaderManager manager : managers) {
      Set<String> names = new HashSet<>();
      for (int i = 0; i < manager.size(); i++) {
        Header header = manager.get(i);
        String name = header.getName().trim();
        String key = name.toLowerCase(Locale.ROOT);
        if (!name.isEmpty() && !taken.contains(key)) {
          headers.add(Arrays.asList(name, header.getValue()));
          names.add(key);
        }
      }
      taken.addAll(names);
    }
    return headers;
  }
}
