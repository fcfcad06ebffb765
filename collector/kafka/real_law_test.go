package kafka

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lineaged/lineaged/internal/kafkatest"
	"github.com/lineaged/lineaged/lineage"
)

// lawWriter is a writer of the real mixture, and what it was told to have written.
type lawWriter struct {
	kind  simKind
	name  string // transactional.id
	cl    *kgo.Client
	open  map[int32]bool // partitions of the open transaction
	wrote int64
	marks int64 // markers of its transactions
	rests time.Time
}

// The law on a real broker, with both versions of the transaction protocol and a broker that forgets producer ids
// within seconds: whatever mixture of writers there is, aborted and open transactions, a writer that pauses until its
// id is forgotten, lineaged started again: nobody is counted more than was appended, the sum is the advance, and each
// count is the truth or a bound that holds it. The long version takes longer, and restarts the broker.
func TestRealLawOfWriters(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"2", "1"} {
		t.Run("transaction.version="+version, func(t *testing.T) {
			t.Parallel()
			c := kafkatest.Start(t, kafkatest.Options{Config: map[string]string{
				"producer.id.expiration.ms": "5000", "producer.id.expiration.check.interval.ms": "500", "transaction.abort.timed.out.transaction.cleanup.interval.ms": "1000",
			}})
			if version == "1" {
				if _, err := c.Tool(t.Context(), "features", "downgrade", "--feature", "transaction.version=1"); err != nil {
					t.Fatal(err)
				}
			}
			rounds, long := 40, os.Getenv("LINEAGED_LONG") != ""
			if long {
				rounds = 300
			}
			lawOfWriters(t, c, rounds, long)
		})
	}
}

func lawOfWriters(t *testing.T, c *kafkatest.Cluster, rounds int, restarts bool) {
	const topic, partitions = "law", 2
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	c.CreateTopic(t, topic, partitions)
	rec := newRecorder()
	stop := watch(t, rec, Config{Brokers: c.Brokers()})
	eventually(t, "two rounds", 60*time.Second, func() bool { return rec.roundsTaken() >= 2 })
	var writers []*lawWriter
	for i, kind := range []simKind{simPlain, simIdempotent, simIdempotent, simNewTxn, simNewTxn} {
		w := &lawWriter{kind: kind, open: map[int32]bool{}}
		opts := []kgo.Opt{kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0)}
		if kind == simPlain {
			opts = append(opts, kgo.DisableIdempotentWrite(), kgo.RequiredAcks(kgo.LeaderAck()))
		}
		if kind == simNewTxn {
			w.name = fmt.Sprintf("app-%c", 'a'+i)
			opts = append(opts, kgo.TransactionalID(w.name))
		}
		w.cl = c.Client(t, opts...)
		writers = append(writers, w)
	}
	for i := range rounds {
		for _, w := range writers {
			if time.Now().Before(w.rests) || r.IntN(3) == 0 {
				continue
			}
			w.write(t, r, topic, partitions)
			if r.IntN(15) == 0 && w.kind == simIdempotent {
				w.rests = time.Now().Add(8 * time.Second) // its producer id is forgotten
			}
		}
		if i%20 == 10 {
			stop()
			time.Sleep(time.Duration(r.IntN(8)) * time.Second)
			stop = watch(t, rec, Config{Brokers: c.Brokers()})
		}
		if restarts && i%100 == 50 {
			c.StopNode(t, 1, kafkatest.Terminate)
			c.StartNode(t, 1)
		}
		time.Sleep(time.Duration(r.IntN(1200)) * time.Millisecond)
	}
	for _, w := range writers {
		w.end(t, r.IntN(2) == 0)
	}
	eventually(t, "the markers of what was ended", 60*time.Second, func() bool { return c.StableOffset(t, topic) == c.EndOffset(t, topic) })
	holds(t, rec, writers, topic, c.EndOffset(t, topic))
}

// write writes some records, and may end the transaction.
func (w *lawWriter) write(t *testing.T, r *rand.Rand, topic string, partitions int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	if w.kind == simNewTxn && len(w.open) == 0 {
		if err := w.cl.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
	}
	var records []*kgo.Record
	for range 1 + r.IntN(30) {
		p := int32(r.IntN(partitions))
		records = append(records, &kgo.Record{Topic: topic, Partition: p, Value: []byte("x")})
		if w.kind == simNewTxn {
			w.open[p] = true
		}
	}
	if err := w.cl.ProduceSync(ctx, records...).FirstErr(); err != nil {
		t.Fatalf("%v %s: %v", w.kind, w.name, err)
	}
	w.wrote += int64(len(records))
	if w.kind == simNewTxn && r.IntN(3) > 0 {
		w.end(t, r.IntN(4) > 0)
	}
}

// end commits or aborts the open transaction.
func (w *lawWriter) end(t *testing.T, commit bool) {
	t.Helper()
	if len(w.open) == 0 {
		return
	}
	if err := w.cl.EndTransaction(t.Context(), kgo.TransactionEndTry(commit)); err != nil {
		t.Fatal(err)
	}
	w.marks += int64(len(w.open))
	clear(w.open)
}

// holds waits until all is counted and holds it against the truth.
func holds(t *testing.T, rec *recorder, writers []*lawWriter, topic string, end int64) {
	t.Helper()
	eventually(t, "all that was appended", 60*time.Second, func() bool {
		n, _ := rec.sum(topic, lineage.Appended, func(a lineage.Access) bool { return a.Op == lineage.OpNone })
		return n >= end
	})
	rounds := rec.roundsTaken()
	eventually(t, "three rounds at rest", 60*time.Second, func() bool { return rec.roundsTaken() >= rounds+3 })
	appended, _ := rec.sum(topic, lineage.Appended, func(a lineage.Access) bool { return a.Op == lineage.OpNone })
	if appended != end {
		t.Errorf("appended %d, the logs end at %d", appended, end)
	}
	check := func(what string, truth int64, match func(lineage.Access) bool) int64 {
		t.Helper()
		n, _ := rec.sum(topic, lineage.Records, match)
		why, bound := rec.why(topic, match), rec.estimated(topic, lineage.Records, match)
		t.Logf("%s: %d, in truth %d; estimated %v: %s", what, n, truth, bound, why)
		most, least := strings.Contains(why, "at most"), strings.Contains(why, "at least")
		switch {
		case !bound && n != truth:
			t.Errorf("%s: %d, in truth %d, and said to be exact", what, n, truth)
		case bound && !most && !least:
			t.Errorf("%s: no bound is said: %q", what, why)
		case strings.Contains(why, "together"), most && least:
		case bound && most && n < truth, bound && least && n > truth:
			t.Errorf("%s: %d, in truth %d: %s", what, n, truth, why)
		}
		return n
	}
	sum, ids, marks, free := int64(0), int64(0), int64(0), int64(0)
	for _, w := range writers {
		switch w.kind {
		case simPlain:
			free += w.wrote
		case simIdempotent:
			ids += w.wrote
		default:
			sum += check(w.name, w.wrote, func(a lineage.Access) bool { return a.Client.TransactionalID == w.name })
		}
		marks += w.marks
	}
	sum += check("idempotent ones", ids, func(a lineage.Access) bool { return a.Client.Producer != 0 })
	rest := func(a lineage.Access) bool { return a.Client.Kind == lineage.Remainder }
	if _, told := rec.sum(topic, lineage.Records, rest); told > 0 || free == 0 {
		sum += check("the remainder", free, rest)
	} else if why := rec.why(topic, func(a lineage.Access) bool { return a.Client.TransactionalID != "" }); !strings.Contains(why, "of writers without idempotence") {
		// Where nothing is left nobody is said to have written, and it is for those who were given it to say so.
		t.Errorf("%d records of writers without idempotence are in others' counts, which say %q", free, why)
	}
	// What is taken for markers is no more than can be proven to be possible, which may be more than there are: the
	// remainder says so then.
	if sum > appended || sum < appended-2*marks {
		t.Errorf("all add up to %d of %d, of which %d are markers", sum, appended, marks)
	}
}
