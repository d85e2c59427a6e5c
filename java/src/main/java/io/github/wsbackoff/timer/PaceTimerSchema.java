package io.github.wsbackoff.timer;

import io.github.wsbackoff.core.Spec;
import org.apache.jmeter.testelement.TestElementSchema;

/**
 * The properties of {@link PaceTimer} as JMeter's schema, one descriptor a key of the table;
 * without defaults, as those of the samplers.
 */
public final class PaceTimerSchema extends TestElementSchema {
  /** The shared instance. */
  public static final PaceTimerSchema INSTANCE = new PaceTimerSchema();

  private PaceTimerSchema() {
    for (Spec.Key key : Spec.get().keysOf(PaceTimer.class.getSimpleName())) {
      stringDescriptor(key.name.substring(Spec.PREFIX.length()), key.name);
    }
  }
}
