package io.github.wsbackoff.report;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;
import org.apache.jmeter.report.core.Sample;
import org.apache.jmeter.report.core.SampleMetadata;
import org.apache.jmeter.report.processor.AggregatorFactory;
import org.apache.jmeter.report.processor.MaxAggregatorFactory;
import org.apache.jmeter.report.processor.MeanAggregatorFactory;
import org.apache.jmeter.report.processor.PercentileAggregatorFactory;
import org.apache.jmeter.report.processor.SumAggregatorFactory;
import org.apache.jmeter.report.processor.graph.AbstractSeriesSelector;
import org.apache.jmeter.report.processor.graph.GroupInfo;
import org.apache.jmeter.report.processor.graph.TimeStampKeysSelector;
import org.apache.jmeter.report.processor.graph.impl.CustomGraphConsumer;
import org.apache.jmeter.save.CSVSaveService;
import org.apache.jmeter.util.JMeterUtils;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A graph of JMeter's dashboard about one variable of the connects over time. Named in
 * user.properties, which the command {@code dashboard} prints.
 *
 * <p>JMeter repeats a thread's variables on all its later rows. Here only the row of the connect
 * itself counts, at the time when the connect was over: waits between its attempts are no elapsed
 * time, so JMeter's own graphs show it at its first attempt.
 */
public final class ConnectsGraph extends CustomGraphConsumer {
  private static final Logger log = LoggerFactory.getLogger(ConnectsGraph.class);

  /** The variable that says whose row it is. */
  private static final String SAMPLE = column("wsb.sample");

  private static final String COUNT = "count";
  private static final String ALLOWED = "mean, median, p95, max, or count";

  private String[] shown = {"mean"};
  private boolean drawn;
  private int idle = -1;

  /**
   * What is shown of the values of each second: a series for each word, or for {@code count} one
   * for each value.
   */
  public void setShow(String words) {
    shown = words.trim().split("\\s*,\\s*");
    for (String word : shown) {
      if (!word.equals(COUNT) && aggregator(word) == null) {
        throw new IllegalArgumentException(
            "show: \"" + word + "\" is unknown; allowed: " + ALLOWED + ", with commas between");
      }
    }
  }

  private static String column(String variable) {
    String quote = CSVSaveService.VARIABLE_NAME_QUOTE_CHAR;
    return quote + variable + quote;
  }

  private static AggregatorFactory aggregator(String word) {
    switch (word) {
      case "mean":
        return new MeanAggregatorFactory();
      case "median":
        return percentile(50);
      case "p95":
        return percentile(95);
      case "max":
        return new MaxAggregatorFactory();
      default:
        return null;
    }
  }

  private static AggregatorFactory percentile(double index) {
    PercentileAggregatorFactory factory = new PercentileAggregatorFactory();
    factory.setPercentileIndex(index);
    return factory;
  }

  /** A result file without our columns has an empty graph, and its dashboard is made. */
  @Override
  public void startConsuming() {
    SampleMetadata columns = getConsumedMetadata(0);
    drawn = columns.indexOf(SAMPLE) >= 0 && columns.indexOf(variable()) >= 0;
    idle = columns.indexOf(CSVSaveService.CSV_IDLETIME);
    if (!drawn) {
      log.warn(
          "The graph \"{}\" is empty: the result file has no columns {} and {}; name both in"
              + " sample_variables when the test runs",
          getTitle(),
          SAMPLE,
          variable());
    }
    super.startConsuming();
  }

  private String variable() {
    return column(getSampleVariableName());
  }

  /** The connect's own row, with a value. */
  private boolean counts(Sample sample) {
    return drawn
        && sample.getName().equals(sample.getData(SAMPLE))
        && !sample.getData(variable()).isEmpty();
  }

  @Override
  protected TimeStampKeysSelector createTimeStampKeysSelector() {
    boolean startIsStored = JMeterUtils.getPropDefault("sampleresult.timestamp.start", false);
    return new TimeStampKeysSelector() {
      @Override
      public Double select(Sample sample) {
        long end = sample.getEndTime();
        if (startIsStored && idle >= 0) {
          end += sample.getData(long.class, idle, CSVSaveService.CSV_IDLETIME);
        }
        return (double) (end - end % getGranularity());
      }
    };
  }

  @Override
  protected Map<String, GroupInfo> createGroupInfos() {
    Map<String, GroupInfo> groups = new LinkedHashMap<>();
    for (String word : shown) {
      groups.put(word, word.equals(COUNT) ? countedByValue() : of(word, aggregator(word)));
    }
    return groups;
  }

  private GroupInfo countedByValue() {
    return group(new SumAggregatorFactory(), sample -> sample.getData(variable()), sample -> 1.0);
  }

  private GroupInfo of(String word, AggregatorFactory factory) {
    return group(factory, sample -> word, sample -> sample.getData(Double.class, variable()));
  }

  private GroupInfo group(
      AggregatorFactory factory, Function<Sample, String> name, Function<Sample, Double> value) {
    AbstractSeriesSelector ownRows =
        new AbstractSeriesSelector() {
          @Override
          public Iterable<String> select(Sample sample) {
            return counts(sample)
                ? Collections.singletonList(name.apply(sample))
                : Collections.emptyList();
          }
        };
    return new GroupInfo(factory, ownRows, (series, sample) -> value.apply(sample), false, false);
  }
}
