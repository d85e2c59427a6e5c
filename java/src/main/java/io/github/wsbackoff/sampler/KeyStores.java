package io.github.wsbackoff.sampler;

import io.github.wsbackoff.core.ConnectSpec;
import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.security.interfaces.ECPrivateKey;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Enumeration;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.apache.jmeter.testelement.TestElement;
import org.apache.jmeter.util.keystore.JmeterKeyStore;

/**
 * Java's own key and trust stores, as JMeter's HTTP samplers use them: {@code javax.net.ssl.*}
 * system properties, and a Keystore Configuration that says which of several keys a user has. Read
 * once a file.
 */
final class KeyStores {
  private static final String KEY_STORE = "javax.net.ssl.keyStore";
  private static final String TRUST_STORE = "javax.net.ssl.trustStore";

  private static final Map<String, JmeterKeyStore> keys = new HashMap<>();
  private static final Map<String, List<byte[]>> trusted = new HashMap<>();

  private KeyStores() {}

  /**
   * The certificate that this user shows; null if no key store is set.
   *
   * @param config the Keystore Configuration in scope, or null: then the first key
   */
  static ConnectSpec.Identity identity(TestElement config) throws Unusable {
    String file = System.getProperty(KEY_STORE, "");
    if (file.isEmpty()) {
      return null;
    }
    String variable = config == null ? "" : config.getPropertyAsString("clientCertAliasVarName");
    try {
      JmeterKeyStore store =
          keyStore(
              file,
              number(config, "startIndex", 0),
              number(config, "endIndex", config == null ? 0 : -1),
              variable);
      String alias;
      synchronized (store) {
        alias = store.getAlias();
      }
      return identity(store, alias);
    } catch (GeneralSecurityException | IOException | RuntimeException e) {
      throw unusable("tls.identity", KEY_STORE, file, e);
    }
  }

  private static ConnectSpec.Identity identity(JmeterKeyStore store, String alias)
      throws GeneralSecurityException {
    PrivateKey key = store.getPrivateKey(alias);
    if (key.getEncoded() == null) {
      throw new GeneralSecurityException(
          "the key '" + alias + "' is in a device that does not give it out");
    }
    X509Certificate[] certificates = store.getCertificateChain(alias);
    List<byte[]> chain = new ArrayList<>();
    for (X509Certificate certificate : certificates) {
      chain.add(certificate.getEncoded());
    }
    byte[] encoded =
        key instanceof ECPrivateKey
            ? EcKey.withPublicKey((ECPrivateKey) key, certificates[0].getPublicKey().getEncoded())
            : key.getEncoded();
    return new ConnectSpec.Identity(chain, encoded);
  }

  private static JmeterKeyStore keyStore(String file, int first, int last, String variable)
      throws GeneralSecurityException, IOException {
    String type = type(KEY_STORE, file);
    String password = System.getProperty(KEY_STORE + "Password", "");
    String id = String.join("\n", file, stamp(file), type, password, first + "-" + last, variable);
    synchronized (keys) {
      JmeterKeyStore known = keys.get(id);
      if (known == null) {
        known = JmeterKeyStore.getInstance(type, first, last, variable);
        try (InputStream in = new FileInputStream(file)) {
          known.load(in, password);
        }
        keys.put(id, known);
      }
      return known;
    }
  }

  /** Certificates of the trust store, DER; empty if none is set. */
  static List<byte[]> trusted() throws Unusable {
    String file = System.getProperty(TRUST_STORE, "");
    if (file.isEmpty()) {
      return Collections.emptyList();
    }
    String password = System.getProperty(TRUST_STORE + "Password");
    String type = type(TRUST_STORE, file);
    String id = String.join("\n", file, stamp(file), type, String.valueOf(password));
    synchronized (trusted) {
      List<byte[]> known = trusted.get(id);
      if (known == null) {
        try {
          known = certificates(file, type, password);
        } catch (GeneralSecurityException | IOException | RuntimeException e) {
          throw unusable("tls.roots", TRUST_STORE, file, e);
        }
        trusted.put(id, known);
      }
      return known;
    }
  }

  private static List<byte[]> certificates(String file, String type, String password)
      throws GeneralSecurityException, IOException {
    KeyStore store = KeyStore.getInstance(type);
    try (InputStream in = new FileInputStream(file)) {
      store.load(in, password == null ? null : password.toCharArray());
    }
    List<byte[]> certificates = new ArrayList<>();
    for (Enumeration<String> all = store.aliases(); all.hasMoreElements(); ) {
      Certificate certificate = store.getCertificate(all.nextElement());
      if (certificate != null) {
        certificates.add(certificate.getEncoded());
      }
    }
    return certificates;
  }

  /** As JMeter takes it: the property, else by the file's name. */
  private static String type(String store, String file) {
    String name = file.toLowerCase(Locale.ROOT);
    boolean pkcs12 = name.endsWith(".p12") || name.endsWith(".pfx");
    return System.getProperty(store + "Type", pkcs12 ? "PKCS12" : "JKS");
  }

  private static String stamp(String file) {
    return String.valueOf(new File(file).lastModified());
  }

  private static int number(TestElement config, String property, int otherwise) {
    String text = config == null ? "" : config.getPropertyAsString(property).trim();
    if (text.isEmpty()) {
      return otherwise;
    }
    try {
      return Integer.parseInt(text);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          "the Keystore Configuration's " + property + " is no number: " + text, e);
    }
  }

  private static Unusable unusable(String code, String property, String file, Exception e) {
    String reason = e.getMessage() == null ? e.toString() : e.getMessage();
    return new Unusable(code, property + " (" + file + "): " + reason, e);
  }
}
