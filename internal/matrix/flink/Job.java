import java.util.regex.Pattern;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.serialization.SimpleStringSchema;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableEnvironment;

/**
 * Copies a topic: Job least|once|pattern|sql BOOTSTRAP FROM TO GROUP PREFIX. SQL runs without checkpoints and so commits nothing; with pattern, FROM is one, and the topic
 * that a record goes to is chosen for each.
 */
public final class Job {
  public static void main(String[] a) throws Exception {
    if (a[0].equals("sql")) sql(a[1], a[2], a[3], a[4]);
    else stream(a[1], a[2], a[3], a[4], a[5], a[0]);
  }

  static void stream(String bootstrap, String from, String to, String group, String prefix, String how) throws Exception {
    var reads = KafkaSource.<String>builder().setBootstrapServers(bootstrap).setGroupId(group)
        .setStartingOffsets(OffsetsInitializer.earliest()).setValueOnlyDeserializer(new SimpleStringSchema());
    var writes = KafkaRecordSerializationSchema.<String>builder();
    if (how.equals("pattern")) {
      reads.setTopicPattern(Pattern.compile(from));
      writes.setTopicSelector(s -> to);
    } else {
      reads.setTopics(from);
      writes.setTopic(to);
    }
    var source = reads.build();
    var sink = KafkaSink.<String>builder().setBootstrapServers(bootstrap)
        .setRecordSerializer(writes.setValueSerializationSchema(new SimpleStringSchema()).build())
        .setDeliveryGuarantee(how.equals("once") ? DeliveryGuarantee.EXACTLY_ONCE : DeliveryGuarantee.AT_LEAST_ONCE).setTransactionalIdPrefix(prefix).setProperty("transaction.timeout.ms", "60000").build();
    var env = StreamExecutionEnvironment.getExecutionEnvironment();
    env.enableCheckpointing(3000);
    env.fromSource(source, WatermarkStrategy.noWatermarks(), "source").sinkTo(sink);
    env.execute("copy " + from);
  }

  static void sql(String bootstrap, String from, String to, String group) throws Exception {
    var env = TableEnvironment.create(EnvironmentSettings.inStreamingMode());
    for (String topic : new String[] {from, to}) {
      env.executeSql("CREATE TABLE `" + topic + "` (v STRING) WITH ('connector' = 'kafka', 'topic' = '" + topic + "', 'properties.bootstrap.servers' = '" + bootstrap
          + "', 'properties.group.id' = '" + group + "', 'scan.startup.mode' = 'earliest-offset', 'format' = 'raw')");
    }
    env.executeSql("INSERT INTO `" + to + "` SELECT v FROM `" + from + "`");
  }
}
