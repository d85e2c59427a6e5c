package io.github.wsbackoff;

import java.io.InputStream;
import java.net.URL;
import java.net.URLClassLoader;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * A second copy of the plugin in this JVM, as two embedders would have it: our classes are defined
 * anew (with static state of their own), all others are shared.
 */
public final class OwnClassLoader extends URLClassLoader {
  private static final String OURS = "io.github.wsbackoff.";

  private final Set<String> hiddenResources = new HashSet<>();
  private String hiddenClasses;

  /** A loader over the same classes and resources as this one's. */
  public OwnClassLoader() {
    super(sources(), OwnClassLoader.class.getClassLoader());
  }

  /** Makes the copy's jar lack a resource. */
  public OwnClassLoader without(String resource) {
    hiddenResources.add(resource);
    return this;
  }

  /** Hides classes of others from the copy, by the beginning of their names. */
  public OwnClassLoader withoutClasses(String prefix) {
    hiddenClasses = prefix;
    return this;
  }

  /** A new object of the copy's class of this name. */
  public Object create(String className) throws ReflectiveOperationException {
    return loadClass(className).getDeclaredConstructor().newInstance();
  }

  @Override
  protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
    if (hiddenClasses != null && name.startsWith(hiddenClasses)) {
      throw new ClassNotFoundException(name);
    }
    synchronized (getClassLoadingLock(name)) {
      Class<?> known = findLoadedClass(name);
      if (known == null && name.startsWith(OURS)) {
        known = findClass(name);
      }
      return known == null ? super.loadClass(name, resolve) : known;
    }
  }

  @Override
  public URL getResource(String name) {
    return hiddenResources.contains(name) ? null : super.getResource(name);
  }

  @Override
  public InputStream getResourceAsStream(String name) {
    return hiddenResources.contains(name) ? null : super.getResourceAsStream(name);
  }

  private static URL[] sources() {
    List<URL> sources = new ArrayList<>();
    sources.add(Main.class.getProtectionDomain().getCodeSource().getLocation());
    sources.add(OwnClassLoader.class.getProtectionDomain().getCodeSource().getLocation());
    return sources.toArray(new URL[0]);
  }
}
