package io.github.wsbackoff.sampler;

import io.github.wsbackoff.core.Connection;
import io.github.wsbackoff.core.Connections;

/** Says goodbye and waits for the server's, or ends the connection without a word. */
public class CloseSampler extends AbstractMessageSampler {
  private static final long serialVersionUID = 1L;

  /** Without properties: all is inherited, or as built in. */
  public CloseSampler() {
    super(CloseSampler.class);
  }

  /**
   * The connection is over, whatever came of the goodbye; unless a wrong property kept it from us.
   */
  @Override
  void performed(Connections connections, String id, Connection connection) {
    if (!connection.isOpen()) {
      connections.remove(id);
      connection.close();
    }
  }

  @Override
  boolean closes() {
    return true;
  }
}
