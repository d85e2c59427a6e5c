package io.github.wsbackoff.core;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertNull;

import org.junit.Test;

public class ConnectSpecTest {
  @Test
  public void addressesAreKeptAsLongAsTheJvmKeepsThem() {
    assertEquals(Long.valueOf(60), ConnectSpec.seconds("60"));
    assertEquals(Long.valueOf(0), ConnectSpec.seconds(" 0 "));
    assertEquals(Long.valueOf(-1), ConnectSpec.seconds("-1"));
    assertNull(ConnectSpec.seconds(null));
    assertNull(ConnectSpec.seconds("a while"));
  }
}
