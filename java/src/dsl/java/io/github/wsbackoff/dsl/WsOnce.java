package io.github.wsbackoff.dsl;

import io.github.wsbackoff.control.OnceController;
import io.github.wsbackoff.gui.OnceControllerGui;
import java.util.List;
import us.abstracta.jmeter.javadsl.core.threadgroups.BaseThreadGroup.ThreadGroupChild;

/**
 * <i>Once for All Controller (wsb)</i>: lets one thread run its children, and hands their variables
 * to all others.
 */
public final class WsOnce extends WsController<WsOnce>
    implements OnceSettings<WsOnce>, Retrying<WsOnce> {
  WsOnce(String name, List<ThreadGroupChild> children) {
    super(name, OnceController::new, OnceControllerGui.class, children);
  }
}
