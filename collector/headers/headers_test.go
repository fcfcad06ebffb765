package headers

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/collector/sourcetest"
	"github.com/lineaged/lineaged/lineage"
)

func TestBattery(t *testing.T) {
	sourcetest.Run(t, func(t *testing.T) sourcetest.World {
		w := newWorld(t, "orders")
		w.records = &Records{Topics: []*regexp.Regexp{regexp.MustCompile("orders")}, Header: "canary-header", Every: 1}
		plain, named := w.plain(), w.client()
		fault := sourcetest.NewFault(t, w.fake, func(req kmsg.Request) bool {
			_, read := req.(*kmsg.FetchRequest)
			return read
		})
		return sourcetest.World{
			Tick: tick, Before: t0,
			Source: func(sink collector.Sink) collector.Source {
				w.start()
				return w.source
			},
			Live: func(round time.Time) {
				w.writes(plain, "orders", 0, 3)
				w.writes(named, "orders", 1, 2)
				w.seen(round)
			},
			Break: fault.Break,
			Hang:  fault.Hang,
			Spoil: func(collector.Source) { w.source.books = nil },
		}
	})
}

// Each writer is counted by itself, to the record, whoever else writes: transactional ones beside one without
// idempotence, aborted transactions too; and markers are no records.
func TestCountsByWriter(t *testing.T) {
	w := newWorld(t, "orders", "other")
	plain, named, txn := w.plain(), w.client(), w.client(kgo.TransactionalID("billing"))
	w.writes(plain, "orders", 0, 50) // before it was looked at
	w.look()
	w.wantMissing("orders", "from here on")
	w.writes(plain, "orders", 0, 7)
	w.writes(named, "orders", 0, 11)
	w.transacts(txn, "orders", 0, 13, kgo.TryCommit)
	w.look()
	w.transacts(txn, "orders", 1, 5, kgo.TryAbort)
	w.writes(plain, "orders", 1, 2)
	w.look()
	w.wantMissing("orders", "")
	w.want("without idempotence", w.own(lineage.Left), 9)
	w.want("idempotent", w.wrote(w.id(named)), 11)
	w.want("transactional", w.wrote(lineage.Client{TransactionalID: "billing"}), 18)
	w.want("markers", w.own(lineage.Markers), 2)
	for k, bound := range w.rec.bounds {
		if bound {
			t.Errorf("%+v is a bound", k)
		}
	}
	if got := fmt.Sprintf("%+v", w.rec); strings.Contains(got, "canary") {
		t.Errorf("what is in a record is told: %s", got)
	}
}

// Where more is written than may be fetched nothing is counted: it is said which part was looked at, and who wrote.
func TestABudgetThatFallsShort(t *testing.T) {
	w := newWorld(t, "orders")
	w.budget = 200
	w.start()
	named := w.client()
	w.look()
	for i := range 10 {
		for range 20 {
			w.writes(named, "orders", int32(i%2), 3)
		}
		w.look()
	}
	if got := w.missing("orders"); !strings.Contains(got, "% of the records were looked at") || !strings.Contains(got, "budget") {
		t.Errorf("missing: %q", got)
	}
	if !strings.Contains(w.blind(), "raise headers.budget") {
		t.Errorf("blind spots: %s", w.blind())
	}
	w.want("counted", w.wrote(w.id(named)), 0)
	if len(w.rec.sightings) == 0 || !strings.Contains(w.rec.sightings[0].Detail, "% of the records were looked at") || w.rec.sightings[0].Access.Client != w.id(named) {
		t.Errorf("sightings: %+v", w.rec.sightings)
	}
	// what is written slowly again is counted, and it was not looked at what was passed
	for range 8 {
		w.look()
	}
	before := w.wrote(w.id(named))
	w.writes(named, "orders", 0, 4)
	w.look()
	w.wantMissing("orders", "")
	w.want("counted after it", w.wrote(w.id(named))-before, 4)
}

// A burst that the budget pays for later is counted late, and whole, also where lineaged is killed in the midst of it.
func TestABurstIsCaughtUpWith(t *testing.T) {
	w := newWorld(t, "orders")
	w.budget = 600
	w.start()
	named := w.client()
	w.look()
	for range 30 {
		w.writes(named, "orders", 0, 3)
	}
	w.look()
	w.wantMissing("orders", "wait to be looked at")
	w.start()
	for range 4 {
		w.look()
	}
	w.wantMissing("orders", "")
	w.want("counted", w.wrote(w.id(named)), 90)
}

// Whatever is killed or refused at whatever point, each batch is counted once.
func TestKilledAtAnyPoint(t *testing.T) {
	w := newWorld(t, "orders")
	w.budget = 700 // so that it takes several rounds to look at a burst
	w.start()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	plain, named, txn := w.plain(), w.client(), w.client(kgo.TransactionalID("billing"))
	w.look()
	var left, idempotent, transactional, markers int64
	for range 40 {
		batches := r.IntN(3)
		if r.IntN(5) == 0 {
			batches = 12
		}
		for range batches {
			n, p := 1+r.IntN(5), int32(r.IntN(2))
			switch r.IntN(3) {
			case 0:
				w.writes(plain, "orders", p, n)
				left += int64(n)
			case 1:
				w.writes(named, "orders", p, n)
				idempotent += int64(n)
			default:
				w.transacts(txn, "orders", p, n, kgo.TransactionEndTry(r.IntN(2) == 0))
				transactional, markers = transactional+int64(n), markers+1
			}
		}
		switch r.IntN(4) {
		case 0:
			w.start()
		case 1:
			w.rec.refuses = true
			w.look()
			w.rec.refuses = false
		case 2:
			w.source.books = nil // it panics
		}
		for range 4 {
			w.look()
			if why := w.missing("orders"); strings.Contains(why, "passed") {
				t.Fatalf("the budget is too small for this test: %s", why)
			}
		}
	}
	for range 5 {
		w.look()
	}
	w.wantMissing("orders", "")
	w.want("without idempotence", w.own(lineage.Left), left)
	w.want("idempotent", w.wrote(w.id(named)), idempotent)
	w.want("transactional", w.wrote(lineage.Client{TransactionalID: "billing"}), transactional)
	w.want("markers", w.own(lineage.Markers), markers)
}

// A topic that may not be read is a blind spot with its remedy, and the others are read.
func TestWithoutTheRight(t *testing.T) {
	w := newWorld(t, "orders", "secret")
	plain := w.plain()
	secret := [16]byte{}
	w.fake.ControlKey(int16(kmsg.Fetch), func(req kmsg.Request) (kmsg.Response, error, bool) {
		w.fake.KeepControl()
		f := req.(*kmsg.FetchRequest)
		for i := range f.Topics {
			if f.Topics[i].TopicID != secret && f.Topics[i].Topic != "secret" {
				continue
			}
			resp := f.ResponseKind().(*kmsg.FetchResponse)
			for _, t := range f.Topics {
				rt := kmsg.NewFetchResponseTopic()
				rt.Topic, rt.TopicID = t.Topic, t.TopicID
				for _, p := range t.Partitions {
					rp := kmsg.NewFetchResponseTopicPartition()
					rp.Partition = p.Partition
					if t.TopicID == secret || t.Topic == "secret" {
						rp.ErrorCode = kerr.TopicAuthorizationFailed.Code
					}
					rt.Partitions = append(rt.Partitions, rp)
				}
				resp.Topics = append(resp.Topics, rt)
			}
			return resp, nil, true
		}
		return nil, nil, false
	})
	w.look()
	secret = [16]byte(w.topic("secret").ID)
	w.writes(plain, "secret", 0, 5)
	w.look()
	w.wantMissing("secret", "READ")
	if got := w.blind(); !strings.Contains(got, "secret → grant READ") {
		t.Errorf("blind spots: %s", got)
	}
	w.writes(plain, "orders", 0, 5)
	w.look()
	w.wantMissing("orders", "")
	w.want("counted of orders", w.own(lineage.Left), 5)
}

func TestAPatternThatMatchesNothing(t *testing.T) {
	w := newWorld(t, "orders")
	w.topics = "payments"
	w.start()
	w.writes(w.plain(), "orders", 0, 5)
	w.look()
	if got := w.blind(); !strings.Contains(got, "no watched topic matches") {
		t.Errorf("blind spots: %s", got)
	}
	if len(w.rec.last.Missing) > 0 {
		t.Errorf("missing: %+v", w.rec.last.Missing)
	}
}

// What retention took before it was looked at is said, and what comes then is counted.
func TestRetentionPassesThePosition(t *testing.T) {
	w := newWorld(t, "orders")
	plain := w.plain()
	w.look()
	w.writes(plain, "orders", 0, 20)
	if _, err := w.admin.DeleteRecords(t.Context(), offsets("orders", 0, 15)); err != nil {
		t.Fatal(err)
	}
	w.look()
	w.wantMissing("orders", "gone before")
	w.writes(plain, "orders", 0, 4)
	w.look()
	w.wantMissing("orders", "")
	w.want("counted", w.own(lineage.Left), 4)
}

// A topic that is made anew is another, under the name of the first.
func TestATopicIsMadeAnew(t *testing.T) {
	w := newWorld(t, "orders")
	plain := w.plain()
	w.look()
	w.writes(plain, "orders", 0, 20)
	w.look()
	first := w.topic("orders")
	if _, err := w.admin.DeleteTopics(t.Context(), "orders"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.admin.CreateTopics(t.Context(), 2, 1, nil, "orders"); err != nil {
		t.Fatal(err)
	}
	plain = w.plain()
	w.look()
	w.wantMissing("orders", "from here on")
	w.writes(plain, "orders", 0, 3)
	w.look()
	w.want("counted of the new one", w.own(lineage.Left), 3)
	w.want("counted of the old one", w.rec.sums[key{lineage.Access{Topic: first}, lineage.Left}], 20)
}
