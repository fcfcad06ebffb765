package io.lineaged.telemetry;

import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import javax.management.ObjectName;
import org.apache.kafka.common.metrics.KafkaMetric;
import org.apache.kafka.common.metrics.MetricsContext;
import org.apache.kafka.common.metrics.MetricsReporter;
import org.apache.kafka.common.requests.RequestContext;
import org.apache.kafka.server.authorizer.AuthorizableRequestContext;
import org.apache.kafka.server.telemetry.ClientTelemetry;
import org.apache.kafka.server.telemetry.ClientTelemetryPayload;
import org.apache.kafka.server.telemetry.ClientTelemetryReceiver;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A broker's plugin that forwards what clients push of themselves (KIP-714) to lineaged, with who they are: client id,
 * principal, address, client instance and software. See README.md for its settings.
 *
 * <p>It never slows or stops a broker: a push is copied, queued in bounded memory and sent by another thread; what goes
 * wrong is counted and logged once a minute. Wrong settings switch it off with a line in the log.
 */
public final class TelemetryReporter implements MetricsReporter, ClientTelemetry, TelemetryReporterMBean {
  private static final Logger log = LoggerFactory.getLogger(TelemetryReporter.class);
  private static final String NAME = "io.lineaged:type=TelemetryReporter";

  static final String URL = "lineaged.telemetry.url";
  static final String TOKEN_FILE = "lineaged.telemetry.token.file";
  static final String QUEUE_BYTES = "lineaged.telemetry.queue.bytes";
  static final String TIMEOUT_MS = "lineaged.telemetry.timeout.ms";
  static final String HEARTBEAT_MS = "lineaged.telemetry.heartbeat.ms";
  private static final String TOKEN_VARIABLE = "LINEAGED_TELEMETRY_TOKEN";

  private volatile Forwarder forwarder; // null: off
  private volatile Map<String, String> broker = Map.of();
  private volatile boolean registered;

  @Override
  public void configure(Map<String, ?> configs) {
    try {
      String url = text(configs, URL, "http://127.0.0.1:8420/v1/metrics");
      URI to = URI.create(url);
      if (to.getHost() == null || !("http".equals(to.getScheme()) || "https".equals(to.getScheme()))) {
        throw new IllegalArgumentException(URL + " is not an address such as https://lineaged:8420/v1/metrics");
      }
      String file = text(configs, TOKEN_FILE, "");
      Supplier<String> token = file.isEmpty() ? () -> text(System.getenv(), TOKEN_VARIABLE, "") : () -> read(Path.of(file));
      if ("http".equals(to.getScheme()) && !InetAddress.getByName(to.getHost()).isLoopbackAddress()) {
        log.warn("the token goes to {} in plain text: use https", to.getHost());
      }
      forwarder = new Forwarder(to, token, Duration.ofMillis(number(configs, TIMEOUT_MS, 60_000)),
          Duration.ofMillis(number(configs, HEARTBEAT_MS, 30_000)), number(configs, QUEUE_BYTES, 8 << 20),
          () -> Otlp.withAttributes(java.nio.ByteBuffer.allocate(0), broker));
      register();
    } catch (Throwable e) {
      log.error("client metrics are not forwarded to lineaged: {}", e.toString());
    }
  }

  private void register() {
    try {
      ManagementFactory.getPlatformMBeanServer().registerMBean(this, new ObjectName(NAME));
      registered = true;
    } catch (Exception e) { // as where a controller in the same process has registered its own
      log.info("no figures of the telemetry reporter over JMX: {}", e.toString());
    }
  }

  @Override
  public void contextChange(MetricsContext context) {
    Map<String, String> labels = new LinkedHashMap<>();
    for (String key : List.of("kafka.cluster.id", "kafka.node.id", "kafka.broker.id")) {
      String value = context.contextLabels().get(key);
      if (value != null) {
        labels.put(key, value);
      }
    }
    broker = Map.copyOf(labels);
  }

  @Override
  public ClientTelemetryReceiver clientReceiver() {
    return this::receive;
  }

  /** Takes a push. Neither waits nor throws, whatever the push is. */
  void receive(AuthorizableRequestContext context, ClientTelemetryPayload payload) {
    Forwarder to = forwarder;
    if (to == null) {
      return;
    }
    try {
      Map<String, String> attributes = new LinkedHashMap<>(broker);
      attributes.put("client_instance_id", payload.clientInstanceId().toString());
      attributes.put("client_id", context.clientId());
      attributes.put("principal", context.principal().toString());
      attributes.put("client_host", context.clientAddress().getHostAddress());
      software(context, attributes);
      to.offer(Otlp.withAttributes(payload.data(), attributes));
    } catch (Throwable e) {
      to.drop(1, e.toString());
    }
  }

  /** Adds the client's software where this version of Kafka tells it here. */
  private static void software(AuthorizableRequestContext context, Map<String, String> attributes) {
    try {
      if (context instanceof RequestContext request && request.clientInformation != null) {
        attributes.put("client_software_name", request.clientInformation.softwareName());
        attributes.put("client_software_version", request.clientInformation.softwareVersion());
      }
    } catch (LinkageError e) {
      // then it is not told
    }
  }

  private static String read(Path file) {
    try {
      return Files.readString(file).trim();
    } catch (Exception e) {
      log.debug("the token can't be read: {}", e.toString());
      return "";
    }
  }

  private static String text(Map<String, ?> configs, String key, String otherwise) {
    Object value = configs.get(key);
    return value == null || value.toString().isBlank() ? otherwise : value.toString().trim();
  }

  private static long number(Map<String, ?> configs, String key, long otherwise) {
    String value = text(configs, key, Long.toString(otherwise));
    long n = Long.parseLong(value);
    if (n <= 0) {
      throw new IllegalArgumentException(key + " is " + value + ", and not above 0");
    }
    return n;
  }

  @Override
  public void close() {
    Forwarder to = forwarder;
    forwarder = null;
    if (to != null) {
      to.close();
    }
    if (registered) {
      try {
        ManagementFactory.getPlatformMBeanServer().unregisterMBean(new ObjectName(NAME));
      } catch (Exception e) {
        log.debug("{}", e.toString());
      }
    }
  }

  @Override
  public void init(List<KafkaMetric> metrics) {}

  @Override
  public void metricChange(KafkaMetric metric) {}

  @Override
  public void metricRemoval(KafkaMetric metric) {}

  @Override
  public long getForwarded() {
    Forwarder to = forwarder;
    return to == null ? 0 : to.forwarded();
  }

  @Override
  public long getDropped() {
    Forwarder to = forwarder;
    return to == null ? 0 : to.dropped();
  }

  @Override
  public long getFailed() {
    Forwarder to = forwarder;
    return to == null ? 0 : to.failed();
  }

  @Override
  public long getQueuedBytes() {
    Forwarder to = forwarder;
    return to == null ? 0 : to.queuedBytes();
  }
}
