package io.lineaged.telemetry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayInputStream;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.zip.GZIPInputStream;
import javax.management.MBeanServer;
import javax.management.ObjectName;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.metrics.KafkaMetricsContext;
import org.apache.kafka.common.network.ClientInformation;
import org.apache.kafka.common.network.ListenerName;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.requests.RequestContext;
import org.apache.kafka.common.requests.RequestHeader;
import org.apache.kafka.common.security.auth.KafkaPrincipal;
import org.apache.kafka.common.security.auth.SecurityProtocol;
import org.apache.kafka.server.telemetry.ClientTelemetryPayload;
import org.apache.kafka.shaded.io.opentelemetry.proto.metrics.v1.MetricsData;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class TelemetryReporterTest {
  @TempDir Path dir;

  static ClientTelemetryPayload payload(byte[] data) {
    return new ClientTelemetryPayload() {
      @Override
      public Uuid clientInstanceId() {
        return Uuid.ONE_UUID;
      }

      @Override
      public boolean isTerminating() {
        return false;
      }

      @Override
      public String contentType() {
        return "application/x-protobuf";
      }

      @Override
      public ByteBuffer data() {
        return ByteBuffer.wrap(data);
      }
    };
  }

  static RequestContext context() {
    return new RequestContext(new RequestHeader(ApiKeys.PUSH_TELEMETRY, (short) 0, "shop-1", 1), "1", InetAddress.getLoopbackAddress(),
        new KafkaPrincipal("User", "shop"), new ListenerName("SASL"), SecurityProtocol.SASL_PLAINTEXT, new ClientInformation("apache-kafka-java", "4.3.1"), false);
  }

  @Test
  void forwardsWhoItIs() throws Exception {
    BlockingQueue<byte[]> bodies = new ArrayBlockingQueue<>(10);
    HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext("/", exchange -> {
      if ("Bearer token-of-mine".equals(exchange.getRequestHeaders().getFirst("Authorization"))) {
        bodies.add(new GZIPInputStream(new ByteArrayInputStream(exchange.getRequestBody().readAllBytes())).readAllBytes());
      }
      exchange.sendResponseHeaders(200, -1);
      exchange.close();
    });
    server.start();
    Path token = dir.resolve("token");
    Files.writeString(token, "token-of-mine\n");
    try (TelemetryReporter reporter = new TelemetryReporter()) {
      reporter.configure(Map.of(TelemetryReporter.URL, "http://127.0.0.1:" + server.getAddress().getPort() + "/v1/metrics", TelemetryReporter.TOKEN_FILE, token.toString()));
      reporter.contextChange(new KafkaMetricsContext("kafka.server", Map.of("kafka.cluster.id", "W", "kafka.node.id", "1", "other", "x")));
      byte[] data = MetricsData.newBuilder().addResourceMetrics(OtlpTest.resource("billing", "one")).build().toByteArray();
      reporter.clientReceiver().exportMetrics(context(), payload(data));
      MetricsData got = MetricsData.parseFrom(bodies.poll(30, TimeUnit.SECONDS));
      List<String> said = OtlpTest.described(got.getResourceMetrics(0));
      for (String want : List.of("group_id=billing", "kafka.cluster.id=W", "kafka.node.id=1", "client_instance_id=" + Uuid.ONE_UUID, "client_id=shop-1", "principal=User:shop",
          "client_host=127.0.0.1", "client_software_name=apache-kafka-java", "client_software_version=4.3.1")) {
        assertTrue(said.contains(want), want + " is not in " + said);
      }
      while (reporter.getForwarded() == 0) {
        Thread.sleep(5);
      }
    } finally {
      server.stop(0);
    }
  }

  @Test
  void neverThrows() {
    try (TelemetryReporter reporter = new TelemetryReporter()) {
      reporter.clientReceiver().exportMetrics(context(), payload(new byte[0])); // not configured
      reporter.configure(Map.of(TelemetryReporter.URL, "http://127.0.0.1:1/v1/metrics"));
      reporter.clientReceiver().exportMetrics(null, null);
      reporter.clientReceiver().exportMetrics(context(), payload(new byte[] {(byte) 0xff}));
      assertEquals(2, reporter.getDropped());
      reporter.clientReceiver().exportMetrics(context(), payload(new byte[0]));
      assertEquals(2, reporter.getDropped());
    }
  }

  /** What an operator sees over JMX: the drops of a lineaged that is gone, and a queue within its bound. */
  @Test
  void dropsAreExposed() throws Exception {
    try (TelemetryReporter reporter = new TelemetryReporter()) {
      reporter.configure(Map.of(TelemetryReporter.URL, "http://127.0.0.1:1/v1/metrics", TelemetryReporter.QUEUE_BYTES, "1000"));
      for (int i = 0; i < 100; i++) {
        reporter.clientReceiver().exportMetrics(context(), payload(new byte[0]));
      }
      MBeanServer beans = ManagementFactory.getPlatformMBeanServer();
      ObjectName name = new ObjectName("io.lineaged:type=TelemetryReporter");
      long dropped = (Long) beans.getAttribute(name, "Dropped");
      long queued = (Long) beans.getAttribute(name, "QueuedBytes");
      assertTrue(dropped > 50 && dropped < 100, dropped + " dropped");
      assertTrue(queued > 0 && queued <= 1000, queued + " bytes wait");
      assertEquals(0L, beans.getAttribute(name, "Forwarded"));
    }
  }

  @Test
  void wrongSettingsSwitchItOff() {
    for (Map<String, ?> wrong : List.of(Map.of(TelemetryReporter.URL, "lineaged:8420"), Map.of(TelemetryReporter.URL, "::"),
        Map.of(TelemetryReporter.QUEUE_BYTES, "-1"), Map.of(TelemetryReporter.TIMEOUT_MS, "soon"))) {
      try (TelemetryReporter reporter = new TelemetryReporter()) {
        reporter.configure(wrong);
        reporter.clientReceiver().exportMetrics(context(), payload(new byte[0]));
        assertEquals(0, reporter.getDropped() + reporter.getQueuedBytes());
      }
    }
  }
}
