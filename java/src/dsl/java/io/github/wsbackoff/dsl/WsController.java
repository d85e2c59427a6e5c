package io.github.wsbackoff.dsl;

import java.util.List;
import java.util.function.Supplier;
import org.apache.jmeter.control.Controller;
import org.apache.jmeter.gui.JMeterGUIComponent;
import org.apache.jmeter.testelement.TestElement;
import us.abstracta.jmeter.javadsl.core.controllers.BaseController;
import us.abstracta.jmeter.javadsl.core.threadgroups.BaseThreadGroup.ThreadGroupChild;

/**
 * What the controllers of this module share.
 *
 * @param <T> the controller
 */
public abstract class WsController<T extends WsController<T>> extends BaseController<T>
    implements Settings<T> {
  private final Supplier<? extends Controller> maker;
  private final Properties properties;

  /**
   * @param name "" for that of the panel
   */
  WsController(
      String name,
      Supplier<? extends Controller> maker,
      Class<? extends JMeterGUIComponent> panel,
      List<ThreadGroupChild> children) {
    super(Properties.name(name, panel), panel, children);
    this.maker = maker;
    properties = Properties.of(maker.get(), panel);
  }

  @Override
  @SuppressWarnings("unchecked") // T is this class
  public T set(String key, String value) {
    properties.set(key, value);
    return (T) this;
  }

  @Override
  protected TestElement buildTestElement() {
    return properties.fill(maker.get());
  }
}
