package io.github.wsbackoff.core;

import java.util.List;
import org.apache.jmeter.testelement.TestElement;

/**
 * Where a connection comes from. It is made anew when it was lost, with what JMeter's managers say
 * then: those of the sample that uses it, and behind them those of the connect.
 */
public interface Origin {
  /**
   * Asks the managers, and tells the connection.
   *
   * @param nearer managers of the sample that uses the connection, the nearest first
   * @return why it cannot be made anew with what they say, or null
   */
  Failure renew(Connection connection, List<TestElement> nearer);

  /**
   * Stores cookies that servers set while it was made anew.
   *
   * @param setCookies of each the address of the answer, and the header
   */
  void store(List<String[]> setCookies, List<TestElement> nearer);
}
