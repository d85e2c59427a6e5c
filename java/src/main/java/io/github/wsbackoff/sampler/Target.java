package io.github.wsbackoff.sampler;

import java.net.MalformedURLException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URL;
import java.util.Locale;

/**
 * The server's address as far as JMeter's managers need it, which know http and https alone. What a
 * plan's address means, and whether it is right, decides the native part.
 */
final class Target {
  private Target() {}

  /** The address to connect to as http or https; null if there is none to be made of these. */
  static URL of(String url, String baseUrl) {
    try {
      URI own = new URI(url);
      return toUrl(own.isAbsolute() ? own : new URI(baseUrl).resolve(own));
    } catch (URISyntaxException | MalformedURLException | IllegalArgumentException e) {
      return null;
    }
  }

  /** An address as http or https; null if it is none. */
  static URL of(String url) {
    return of(url, "");
  }

  private static URL toUrl(URI uri) throws MalformedURLException {
    if (uri.getScheme() == null || uri.getHost() == null) {
      return null;
    }
    switch (uri.getScheme().toLowerCase(Locale.ROOT)) {
      case "ws":
      case "http":
        return url("http", uri);
      case "wss":
      case "https":
        return url("https", uri);
      default:
        return null;
    }
  }

  private static URL url(String scheme, URI uri) throws MalformedURLException {
    String path = uri.getRawPath();
    String query = uri.getRawQuery();
    String file =
        (path == null || path.isEmpty() ? "/" : path) + (query == null ? "" : "?" + query);
    return new URL(scheme, uri.getHost(), uri.getPort(), file);
  }
}
