package acceptance

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/internal/kafkatest"
)

// TestClientTelemetry is about the whole way: a Java producer without idempotence pushes what it sends to a secured
// broker, the reporter forwards it, and lineaged says who it is and how much it wrote. A reader with a group is counted
// once, by its commits.
func TestClientTelemetry(t *testing.T) {
	c, gate, dir := tellingCluster(t), telling.gate, t.TempDir()
	write := func(name, text string) string {
		t.Helper()
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	write("token", tellingToken)
	write("password", kafkatest.Password(kafkatest.Admin))
	s := serve(t, "--config", write("lineaged.yaml", fmt.Sprintf(`
interval: 1s
otlp: {token_file: token}
clusters:
  - name: west
    brokers: [%s]
    sasl: {mechanism: SCRAM-SHA-512, username: %s, password_file: password}
    telemetry: {subscribe: true, interval: 1s}
`, c.Bootstrap(), kafkatest.Admin)))
	c.CreateTopic(t, "quotes", 2)
	s.knows(t, "topic:west/quotes")
	eventually(t, 30*time.Second, "clients are subscribed", func() error {
		out, err := c.Tool(t.Context(), "configs", "--describe", "--entity-type", "client-metrics")
		if err != nil {
			return err
		}
		if !strings.Contains(out, "interval.ms=1000") || !strings.Contains(out, "record.send.total") {
			return fmt.Errorf("the cluster has %q", out)
		}
		return nil
	})

	const records = 8000
	consumer := c.ConsoleConsumer(t, "settling", "consumer", "quotes", "client.id=settling-1", "auto.commit.interval.ms=1000")
	producer := c.StartProducerPerf(t, kafkatest.Perf{
		Topic: "quotes", Records: records, PerSecond: 400, Props: []string{"client.id=price-feed", "enable.idempotence=false", "acks=1"},
	})
	eventually(t, time.Minute, "the brokers forward what clients push", func() error {
		if gate.TurnedAway() == 0 {
			return errors.New("nothing has come")
		}
		return nil
	})
	gate.Open(s.url) // until now lineaged could not be reached
	if n := producer.Wait(t); n != records {
		t.Fatalf("%d records were sent", n)
	}
	c.WaitGroup(t, "settling", "quotes", records)

	eventually(t, 30*time.Second, "the writer has its name", func() error {
		a, err := s.tryLineage(t, "topic:west/quotes", last("10m"))
		if err != nil {
			return err
		}
		i := slices.IndexFunc(a.Flows, func(f flow) bool { return f.ID == "application:west/price-feed->topic:west/quotes" })
		if i < 0 {
			return fmt.Errorf("flows: %v", a.ids())
		}
		f := a.Flows[i]
		if f.Records == nil || *f.Records < records*80/100 {
			return fmt.Errorf("%v records", valueOf(f.Records))
		}
		if read := a.flow(t, "topic:west/quotes", "application:west/settling"); read.recorded(t) < records {
			return fmt.Errorf("the reader: %d records", read.recorded(t))
		}
		return nil
	})
	a := s.lineage(t, "topic:west/quotes", last("10m"))
	f := a.flow(t, "application:west/price-feed", "topic:west/quotes")
	if !slices.Contains(f.evidence(), "TELEMETRY") || *f.Records > records {
		t.Errorf("evidence %v, %d records of %d", f.evidence(), *f.Records, records)
	}
	for _, x := range f.Clients {
		if valueOf(x.ClientID) != "price-feed" || valueOf(x.Host) != "127.0.0.1" {
			t.Errorf("the client: %v at %v", valueOf(x.ClientID), valueOf(x.Host))
		}
	}
	read := a.flow(t, "topic:west/quotes", "application:west/settling")
	if read.recorded(t) != records || !slices.Contains(read.evidence(), "GROUP_OFFSETS") || !slices.Contains(read.evidence(), "TELEMETRY") {
		t.Errorf("the reader: %d records by %v", read.recorded(t), read.evidence())
	}
	var d struct {
		TopicUsage struct {
			Writers []struct {
				flow
				Clients []struct{ Principal, Software *string }
			}
		}
	}
	s.mustAsk(t, `{ topicUsage(topic: "topic:west/quotes", window: {last: "10m"}) { writers { id records estimated evidence { kind detail } clients { principal software } } } }`, nil, &d)
	who := ""
	for _, w := range d.TopicUsage.Writers {
		t.Logf("%s: %v of %d records, estimated %v: %s", w.ID, valueOf(w.Records), records, w.Estimated, w.details())
		for _, x := range w.Clients {
			who += fmt.Sprintf("%v %v;", valueOf(x.Principal), valueOf(x.Software))
		}
	}
	if !strings.Contains(who, "User:"+kafkatest.Admin+" apache-kafka-java/"+c.Version()) {
		t.Errorf("principal and software: %s", who)
	}
	consumer.Stop(t)
	if log, err := os.ReadFile(s.log); err != nil || strings.Contains(string(log), tellingToken) {
		t.Errorf("the log shows the token (%v)", err)
	}
}
