package io.github.wsbackoff.core;

import static org.junit.Assert.assertEquals;

import org.junit.Test;

public class CommandLineTest {
  @Test
  public void arguments_survive_the_way_to_json_and_back() {
    String[][] cases = {
      {},
      {"serve", "--limit", "fixed-window limit=120 window=60s"},
      {"", "a \"quoted\" \\ path", "line\nbreak\ttab\u0001", "ü € \uD83D\uDE00"},
    };
    for (String[] arguments : cases) {
      assertEquals(Json.read(Json.write(arguments)), Json.read(CommandLine.json(arguments)));
    }
  }
}
