package io.github.wsbackoff.element;

import java.net.MalformedURLException;
import org.apache.jmeter.protocol.http.sampler.HTTPSamplerBase;
import org.apache.jmeter.samplers.Sampler;

/** What a sampler is about to send to, for the gate before that quota. */
public final class Targets {
  /** JMeter's HTTP part is a jar of its own, which may be missing. */
  private static final boolean HTTP_PART =
      isThere("org.apache.jmeter.protocol.http.sampler.HTTPSamplerBase");

  private Targets() {}

  /** The URL, or the label of a sampler that has none. To be asked when it is configured. */
  public static String of(Sampler sampler) {
    String url = HTTP_PART ? Http.url(sampler) : "";
    return url.isEmpty() ? sampler.getName() : url;
  }

  private static boolean isThere(String className) {
    try {
      Class.forName(className, false, Targets.class.getClassLoader());
      return true;
    } catch (ClassNotFoundException | LinkageError e) {
      return false;
    }
  }

  /** Linked only where JMeter's HTTP part is. */
  private static final class Http {
    static String url(Sampler sampler) {
      if (!(sampler instanceof HTTPSamplerBase)) {
        return "";
      }
      try {
        return ((HTTPSamplerBase) sampler).getUrl().toString();
      } catch (MalformedURLException e) {
        return ""; // the sample will tell
      }
    }
  }
}
