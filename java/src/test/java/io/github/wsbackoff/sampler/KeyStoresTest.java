package io.github.wsbackoff.sampler;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import io.github.wsbackoff.JMeterSetup;
import io.github.wsbackoff.RawServer;
import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.security.KeyStore;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.apache.jmeter.config.KeystoreConfig;
import org.apache.jmeter.samplers.SampleResult;
import org.apache.jmeter.threads.JMeterContextService;
import org.apache.jmeter.threads.JMeterVariables;
import org.junit.After;
import org.junit.Before;
import org.junit.BeforeClass;
import org.junit.ClassRule;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;
import org.junit.rules.Timeout;

/** Client certificates and trusted ones from Java's stores, against a server that asks for them. */
public class KeyStoresTest {
  private static final String PASSWORD = "changeit";

  @ClassRule public static final TemporaryFolder folder = new TemporaryFolder();
  @Rule public final Timeout timeout = Timeout.seconds(60);
  private static SSLContext serverSide;
  private RawServer server;
  private JMeterVariables variables;

  @BeforeClass
  public static void stores() throws Exception {
    JMeterSetup.once();
    makeKey("server.p12", "PKCS12", "server", "-keyalg", "EC", "-ext", "SAN=ip:127.0.0.1");
    for (String store : Arrays.asList("clients.p12", "clients.jks")) {
      String type = store.endsWith(".p12") ? "PKCS12" : "JKS";
      makeKey(store, type, "alice", "-keyalg", "EC", "-groupname", "secp384r1");
      makeKey(store, type, "bob", "-keyalg", "RSA", "-keysize", "2048");
    }
    KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    keys.init(load("server.p12", "PKCS12"), PASSWORD.toCharArray());
    KeyStore accepted = load("clients.p12", "PKCS12");
    KeyStore others = load("clients.jks", "JKS");
    for (String name : Arrays.asList("alice", "bob")) {
      accepted.setCertificateEntry("jks-" + name, others.getCertificate(name));
    }
    TrustManagerFactory trust =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(certificatesOf(accepted));
    serverSide = SSLContext.getInstance("TLS");
    serverSide.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
  }

  @Before
  public void startServer() throws IOException {
    variables = new JMeterVariables();
    JMeterContextService.getContext().setVariables(variables);
    server = RawServer.needsCertificate(serverSide.getServerSocketFactory());
    set("javax.net.ssl.trustStore", path("server.p12"));
    set("javax.net.ssl.trustStorePassword", PASSWORD);
    set("javax.net.ssl.trustStoreType", "PKCS12");
    set("javax.net.ssl.keyStorePassword", PASSWORD);
  }

  @After
  public void stopServer() throws IOException {
    new ConnectSampler().threadFinished();
    server.close();
    for (String store : Arrays.asList("keyStore", "trustStore")) {
      for (String part : Arrays.asList("", "Password", "Type")) {
        System.clearProperty("javax.net.ssl." + store + part);
      }
    }
  }

  @Test
  public void the_first_key_of_a_store_is_shown_as_jmeter_does() {
    for (String store : Arrays.asList("clients.p12", "clients.jks")) {
      set("javax.net.ssl.keyStore", path(store));
      succeeds(sampler(null));
    }
    assertEquals(Arrays.asList("CN=alice", "CN=alice"), server.certificates());
  }

  @Test
  public void a_keystore_configuration_picks_the_alias_that_a_variable_names() {
    set("javax.net.ssl.keyStore", path("clients.jks"));
    KeystoreConfig config = new KeystoreConfig();
    config.setProperty("clientCertAliasVarName", "who");
    for (String alias : Arrays.asList("bob", "alice")) {
      variables.put("who", alias);
      succeeds(sampler(config));
    }
    assertEquals(Arrays.asList("CN=bob", "CN=alice"), server.certificates());

    variables.put("who", "nobody");
    SampleResult sample = sampler(config).sample(null);
    assertEquals("Non HTTP response code: tls.identity", sample.getResponseCode());
    assertTrue(text(sample), text(sample).contains("nobody"));
    assertTrue(text(sample), text(sample).contains("clients.jks"));
  }

  @Test
  public void a_keystore_configurations_range_gives_user_after_user_another_key() {
    set("javax.net.ssl.keyStore", path("clients.p12"));
    KeystoreConfig config = new KeystoreConfig();
    config.setProperty("startIndex", "0");
    config.setProperty("endIndex", "1");
    for (int i = 0; i < 3; i++) {
      succeeds(sampler(config));
    }
    List<String> names = new ArrayList<>(server.certificates());
    assertEquals(names.get(0), names.get(2));
    assertFalse("" + names, names.get(0).equals(names.get(1)));
  }

  @Test
  public void without_a_key_the_server_refuses_and_without_trust_we_do() {
    ConnectSampler noKey = sampler(null);
    assertFalse(noKey.sample(null).isSuccessful());
    System.clearProperty("javax.net.ssl.trustStore");
    set("javax.net.ssl.keyStore", path("clients.p12"));
    SampleResult sample = sampler(null).sample(null);
    assertEquals("Non HTTP response code: tls.certificate", sample.getResponseCode());
  }

  @Test
  public void a_store_that_cannot_be_read_is_told() throws IOException {
    String wrong = folder.newFile().getPath();
    for (String store : Arrays.asList("keyStore", "trustStore")) {
      for (String file : Arrays.asList(wrong, "/no/such/file")) {
        String property = "javax.net.ssl." + store;
        String before = System.getProperty(property);
        set(property, file);
        SampleResult sample = sampler(null).sample(null);
        String code = store.equals("keyStore") ? "tls.identity" : "tls.roots";
        assertEquals("Non HTTP response code: " + code, sample.getResponseCode());
        assertTrue(text(sample), text(sample).contains(file));
        assertTrue(text(sample), text(sample).contains(property));
        if (before == null) {
          System.clearProperty(property);
        } else {
          set(property, before);
        }
      }
    }
  }

  @Test
  public void plain_connections_look_at_no_store() throws IOException {
    set("javax.net.ssl.keyStore", "/no/such/file");
    try (RawServer plain = new RawServer()) {
      ConnectSampler sampler = sampler(null);
      sampler.setProperty("wsb.url", plain.url("/"));
      succeeds(sampler);
    }
  }

  private ConnectSampler sampler(KeystoreConfig config) {
    ConnectSampler sampler = new ConnectSampler();
    sampler.setName("connect");
    sampler.setProperty("wsb.url", server.url("/"));
    sampler.setProperty("wsb.retry.strategy", "none");
    if (config != null) {
      assertTrue(sampler.applies(config));
      sampler.addTestElement(config);
    }
    return sampler;
  }

  private static void succeeds(ConnectSampler sampler) {
    SampleResult sample = sampler.sample(null);
    assertEquals(text(sample), "101", sample.getResponseCode());
  }

  private static String text(SampleResult sample) {
    return sample.getResponseHeaders();
  }

  private static void set(String property, String value) {
    System.setProperty(property, value);
  }

  private static String path(String file) {
    return new File(folder.getRoot(), file).getPath();
  }

  private static KeyStore load(String file, String type) throws Exception {
    KeyStore store = KeyStore.getInstance(type);
    try (InputStream in = new FileInputStream(path(file))) {
      store.load(in, PASSWORD.toCharArray());
    }
    return store;
  }

  private static KeyStore certificatesOf(KeyStore keys) throws Exception {
    KeyStore certificates = KeyStore.getInstance("PKCS12");
    certificates.load(null, null);
    for (String alias : Collections.list(keys.aliases())) {
      certificates.setCertificateEntry(alias, keys.getCertificate(alias));
    }
    return certificates;
  }

  private static void makeKey(String file, String type, String name, String... more)
      throws Exception {
    List<String> command = new ArrayList<>();
    command.add(new File(System.getProperty("java.home"), "bin/keytool").getPath());
    command.addAll(Arrays.asList("-genkeypair", "-validity", "2"));
    command.addAll(Arrays.asList("-storetype", type, "-keystore", path(file)));
    command.addAll(Arrays.asList("-storepass", PASSWORD, "-keypass", PASSWORD));
    command.addAll(Arrays.asList("-alias", name, "-dname", "CN=" + name));
    command.addAll(Arrays.asList(more));
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(new File(folder.getRoot(), "keytool.log"))
            .start();
    assertTrue(process.waitFor(30, TimeUnit.SECONDS) && process.exitValue() == 0);
  }
}
