package io.github.wsbackoff.control;

import io.github.wsbackoff.core.Spec;
import org.apache.jmeter.control.GenericControllerSchema;

/**
 * The properties of {@link RetryController} as JMeter's schema, one descriptor a key of the table;
 * without defaults, as those of the samplers.
 */
public final class RetryControllerSchema extends GenericControllerSchema {
  /** The shared instance. */
  public static final RetryControllerSchema INSTANCE = new RetryControllerSchema();

  private RetryControllerSchema() {
    for (Spec.Key key : Spec.get().keysOf(RetryController.class.getSimpleName())) {
      stringDescriptor(key.name.substring(Spec.PREFIX.length()), key.name);
    }
  }
}
