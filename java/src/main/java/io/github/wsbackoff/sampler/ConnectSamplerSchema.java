package io.github.wsbackoff.sampler;

import io.github.wsbackoff.core.Spec;
import org.apache.jmeter.testelement.TestElementSchema;

/**
 * The properties of {@link ConnectSampler} as JMeter's schema, one descriptor a key of the table.
 *
 * <p>No descriptor has a default: an absent value means "inherit, else what is built in", and
 * JMeter would drop a stored value that equals a descriptor's default, which must win over an
 * inherited one.
 */
public final class ConnectSamplerSchema extends TestElementSchema {
  /** The shared instance. */
  public static final ConnectSamplerSchema INSTANCE = new ConnectSamplerSchema();

  private ConnectSamplerSchema() {
    for (Spec.Key key : Spec.get().keysOf(ConnectSampler.class.getSimpleName())) {
      stringDescriptor(key.name.substring(Spec.PREFIX.length()), key.name);
    }
  }
}
