package io.github.wsbackoff.element;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.wsbackoff.core.Schedule;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.jmeter.samplers.SampleResult;
import org.apache.jmeter.threads.JMeterContext;
import org.apache.jmeter.threads.JMeterContextService;
import org.apache.jmeter.threads.JMeterThread;
import org.apache.jmeter.threads.JMeterVariables;

/** What goes to the native part and comes back in every step of a controller or a timer. */
public final class Steps {
  /** As much of a refusal's body as is looked at for a hint. */
  private static final int BODY_CHARS = 64 * 1024;

  private Steps() {}

  /** An event that is answered at once. */
  public static Map<String, Object> event(String name) {
    Map<String, Object> event = new LinkedHashMap<>();
    event.put("event", name);
    return event;
  }

  /** An event that may be answered after a wait, until the end of the thread's schedule at most. */
  public static Map<String, Object> waiting(String name) {
    Map<String, Object> event = event(name);
    long left = Schedule.leftMillis(JMeterContextService.getContext());
    if (left != Schedule.ENDLESS) {
      event.put("leftMs", left);
    }
    return event;
  }

  /** Adds what the policy looks at in a sample. */
  public static void describe(SampleResult sample, boolean withBody, Map<String, Object> event) {
    event.put("ok", sample.isSuccessful());
    event.put("code", sample.getResponseCode());
    event.put("headers", sample.getResponseHeaders());
    if (withBody) {
      String body = sample.getResponseDataAsString();
      event.put("body", body.length() > BODY_CHARS ? body.substring(0, BODY_CHARS) : body);
    }
  }

  /** JMeter's thread name; outside a thread group, in a test, Java's. */
  public static String user() {
    JMeterThread thread = JMeterContextService.getContext().getThread();
    String name = thread == null ? null : thread.getThreadName();
    return name == null || name.isEmpty() ? Thread.currentThread().getName() : name;
  }

  /** Sets the JMeter variables of an answer. */
  public static void setVariables(JsonNode answer) {
    JMeterContext context = JMeterContextService.getContext();
    JMeterVariables variables = context.getVariables();
    if (variables != null) {
      answer
          .path("variables")
          .fields()
          .forEachRemaining(each -> variables.put(each.getKey(), each.getValue().asText()));
    }
  }
}
