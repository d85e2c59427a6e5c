package io.github.wsbackoff;

import io.github.wsbackoff.core.Spec;
import io.github.wsbackoff.gui.BinaryAssertionGui;
import io.github.wsbackoff.gui.CloseSamplerGui;
import io.github.wsbackoff.gui.ConnectSamplerGui;
import io.github.wsbackoff.gui.ConnectsListenerGui;
import io.github.wsbackoff.gui.ExchangeSamplerGui;
import io.github.wsbackoff.gui.OnceControllerGui;
import io.github.wsbackoff.gui.PaceTimerGui;
import io.github.wsbackoff.gui.PingSamplerGui;
import io.github.wsbackoff.gui.ReceiveSamplerGui;
import io.github.wsbackoff.gui.RetryControllerGui;
import io.github.wsbackoff.gui.SendSamplerGui;
import io.github.wsbackoff.gui.WebSocketDefaultsGui;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.jmeter.gui.AbstractJMeterGuiComponent;
import org.apache.jmeter.testelement.TestElement;

/** The panels of all elements of ours, for tests that hold each to the same promise. */
public final class Panels {
  private Panels() {}

  /** A new one of each. */
  public static List<AbstractJMeterGuiComponent> all() {
    return Arrays.asList(
        new WebSocketDefaultsGui(),
        new PaceTimerGui(),
        new ConnectSamplerGui(),
        new SendSamplerGui(),
        new ReceiveSamplerGui(),
        new ExchangeSamplerGui(),
        new PingSamplerGui(),
        new CloseSamplerGui(),
        new BinaryAssertionGui(),
        new ConnectsListenerGui(),
        new OnceControllerGui(),
        new RetryControllerGui());
  }

  /** An element of each kind, as users add it, with this text in every property. */
  public static List<TestElement> elementsFilledWith(String text) {
    List<TestElement> elements = new ArrayList<>();
    for (AbstractJMeterGuiComponent panel : all()) {
      TestElement element = panel.createTestElement();
      for (Spec.Key key : Spec.get().keysOf(element.getClass().getSimpleName())) {
        element.setProperty(key.name, text);
      }
      elements.add(element);
    }
    return elements;
  }
}
