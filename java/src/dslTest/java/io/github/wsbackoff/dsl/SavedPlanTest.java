package io.github.wsbackoff.dsl;

import static io.github.wsbackoff.dsl.WsBackoffDsl.retryPolicy;
import static io.github.wsbackoff.dsl.WsBackoffDsl.wsConnect;
import static io.github.wsbackoff.dsl.WsBackoffDsl.wsRetry;
import static io.github.wsbackoff.dsl.WsBackoffDsl.wsSend;
import static org.junit.Assert.assertEquals;
import static us.abstracta.jmeter.javadsl.JmeterDsl.testPlan;
import static us.abstracta.jmeter.javadsl.JmeterDsl.threadGroup;

import io.github.wsbackoff.core.Spec;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.stream.Collectors;
import org.apache.jmeter.gui.AbstractJMeterGuiComponent;
import org.apache.jmeter.save.SaveService;
import org.apache.jmeter.testelement.TestElement;
import org.apache.jorphan.collections.HashTree;
import org.apache.jorphan.collections.ListedHashTree;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;
import us.abstracta.jmeter.javadsl.core.engines.JmeterEnvironment;
import us.abstracta.jmeter.javadsl.core.threadgroups.BaseThreadGroup.ThreadGroupChild;

/** A plan in code, saved, is the plan that JMeter's window would save. */
public class SavedPlanTest {
  @Rule public final TemporaryFolder folder = new TemporaryFolder();

  @Before
  public void jmeter() throws IOException {
    new JmeterEnvironment().initLocale();
  }

  @Test
  public void an_element_with_all_properties_is_saved_as_by_its_panel() throws IOException {
    for (Elements.Pair pair : Elements.all()) {
      List<Spec.Key> keys = Spec.get().keysOf(pair.kind());
      TestElement asByPanel = pair.panel.createTestElement();
      // Backwards, as code sets them in any order.
      for (int i = keys.size() - 1; i >= 0; i--) {
        String key = keys.get(i).name;
        pair.element.set(key, "${" + key + "} <&>");
        asByPanel.setProperty(key, "${" + key + "} <&>");
      }
      assertEquals(saved(shown(pair.panel, asByPanel)), saved(only(pair)));
    }
  }

  @Test
  public void an_element_with_nothing_set_is_saved_as_by_its_panel() throws IOException {
    for (Elements.Pair pair : Elements.all()) {
      for (Spec.Key key : Spec.get().keysOf(pair.kind())) {
        pair.element.set(key.name, "");
      }
      TestElement asByPanel = shown(pair.panel, pair.panel.createTestElement());
      assertEquals(saved(asByPanel), saved(only(pair)));
    }
  }

  @Test
  public void children_lie_below_and_a_policy_is_taken_as_it_is_then() throws IOException {
    RetryPolicy policy = retryPolicy().base("2s").transientStatuses("500");
    ThreadGroupChild connect = wsConnect("log in", "ws://h/").retryCap("9s").retry(policy);
    policy.base("7s");
    HashTree plan = plan(wsRetry("again", connect, wsSend("hello")).retry(policy));
    TestElement retry = (TestElement) plan.getArray()[0];
    assertEquals("again", retry.getName());
    assertEquals("7s", retry.getPropertyAsString("wsb.retry.base"));
    List<TestElement> children =
        Arrays.stream(plan.getTree(retry).getArray())
            .map(TestElement.class::cast)
            .collect(Collectors.toList());
    assertEquals(2, children.size());
    assertEquals("2s", children.get(0).getPropertyAsString("wsb.retry.base"));
    assertEquals("9s", children.get(0).getPropertyAsString("wsb.retry.cap"));
    assertEquals("500", children.get(0).getPropertyAsString("wsb.retry.transient"));
    assertEquals("WebSocket Send (wsb)", children.get(1).getName());
    assertEquals("hello", children.get(1).getPropertyAsString("wsb.payload"));
  }

  private TestElement only(Elements.Pair pair) throws IOException {
    return (TestElement) plan((ThreadGroupChild) pair.dsl()).getArray()[0];
  }

  /** What lies in the thread group of a plan with this in it, saved as JMX and loaded again. */
  private HashTree plan(ThreadGroupChild child) throws IOException {
    File file = folder.newFile();
    testPlan(threadGroup(1, 1, child)).saveAsJmx(file.getPath());
    HashTree tree = SaveService.loadTree(file);
    return below(below(tree));
  }

  private static HashTree below(HashTree tree) {
    Collection<HashTree> children = new ArrayList<>(tree.values());
    return children.iterator().next();
  }

  private static TestElement shown(AbstractJMeterGuiComponent panel, TestElement element) {
    panel.configure(element);
    TestElement changed = panel.makeTestElement();
    panel.modifyTestElement(changed);
    return changed;
  }

  private static String saved(TestElement element) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    SaveService.saveTree(new ListedHashTree(element), bytes);
    return new String(bytes.toByteArray(), StandardCharsets.UTF_8);
  }
}
