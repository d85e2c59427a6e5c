package io.github.wsbackoff.dsl;

import io.github.wsbackoff.gui.ExchangeSamplerGui;
import io.github.wsbackoff.sampler.ExchangeSampler;

/** <i>WebSocket Exchange (wsb)</i>: sends a message, then waits for its answer. */
public final class WsExchange extends WsSampler<WsExchange>
    implements ExchangeSettings<WsExchange> {
  WsExchange(String name) {
    super(name, ExchangeSampler::new, ExchangeSamplerGui.class);
  }
}
