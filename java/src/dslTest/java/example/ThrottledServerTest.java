package example;

import static io.github.wsbackoff.dsl.WsBackoffDsl.retryPolicy;
import static io.github.wsbackoff.dsl.WsBackoffDsl.wsClose;
import static io.github.wsbackoff.dsl.WsBackoffDsl.wsConnect;
import static io.github.wsbackoff.dsl.WsBackoffDsl.wsDefaults;
import static io.github.wsbackoff.dsl.WsBackoffDsl.wsExchange;
import static java.time.Duration.ofMillis;
import static java.time.Duration.ofSeconds;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static us.abstracta.jmeter.javadsl.JmeterDsl.testPlan;
import static us.abstracta.jmeter.javadsl.JmeterDsl.threadGroup;

import io.github.wsbackoff.dsl.RetryPolicy;
import java.io.IOException;
import org.junit.jupiter.api.Test;
import us.abstracta.jmeter.javadsl.core.TestPlanStats;

class ThrottledServerTest {
  private static final String SERVER = System.getProperty("server", "ws://127.0.0.1:9001");

  private final RetryPolicy policy =
      retryPolicy().strategy("full").base(ofMillis(200)).cap(ofSeconds(5)).maxElapsed("30s");

  @Test
  void all_users_get_in_and_are_answered() throws IOException {
    TestPlanStats stats =
        testPlan(
                wsDefaults().connectTimeout(ofSeconds(10)).readTimeout(ofSeconds(10)),
                threadGroup(
                    20, // users
                    1,
                    wsConnect("log in", SERVER + "/agents").retry(policy),
                    wsExchange("say hello", "hello of ${__threadNum}")
                        .matchMode("contains")
                        .matchValue("of ${__threadNum}"),
                    wsClose()))
            .run();
    assertEquals(0, stats.overall().errorsCount());
    assertEquals(20, stats.byLabel("say hello").samplesCount());
  }
}
