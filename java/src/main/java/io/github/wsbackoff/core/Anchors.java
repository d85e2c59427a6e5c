package io.github.wsbackoff.core;

import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.Set;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;

/**
 * The CA certificates that Java trusts, for systems whose own the native library cannot read: a
 * container without them, and macOS. Handed over once a JVM, and only where there is an address to
 * connect to, as also a plain one may lead to TLS by a redirect: reading them takes Java half a
 * second.
 */
final class Anchors {
  /** Apple's, by Java's names; later Javas have the system's own roots apart. */
  private static final String[] KEYCHAINS = {"KeychainStore", "KeychainStore-ROOT"};

  private static boolean handedOver;

  private Anchors() {}

  /**
   * Hands them over if the system has none; the native library is loaded.
   *
   * @param texts among which an address may be that is connected to; null for none
   */
  static void provideFor(String... texts) {
    if (Arrays.stream(texts).anyMatch(text -> text != null && text.contains("://"))) {
      provide();
    }
  }

  private static synchronized void provide() {
    if (!handedOver && Native.lacksRoots()) {
      Native.trust(CommandLine.json(ofJava().toArray(new String[0])));
    }
    handedOver = true;
  }

  /** DER in Base64. A store that cannot be read has none: what then fails says so. */
  private static Set<String> ofJava() {
    Set<String> anchors = new LinkedHashSet<>();
    try {
      String usual = TrustManagerFactory.getDefaultAlgorithm();
      TrustManagerFactory factory = TrustManagerFactory.getInstance(usual);
      factory.init((KeyStore) null);
      for (TrustManager manager : factory.getTrustManagers()) {
        if (manager instanceof X509TrustManager) {
          add(anchors, ((X509TrustManager) manager).getAcceptedIssuers());
        }
      }
    } catch (GeneralSecurityException e) {
      // The next store may be readable.
    }
    for (String keychain : KEYCHAINS) {
      try {
        KeyStore store = KeyStore.getInstance(keychain);
        store.load(null, null);
        for (String alias : Collections.list(store.aliases())) {
          if (store.isCertificateEntry(alias)) {
            add(anchors, store.getCertificate(alias));
          }
        }
      } catch (GeneralSecurityException | IOException e) {
        // No macOS, or an older Java.
      }
    }
    return anchors;
  }

  private static void add(Set<String> anchors, Certificate... certificates)
      throws GeneralSecurityException {
    for (Certificate certificate : certificates) {
      anchors.add(Base64.getEncoder().encodeToString(certificate.getEncoded()));
    }
  }
}
