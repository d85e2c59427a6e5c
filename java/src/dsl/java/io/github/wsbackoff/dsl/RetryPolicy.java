package io.github.wsbackoff.dsl;

import io.github.wsbackoff.core.Spec;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/**
 * When to try again and when to give up, for elements that share it: a value of its own. Made by
 * {@link WsBackoffDsl#retryPolicy()}.
 */
public final class RetryPolicy implements RetryPolicySettings<RetryPolicy> {
  private static final List<String> SECTIONS = Arrays.asList("retry", "hint");

  private final Properties properties =
      new Properties(
          "a retry policy",
          Spec.get().keysOf("OnceController").stream()
              .filter(key -> SECTIONS.contains(key.section))
              .collect(Collectors.toList()));

  RetryPolicy() {}

  @Override
  public RetryPolicy set(String key, String value) {
    properties.set(key, value);
    return this;
  }

  void copyTo(Settings<?> element) {
    properties.forEach(element::set);
  }
}
