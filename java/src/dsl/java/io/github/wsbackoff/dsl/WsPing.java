package io.github.wsbackoff.dsl;

import io.github.wsbackoff.gui.PingSamplerGui;
import io.github.wsbackoff.sampler.PingSampler;

/** <i>WebSocket Ping (wsb)</i>: measures the round-trip time of a ping. */
public final class WsPing extends WsSampler<WsPing> implements PingSettings<WsPing> {
  WsPing(String name) {
    super(name, PingSampler::new, PingSamplerGui.class);
  }
}
