import java.io.FileInputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Several producers that write to a topic as fast as they can, each from a thread of its own, until they are killed. Arguments: brokers, properties file, topic, how many, bytes of a record, key=value... */
public class Load {
    public static void main(String[] args) throws Exception {
        Properties p = new Properties();
        try (FileInputStream in = new FileInputStream(args[1])) {
            p.load(in);
        }
        p.put("bootstrap.servers", args[0]);
        for (int i = 5; i < args.length; i++) {
            p.put(args[i].substring(0, args[i].indexOf('=')), args[i].substring(args[i].indexOf('=') + 1));
        }
        List<Thread> all = new ArrayList<>();
        for (int i = 0; i < Integer.parseInt(args[3]); i++) {
            KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(p, new ByteArraySerializer(), new ByteArraySerializer());
            byte[] value = new byte[Integer.parseInt(args[4])];
            Thread t = new Thread(() -> {
                while (true) {
                    producer.send(new ProducerRecord<>(args[2], value), (at, e) -> {
                        if (e != null) {
                            System.err.println("not sent: " + e);
                        }
                    });
                }
            });
            all.add(t);
        }
        all.forEach(Thread::start);
        for (Thread t : all) {
            t.join();
        }
    }
}
