package io.lineaged.telemetry;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/**
 * Adds what the broker knows of a client to the metrics that the client pushed. Both are OTLP's MetricsData in protobuf,
 * of which only the outermost fields are read: a Resource that is appended to a ResourceMetrics is merged with the one
 * that is in it, its attributes after the client's own. So the broker's word comes last, and stands.
 *
 * <p>It refuses to understand metrics: they are passed on as they are.
 */
final class Otlp {
  private static final int LENGTH_DELIMITED = 2;

  private Otlp() {}

  /** Returns the client's metrics with attributes of their resources; one resource without metrics where there is none. */
  static byte[] withAttributes(ByteBuffer metricsData, Map<String, String> attributes) {
    byte[] resource = message(1, resource(attributes));
    ByteBuffer in = metricsData.slice();
    ByteArrayOutputStream out = new ByteArrayOutputStream(in.remaining() + 2 * resource.length + 16);
    boolean any = false;
    while (in.hasRemaining()) {
      int start = in.position();
      long tag = varint(in);
      int field = (int) (tag >>> 3);
      int wire = (int) (tag & 7);
      if (field == 1 && wire == LENGTH_DELIMITED) {
        int length = length(in);
        byte[] resourceMetrics = new byte[length];
        in.get(resourceMetrics);
        tag(out, 1);
        varint(out, (long) length + resource.length);
        out.writeBytes(resourceMetrics);
        out.writeBytes(resource);
        any = true;
        continue;
      }
      skip(in, wire);
      byte[] same = new byte[in.position() - start];
      in.position(start);
      in.get(same);
      out.writeBytes(same);
    }
    if (!any) {
      out.writeBytes(message(1, resource));
    }
    return out.toByteArray();
  }

  private static byte[] resource(Map<String, String> attributes) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    attributes.forEach((key, value) -> {
      if (value == null || value.isEmpty()) {
        return;
      }
      byte[] anyValue = message(1, value.getBytes(StandardCharsets.UTF_8));
      ByteArrayOutputStream keyValue = new ByteArrayOutputStream();
      keyValue.writeBytes(message(1, key.getBytes(StandardCharsets.UTF_8)));
      keyValue.writeBytes(message(2, anyValue));
      out.writeBytes(message(1, keyValue.toByteArray()));
    });
    return out.toByteArray();
  }

  /** Returns a field of bytes: a text, or a message within a message. */
  private static byte[] message(int field, byte[] content) {
    ByteArrayOutputStream out = new ByteArrayOutputStream(content.length + 6);
    tag(out, field);
    varint(out, content.length);
    out.writeBytes(content);
    return out.toByteArray();
  }

  private static void tag(ByteArrayOutputStream out, int field) {
    varint(out, ((long) field << 3) | LENGTH_DELIMITED);
  }

  private static void varint(ByteArrayOutputStream out, long value) {
    while ((value & ~0x7fL) != 0) {
      out.write((int) ((value & 0x7f) | 0x80));
      value >>>= 7;
    }
    out.write((int) value);
  }

  private static long varint(ByteBuffer in) {
    long value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (!in.hasRemaining()) {
        break;
      }
      byte b = in.get();
      value |= (long) (b & 0x7f) << shift;
      if (b >= 0) {
        return value;
      }
    }
    throw new IllegalArgumentException("not protobuf");
  }

  private static int length(ByteBuffer in) {
    long length = varint(in);
    if (length < 0 || length > in.remaining()) {
      throw new IllegalArgumentException("not protobuf");
    }
    return (int) length;
  }

  private static void skip(ByteBuffer in, int wire) {
    int length = switch (wire) {
      case 0 -> {
        varint(in);
        yield 0;
      }
      case 1 -> 8;
      case LENGTH_DELIMITED -> length(in);
      case 5 -> 4;
      default -> throw new IllegalArgumentException("not protobuf");
    };
    if (length > in.remaining()) {
      throw new IllegalArgumentException("not protobuf");
    }
    in.position(in.position() + length);
  }
}
