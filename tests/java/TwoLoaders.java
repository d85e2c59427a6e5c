import java.lang.reflect.Method;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Paths;

/**
 * Uses the plugin from two class loaders of one JVM, as embedders of JMeter do, each with a native
 * library of its own. Started by a test, with JMeter on the class path and the plugin's jar and an
 * address as arguments; prints a line for each thing that it saw.
 */
public final class TwoLoaders {
  private TwoLoaders() {}

  public static void main(String[] arguments) throws Exception {
    URL[] jar = {Paths.get(arguments[0]).toUri().toURL()};
    Object first = sampler(new URLClassLoader(jar), arguments[1]);
    Object second = sampler(new URLClassLoader(jar), arguments[1]);
    System.out.println("same class: " + (first.getClass() == second.getClass()));
    call(first, "testStarted");
    call(second, "testStarted");
    System.out.println("first: " + connect(first));
    System.out.println("second: " + connect(second));
    // The end of the first one's test is not the second one's.
    call(first, "testEnded");
    System.out.println("second after the first's end: " + connect(second));
    call(second, "testEnded");
    System.out.println("done");
  }

  private static Object sampler(ClassLoader loader, String url) throws Exception {
    Class<?> type = loader.loadClass("io.github.wsbackoff.sampler.ConnectSampler");
    Object sampler = type.getConstructor().newInstance();
    Method set = type.getMethod("setProperty", String.class, String.class);
    set.invoke(sampler, "wsb.url", url);
    // JMeter's threads do this; the name is the user's in traces and seeds.
    type.getMethod("setThreadName", String.class).invoke(sampler, "Embedded 1-1");
    return sampler;
  }

  private static String connect(Object sampler) throws Exception {
    Class<?> entry = Class.forName("org.apache.jmeter.samplers.Entry");
    Object sample = sampler.getClass().getMethod("sample", entry).invoke(sampler, (Object) null);
    Class<?> type = sample.getClass();
    return type.getMethod("getResponseCode").invoke(sample)
        + " "
        + type.getMethod("getResponseDataAsString").invoke(sample).toString().replace('\n', ' ');
  }

  private static void call(Object target, String method) throws Exception {
    target.getClass().getMethod(method).invoke(target);
  }
}
