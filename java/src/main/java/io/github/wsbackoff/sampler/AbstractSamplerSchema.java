package io.github.wsbackoff.sampler;

import io.github.wsbackoff.core.Spec;
import org.apache.jmeter.testelement.TestElementSchema;

/**
 * The properties of a sampler as JMeter's schema, one descriptor a key of the table.
 *
 * <p>No descriptor has a default: an absent value means "inherit, else what is built in", and
 * JMeter would drop a stored value that equals a descriptor's default, which must win over an
 * inherited one.
 */
public abstract class AbstractSamplerSchema extends TestElementSchema {
  AbstractSamplerSchema(Class<? extends AbstractWebSocketSampler> element) {
    for (Spec.Key key : Spec.get().keysOf(element.getSimpleName())) {
      stringDescriptor(key.name.substring(Spec.PREFIX.length()), key.name);
    }
  }
}
