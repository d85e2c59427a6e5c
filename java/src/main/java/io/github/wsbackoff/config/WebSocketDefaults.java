package io.github.wsbackoff.config;

import org.apache.jmeter.config.ConfigTestElement;
import org.apache.jmeter.testelement.schema.PropertiesAccessor;

/**
 * Values for what the samplers in its scope leave empty. Of several in scope the nearest that sets
 * a property decides it. It only holds them: samplers ask for their own.
 */
public class WebSocketDefaults extends ConfigTestElement {
  private static final long serialVersionUID = 1L;

  @Override
  public WebSocketDefaultsSchema getSchema() {
    return WebSocketDefaultsSchema.INSTANCE;
  }

  @Override
  public PropertiesAccessor<? extends WebSocketDefaults, ? extends WebSocketDefaultsSchema>
      getProps() {
    return new PropertiesAccessor<>(this, getSchema());
  }
}
