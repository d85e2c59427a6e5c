package io.github.wsbackoff.config;

import io.github.wsbackoff.element.Element;
import org.apache.jmeter.config.ConfigTestElement;

/**
 * Values for what the samplers in its scope leave empty. Of several in scope the nearest that sets
 * a property decides it. It only holds them: samplers ask for their own.
 */
public class WebSocketDefaults extends ConfigTestElement implements Element {
  private static final long serialVersionUID = 1L;
}
