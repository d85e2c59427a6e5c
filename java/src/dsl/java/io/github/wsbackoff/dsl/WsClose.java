package io.github.wsbackoff.dsl;

import io.github.wsbackoff.gui.CloseSamplerGui;
import io.github.wsbackoff.sampler.CloseSampler;

/** <i>WebSocket Close (wsb)</i>: closes a connection. */
public final class WsClose extends WsSampler<WsClose> implements CloseSettings<WsClose> {
  WsClose(String name) {
    super(name, CloseSampler::new, CloseSamplerGui.class);
  }
}
