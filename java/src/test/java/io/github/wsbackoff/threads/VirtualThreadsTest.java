package io.github.wsbackoff.threads;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import org.junit.Test;

/** What is said of each Java; threads are made in JMeter on a Java that has them (tests/system). */
public class VirtualThreadsTest {
  @Test
  public void a_java_without_them_is_told_with_the_cure() {
    for (String version : new String[] {"1.8", "11", "17", "20"}) {
      String remark = VirtualThreads.remark(version);
      assertTrue(remark, remark.contains("needs Java 21 or newer, better 24"));
      assertTrue(remark, remark.contains("runs on Java " + version + "."));
      assertTrue(remark, remark.contains("Start JMeter with another Java"));
    }
  }

  @Test
  public void a_java_that_pins_is_told_and_a_newer_one_is_not() {
    for (String version : new String[] {"21", "22", "23"}) {
      String remark = VirtualThreads.remark(version);
      assertTrue(remark, remark.contains("On Java " + version + " ") && remark.contains("pinned"));
    }
    assertEquals("", VirtualThreads.remark("24"));
    assertEquals("", VirtualThreads.remark("25"));
  }

  @Test
  public void this_java_is_judged_by_its_version() {
    boolean wanted = VirtualThreads.feature(VirtualThreads.VERSION) >= 21;
    assertEquals(wanted, VirtualThreads.areHere());
  }
}
