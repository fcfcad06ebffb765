import java.io.*;
import java.time.Duration;
import java.util.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.TopicPartition;

/**
 * One cell of the matrix with Kafka's own Java client. Arguments: role mode brokers topic out group id partitions step..., a step being do:number. Of a secured cluster, its user, password and client.id are MATRIX_USER, MATRIX_PASSWORD and MATRIX_CLIENT. Prints what it truly did as one line of JSON, before a step that does
 * not return too.
 */
public final class Driver {
  static final String BYTES = "org.apache.kafka.common.serialization.ByteArray";
  static String role, mode, brokers, topic, out, group, id;
  static int partitions, produced, read, wrote;
  static Consumer<byte[], byte[]> c;
  static ShareConsumer<byte[], byte[]> share;
  static Producer<byte[], byte[]> p;
  static final Map<TopicPartition, Long> next = new HashMap<>();
  static final Deque<ConsumerRecord<byte[], byte[]>> waiting = new ArrayDeque<>();

  static Map<String, Object> with(Object... kv) {
    var m = new HashMap<String, Object>();
    m.put("bootstrap.servers", brokers);
    var client = System.getenv("MATRIX_CLIENT");
    var user = System.getenv("MATRIX_USER");
    if (client != null) m.put("client.id", client);
    if (user != null) {
      m.put("security.protocol", "SASL_PLAINTEXT");
      m.put("sasl.mechanism", "PLAIN");
      m.put("sasl.jaas.config", "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"" + user + "\" password=\"" + System.getenv("MATRIX_PASSWORD") + "\";");
    }
    for (int i = 0; i < kv.length; i += 2) m.put((String) kv[i], kv[i + 1]);
    return m;
  }

  static Producer<byte[], byte[]> producer(Object... kv) {
    var m = with(kv);
    m.put("key.serializer", BYTES + "Serializer");
    m.put("value.serializer", BYTES + "Serializer");
    var made = new KafkaProducer<byte[], byte[]>(m);
    if (m.containsKey("transactional.id")) made.initTransactions();
    return made;
  }

  static void open() {
    if (role.equals("write")) {
      p = switch (mode) {
        case "idempotent" -> producer("enable.idempotence", true);
        case "transactional" -> producer("transactional.id", id);
        case "plain" -> producer("enable.idempotence", false);
        default -> producer();
      };
      return;
    }
    var m = with("group.id", group, "key.deserializer", BYTES + "Deserializer", "value.deserializer", BYTES + "Deserializer");
    if (mode.equals("lone")) m.remove("group.id");
    if (mode.equals("share")) {
      share = new KafkaShareConsumer<>(m);
      share.subscribe(List.of(topic));
      return;
    }
    m.put("auto.offset.reset", "earliest");
    m.put("enable.auto.commit", mode.equals("async"));
    m.put("auto.commit.interval.ms", 1000);
    m.put("max.poll.records", 50);
    if (mode.equals("kip848")) m.put("group.protocol", "consumer");
    if (mode.equals("static")) m.put("group.instance.id", "seat-1");
    if (mode.equals("copy")) {
      m.put("isolation.level", "read_committed");
      p = producer("transactional.id", id);
    }
    c = new KafkaConsumer<>(m);
    if (mode.equals("assign") || mode.equals("lone")) {
      c.assign(all());
      c.seekToBeginning(all());
    } else {
      c.subscribe(List.of(topic));
    }
  }

  static List<TopicPartition> all() {
    var l = new ArrayList<TopicPartition>();
    for (int i = 0; i < partitions; i++) l.add(new TopicPartition(topic, i));
    return l;
  }

  /** Hands out n records: what a poll brings beyond them waits for the next step, and is not read. */
  static int read(int n) {
    int got = 0;
    long end = System.currentTimeMillis() + 60_000;
    while (got < n && System.currentTimeMillis() < end) {
      if (waiting.isEmpty()) {
        var records = share != null ? share.poll(Duration.ofSeconds(1)) : c.poll(Duration.ofSeconds(1));
        records.forEach(waiting::add);
        if (share != null) { // acknowledged with the next poll: all of it is read
          got += waiting.size();
          waiting.clear();
        }
        continue;
      }
      var r = waiting.poll();
      next.put(new TopicPartition(topic, r.partition()), r.offset() + 1);
      got++;
    }
    if (got < n) throw new IllegalStateException(got + " of " + n + " records came in time");
    return got;
  }

  static Map<TopicPartition, OffsetAndMetadata> offsets(int less) {
    var m = new HashMap<TopicPartition, OffsetAndMetadata>();
    next.forEach((tp, o) -> m.put(tp, new OffsetAndMetadata(Math.max(o - less, 0))));
    return m;
  }

  static void produce(String to, int n) {
    for (int i = 0; i < n; i++) p.send(new ProducerRecord<>(to, produced++ % partitions, null, new byte[] {'x'}));
    p.flush();
  }

  static void tell() {
    System.out.println("{\"read\":" + read + ",\"wrote\":" + wrote + "}");
    System.out.flush();
  }

  static void step(String what, int n) throws Exception {
    switch (what) {
      case "read" -> read += read(n);
      case "commit", "commit-last" -> {
        if (share != null) share.commitSync();
        else c.commitSync(offsets(what.equals("commit") ? 0 : 1));
      }
      case "seek" -> {
        waiting.clear();
        for (var tp : all()) {
          c.seek(tp, n);
          next.put(tp, (long) n);
        }
      }
      case "sleep" -> sleep(n);
      case "write" -> {
        if (mode.equals("transactional")) p.beginTransaction();
        produce(topic, n);
        if (mode.equals("transactional")) p.commitTransaction();
        wrote += n;
      }
      case "copy" -> {
        int got = read(n);
        p.beginTransaction();
        produce(out, got);
        p.sendOffsetsToTransaction(offsets(0), c.groupMetadata());
        p.commitTransaction();
        read += got;
        wrote += got;
      }
      case "die" -> {
        tell();
        Runtime.getRuntime().halt(0);
      }
      case "close" -> {
        if (share != null) share.close();
        if (c != null) c.close();
        if (p != null) p.close();
      }
      default -> throw new IllegalArgumentException(what);
    }
  }

  /** Polls meanwhile, paused, as a program does that takes long: auto-commit happens in poll. */
  static void sleep(int seconds) throws Exception {
    long end = System.currentTimeMillis() + 1000L * seconds;
    while (System.currentTimeMillis() < end) {
      if (c != null && waiting.isEmpty() && !c.assignment().isEmpty()) {
        c.pause(c.assignment());
        c.poll(Duration.ofMillis(100)).forEach(waiting::add);
        c.resume(c.assignment());
      } else {
        Thread.sleep(100);
      }
    }
  }

  public static void main(String[] a) throws Exception {
    role = a[0];
    mode = a[1];
    brokers = a[2];
    topic = a[3];
    out = a[4];
    group = a[5];
    id = a[6];
    partitions = Integer.parseInt(a[7]);
    open();
    for (var step : Arrays.asList(a).subList(8, a.length)) {
      var at = step.indexOf(':');
      step(step.substring(0, at), Integer.parseInt(step.substring(at + 1)));
    }
    tell();
    Runtime.getRuntime().halt(0);
  }
}
