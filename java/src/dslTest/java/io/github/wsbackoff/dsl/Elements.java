package io.github.wsbackoff.dsl;

import static io.github.wsbackoff.dsl.WsBackoffDsl.wsClose;
import static io.github.wsbackoff.dsl.WsBackoffDsl.wsConnect;
import static io.github.wsbackoff.dsl.WsBackoffDsl.wsDefaults;
import static io.github.wsbackoff.dsl.WsBackoffDsl.wsExchange;
import static io.github.wsbackoff.dsl.WsBackoffDsl.wsOnce;
import static io.github.wsbackoff.dsl.WsBackoffDsl.wsPace;
import static io.github.wsbackoff.dsl.WsBackoffDsl.wsPing;
import static io.github.wsbackoff.dsl.WsBackoffDsl.wsReceive;
import static io.github.wsbackoff.dsl.WsBackoffDsl.wsRetry;
import static io.github.wsbackoff.dsl.WsBackoffDsl.wsSend;

import io.github.wsbackoff.gui.CloseSamplerGui;
import io.github.wsbackoff.gui.ConnectSamplerGui;
import io.github.wsbackoff.gui.ExchangeSamplerGui;
import io.github.wsbackoff.gui.OnceControllerGui;
import io.github.wsbackoff.gui.PaceTimerGui;
import io.github.wsbackoff.gui.PingSamplerGui;
import io.github.wsbackoff.gui.ReceiveSamplerGui;
import io.github.wsbackoff.gui.RetryControllerGui;
import io.github.wsbackoff.gui.SendSamplerGui;
import io.github.wsbackoff.gui.WebSocketDefaultsGui;
import java.util.ArrayList;
import java.util.List;
import org.apache.jmeter.gui.AbstractJMeterGuiComponent;
import us.abstracta.jmeter.javadsl.core.testelements.BaseTestElement;

/** All elements of the module, for tests that hold each to the same promise. */
final class Elements {
  /** An element of the DSL and the panel of its like in JMeter's window. */
  static final class Pair {
    final Settings<?> element;
    final AbstractJMeterGuiComponent panel;

    private Pair(Settings<?> element, AbstractJMeterGuiComponent panel) {
      this.element = element;
      this.panel = panel;
    }

    BaseTestElement dsl() {
      return (BaseTestElement) element;
    }

    /** Its kind in the table of keys. */
    String kind() {
      return panel.makeTestElement().getClass().getSimpleName();
    }
  }

  private Elements() {}

  static List<Pair> all() {
    List<Pair> all = new ArrayList<>();
    all.add(new Pair(wsConnect("ws://h/"), new ConnectSamplerGui()));
    all.add(new Pair(wsSend("text"), new SendSamplerGui()));
    all.add(new Pair(wsReceive(), new ReceiveSamplerGui()));
    all.add(new Pair(wsExchange("text"), new ExchangeSamplerGui()));
    all.add(new Pair(wsPing(), new PingSamplerGui()));
    all.add(new Pair(wsClose(), new CloseSamplerGui()));
    all.add(new Pair(wsRetry(), new RetryControllerGui()));
    all.add(new Pair(wsOnce(), new OnceControllerGui()));
    all.add(new Pair(wsPace(), new PaceTimerGui()));
    all.add(new Pair(wsDefaults(), new WebSocketDefaultsGui()));
    return all;
  }
}
