import java.io.File;
import java.util.regex.Pattern;
import org.apache.flink.api.common.RuntimeExecutionMode;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.api.common.serialization.SimpleStringSchema;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableEnvironment;

/**
 * Copies a topic: Job least|once|pattern|sql|batch BOOTSTRAP FROM TO GROUP PREFIX [FAULTS]. SQL runs without checkpoints and so commits nothing; with pattern, FROM is one, and the
 * topic that a record goes to is chosen for each; batch ends where the topic ends. FAULTS is a folder: a file "fail" there makes the job fail once, at its next record, and
 * "checkpoints" makes its checkpoints fail while it is there; "wait" makes it wait at its next record while it is there.
 */
public final class Job {
  public static void main(String[] a) throws Exception {
    if (a[0].equals("sql")) sql(a[1], a[2], a[3], a[4]);
    else stream(a[1], a[2], a[3], a[4], a[5], a[0], a.length > 6 ? a[6] : "");
  }

  static void stream(String bootstrap, String from, String to, String group, String prefix, String how, String faults) throws Exception {
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
    var env = StreamExecutionEnvironment.getExecutionEnvironment();
    if (how.equals("batch")) {
      reads.setBounded(OffsetsInitializer.latest());
      env.setRuntimeMode(RuntimeExecutionMode.BATCH);
    } else {
      env.enableCheckpointing(3000);
      env.getCheckpointConfig().setTolerableCheckpointFailureNumber(1000);
    }
    var source = reads.build();
    var sink = KafkaSink.<String>builder().setBootstrapServers(bootstrap)
        .setRecordSerializer(writes.setValueSerializationSchema(new SimpleStringSchema()).build())
        .setDeliveryGuarantee(how.equals("once") ? DeliveryGuarantee.EXACTLY_ONCE : DeliveryGuarantee.AT_LEAST_ONCE).setTransactionalIdPrefix(prefix).setProperty("transaction.timeout.ms", "60000").build();
    var stream = env.fromSource(source, WatermarkStrategy.noWatermarks(), "source");
    if (faults.isEmpty()) stream.sinkTo(sink);
    else stream.map(new Fragile(faults)).name("fragile").sinkTo(sink);
    env.execute((how.equals("batch") ? "load " : "copy ") + from);
  }

  /** Hands on what it gets, and fails where it is told to. */
  static final class Fragile extends RichMapFunction<String, String> implements CheckpointedFunction {
    private final String faults;

    Fragile(String faults) {
      this.faults = faults;
    }

    @Override
    public String map(String s) throws InterruptedException {
      while (new File(faults, "wait").exists()) Thread.sleep(100);
      if (new File(faults, "fail").delete()) throw new IllegalStateException("told to fail");
      return s;
    }

    @Override
    public void snapshotState(FunctionSnapshotContext context) {
      if (new File(faults, "checkpoints").exists()) throw new IllegalStateException("told to fail");
    }

    @Override
    public void initializeState(FunctionInitializationContext context) {}
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
