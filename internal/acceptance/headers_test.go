package acceptance

import (
	"crypto/rand"
	"fmt"
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
// them the one is "at most". Nothing of a record is kept.
func TestBatchHeaders(t *testing.T) {
	canary, dir := "canary"+rand.Text(), t.TempDir()
	c := kafkatest.Shared(t, kafkatest.Options{})
	c.CreateTopic(t, "mixed-headers", 2)
	c.CreateTopic(t, "named-headers", 2)
	file := filepath.Join(dir, "lineaged.yaml")
	config := fmt.Sprintf(`
interval: 1s
clusters:
  - name: west
    brokers: [%s]
    headers:
      topics: ['^(mixed|named)-headers$']
      budget: 4MiB
      records: {topics: ['^named-headers$'], header: x-app, sample: 1/1}
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
	var transactional, other int64
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
		writeTo(idempotent, "named-headers", "ledger", 2)
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
	if gaps := with.coverage(t, window); gaps.GapCount > 0 {
		t.Errorf("gaps: %+v", gaps.Gaps)
	}
	if bound := without.lineage(t, topic, window).flow(t, "application:west/payments", topic); !bound.Estimated || bound.recorded(t) < transactional {
		t.Errorf("without headers: %d, estimated %v", bound.recorded(t), bound.Estimated)
	} else {
		t.Logf("without headers: %d (%s)", bound.recorded(t), bound.details())
	}
	with.wantNowhere(t, canary)
}
