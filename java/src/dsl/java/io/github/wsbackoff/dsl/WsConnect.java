package io.github.wsbackoff.dsl;

import io.github.wsbackoff.gui.ConnectSamplerGui;
import io.github.wsbackoff.sampler.ConnectSampler;

/** <i>WebSocket Connect (wsb)</i>: opens a connection, with retries. */
public final class WsConnect extends WsSampler<WsConnect>
    implements ConnectSettings<WsConnect>, Retrying<WsConnect> {
  WsConnect(String name) {
    super(name, ConnectSampler::new, ConnectSamplerGui.class);
  }
}
