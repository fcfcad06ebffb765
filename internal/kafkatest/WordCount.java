import java.util.Arrays;
import java.util.Properties;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;

/**
 * A Kafka Streams application with inner topics: groups the words of topic IN again, counts them in a store, and writes each new count to topic OUT. Without a cache
 * every word is one record of OUT, and one record of IN that is one word makes one record of each inner topic.
 *
 * <p>Arguments: BOOTSTRAP APPLICATION-ID classic|streams IN OUT STATE-FOLDER [key=value …]
 */
public class WordCount {
  public static void main(String[] args) {
    var config = new Properties();
    config.put("bootstrap.servers", args[0]);
    config.put("application.id", args[1]);
    config.put("group.protocol", args[2]);
    config.put("state.dir", args[5]);
    config.put("default.key.serde", Serdes.StringSerde.class.getName());
    config.put("default.value.serde", Serdes.StringSerde.class.getName());
    config.put("commit.interval.ms", "1000");
    config.put("statestore.cache.max.bytes", "0");
    config.put("auto.offset.reset", "earliest");
    for (var pair : Arrays.copyOfRange(args, 6, args.length)) {
      config.put(pair.substring(0, pair.indexOf('=')), pair.substring(pair.indexOf('=') + 1));
    }

    var builder = new StreamsBuilder();
    builder.<String, String>stream(args[3])
        .flatMapValues(line -> Arrays.asList(line.split(" ")))
        .groupBy((key, word) -> word)
        .count(Materialized.as("counts"))
        .toStream()
        .mapValues(String::valueOf)
        .to(args[4], Produced.with(Serdes.String(), Serdes.String()));

    var streams = new KafkaStreams(builder.build(), config);
    streams.setStateListener((now, before) -> System.out.println("state " + now));
    Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
    streams.start();
  }
}
