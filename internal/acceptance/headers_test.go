package acceptance

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lineaged/lineaged/internal/kafkatest"
)

// What nobody else can tell apart: a transactional producer of transaction version 2 and a writer without idempotence
// on the same partitions. With the headers of batches both are counted to the record and nothing is a bound; without
// them the one is "at most". Traces that go on to another topic say how long they took. Nothing of a record is kept. It
// runs beside no other, whose first group would be a gap.
func TestBatchHeaders(t *testing.T) {
	canary, dir := "canary"+rand.Text(), t.TempDir()
	c := kafkatest.Shared(t, kafkatest.Options{})
	c.CreateTopic(t, "mixed-headers", 2)
	c.CreateTopic(t, "named-headers", 2)
	c.CreateTopic(t, "later-headers", 2)
	file := filepath.Join(dir, "lineaged.yaml")
	config := fmt.Sprintf(`
interval: 1s
clusters:
  - name: west
    brokers: [%s]
    headers:
      topics: ['^(mixed|named|later)-headers$']
      budget: 4MiB
      records: {topics: ['^(named|later)-headers$'], header: x-app, sample: 1/1, traces: [{from: named-headers, to: later-headers}]}
`, c.Bootstrap())
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	with := serve(t, "--config", file, "--log-level", "debug")
	without := watch(t, c, "west", time.Second)
	const topic = "topic:west/mixed-headers"
	for _, s := range [...]*server{with, without} {
		s.knows(t, topic)
	}
	txn := c.Client(t, kgo.TransactionalID("payments-1"), kgo.RecordPartitioner(kgo.RoundRobinPartitioner()), kgo.ProducerLinger(0))
	plain := c.Client(t, kgo.DisableIdempotentWrite(), kgo.RequiredAcks(kgo.LeaderAck()), kgo.RecordPartitioner(kgo.RoundRobinPartitioner()), kgo.ProducerBatchCompression(kgo.NoCompression()))
	idempotent := c.Client(t)
	writeTo := func(cl *kgo.Client, topic, app string, n int) {
		t.Helper()
		var records []*kgo.Record
		for range n {
			r := &kgo.Record{Topic: topic, Key: []byte(canary), Value: []byte(canary), Headers: []kgo.RecordHeader{{Key: canary, Value: []byte(canary)}}}
			if app != "" {
				r.Headers = append(r.Headers, kgo.RecordHeader{Key: "x-app", Value: []byte(app)})
			}
			records = append(records, r)
		}
		if err := cl.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	write := func(cl *kgo.Client, n int) {
		t.Helper()
		writeTo(cl, "mixed-headers", "", n)
	}
	const took = 250 * time.Millisecond
	var trace [8]byte
	rand.Read(trace[:])
	var transactional, other, traces int64
	round := func(i int) {
		t.Helper()
		if err := txn.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		n := 3 + i%5
		write(txn, n)
		write(plain, 2+i%3)
		writeTo(plain, "named-headers", "price-feed", 3)
		writeTo(plain, "named-headers", "", 1)
		writeTo(idempotent, "named-headers", "ledger", 1)
		began := time.Now().Truncate(time.Millisecond)
		traced := []kgo.RecordHeader{{Key: "x-app", Value: []byte("ledger")}, {Key: "traceparent", Value: fmt.Appendf(nil, "00-%x%016x-00f067aa0ba902b7-01", trace, traces)}}
		traces++
		if err := idempotent.ProduceSync(t.Context(),
			&kgo.Record{Topic: "named-headers", Headers: traced, Timestamp: began}, &kgo.Record{Topic: "later-headers", Headers: traced, Timestamp: began.Add(took)},
		).FirstErr(); err != nil {
			t.Fatal(err)
		}
		transactional, other = transactional+int64(n), other+int64(2+i%3)
		if err := txn.EndTransaction(t.Context(), kgo.TransactionEndTry(i%4 != 0)); err != nil {
			t.Fatal(err)
		}
	}
	round(0) // both are there, and the producer's name is known
	time.Sleep(5 * time.Second)
	transactional, other = 0, 0
	begin := time.Now()
	sleepUntil(t, begin.Truncate(time.Second).Add(1500*time.Millisecond))
	for i := range 40 {
		round(i)
		time.Sleep(100 * time.Millisecond)
	}
	end := time.Now().Add(2 * time.Second)
	time.Sleep(4 * time.Second)

	window := between(begin, end)
	a := with.lineage(t, topic, window)
	named, nobody := a.flow(t, "application:west/payments", topic), a.flow(t, "unidentified:west/mixed-headers", topic)
	t.Logf("wrote %d in transactions and %d without idempotence; lineaged says %d (%s) and %d (%s)", transactional, other,
		named.recorded(t), named.details(), nobody.recorded(t), nobody.details())
	for _, x := range []struct {
		flow flow
		want int64
	}{{named, transactional}, {nobody, other}} {
		if got := x.flow.recorded(t); got != x.want || x.flow.Estimated || strings.Contains(x.flow.details(), "at ") {
			t.Errorf("%s: %d records, estimated %v (%s); want exactly %d", x.flow.ID, got, x.flow.Estimated, x.flow.details(), x.want)
		}
	}
	if !strings.Contains(fmt.Sprint(named.evidence()), "BATCH_HEADER") {
		t.Errorf("evidence: %q", named.evidence())
	}
	of := with.lineage(t, "topic:west/named-headers", window)
	for id, want := range map[string]int64{"application:west/price-feed": 120, "application:west/ledger": 80, "unidentified:west/named-headers": 40} {
		f := of.flow(t, id, "topic:west/named-headers")
		t.Logf("%s: %d, estimated %v, by %q (%s)", id, f.recorded(t), f.Estimated, f.evidence(), f.details())
		if f.recorded(t) != want || f.Estimated {
			t.Errorf("want exactly %d", want)
		}
	}
	with.wantTraces(t, "topic:west/later-headers", took.Seconds())
	if gaps := with.coverage(t, window); gaps.GapCount > 0 {
		t.Errorf("gaps: %+v", gaps.Gaps)
	}
	if bound := without.lineage(t, topic, window).flow(t, "application:west/payments", topic); !bound.Estimated || bound.recorded(t) < transactional {
		t.Errorf("without headers: %d, estimated %v", bound.recorded(t), bound.Estimated)
	} else {
		t.Logf("without headers: %d (%s)", bound.recorded(t), bound.details())
	}
	with.wantNowhere(t, canary, hex.EncodeToString(trace[:]), string(trace[:]))
}

// wantTraces checks how long traces took to a topic, wherever something is known of it.
func (s *server) wantTraces(t testing.TB, topic string, seconds float64) {
	t.Helper()
	var d struct {
		Node *struct {
			Series *struct {
				Detail string
				Points []point
			}
		}
	}
	s.mustAsk(t, `query($id: ID!) { node(id: $id) { series(metric: END_TO_END_SECONDS, window: {last: "10m"}) { detail points { at value } } } }`, map[string]any{"id": topic}, &d)
	if d.Node == nil || d.Node.Series == nil {
		t.Fatalf("of the traces to %s nothing is known", topic)
	}
	t.Logf("traces: %s", d.Node.Series.Detail)
	known := 0
	for _, p := range d.Node.Series.Points {
		if p.Value == nil {
			continue
		}
		if known++; math.Abs(*p.Value-seconds) > 1e-9 {
			t.Errorf("%s: %g s, want %g", p.At.Format(time.TimeOnly), *p.Value, seconds)
		}
	}
	if known == 0 || !strings.Contains(d.Node.Series.Detail, "traces sampled since topic named-headers") {
		t.Errorf("of %d points the traces are known: %s", known, d.Node.Series.Detail)
	}
}
