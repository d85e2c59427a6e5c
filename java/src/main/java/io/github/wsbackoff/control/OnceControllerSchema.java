package io.github.wsbackoff.control;

import io.github.wsbackoff.core.Spec;
import org.apache.jmeter.control.GenericControllerSchema;

/**
 * The properties of {@link OnceController} as JMeter's schema, one descriptor a key of the table;
 * without defaults, as those of the samplers.
 */
public final class OnceControllerSchema extends GenericControllerSchema {
  /** The shared instance. */
  public static final OnceControllerSchema INSTANCE = new OnceControllerSchema();

  private OnceControllerSchema() {
    for (Spec.Key key : Spec.get().keysOf(OnceController.class.getSimpleName())) {
      stringDescriptor(key.name.substring(Spec.PREFIX.length()), key.name);
    }
  }
}
