package io.github.wsbackoff.config;

import io.github.wsbackoff.core.Spec;
import org.apache.jmeter.config.ConfigTestElementSchema;

/**
 * The properties of {@link WebSocketDefaults} as JMeter's schema, one descriptor a key of the
 * table; without defaults, as those of the samplers.
 */
public final class WebSocketDefaultsSchema extends ConfigTestElementSchema {
  /** The shared instance. */
  public static final WebSocketDefaultsSchema INSTANCE = new WebSocketDefaultsSchema();

  private WebSocketDefaultsSchema() {
    for (Spec.Key key : Spec.get().keysOf(WebSocketDefaults.class.getSimpleName())) {
      stringDescriptor(key.name.substring(Spec.PREFIX.length()), key.name);
    }
  }
}
