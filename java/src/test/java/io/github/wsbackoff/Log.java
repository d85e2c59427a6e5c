package io.github.wsbackoff;

import java.io.StringWriter;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.core.Appender;
import org.apache.logging.log4j.core.Logger;
import org.apache.logging.log4j.core.appender.WriterAppender;
import org.apache.logging.log4j.core.layout.PatternLayout;

/** What a class writes into JMeter's log. */
public final class Log {
  private final StringWriter text = new StringWriter();
  private final Appender appender =
      WriterAppender.createAppender(
          PatternLayout.newBuilder().withPattern("%p %m%n").build(),
          null,
          text,
          "test",
          false,
          false);
  private Logger logger;

  /** Listens to a class, until {@link #end}. */
  public void listen(Class<?> of) {
    logger = (Logger) LogManager.getLogger(of.getName());
    appender.start();
    logger.addAppender(appender);
  }

  /** The errors so far, without anything that stands on lines of its own behind them. */
  public List<String> errors() {
    return Arrays.stream(text.toString().split("\\R"))
        .filter(line -> line.startsWith("ERROR "))
        .collect(Collectors.toList());
  }

  /** All of it. */
  public String text() {
    return text.toString();
  }

  /** Forgets what came so far. */
  public void forget() {
    text.getBuffer().setLength(0);
  }

  /** Listens no more. */
  public void end() {
    logger.removeAppender(appender);
  }
}
