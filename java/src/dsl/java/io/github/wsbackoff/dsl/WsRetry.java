package io.github.wsbackoff.dsl;

import io.github.wsbackoff.control.RetryController;
import io.github.wsbackoff.gui.RetryControllerGui;
import java.util.List;
import us.abstracta.jmeter.javadsl.core.threadgroups.BaseThreadGroup.ThreadGroupChild;

/**
 * <i>Retry Controller (wsb)</i>: runs its children again, after a wait, until an attempt succeeds
 * or the policy gives up.
 */
public final class WsRetry extends WsController<WsRetry>
    implements RetrySettings<WsRetry>, Retrying<WsRetry> {
  WsRetry(String name, List<ThreadGroupChild> children) {
    super(name, RetryController::new, RetryControllerGui.class, children);
  }
}
