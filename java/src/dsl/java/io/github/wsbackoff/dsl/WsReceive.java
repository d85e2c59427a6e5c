package io.github.wsbackoff.dsl;

import io.github.wsbackoff.gui.ReceiveSamplerGui;
import io.github.wsbackoff.sampler.ReceiveSampler;

/** <i>WebSocket Receive (wsb)</i>: waits for a message that matches. */
public final class WsReceive extends WsSampler<WsReceive> implements ReceiveSettings<WsReceive> {
  WsReceive(String name) {
    super(name, ReceiveSampler::new, ReceiveSamplerGui.class);
  }
}
