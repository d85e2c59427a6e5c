package io.github.wsbackoff.sampler;

import io.github.wsbackoff.element.Values;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.jmeter.engine.util.CompoundVariable;
import org.apache.jmeter.services.FileServer;

/**
 * Where a sampler's payload comes from: text that is another in every sample, and files, go along
 * with each call; all else stays a property, which the native part reads once.
 */
final class Payload {
  static final String TEXT = "wsb.payload";
  static final String FILE = "wsb.payloadFile";
  private static final String TYPE = "wsb.payloadType";
  private static final String CHARSET = "wsb.payload.charset";

  /** Longer ones are not kept by every thread; characters. */
  private static final int KEPT = 64 * 1024;

  /** Files of the whole process, read once a test. */
  private static final Map<Path, byte[]> FILES = new ConcurrentHashMap<>();

  /** The same as texts that all threads send as they are. */
  private static final Map<List<Object>, RawText> RAW_TEXTS = new ConcurrentHashMap<>();

  private static final class RawText {
    private final String text;
    private final byte[] utf8;

    private RawText(String text) {
      this.text = text;
      utf8 = text.getBytes(StandardCharsets.UTF_8);
    }
  }

  private byte[] bytes;
  private String shown = "";
  private String lastText;
  private boolean changes;

  // A file's text with its variables, as one thread reads it.
  private Path templateFile;
  private String templateCharset;
  private CompoundVariable template;
  private boolean isTemplate;

  /** Forgets the files: the next test reads them anew. */
  static void forgetFiles() {
    FILES.clear();
    RAW_TEXTS.clear();
  }

  /** What to send in place of the properties' payload, or null. */
  byte[] bytes() {
    return bytes;
  }

  /** The payload for people, without a copy of it. */
  String shown() {
    return shown;
  }

  /** The values are those taken before: only a file's text may be another, by its variables. */
  void repeat() {
    if (isTemplate) {
      fillTemplate();
    }
  }

  /**
   * Takes the payload out of the values as far as it is ours to read.
   *
   * @throws IOException if its file cannot be read; the message names the property
   */
  void take(Values values) throws IOException {
    bytes = null;
    shown = "";
    isTemplate = false;
    switch (values.inForce(TYPE).trim().toLowerCase(Locale.ROOT)) {
      case "text":
        takeText(values);
        break;
      case "file":
        values.take(TEXT);
        takeFile(values.take(FILE));
        break;
      case "file-text":
        values.take(TEXT);
        takeTemplate(values.take(FILE), values.inForce(CHARSET));
        break;
      case "file-raw":
        values.take(TEXT);
        takeRaw(values.take(FILE), values.inForce(CHARSET));
        break;
      default:
        String text = values.get(TEXT);
        shown = text == null ? "" : text;
        break;
    }
  }

  private void takeText(Values values) {
    String text = values.get(TEXT);
    changes |= lastText != null && !lastText.equals(text);
    lastText = text;
    if (text == null) {
      return;
    }
    if (changes || text.length() > KEPT) {
      values.take(TEXT);
      bytes = text.getBytes(StandardCharsets.UTF_8);
    }
    shown = text;
  }

  private void takeFile(String name) throws IOException {
    Path file = path(name);
    bytes = read(name, file);
    shown = "File " + file + ", " + bytes.length + " bytes";
  }

  private void takeRaw(String name, String charset) throws IOException {
    Path file = path(name);
    List<Object> key = Arrays.asList(file, charset);
    RawText text = RAW_TEXTS.get(key);
    if (text == null) {
      text = new RawText(decode(name, read(name, file), charset));
      RAW_TEXTS.put(key, text);
    }
    shown = text.text;
    bytes = text.utf8;
  }

  private void takeTemplate(String name, String charset) throws IOException {
    Path file = path(name);
    if (!file.equals(templateFile) || !charset.equals(templateCharset)) {
      template = new CompoundVariable(literal(decode(name, read(name, file), charset)));
      templateFile = file;
      templateCharset = charset;
    }
    isTemplate = true;
    fillTemplate();
  }

  /** The file's text; bytes that stand for nothing in its charset are no text. */
  private static String decode(String name, byte[] bytes, String charset) throws IOException {
    Charset known;
    try {
      known = Charset.forName(charset.trim());
    } catch (IllegalArgumentException e) { // not a name, or not known
      throw new IOException(
          CHARSET
              + ": \""
              + charset
              + "\" (no charset of this Java); allowed: UTF-8, ISO-8859-1, UTF-16 and all others"
              + " that this Java knows");
    }
    try {
      return known.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      throw unreadable(name, "its bytes are no " + known + ", see " + CHARSET + ": " + e);
    }
  }

  /**
   * A text as JMeter's parser of variables leaves it as it is: it takes backslashes for its own
   * escapes. Within a {@code ${...}} they are, and before one they make it plain text.
   */
  static String literal(String text) {
    StringBuilder literal = new StringBuilder(text.length() + 16);
    int depth = 0;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (text.startsWith("${", i)) {
        depth++;
      } else if (c == '}' && depth > 0) {
        depth--;
      } else if (c == '\\' && text.startsWith("${", i + 1)) {
        literal.append("\\$");
        i++;
        continue;
      } else if (c == '\\' && depth == 0) {
        literal.append(c);
      }
      literal.append(c);
    }
    return literal.toString();
  }

  private void fillTemplate() {
    shown = template.execute();
    bytes = shown.getBytes(StandardCharsets.UTF_8);
  }

  /** Relative names are relative to the plan, as everywhere in JMeter. */
  private static Path path(String name) throws IOException {
    if (name == null) {
      throw unreadable("", "no file is named");
    }
    try {
      return FileServer.getFileServer().getResolvedFile(name).toPath();
    } catch (InvalidPathException e) {
      throw unreadable(name, e.getReason());
    }
  }

  private static byte[] read(String name, Path file) throws IOException {
    byte[] known = FILES.get(file);
    if (known == null) {
      try {
        // Who reads a pipe without a writer cannot be stopped, and some devices have no end.
        if (Files.readAttributes(file, BasicFileAttributes.class).isOther()) {
          throw new IOException("it is a pipe or a device");
        }
        known = Files.readAllBytes(file);
      } catch (IOException | SecurityException | OutOfMemoryError e) {
        throw unreadable(name, "it cannot be read: " + e);
      }
      FILES.put(file, known);
    }
    return known;
  }

  private static IOException unreadable(String name, String why) {
    return new IOException(
        FILE
            + ": \""
            + name
            + "\" ("
            + why
            + "); allowed: a file on the machine that runs the test, absolute or relative to the"
            + " plan");
  }
}
