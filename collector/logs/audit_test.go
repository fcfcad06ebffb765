package logs

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/lineage"
)

// audited is a source of an audit topic, and what it has told.
type audited struct {
	*told
	topic *shipped
	about string
	other []string
	n     int
}

func newAudited(t *testing.T) *audited {
	t.Helper()
	w := &audited{topic: newShipped(t)}
	w.told = &told{T: t, path: "/none", board: board(), sink: &keeper{positions: map[string][]byte{}}, round: t0.Add(14 * time.Minute)}
	w.config = func() Config {
		return Config{Topic: "broker-logs", Client: w.topic.dial, Audit: true, About: w.about, Others: w.other}
	}
	w.start(nil)
	t.Cleanup(func() { w.src.input.close() })
	return w
}

// put writes records to the topic, one after another.
func (w *audited) put(records ...string) {
	w.Helper()
	var all []*kgo.Record
	for _, r := range records {
		w.n++
		all = append(all, &kgo.Record{Topic: "broker-logs", Partition: int32(w.n % 2), Value: []byte(r)})
	}
	if err := w.topic.client.ProduceSync(w.Context(), all...).FirstErr(); err != nil {
		w.Fatal(err)
	}
}

// confluent is a record of Confluent's about the topic orders, with line breaks in it.
func confluent(cluster, principal, client, method string, granted bool) string {
	const topic = "orders"
	operation := map[string]string{"Produce": "Write", "FetchConsumer": "Read"}[method]
	if operation == "" {
		operation = "Describe"
	}
	crn := "crn://confluent.cloud/kafka=" + cluster
	b, err := json.MarshalIndent(map[string]any{
		"type": "io.confluent.kafka.server/authorization", "source": crn, "time": "2026-11-22T21:14:01Z",
		"data": map[string]any{
			"methodName": "kafka." + method, "resourceName": crn + "/topic=" + topic,
			"authenticationInfo": map[string]any{"principal": principal},
			"authorizationInfo":  map[string]any{"granted": granted, "operation": operation, "resourceType": "Topic", "resourceName": topic, "patternType": "LITERAL"},
			"request":            map[string]any{"client_id": client}, "requestMetadata": map[string]any{"client_address": "/10.0.0.7"},
		},
	}, "", "  ")
	if err != nil {
		panic(err)
	}
	return string(b)
}

// redpanda is a record of Redpanda's, which stands for so many of a minute.
func redpanda(user, client, method, topic string, granted bool, count int, at time.Time) string {
	status, decision := 1, "authorized"
	if !granted {
		status, decision = 2, "denied"
	}
	return fmt.Sprintf(`{"class_uid":6003,"metadata":{"product":{"name":"Redpanda","vendor_name":"Redpanda Data, Inc."}},"time":%d,"start_time":%d,"end_time":%d,"count":%d,`+
		`"actor":{"authorizations":[{"decision":%q}],"user":{"name":%q}},"api":{"operation":%q,"service":{"name":"kafka rpc protocol"}},`+
		`"resources":[{"name":%q,"type":"topic"}],"src_endpoint":{"ip":"10.0.0.9","name":%q},"status_id":%d}`,
		at.UnixMilli(), at.UnixMilli(), at.Add(time.Minute).UnixMilli(), count, decision, user, method, topic, client, status)
}

// What both makers' records say of a writer and a reader is told as such, with the link, and nothing of it as a
// movement; a refusal is an event, as often as it was refused.
func TestAuditIsTold(t *testing.T) {
	w := newAudited(t)
	w.want("")
	at := w.round.Add(-5 * time.Minute)
	w.put(
		confluent("west-id", "User:shop", "shop-web", "Produce", true), confluent("west-id", "User:shop", "shop-web", "Produce", true),
		confluent("west-id", "User:tail", "", "FetchConsumer", true), confluent("west-id", "User:tail", "", "Metadata", true),
		confluent("west-id", "User:eve", "e", "Produce", false),
		redpanda("bill", "rdkafka", "fetch", "items", true, 40, at), redpanda("eve", "e", "produce", "items", false, 40, at), redpanda("eve", "e", "produce", "items", false, 2, at),
	)
	w.want(`
ACCESS_DENIED items: User:eve may not WRITE topic items, for produce, from 10.0.0.9; 42 times
ACCESS_DENIED orders: User:eve may not WRITE topic orders, for Produce, from 10.0.0.7
linked 1 : rdkafka as User:bill at 10.0.0.9
linked 1 : shop-web as User:shop at 10.0.0.7
read items: rdkafka as User:bill at 10.0.0.9, AUDIT_LOG
read orders: as User:tail at 10.0.0.7, AUDIT_LOG
write orders: shop-web as User:shop at 10.0.0.7, AUDIT_LOG`)
	for _, o := range w.sink.obs {
		for _, e := range o.Events {
			if e.Topic.Name == "items" && !e.At.Equal(at.Add(time.Minute)) {
				t.Errorf("the refusal is of %s, want %s", e.At, at.Add(time.Minute))
			}
		}
		for _, s := range o.Samples {
			if s.Metric == lineage.Claimed {
				t.Errorf("an authorization is counted: %+v", s)
			}
		}
	}
	if w.src.name != "audit:broker-logs" {
		t.Errorf("the source is called %s", w.src.name)
	}
}

// A right that was given long before its record is read is told with that word, unless it was given again since.
func TestAuditOfLongAgo(t *testing.T) {
	w := newAudited(t)
	w.want("")
	long, now := w.round.Add(-2*time.Hour), w.round.Add(-2*time.Minute)
	w.put(
		redpanda("was", "a", "fetch", "items", true, 1, long), redpanda("is", "b", "fetch", "items", true, 1, now),
		redpanda("both", "c", "fetch", "items", true, 1, long), redpanda("both", "c", "fetch", "items", true, 1, now), redpanda("both", "c", "fetch", "items", true, 1, long),
	)
	w.want(`
linked 1 : a as User:was at 10.0.0.9
linked 1 : b as User:is at 10.0.0.9
linked 1 : c as User:both at 10.0.0.9
read items: a as User:was at 10.0.0.9, AUDIT_LOG
read items: b as User:is at 10.0.0.9, AUDIT_LOG
read items: c as User:both at 10.0.0.9, AUDIT_LOG`)
	n := 0
	for _, o := range w.sink.obs {
		for _, x := range o.Sightings {
			n++
			if past := x.Access.Client.ClientID == "a"; past != strings.Contains(x.Detail, "long ago") {
				t.Errorf("of %s it is said %q", x.Access.Client.ClientID, x.Detail)
			}
		}
	}
	if n != 3 {
		t.Errorf("%d accesses are told, want 3", n)
	}
}

// A record of another watched cluster is its own reader's, one of a cluster that nobody watches is counted and said,
// once and when there are ten times as many; neither names anything here.
func TestAuditOfOtherClusters(t *testing.T) {
	w := newAudited(t)
	w.board.SetCluster(collector.Watched{Source: "east", ID: "east-id"})
	w.about, w.other = "lkc-1", []string{"lkc-2"}
	w.start(nil)
	w.want("")
	record := func(cluster string) string { return confluent(cluster, "User:"+cluster, "c", "Produce", true) }
	w.put(record("east-id"), record("lkc-2"))
	w.want("")
	w.put(record("lkc-1"), record("lkc-9"), record("west-id/topic=x"), record("lkc-9"))
	w.want(`
blind: records of the audit topic broker-logs are of clusters that are not watched, 2 or more; the first of them: "lkc-9"
linked 1 : c as User:lkc-1 at 10.0.0.7
write orders: c as User:lkc-1 at 10.0.0.7, AUDIT_LOG`)
	w.put(record("lkc-9"))
	w.want("")
	for range 20 {
		w.put(record("lkc-9"))
	}
	w.want(`blind: records of the audit topic broker-logs are of clusters that are not watched, 23 or more; the first of them: "lkc-9"`)
}

// A topic full of other things, records of 10 MiB and a clock that is an hour ahead are counted and said, and
// everything else goes on.
func TestAuditGarbageIsSaid(t *testing.T) {
	w := newAudited(t)
	w.want("")
	w.put(`{"order":7}`)
	w.want(`blind: records of the audit topic broker-logs are no audit records, or do not parse, 1 or more; of the first of them: it is no audit record of Confluent's or Redpanda's`)
	most := "16777216"
	if _, err := kadm.NewClient(w.topic.client).AlterTopicConfigs(t.Context(), []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "max.message.bytes", Value: &most}}, "broker-logs"); err != nil {
		t.Fatal(err)
	}
	big, err := w.topic.dial(kgo.ProducerBatchMaxBytes(16<<20), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(kgo.NoCompression()))
	if err != nil {
		t.Fatal(err)
	}
	defer big.Close()
	for range 3 {
		r := &kgo.Record{Topic: "broker-logs", Value: []byte(`{"type":"` + strings.Repeat("x", 10<<20) + `"}`)}
		if err := big.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	w.put("", "\x00\x01", strings.Repeat("{", 1<<10), confluent("west-id", "User:shop", "shop-web", "Produce", true))
	got := ""
	for range 5 { // what is read of a round is bounded
		got += w.next()
	}
	if !strings.Contains(got, "write orders: shop-web as User:shop") || w.src.digest.bad != 7 {
		t.Errorf("%d records are counted; told: %s", w.src.digest.bad, got)
	}
	w.put(redpanda("eve", "e", "produce", "orders", false, 1, w.round.Add(time.Hour)))
	got = w.next()
	if !strings.Contains(got, "are dated up to 1h1m0s or more into the future") || !strings.Contains(got, "ACCESS_DENIED orders: User:eve") {
		t.Errorf("a clock that is an hour ahead: %s", got)
	}
	for _, o := range w.sink.obs {
		for _, e := range o.Events {
			if e.At.After(o.Round) {
				t.Errorf("an event of the future: %+v", e)
			}
		}
	}
}

// What an audit log does not record unless it is told to is a blind spot, and no statement that nobody writes or reads.
func TestAuditRecordsNoReadsByDefault(t *testing.T) {
	w := newAudited(t)
	quiet := func(rounds int) (got []string) {
		for range rounds {
			if s := w.next(); s != "" {
				got = append(got, strings.Split(s, "\n")...)
			}
		}
		return got
	}
	w.put(confluent("west-id", "User:admin", "", "CreateTopics", true))
	if got := quiet(29); got != nil {
		t.Fatalf("too soon: %q", got)
	}
	const silent = "blind: who writes and reads, as far as the audit topic broker-logs would tell: there was no record of this cluster for five minutes"
	if got := strings.Join(quiet(4), "; "); got != silent {
		t.Errorf("no record at all: %s", got)
	}
	w.put(confluent("west-id", "User:admin", "", "CreateTopics", true), confluent("west-id", "User:shop", "", "Produce", true))
	got := strings.Join(quiet(1), "; ")
	if !strings.Contains(got, "who is allowed to read: the audit topic broker-logs holds no authorization to consume") || strings.Contains(got, "allowed to write") || strings.Contains(got, silent) {
		t.Errorf("no reads are recorded: %s", got)
	}
	w.round = w.round.Add(recordedFor)
	w.put(confluent("west-id", "User:tail", "", "FetchConsumer", true))
	if got := strings.Join(quiet(1), "; "); !strings.Contains(got, "who is allowed to write") || strings.Contains(got, "who is allowed to read") {
		t.Errorf("no writes are recorded for an hour: %s", got)
	}
}

// Kills at any point and refused rounds: each refusal is counted once.
func TestAuditLaw(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	w := newAudited(t)
	w.next()
	var sent, got int64
	for i := range 80 {
		for range rng.IntN(12) {
			n := 1 + rng.IntN(5)
			sent += int64(n)
			w.put(redpanda("eve", "e", "produce", "orders", false, n, w.round))
		}
		switch rng.IntN(5) {
		case 0: // killed between two rounds
			w.start(nil)
		case 1: // killed after it has read and before that is stored
			w.sink.refuses = true
			w.next()
			w.sink.refuses = false
			w.start(nil)
		case 2: // the disk is full
			w.sink.refuses = true
			w.next()
			w.sink.refuses = false
		}
		if i > 70 || rng.IntN(3) > 0 {
			w.next()
		}
	}
	w.next()
	for _, o := range w.sink.obs {
		for _, e := range o.Events {
			n := int64(1)
			if _, times, several := strings.Cut(e.Detail, "; "); several {
				if _, err := fmt.Sscanf(times, "%d times", &n); err != nil {
					t.Fatal(e.Detail, err)
				}
			}
			got += n
		}
	}
	if got != sent {
		t.Errorf("%d refusals are told, %d were sent", got, sent)
	}
}
