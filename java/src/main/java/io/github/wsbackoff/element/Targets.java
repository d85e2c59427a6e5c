package io.github.wsbackoff.element;

import java.net.MalformedURLException;
import java.util.Map;
import org.apache.jmeter.protocol.http.sampler.HTTPSamplerBase;
import org.apache.jmeter.samplers.Sampler;

/** What a sampler is about to send to, for the gate before that quota. */
public final class Targets {
  /** JMeter's HTTP part is a jar of its own, which may be missing. */
  private static final boolean HTTP_PART =
      isThere("org.apache.jmeter.protocol.http.sampler.HTTPSamplerBase");

  private Targets() {}

  /**
   * Adds the URL, with what it is a part of, or the label of a sampler that has none. To be asked
   * when it is configured.
   */
  public static void describe(Sampler sampler, Map<String, Object> event) {
    String url = "";
    if (sampler instanceof Addressed) {
      Addressed addressed = (Addressed) sampler;
      url = addressed.address();
      event.put("base", addressed.baseAddress());
    } else if (HTTP_PART) {
      url = Http.url(sampler);
    }
    event.put("target", url.isEmpty() ? sampler.getName() : url);
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
