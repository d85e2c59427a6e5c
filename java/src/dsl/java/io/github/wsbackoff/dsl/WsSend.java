package io.github.wsbackoff.dsl;

import io.github.wsbackoff.gui.SendSamplerGui;
import io.github.wsbackoff.sampler.SendSampler;

/** <i>WebSocket Send (wsb)</i>: sends a message. */
public final class WsSend extends WsSampler<WsSend> implements SendSettings<WsSend> {
  WsSend(String name) {
    super(name, SendSampler::new, SendSamplerGui.class);
  }
}
