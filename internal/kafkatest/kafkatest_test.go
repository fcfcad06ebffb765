package kafkatest

import (
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// One node from start to end: Kafka's own producer and consumers, what they report, and the data after a restart.
func TestCluster(t *testing.T) {
	c := Start(t, Options{})
	c.CreateTopic(t, "orders", 2)
	begin := time.Now()
	if got := c.ProducerPerf(t, Perf{Topic: "orders", Records: 500, Props: []string{"client.id=writer"}}); got != 500 {
		t.Errorf("producer-perf reports %d records, want 500", got)
	}
	t.Logf("producer-perf took %s", time.Since(begin))
	c.ShareFromBeginning(t, "shared")
	classic := c.ConsoleConsumer(t, "classic", "classic", "orders")
	modern := c.ConsoleConsumer(t, "modern", "consumer", "orders", "auto.commit.interval.ms=200")
	share := c.ShareConsumer(t, "shared", "orders")
	c.WaitGroup(t, "modern", "orders", 500)
	c.WaitGroup(t, "classic", "orders", 500)
	for _, k := range []*Consumer{classic, modern} {
		if got := k.Stop(t); got != 500 {
			t.Errorf("a console consumer reports %d messages, want 500", got)
		}
	}
	c.WaitShareGroup(t, "shared", "orders")
	if got := share.Stop(t); got != 500 {
		t.Errorf("the share consumer reports %d messages, want 500", got)
	}
	var committed, lag int64
	for _, o := range c.ConsumerGroupOffsets(t, "classic") {
		committed += o.Committed
		lag += o.Lag
	}
	if committed != 500 || lag != 0 {
		t.Errorf("consumer-groups reports %d committed and lag %d, want 500 and 0", committed, lag)
	}

	c.StopNode(t, 1, Terminate)
	c.StartNode(t, 1)
	if got := c.EndOffset(t, "orders"); got != 500 {
		t.Errorf("after a restart the topic ends at %d, want 500", got)
	}
}

// The other versions, and every kind of listener, at least start and let a client in.
func TestVersionsAndListeners(t *testing.T) {
	f := func(name string, o Options) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			c := Start(t, o)
			c.CreateTopic(t, "t", 1)
			if err := c.Client(t).ProduceSync(t.Context(), &kgo.Record{Topic: "t", Value: []byte("x")}).FirstErr(); err != nil {
				t.Errorf("produce: %v", err)
			}
			if got := c.EndOffset(t, "t"); got != 1 {
				t.Errorf("end offset %d, want 1", got)
			}
		})
	}
	f("3.9", Options{Version: V39})
	f("4.4", Options{Version: V44})
	f("mtls and sasl", Options{MTLS: true, Secure: true, Users: []string{"alice"}})
	f("three nodes", Options{Nodes: 3})
}

func TestParseOffsets(t *testing.T) {
	got := parseOffsets(`
GROUP           TOPIC           PARTITION  CURRENT-OFFSET  LOG-END-OFFSET  LAG             CONSUMER-ID                                           HOST            CLIENT-ID
billing         orders          1          120             130             10              c-1-bd4f /127.0.0.1      c-1
billing         orders          0          -               7               -               -                -               -
`)
	want := []GroupOffset{
		{Topic: "orders", Partition: 0, Committed: -1, End: 7, Lag: -1, ConsumerID: "-", Host: "-", ClientID: "-"},
		{Topic: "orders", Partition: 1, Committed: 120, End: 130, Lag: 10, ConsumerID: "c-1-bd4f", Host: "/127.0.0.1", ClientID: "c-1"},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	share := parseOffsets(`
GROUP    TOPIC   PARTITION  START-OFFSET  LAG
share-g  orders  1          6235          54
share-g  orders  2          -             -
`)
	if len(share) != 2 || share[0].Committed != 6235 || share[0].Lag != 54 || share[0].End != -1 || share[1].Committed != -1 {
		t.Errorf("share groups: got %+v", share)
	}
}
