package timeseries

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// climbers are accesses of which the n-th advances by (n mod 40) + 1 a round.
func climbers(n int) (all []lineage.Access) {
	for i := range n {
		all = append(all, lineage.Access{
			Topic: lineage.Topic{Cluster: "c", Name: fmt.Sprint("topic-", i)}, Op: lineage.Write, Client: lineage.Client{Producer: lineage.KnownProducer(int64(i))},
		})
	}
	return all
}

func climb(t testing.TB, s Store, all []lineage.Access, n int) {
	t.Helper()
	o := lineage.Observation{Source: testSource, Round: testStart.Add(time.Duration(n) * testOpts.Tick), Interval: testOpts.Tick}
	for i, a := range all {
		o.Samples = append(o.Samples, lineage.Sample{Subject: a, Metric: lineage.Records, Evidence: lineage.ProducerState, Value: int64(n * (i%40 + 1))})
	}
	must(t, s.Append(t.Context(), o))
}

// TestMostWhileRoundsCome asks for ranks of what is over while rounds come and blocks are sealed: each is of one
// instant, and says what is there.
func TestMostWhileRoundsCome(t *testing.T) {
	s := NewMemory(testOpts)
	defer s.Close()
	all := climbers(200)
	for n := 1; n <= 30; n++ {
		climb(t, s, all, n)
	}
	w := lineage.Window{Start: testStart.Add(5 * testOpts.Tick), End: testStart.Add(25 * testOpts.Tick)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := 31; n <= 400; n++ {
			climb(t, s, all, n)
			if n%100 == 0 {
				if err := s.Maintain(context.Background(), testStart.Add(time.Duration(n)*testOpts.Tick)); err != nil {
					t.Error(err)
				}
			}
		}
	}()
	asked := 0
	for more := true; more; asked++ {
		select {
		case <-done:
			more = false
		default:
		}
		got, err := s.Window(t.Context(), store.Ask{Window: w, Accesses: true, Most: store.Most{Metric: lineage.Records, First: 3}})
		must(t, err)
		var names []string
		for i, a := range got.Rows.Access {
			names = append(names, a.Topic.Name)
			if got.Series.Amount[i].Total != 800 {
				t.Fatalf("%s advanced by %v in 20 rounds, want 800", a.Topic.Name, got.Series.Amount[i].Total)
			}
		}
		if !slices.Equal(names, []string{"topic-39", "topic-79", "topic-119"}) {
			t.Fatalf("the three that advance most: %v", names)
		}
	}
	if asked < 5 {
		t.Errorf("asked only %d times", asked)
	}
}

// TestMostIsOfOneInstant: where a round comes between the bounds and the answer, the answer is none.
func TestMostIsOfOneInstant(t *testing.T) {
	s := NewMemory(testOpts)
	defer s.Close()
	all := climbers(10)
	for n := 1; n <= 5; n++ {
		climb(t, s, all, n)
	}
	e := s.engine
	ask := store.Ask{Window: lineage.Window{Start: testStart, End: testStart.Add(9 * testOpts.Tick)}, Accesses: true, Most: store.Most{Metric: lineage.Records, First: 1}}
	only, bounds, err := e.bounds(t.Context(), ask, &boundsTaken{})
	must(t, err)
	only.ids = idsOf(bounds)
	if w, err := e.windowOf(t.Context(), ask, only); err != nil || w.Rows.Len() != 10 {
		t.Fatalf("nothing came: %v, %v", w, err)
	}
	climb(t, s, all, 6)
	if _, err := e.windowOf(t.Context(), ask, only); !errors.Is(err, errMoved) {
		t.Errorf("a round came: %v, want %v", err, errMoved)
	}
}

// TestMostReachesBack: an advance of what is open reaches back into a window that is sealed, over more than a block.
func TestMostReachesBack(t *testing.T) {
	s := NewMemory(testOpts)
	defer s.Close()
	all := climbers(60)
	const rounds = 1000
	for n := 1; n <= rounds; n++ {
		climb(t, s, all[:59], n)
	}
	at := func(n int) time.Time { return testStart.Add(time.Duration(n) * testOpts.Tick) }
	tell := func(n int, value int64, since time.Time) {
		o := lineage.Observation{Source: lineage.Source{Cluster: "c", Name: "other"}, Round: at(n), Interval: testOpts.Tick}
		o.Samples = []lineage.Sample{{Subject: all[59], Metric: lineage.Records, Evidence: lineage.ProducerState, Value: value, Since: since}}
		must(t, s.Append(t.Context(), o))
	}
	tell(150, 1, time.Time{})
	must(t, s.Maintain(t.Context(), at(rounds)))
	w := lineage.Window{Start: at(100), End: at(200)}
	if end := s.sealed; end < s.floor(w.End) {
		t.Fatalf("sealed up to %d, the window ends at %d", end, s.floor(w.End))
	}
	most := func() string {
		t.Helper()
		got, err := s.Window(t.Context(), store.Ask{Window: w, Accesses: true, Most: store.Most{Metric: lineage.Records, First: 1}})
		must(t, err)
		if got.Rows.Len() != 1 {
			t.Fatalf("%d rows", got.Rows.Len())
		}
		return got.Rows.Access[0].Topic.Name
	}
	if got := most(); got != "topic-39" {
		t.Errorf("before: %s advances most, want topic-39", got)
	}
	tell(rounds+1, 1_000_000, at(150))
	if got := most(); got != "topic-59" {
		t.Errorf("after: %s advances most, want topic-59", got)
	}
}
