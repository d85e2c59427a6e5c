package io.github.wsbackoff.dsl;

import io.github.wsbackoff.config.WebSocketDefaults;
import io.github.wsbackoff.gui.WebSocketDefaultsGui;
import org.apache.jmeter.testelement.TestElement;
import us.abstracta.jmeter.javadsl.core.configs.BaseConfigElement;

/** <i>WebSocket Defaults (wsb)</i>: values for what the elements in its scope leave open. */
public final class WsDefaults extends BaseConfigElement
    implements DefaultsSettings<WsDefaults>, Retrying<WsDefaults> {
  private final Properties properties =
      Properties.of(new WebSocketDefaults(), WebSocketDefaultsGui.class);

  WsDefaults(String name) {
    super(Properties.name(name, WebSocketDefaultsGui.class), WebSocketDefaultsGui.class);
  }

  @Override
  public WsDefaults set(String key, String value) {
    properties.set(key, value);
    return this;
  }

  @Override
  protected TestElement buildTestElement() {
    return properties.fill(new WebSocketDefaults());
  }
}
