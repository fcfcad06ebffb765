package io.lineaged.telemetry;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadInfo;
import java.lang.management.ThreadMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.common.metrics.KafkaMetric;
import org.apache.kafka.common.metrics.MetricsContext;
import org.apache.kafka.common.metrics.MetricsReporter;
import org.apache.kafka.server.telemetry.ClientTelemetry;
import org.apache.kafka.server.telemetry.ClientTelemetryReceiver;

/**
 * For measurements, and not shipped: several reporters in one broker, of which one at a time is given the pushes, or
 * none, which is the peer. So all are measured in the same process and with the same client.
 *
 * <p>bench.folder has the file "on", which names the reporter; it is asked for ten times a second. To it goes "figures",
 * a line for each: its name, then what it has forwarded, dropped, and holds in its queue in bytes; and one called cpu,
 * with the processor time in nanoseconds that was spent within them by the threads of requests, and by their own.
 * Settings of a reporter are those that begin with bench. and its name.
 */
public final class SwitchedReporter implements MetricsReporter, ClientTelemetry {
  private static final List<String> NAMES = List.of("up", "slow", "gone");

  private final Map<String, TelemetryReporter> reporters = new LinkedHashMap<>();
  private final Map<String, ClientTelemetryReceiver> receivers = new HashMap<>();
  private volatile ClientTelemetryReceiver on; // null: what is pushed is dropped
  private volatile boolean closed;

  private static final ThreadMXBean threads = ManagementFactory.getThreadMXBean();
  private final AtomicLong within = new AtomicLong();
  private final Map<Long, Long> spent = new HashMap<>(); // by own thread, so far

  /** Returns what the reporters' own threads have spent, those that send and those of their HTTP clients. */
  private long ownThreads() {
    for (ThreadInfo t : threads.getThreadInfo(threads.getAllThreadIds())) {
      if (t != null && (t.getThreadName().startsWith("lineaged-") || t.getThreadName().startsWith("HttpClient-"))) {
        spent.merge(t.getThreadId(), threads.getThreadCpuTime(t.getThreadId()), Math::max);
      }
    }
    return spent.values().stream().mapToLong(Long::longValue).sum();
  }

  @Override
  public void configure(Map<String, ?> configs) {
    for (String name : NAMES) {
      Map<String, Object> own = new HashMap<>();
      String prefix = "bench." + name + ".";
      configs.forEach((key, value) -> {
        if (key.startsWith(prefix)) {
          own.put(key.substring(prefix.length()), value);
        }
      });
      TelemetryReporter reporter = new TelemetryReporter();
      reporter.configure(own);
      reporters.put(name, reporter);
      receivers.put(name, reporter.clientReceiver());
    }
    Path folder = Path.of(configs.get("bench.folder").toString());
    Thread thread = new Thread(() -> follow(folder), "bench-switch");
    thread.setDaemon(true);
    thread.start();
  }

  private void follow(Path folder) {
    while (!closed) {
      try {
        on = receivers.get(Files.readString(folder.resolve("on")).trim());
        StringBuilder figures = new StringBuilder();
        reporters.forEach((name, r) -> figures.append(name).append(' ').append(r.getForwarded()).append(' ').append(r.getDropped()).append(' ').append(r.getQueuedBytes()).append('\n'));
        figures.append("cpu ").append(within.get()).append(' ').append(ownThreads()).append(" 0\n");
        Path written = folder.resolve("figures.new");
        Files.writeString(written, figures);
        Files.move(written, folder.resolve("figures"), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      } catch (IOException e) {
        on = null; // the folder is gone
      }
      try {
        Thread.sleep(100);
      } catch (InterruptedException e) {
        return;
      }
    }
  }

  @Override
  public ClientTelemetryReceiver clientReceiver() {
    return (context, payload) -> {
      ClientTelemetryReceiver to = on;
      if (to != null) {
        long from = threads.getCurrentThreadCpuTime();
        to.exportMetrics(context, payload);
        within.addAndGet(threads.getCurrentThreadCpuTime() - from);
      }
    };
  }

  @Override
  public void contextChange(MetricsContext context) {
    reporters.values().forEach(r -> r.contextChange(context));
  }

  @Override
  public void close() {
    closed = true;
    reporters.values().forEach(TelemetryReporter::close);
  }

  @Override
  public void init(List<KafkaMetric> metrics) {}

  @Override
  public void metricChange(KafkaMetric metric) {}

  @Override
  public void metricRemoval(KafkaMetric metric) {}
}
