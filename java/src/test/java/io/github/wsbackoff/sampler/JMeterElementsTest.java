package io.github.wsbackoff.sampler;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import io.github.wsbackoff.JMeterSetup;
import io.github.wsbackoff.RawServer;
import io.github.wsbackoff.core.Query;
import java.io.IOException;
import java.math.BigInteger;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.jmeter.config.ConfigTestElement;
import org.apache.jmeter.protocol.http.control.AuthManager;
import org.apache.jmeter.protocol.http.control.Cookie;
import org.apache.jmeter.protocol.http.control.CookieManager;
import org.apache.jmeter.protocol.http.control.DNSCacheManager;
import org.apache.jmeter.protocol.http.control.Header;
import org.apache.jmeter.protocol.http.control.HeaderManager;
import org.apache.jmeter.samplers.SampleResult;
import org.apache.jmeter.threads.JMeterContextService;
import org.apache.jmeter.threads.JMeterVariables;
import org.apache.jmeter.util.JMeterUtils;
import org.junit.After;
import org.junit.Before;
import org.junit.BeforeClass;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.Timeout;

/** JMeter's own managers, defaults and options, the real ones, in the scope of a connect. */
public class JMeterElementsTest {
  private static final List<String> PROXY_OPTIONS =
      Arrays.asList("http.proxyHost", "http.proxyPort", "http.nonProxyHosts");

  @Rule public final Timeout timeout = Timeout.seconds(30);
  private RawServer server;

  @BeforeClass
  public static void jmeter() throws IOException {
    JMeterSetup.once();
  }

  @Before
  public void newThread() throws IOException {
    JMeterContextService.getContext().setVariables(new JMeterVariables());
    server = new RawServer();
  }

  @After
  public void stopServer() throws IOException {
    new ConnectSampler().threadFinished();
    server.close();
    PROXY_OPTIONS.forEach(System::clearProperty);
    JMeterUtils.getJMeterProperties().remove("http.proxyUser");
    JMeterUtils.getJMeterProperties().remove("http.proxyPass");
  }

  @Test
  public void cookies_of_refusals_and_of_the_upgrade_are_stored_and_sent() throws Exception {
    server.close();
    server =
        new RawServer(
            RawServer.refusal(
                429, "Too Many", "Retry-After-Ms: 10\r\nSet-Cookie: refused=1; Path=/\r\n", ""),
            RawServer.ACCEPT_WITH + "Set-Cookie: session=7; Path=/agents\r\n");
    CookieManager cookies = new CookieManager();
    cookies.setRunningVersion(true);
    cookies.testStarted();
    ConnectSampler sampler = sampler(server.url("/agents"), cookies);
    sampler.setProperty("wsb.retry.base", "1");
    succeeds(sampler);
    succeeds(sampler);
    assertFalse(head(0), head(0).toLowerCase().contains("cookie:"));
    assertTrue(head(2), head(2).contains("refused=1"));
    assertTrue(head(2), head(2).contains("session=7"));
    assertEquals("one header", 2, head(2).toLowerCase().split("\ncookie:").length);
  }

  @Test
  public void a_cookie_header_of_a_plan_is_continued_not_doubled() throws Exception {
    CookieManager cookies = new CookieManager();
    cookies.setRunningVersion(true);
    cookies.testStarted();
    cookies.addCookieFromHeader("stored=1; Path=/", new URL(http(server.url("/"))));
    HeaderManager headers = new HeaderManager();
    headers.add(new Header("Cookie", "own=2"));
    succeeds(sampler(server.url("/"), headers, cookies));
    assertTrue(head(0), head(0).contains("own=2; stored=1"));
  }

  @Test
  public void an_authorization_manager_logs_in() throws Exception {
    AuthManager logins = new AuthManager();
    logins.set(-1, "", "me", "secret", "", "", AuthManager.Mechanism.BASIC);
    succeeds(sampler(server.url("/"), logins));
    assertTrue(head(0), head(0).contains("Basic bWU6c2VjcmV0"));

    HeaderManager headers = new HeaderManager();
    headers.add(new Header("Authorization", "Bearer mine"));
    succeeds(sampler(server.url("/"), logins, headers));
    assertTrue(head(1), head(1).contains("Bearer mine"));
    assertFalse(head(1), head(1).contains("Basic"));
  }

  @Test
  public void the_managers_are_asked_with_every_address_that_can_be_connected_to()
      throws Exception {
    CookieManager cookies = new CookieManager();
    cookies.setRunningVersion(true);
    cookies.testStarted();
    cookies.addCookieFromHeader("stored=1; Path=/", new URL(http(server.url("/"))));
    AuthManager logins = new AuthManager();
    logins.set(-1, server.url("/"), "me", "secret", "", "", AuthManager.Mechanism.BASIC);
    String[] paths = {"a|b", "{x}", "\"q\"", "a^b", "a b?q={\"x\":1}"};
    for (int i = 0; i < paths.length; i++) {
      succeeds(sampler(server.url("/" + paths[i]), cookies, logins));
      assertTrue(head(i), head(i).contains("stored=1"));
      assertTrue(head(i), head(i).contains("Basic bWU6c2VjcmV0"));
    }
  }

  @Test
  public void a_cookie_of_a_refusal_goes_with_the_next_attempt_and_one_of_another_host_never()
      throws Exception {
    server.close();
    server =
        new RawServer(
            RawServer.refusal(
                429, "Too Many", "Retry-After-Ms: 10\r\nSet-Cookie: place=7; Path=/\r\n", ""));
    CookieManager cookies = new CookieManager();
    cookies.setRunningVersion(true);
    cookies.testStarted();
    cookies.add(new Cookie("other", "1", "example.org", "/", false, 0));
    cookies.add(new Cookie("old", "1", "127.0.0.1", "/", false, 1000));
    cookies.add(new Cookie("elsewhere", "1", "127.0.0.1", "/b", false, 0));
    cookies.add(new Cookie("mine", "1", "127.0.0.1", "/a", false, 0));
    ConnectSampler sampler = sampler(server.url("/a"), cookies);
    sampler.setProperty("wsb.retry.base", "1");
    succeeds(sampler);
    assertTrue(head(0), head(0).contains("mine=1"));
    assertTrue(head(1), head(1).contains("place=7") && head(1).contains("mine=1"));
    for (String never : Arrays.asList("other=", "old=", "elsewhere=")) {
      assertFalse(never, (head(0) + head(1)).contains(never));
    }
    cookies.setCookiePolicy("ignorecookies");
    succeeds(sampler(server.url("/a"), cookies));
    assertFalse(head(2), head(2).toLowerCase().contains("cookie:"));
  }

  @Test
  public void an_entry_for_a_mechanism_that_is_not_ours_is_refused_and_nothing_sent()
      throws Exception {
    AuthManager logins = new AuthManager();
    logins.set(-1, "", "me", "secret", "", "", AuthManager.Mechanism.KERBEROS);
    SampleResult sample = sampler(server.url("/"), logins).sample(null);
    assertEquals("Non HTTP response code: spec.invalid", sample.getResponseCode());
    String text = sample.getResponseHeaders();
    assertTrue(text, text.contains("KERBEROS") && text.contains("DIGEST"));
    assertFalse(text, text.contains("secret"));
    assertEquals(Collections.emptyList(), server.heads());
  }

  @Test
  public void a_digest_challenge_is_answered_and_the_password_shown_nowhere() throws Exception {
    String challenge =
        "WWW-Authenticate: Digest realm=\"agents\", qop=\"auth\", nonce=\"n1\", opaque=\"o1\"\r\n";
    for (String mechanism : Arrays.asList("DIGEST", "BASIC_DIGEST")) { // one is deprecated
      try (RawServer asks = new RawServer(RawServer.refusal(401, "Who", challenge, ""))) {
        AuthManager logins = new AuthManager();
        logins.set(
            -1,
            asks.url("/"),
            "me",
            "secret",
            "",
            "agents",
            AuthManager.Mechanism.valueOf(mechanism));
        SampleResult sample = sampler(asks.url("/a?b=c"), logins).sample(null);
        assertEquals(sample.getResponseHeaders(), "101", sample.getResponseCode());
        assertEquals(2, asks.heads().size());
        boolean unasked = asks.heads().get(0).contains("Authorization: Basic bWU6c2VjcmV0");
        assertEquals(mechanism.startsWith("BASIC"), unasked);
        answersTheChallenge(asks.heads().get(1));
        String shown = sample.getRequestHeaders() + sample.getResponseHeaders();
        assertFalse(shown, shown.contains("secret") || shown.contains("bWU6c2VjcmV0"));
      }
    }
  }

  /** RFC 7616, section 3.4.1. */
  private static void answersTheChallenge(String head) throws Exception {
    String answer = head.split("Authorization: Digest ")[1].split("\r\n")[0];
    assertFalse(head, head.contains("Basic"));
    Map<String, String> parts = new HashMap<>();
    for (String part : answer.split(", ")) {
      parts.put(part.split("=", 2)[0], part.split("=", 2)[1].replace("\"", ""));
    }
    assertEquals("/a?b=c", parts.get("uri"));
    assertEquals("o1", parts.get("opaque"));
    assertEquals("00000001", parts.get("nc"));
    String expected =
        md5(
            String.join(
                ":",
                md5("me:agents:secret"),
                "n1",
                parts.get("nc"),
                parts.get("cnonce"),
                "auth",
                md5("GET:/a?b=c")));
    assertEquals(expected, parts.get("response"));
  }

  private static String md5(String text) throws Exception {
    byte[] digest =
        MessageDigest.getInstance("MD5").digest(text.getBytes(StandardCharsets.US_ASCII));
    return String.format("%032x", new BigInteger(1, digest));
  }

  @Test
  public void a_digest_login_that_is_refused_is_the_answer() throws Exception {
    String challenge = "WWW-Authenticate: Digest realm=\"agents\", qop=\"auth\", nonce=\"n1\"\r\n";
    String refusal = RawServer.refusal(401, "No", challenge, "no");
    try (RawServer asks = new RawServer(refusal, refusal, refusal)) {
      AuthManager logins = new AuthManager();
      logins.set(-1, "", "me", "wrong", "", "", AuthManager.Mechanism.DIGEST);
      SampleResult sample = sampler(asks.url("/"), logins).sample(null);
      assertEquals("401", sample.getResponseCode());
      assertEquals(2, asks.heads().size());
    }
  }

  @Test
  public void an_authorization_entry_may_name_the_address_as_plans_do() throws Exception {
    AuthManager logins = new AuthManager();
    logins.set(-1, "ws://other/", "not", "me", "", "", AuthManager.Mechanism.BASIC);
    logins.set(-1, server.url("/a"), "me", "secret", "", "", AuthManager.Mechanism.BASIC);
    succeeds(sampler(server.url("/agents"), logins));
    assertTrue(head(0), head(0).contains("Basic bWU6c2VjcmV0"));
    succeeds(sampler(server.url("/other"), logins));
    assertFalse(head(1), head(1).contains("Basic"));
  }

  @Test
  public void headers_that_http_samplers_need_are_left_out_and_contradictions_fail()
      throws Exception {
    HeaderManager headers = new HeaderManager();
    headers.add(new Header("Connection", "keep-alive"));
    headers.add(new Header("Content-Length", "0"));
    headers.add(new Header("Sec-WebSocket-Version", "13"));
    headers.add(new Header("Upgrade", "websocket"));
    headers.add(new Header("X-Mine", "1"));
    succeeds(sampler(server.url("/"), headers));
    String head = head(0).toLowerCase();
    assertEquals(head, 2, head.split("\nconnection:").length);
    assertEquals(head, 2, head.split("\nsec-websocket-version:").length);
    assertEquals(head, 2, head.split("\nupgrade:").length);
    assertFalse(head, head.contains("content-length"));
    assertTrue(head, head.contains("x-mine: 1"));

    HeaderManager contradiction = new HeaderManager();
    contradiction.add(new Header("Sec-WebSocket-Version", "8"));
    SampleResult sample = sampler(server.url("/"), contradiction).sample(null);
    assertEquals("Non HTTP response code: spec.invalid", sample.getResponseCode());
    assertEquals(1, server.heads().size());
  }

  @Test
  public void a_dns_cache_manager_names_the_address_and_the_host_stays() throws Exception {
    DNSCacheManager names = new DNSCacheManager();
    names.setCustomResolver(true);
    names.addHost("agents.invalid", "127.0.0.1");
    String url = server.url("/").replace("127.0.0.1", "agents.invalid");
    succeeds(sampler(url, names));
    assertTrue(head(0), head(0).toLowerCase().contains("host: agents.invalid:"));

    SampleResult unknown = sampler("ws://other.invalid/", names).sample(null);
    assertFalse(unknown.isSuccessful());
    assertEquals("Non HTTP response code: dns.not-found", unknown.getResponseCode());
  }

  @Test
  public void http_request_defaults_are_the_base_of_a_relative_address() throws Exception {
    URL address = new URL(http(server.url("/")));
    ConfigTestElement near = new ConfigTestElement();
    near.setProperty("HTTPSampler.port", "" + address.getPort());
    ConfigTestElement far = new ConfigTestElement();
    far.setProperty("HTTPSampler.domain", address.getHost());
    far.setProperty("HTTPSampler.port", "1");
    far.setProperty("HTTPSampler.path", "/base/");
    succeeds(sampler("agents?id=1", near, far));
    assertTrue(head(0), head(0).startsWith("GET /base/agents?id=1 HTTP/1.1"));

    ConnectSampler own = sampler("agents", near, far);
    own.setProperty("wsb.baseUrl", server.url("/mine/"));
    succeeds(own);
    assertTrue(head(1), head(1).startsWith("GET /mine/agents HTTP/1.1"));
  }

  @Test
  public void the_command_lines_proxy_is_used_unless_the_plan_or_the_host_says_no()
      throws Exception {
    try (RawServer proxy = new RawServer(RawServer.TUNNEL);
        RawServer otherProxy = new RawServer(RawServer.TUNNEL)) {
      URL address = new URL(http(proxy.url("/")));
      System.setProperty("http.proxyHost", address.getHost());
      System.setProperty("http.proxyPort", "" + address.getPort());
      JMeterUtils.setProperty("http.proxyUser", "me");
      JMeterUtils.setProperty("http.proxyPass", "se:cret@");
      succeeds(sampler("ws://agents.invalid/x"));
      String head = proxy.heads().get(0);
      assertTrue(head, head.startsWith("CONNECT agents.invalid:80 "));
      assertTrue(head, head.contains("Basic bWU6c2U6Y3JldEA="));

      System.setProperty("http.nonProxyHosts", "localhost|127.*");
      succeeds(sampler(server.url("/direct")));
      assertTrue(head(0), head(0).startsWith("GET /direct "));

      ConnectSampler own = sampler("ws://agents.invalid/x");
      own.setProperty("wsb.proxy", http(otherProxy.url("")));
      succeeds(own);
      assertEquals(1, otherProxy.heads().stream().filter(h -> h.startsWith("CONNECT")).count());
    }
  }

  @Test
  public void hosts_that_bypass_the_proxy_are_matched_as_java_does() {
    String list = "localhost|*.example.org|10.1.*| exact.net";
    Object[][] cases = {
      {"localhost", true}, {"LOCALHOST", true}, {"a.example.org", true}, {"example.org", false},
      {"10.1.2.3", true}, {"10.2.1.1", false}, {"exact.net", true}, {"not.exact.net", false},
    };
    for (Object[] c : cases) {
      assertEquals(c[0].toString(), c[1], ProxyOptions.bypasses(list, c[0].toString()));
    }
    assertFalse(ProxyOptions.bypasses("", "h"));
  }

  @Test
  public void addresses_become_http_for_the_managers() {
    String[][] cases = {
      {"ws://h:81/a?b=c", "", "http://h:81/a?b=c"},
      {"wss://h", "", "https://h/"},
      {"HTTPS://h/x", "", "https://h/x"},
      {"b", "ws://h/a/", "http://h/a/b"},
      {"/b", "https://h:8443/a/", "https://h:8443/b"},
      {"ws://under_score/a|b{c}\"^?q=a b", "", "http://under_score/a%7Cb%7Bc%7D%22%5E?q=a%20b"},
    };
    for (String[] c : cases) {
      assertEquals(c[2], String.valueOf(Urls.http(Query.httpUrl(c[0], c[1]))));
    }
    for (String wrong : Arrays.asList("", "b", "ftp://h/", "ws://", "ws://a b/", "mailto:x")) {
      assertEquals(wrong, null, Urls.http(Query.httpUrl(wrong, "")));
    }
  }

  private static void succeeds(ConnectSampler sampler) {
    SampleResult sample = sampler.sample(null);
    assertEquals(sample.getResponseHeaders(), "101", sample.getResponseCode());
  }

  private String head(int n) {
    return server.heads().get(n);
  }

  private static String http(String url) {
    return url.replace("ws://", "http://");
  }

  private static ConnectSampler sampler(String url, ConfigTestElement... scope) {
    ConnectSampler sampler = new ConnectSampler();
    sampler.setName("connect");
    sampler.setThreadName("Agents 1-1");
    sampler.setProperty("wsb.url", url);
    sampler.clearTestElementChildren();
    for (ConfigTestElement element : scope) {
      assertTrue(sampler.applies(element));
      sampler.addTestElement(element);
    }
    return sampler;
  }
}
