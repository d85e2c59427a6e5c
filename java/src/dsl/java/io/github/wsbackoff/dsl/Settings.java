package io.github.wsbackoff.dsl;

/**
 * What every element of this module has besides the methods of its own keys.
 *
 * @param <T> the element
 */
public interface Settings<T> {
  /**
   * Sets any property by its key: one that has no method yet, or one whose key is computed.
   *
   * @param key for example {@code wsb.retry.base}, as docs/reference/properties.md lists them
   * @param value as in the panel, variables and functions too; empty: as the defaults in scope say
   * @return the same element
   * @throws IllegalArgumentException if the element has no such property
   */
  T set(String key, String value);
}
