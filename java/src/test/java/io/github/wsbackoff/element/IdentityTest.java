package io.github.wsbackoff.element;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertNotEquals;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import org.apache.jmeter.config.ConfigTestElement;
import org.apache.jmeter.testelement.TestElement;
import org.junit.Test;

/** Which copies are the same element of a plan. */
public class IdentityTest {
  private static Identity fresh() {
    return Identity.of(new ConfigTestElement());
  }

  private static Identity sent(Identity identity) throws Exception {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    new ObjectOutputStream(bytes).writeObject(identity);
    return (Identity)
        new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray())).readObject();
  }

  @Test
  public void copies_for_threads_and_modules_are_one_element_and_equal_ones_are_two() {
    Identity loaded = fresh();
    Identity module = loaded.ofCopy(new ConfigTestElement());
    Identity user = module.ofCopy(new ConfigTestElement());
    assertEquals(loaded.ofCopy(new ConfigTestElement()).text(), user.text());
    assertEquals(loaded.text(), user.text());
    assertNotEquals(fresh().text(), fresh().text());
  }

  @Test
  public void what_was_pasted_into_the_plan_is_another_element() {
    Identity copied = fresh();
    TestElement inPlan = new ConfigTestElement();
    Identity pasted = copied.ofCopy(inPlan);
    Identity user = pasted.ofCopy(new ConfigTestElement());
    String running = user.text(element -> element == inPlan);
    assertNotEquals(copied.text(), running);
    assertEquals(running, pasted.ofCopy(new ConfigTestElement()).text());
  }

  @Test
  public void it_is_the_same_on_all_remote_servers() throws Exception {
    Identity loaded = fresh();
    Identity sent = loaded.ofCopy(new ConfigTestElement());
    Identity one = sent(sent);
    Identity two = sent(loaded.ofCopy(new ConfigTestElement()));
    assertEquals(one.ofCopy(new ConfigTestElement()).text(), two.text());
    assertEquals(loaded.text(), one.text());
    assertNotEquals(one.text(), sent(fresh()).text());
  }
}
