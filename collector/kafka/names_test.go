package kafka

import (
	"errors"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lineaged/lineaged/lineage"
)

// A coordinator that is loading, or does not answer, is asked until it tells; what was written meanwhile is the name's,
// also when the producer writes no more, and the blind spot advises no right that is there.
func TestNamesAreAskedForUntilTheyAreTold(t *testing.T) {
	for name, c := range map[string]struct {
		code   int16
		err    error
		remedy string
	}{
		"loading":       {kerr.CoordinatorLoadInProgress.Code, nil, "asked again"},
		"not available": {kerr.CoordinatorNotAvailable.Code, nil, "asked again"},
		"no answer":     {0, errors.New("connection lost"), "asked again"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 1)
			w.topic("pay", 1)
			w.take(2)
			tell := w.refuse(kmsg.ListTransactions, func(req kmsg.Request) (kmsg.Response, error, bool) {
				resp := req.ResponseKind().(*kmsg.ListTransactionsResponse)
				resp.ErrorCode = c.code
				return resp, c.err, true
			})
			p := w.open("pay-1", "pay", 40)
			w.take(3)
			named := func(a lineage.Access) bool { return a.Client.TransactionalID == "pay-1" }
			if n, _ := w.rec.sum("pay", lineage.Records, func(a lineage.Access) bool { return a.Op == lineage.Write }); n != 0 {
				t.Errorf("%d are given to somebody before it is known to whom", n)
			}
			if spot := w.nameSpot(); !strings.Contains(spot.Remedy, c.remedy) || strings.Contains(spot.Remedy, "grant") {
				t.Errorf("blind spot %+v", spot)
			}
			restarted := name == "loading"
			if restarted {
				w.start(Config{})
				w.take(1)
			}
			tell()
			w.take(2)
			if n, _ := w.rec.sum("pay", lineage.Records, named); n != 40 {
				t.Errorf("%d of 40 are counted to the name", n)
			}
			if spot := w.nameSpot(); spot.What != "" {
				t.Errorf("all is named, and a blind spot says %+v", spot)
			}
			if err := p.EndTransaction(t.Context(), kgo.TryAbort); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// Whom no coordinator knows although all answer is counted by the producer id, and the right is advised that may be
// missing.
func TestNameThatNobodyTells(t *testing.T) {
	w := newWorld(t, 1)
	w.topic("pay", 1)
	w.take(2)
	w.refuse(kmsg.ListTransactions, func(req kmsg.Request) (kmsg.Response, error, bool) { return req.ResponseKind(), nil, true })
	w.open("pay-1", "pay", 40)
	w.take(2)
	if n, _ := w.rec.sum("pay", lineage.Records, func(a lineage.Access) bool { return a.Client.Producer != 0 }); n != 40 {
		t.Errorf("%d of 40 are counted", n)
	}
	if spot := w.nameSpot(); !strings.Contains(spot.Remedy, "DESCRIBE on transactional ids") {
		t.Errorf("blind spot %+v", spot)
	}
}

// nameSpot returns the blind spot of transactional producers without a name.
func (w *world) nameSpot() (spot lineage.BlindSpot) {
	for _, s := range w.rec.blind[sourceBooks] {
		if strings.Contains(s.What, "names of some transactional producers") {
			spot = s
		}
	}
	return spot
}

// open writes n records in a transaction that stays open.
func (w *world) open(id, topic string, n int) *kgo.Client {
	w.t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(w.fake.ListenAddrs()...), kgo.TransactionalID(id), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(cl.Close)
	if err := cl.BeginTransaction(); err != nil {
		w.t.Fatal(err)
	}
	for range n {
		if err := cl.ProduceSync(w.t.Context(), &kgo.Record{Topic: topic, Value: []byte("x")}).FirstErr(); err != nil {
			w.t.Fatal(err)
		}
	}
	return cl
}
