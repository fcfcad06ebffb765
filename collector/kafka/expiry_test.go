package kafka

import (
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lineaged/lineaged/lineage"
)

// tellExpiry lets the brokers answer what is configured of them, by broker; nil: not permitted.
func (w *world) tellExpiry(configured []map[string]string) {
	w.refuse(kmsg.DescribeConfigs, func(kreq kmsg.Request) (kmsg.Response, error, bool) {
		req := kreq.(*kmsg.DescribeConfigsRequest)
		if len(req.Resources) != 1 || req.Resources[0].ResourceType != kmsg.ConfigResourceTypeBroker {
			return nil, nil, false
		}
		resp := req.ResponseKind().(*kmsg.DescribeConfigsResponse)
		r := kmsg.NewDescribeConfigsResponseResource()
		r.ResourceType, r.ResourceName = kmsg.ConfigResourceTypeBroker, req.Resources[0].ResourceName
		own := configured[w.fake.CurrentNode()]
		if own == nil {
			r.ErrorCode = 31 // CLUSTER_AUTHORIZATION_FAILED
		}
		for name, value := range own {
			c := kmsg.NewDescribeConfigsResponseResourceConfig()
			c.Name, c.Value = name, &value
			r.Configs = append(r.Configs, c)
		}
		resp.Resources = append(resp.Resources, r)
		return resp, nil, true
	})
}

// What writers without an id wrote while nobody looked is exact where no id can have been forgotten meanwhile, and may
// be others' where one can, or where the brokers do not tell. They are not asked before a reading is late.
func TestLeftWhileNobodyLooked(t *testing.T) {
	day, short := map[string]string{producersExpire: "86400000"}, map[string]string{producersExpire: "5000", transactionsExpire: "86400000"}
	for _, c := range []struct {
		name       string
		configured []map[string]string
		forgets    time.Duration
		exact      bool
	}{
		{"a day", []map[string]string{day, day}, 24 * time.Hour, true},
		{"as Kafka before 3.4", []map[string]string{{transactionsExpire: "604800000"}, day}, 24 * time.Hour, true},
		{"seconds on one broker", []map[string]string{day, short}, 5 * time.Second, false},
		{"not told by one broker", []map[string]string{day, nil}, 0, false},
		{"nonsense", []map[string]string{day, {producersExpire: "-1"}}, 0, false},
	} {
		w := newWorld(t, 2)
		w.tellExpiry(c.configured)
		w.topic("orders", 1)
		w.take(2)
		plain, err := kgo.NewClient(kgo.SeedBrokers(w.fake.ListenAddrs()...), kgo.DisableIdempotentWrite())
		if err != nil {
			t.Fatal(err)
		}
		defer plain.Close()
		write := func() {
			for range 5 {
				if err := plain.ProduceSync(t.Context(), &kgo.Record{Topic: "orders", Value: []byte("x")}).FirstErr(); err != nil {
					t.Fatal(err)
				}
			}
			w.take(1)
		}
		left := func(a lineage.Access) bool { return a.Client.Kind == lineage.Remainder }
		write()
		if !w.source.forgetsAsked.IsZero() || w.rec.estimated("orders", lineage.Records, left) {
			t.Errorf("%s: asked in %v, a bound %v, although no reading was late", c.name, w.source.forgetsAsked, w.rec.estimated("orders", lineage.Records, left))
		}
		w.round = w.round.Add(5 * tick)
		write()
		if w.source.forgets != c.forgets {
			t.Errorf("%s: ids are forgotten after %v, want %v", c.name, w.source.forgets, c.forgets)
		}
		n, _ := w.rec.sum("orders", lineage.Records, left)
		why := w.rec.why("orders", left)
		if bound := w.rec.estimated("orders", lineage.Records, left); n != 10 || bound == c.exact || bound && !strings.Contains(why, whyForgotten) {
			t.Errorf("%s: %d are left, a bound %v: %q", c.name, n, bound, why)
		}
	}
}

// When brokers forget ids is known of one that does not answer, too, once it was told.
func TestExpiryOfABrokerThatFails(t *testing.T) {
	day := map[string]string{producersExpire: "86400000"}
	configured := []map[string]string{day, day}
	w := newWorld(t, 2)
	w.tellExpiry(configured)
	w.topic("orders", 1)
	w.take(2)
	plain, err := kgo.NewClient(kgo.SeedBrokers(w.fake.ListenAddrs()...), kgo.DisableIdempotentWrite())
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	for _, away := range []time.Duration{time.Hour, 25 * time.Hour} {
		w.round = w.round.Add(away)
		if err := plain.ProduceSync(t.Context(), &kgo.Record{Topic: "orders", Value: []byte("x")}).FirstErr(); err != nil {
			t.Fatal(err)
		}
		w.take(1)
		if w.source.forgets != 24*time.Hour {
			t.Errorf("broker 1 told %v: ids are forgotten after %v, want a day", configured[1], w.source.forgets)
		}
		configured[1] = nil
	}
}

// A producer that wrote while nobody looked, and was forgotten, is in what is left. When it is seen at last, its count
// is no upper bound, whichever way its sequence tells of that.
func TestFirstSeenAfterItWasForgotten(t *testing.T) {
	for _, c := range []struct {
		name        string
		kind        simKind
		anew, plain bool // it goes on in the next epoch; another without an id writes as much beside it
		known       bool // it was listed once before
	}{
		{"its sequence counts more than came", simIdempotent, false, false, false},
		{"and others wrote too", simIdempotent, false, true, false},
		{"in its next epoch", simIdempotent, true, false, false},
		{"in its next epoch, beside others", simIdempotent, true, true, false},
		{"a transactional one", simOldTxn, false, false, false},
		{"in its next epoch, a transactional one", simOldTxn, true, true, false},
		{"by a new transaction each time", simNewTxn, false, false, false},
		{"that was listed once", simIdempotent, false, false, true},
		{"that was listed once, a transactional one", simOldTxn, true, true, true},
		{"that was listed once, by a new transaction each time", simNewTxn, false, false, true},
	} {
		s := newSim(1, 1, false, c.kind, simPlain)
		w, other := s.writers[0], s.writers[1]
		end := func() {
			if c.kind != simIdempotent {
				s.end(w)
			}
		}
		wrote := func(n int) {
			for range n {
				s.append(w, 0)
			}
			end()
		}
		s.take(t, never, func() {})
		if c.known {
			wrote(3)
			s.take(t, never, func() {})
			s.expire(w)
			s.append(other, 0)
			s.take(t, never, func() {})
		}
		wrote(12)
		s.expire(w)
		s.restart(t)
		s.round = s.round.Add(10 * tick)
		s.take(t, never, func() {})
		if c.anew {
			w.epoch++
			w.seq[0] = -1
		}
		wrote(10)
		if c.plain {
			for range 10 {
				s.append(other, 0)
			}
		}
		s.settle(t, true)
		subject := lineage.Client{Producer: lineage.KnownProducer(w.id)}
		var n int64
		if c.kind != simIdempotent {
			subject = lineage.Client{TransactionalID: w.name}
			n = s.a.txns[w.name].n
		} else {
			n = s.a.writers[w.id].n
		}
		if b := s.bounds[subject]; !s.bound[subject] || n < w.wrote && !b["at least"] {
			t.Errorf("%s: %d of %d, a bound %v: %v", c.name, n, w.wrote, s.bound[subject], b)
		}
	}
}
