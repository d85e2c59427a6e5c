package io.github.wsbackoff.sampler;

import java.io.ByteArrayOutputStream;
import java.math.BigInteger;
import java.security.interfaces.ECPrivateKey;
import java.util.Arrays;

/**
 * PKCS#8 of an elliptic curve key with its public key inside (RFC 5915, section 3: optional). Java
 * leaves that out, and the native part's cryptography insists on it.
 */
final class EcKey {
  private static final int SEQUENCE = 0x30;
  private static final int OCTET_STRING = 0x04;
  private static final int PUBLIC_KEY = 0xa1; // [1], constructed

  private static final byte[] PKCS8_VERSION = {2, 1, 0};
  private static final byte[] EC_KEY_VERSION = {2, 1, 1};

  private EcKey() {}

  /**
   * @param key the private key
   * @param publicKey its public half as certificates have it (SubjectPublicKeyInfo, DER)
   */
  static byte[] withPublicKey(ECPrivateKey key, byte[] publicKey) {
    // SEQUENCE { SEQUENCE algorithm, BIT STRING point }
    int begin = contentOf(publicKey, 0);
    int middle = endOf(publicKey, begin);
    byte[] algorithm = Arrays.copyOfRange(publicKey, begin, middle);
    byte[] point = Arrays.copyOfRange(publicKey, middle, endOf(publicKey, middle));

    int bits = key.getParams().getCurve().getField().getFieldSize();
    byte[] inner =
        tagged(
            SEQUENCE,
            EC_KEY_VERSION,
            tagged(OCTET_STRING, fixed(key.getS(), (bits + 7) / 8)),
            tagged(PUBLIC_KEY, point));
    return tagged(SEQUENCE, PKCS8_VERSION, algorithm, tagged(OCTET_STRING, inner));
  }

  private static byte[] fixed(BigInteger number, int length) {
    byte[] bytes = number.toByteArray(); // as long as it needs, with a sign
    byte[] padded = new byte[length];
    int count = Math.min(bytes.length, length);
    System.arraycopy(bytes, bytes.length - count, padded, length - count, count);
    return padded;
  }

  private static byte[] tagged(int tag, byte[]... parts) {
    int length = Arrays.stream(parts).mapToInt(part -> part.length).sum();
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(tag);
    if (length > 0xff) {
      out.write(0x82);
      out.write(length >> 8);
    } else if (length > 0x7f) {
      out.write(0x81);
    }
    out.write(length);
    for (byte[] part : parts) {
      out.write(part, 0, part.length);
    }
    return out.toByteArray();
  }

  /** Where the content of the element at this place begins. */
  private static int contentOf(byte[] der, int at) {
    int length = der[at + 1] & 0xff;
    return at + 2 + (length > 0x80 ? length - 0x80 : 0);
  }

  /** Behind the element at this place. */
  private static int endOf(byte[] der, int at) {
    int content = contentOf(der, at);
    int length = der[at + 1] & 0xff;
    if (length > 0x80) {
      length = new BigInteger(1, Arrays.copyOfRange(der, at + 2, content)).intValue();
    }
    return content + length;
  }
}
