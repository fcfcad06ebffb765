import java.io.FileInputStream;
import java.time.Duration;
import java.util.Properties;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** Reads a topic from its beginning, in no group, until it is asked to end. Arguments: brokers, properties file, topic, key=value... */
public class LoneReader {
    public static void main(String[] args) throws Exception {
        Properties p = new Properties();
        try (FileInputStream in = new FileInputStream(args[1])) {
            p.load(in);
        }
        p.put("bootstrap.servers", args[0]);
        p.put("enable.auto.commit", "false");
        for (int i = 3; i < args.length; i++) {
            p.put(args[i].substring(0, args[i].indexOf('=')), args[i].substring(args[i].indexOf('=') + 1));
        }
        KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(p, new ByteArrayDeserializer(), new ByteArrayDeserializer());
        Thread main = Thread.currentThread();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            consumer.wakeup();
            try {
                main.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }));
        long read = 0;
        try (consumer) {
            consumer.assign(consumer.partitionsFor(args[2]).stream().map(i -> new TopicPartition(i.topic(), i.partition())).toList());
            consumer.seekToBeginning(consumer.assignment());
            while (true) {
                read += consumer.poll(Duration.ofSeconds(1)).count();
            }
        } catch (WakeupException e) {
            System.out.printf("Processed a total of %d messages%n", read);
        }
    }
}
