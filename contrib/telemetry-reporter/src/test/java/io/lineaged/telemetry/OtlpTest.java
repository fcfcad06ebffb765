package io.lineaged.telemetry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.shaded.io.opentelemetry.proto.common.v1.AnyValue;
import org.apache.kafka.shaded.io.opentelemetry.proto.common.v1.KeyValue;
import org.apache.kafka.shaded.io.opentelemetry.proto.metrics.v1.Metric;
import org.apache.kafka.shaded.io.opentelemetry.proto.metrics.v1.MetricsData;
import org.apache.kafka.shaded.io.opentelemetry.proto.metrics.v1.ResourceMetrics;
import org.apache.kafka.shaded.io.opentelemetry.proto.metrics.v1.ScopeMetrics;
import org.apache.kafka.shaded.io.opentelemetry.proto.resource.v1.Resource;
import org.junit.jupiter.api.Test;

/** Held against the messages as OpenTelemetry generates them, which are inside kafka-clients. */
class OtlpTest {
  static ResourceMetrics resource(String group, String metric) {
    return ResourceMetrics.newBuilder()
        .setResource(Resource.newBuilder().addAttributes(KeyValue.newBuilder().setKey("group_id").setValue(AnyValue.newBuilder().setStringValue(group))))
        .addScopeMetrics(ScopeMetrics.newBuilder().addMetrics(Metric.newBuilder().setName(metric)))
        .setSchemaUrl("schema")
        .build();
  }

  static Map<String, String> attributes() {
    Map<String, String> all = new LinkedHashMap<>();
    all.put("client_id", "shop-ä");
    all.put("principal", "");
    all.put("client_host", null);
    all.put("group_id", "x".repeat(300));
    return all;
  }

  static List<String> described(ResourceMetrics r) {
    return r.getResource().getAttributesList().stream().map(a -> a.getKey() + "=" + a.getValue().getStringValue()).toList();
  }

  @Test
  void theBrokersWordComesLast() throws Exception {
    MetricsData data = MetricsData.newBuilder().addResourceMetrics(resource("a", "one")).addResourceMetrics(resource("b", "two")).build();
    MetricsData got = MetricsData.parseFrom(Otlp.withAttributes(ByteBuffer.wrap(data.toByteArray()), attributes()));
    assertEquals(2, got.getResourceMetricsCount());
    assertEquals(List.of("group_id=a", "client_id=shop-ä", "group_id=" + "x".repeat(300)), described(got.getResourceMetrics(0)));
    assertEquals(List.of("group_id=b", "client_id=shop-ä", "group_id=" + "x".repeat(300)), described(got.getResourceMetrics(1)));
    assertEquals("two", got.getResourceMetrics(1).getScopeMetrics(0).getMetrics(0).getName());
    assertEquals("schema", got.getResourceMetrics(1).getSchemaUrl());
  }

  @Test
  void anEmptyPushNamesItsClient() throws Exception {
    MetricsData got = MetricsData.parseFrom(Otlp.withAttributes(ByteBuffer.allocate(0), Map.of("client_id", "shop")));
    assertEquals(List.of("client_id=shop"), described(got.getResourceMetrics(0)));
  }

  @Test
  void whatIsNotKnownIsPassedOn() throws Exception {
    byte[] more = {(byte) (9 << 3), 5, (byte) (10 << 3 | 1), 1, 2, 3, 4, 5, 6, 7, 8, (byte) (11 << 3 | 5), 1, 2, 3, 4, (byte) (12 << 3 | 2), 1, 7};
    MetricsData got = MetricsData.parseFrom(Otlp.withAttributes(ByteBuffer.wrap(more), Map.of("client_id", "shop")));
    assertEquals(4, got.getUnknownFields().asMap().size());
    assertEquals(1, got.getResourceMetricsCount());
  }

  @Test
  void garbageIsRefused() {
    byte[] whole = MetricsData.newBuilder().addResourceMetrics(resource("a", "one")).build().toByteArray();
    for (int n = 1; n < whole.length; n++) {
      byte[] cut = Arrays.copyOf(whole, n);
      assertThrows(IllegalArgumentException.class, () -> Otlp.withAttributes(ByteBuffer.wrap(cut), Map.of()), "cut after " + n);
    }
    byte[] endless = new byte[20];
    Arrays.fill(endless, (byte) 0xff);
    assertThrows(IllegalArgumentException.class, () -> Otlp.withAttributes(ByteBuffer.wrap(endless), Map.of()));
  }
}
