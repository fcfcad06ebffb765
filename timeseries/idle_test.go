package timeseries

import (
	"context"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// TestIdleForLongerThanAllIsKept has a topic and a reader rest for longer than the coarsest tier reaches, while their
// source looks all the time: silence means that nothing changed, so what they have counted by then is not counted again
// when they move.
func TestIdleForLongerThanAllIsKept(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	o := testOpts
	o.Tick = 20 * time.Minute
	o.Retention = Retention{Raw: day, Minute: 2 * day, Hour: 3 * day}
	topic := lineage.Access{Topic: lineage.Topic{Cluster: "c", Name: "orders"}}
	reader := lineage.Access{Topic: topic.Topic, Op: lineage.Read, Client: lineage.Client{Group: "billing"}}
	at := func(n int) time.Time { return testStart.Add(time.Duration(n) * o.Tick) }
	round := func(n int, total int64) lineage.Observation {
		x := lineage.Observation{Source: testSource, Round: at(n), Interval: o.Tick}
		if total > 0 {
			x.Samples = []lineage.Sample{
				{Subject: topic, Metric: lineage.Records, Evidence: lineage.NoEvidence, Value: total},
				{Subject: reader, Metric: lineage.Records, Evidence: lineage.GroupOffsets, Value: total},
				{Subject: reader, Metric: lineage.Lag, Evidence: lineage.NoEvidence, Value: 5},
			}
		}
		return x
	}
	for name, c := range map[string]struct {
		disk      bool
		silentFor time.Duration
		read      float64 // records, of 10
	}{
		"in memory":          {silentFor: 100 * day, read: 10},
		"on disk":            {disk: true, silentFor: 100 * day, read: 10},
		"on disk, put away":  {disk: true, silentFor: day},
		"in memory and away": {silentFor: day},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := o
			o.silentFor = c.silentFor
			dir := t.TempDir()
			open := func() (Store, *engine) {
				if !c.disk {
					s := NewMemory(o)
					return s, s.engine
				}
				s, err := Open(dir, o)
				must(t, err)
				return s, s.engine
			}
			s, e := open()
			const rest = 40 * 72
			some := []lineage.Observation{round(1, 1_000_000)}
			for n := 2; n <= rest; n++ {
				if some = append(some, round(n, 0)); n%36 == 0 {
					must(t, s.Append(ctx, some...))
					must(t, s.Maintain(ctx, at(n)))
					some = nil
				}
				if c.disk && n == 30*72 {
					must(t, s.Close())
					s, e = open()
				}
			}
			if entryOf(e, topic) != nil || entryOf(e, reader) != nil || len(e.dead) > 0 {
				t.Fatal("they are held: this shows nothing")
			}
			must(t, s.Append(ctx, round(rest+1, 1_000_010)))
			w, err := s.Window(ctx, store.Ask{Window: lineage.Window{Start: at(rest), End: at(rest + 1)}, Accesses: true, Lookback: 7 * day})
			must(t, err)
			seen := 0
			for i := range w.Series.Len() {
				if a := w.Series.Amount[i]; w.Series.Metric[i] == lineage.Records && w.Rows.Access[w.Series.Row[i]].Op == lineage.Read {
					if seen++; a.Total != c.read || a.Estimated != (c.read == 0) {
						t.Errorf("of 10 records %+v are told to be read", a)
					}
				}
			}
			if seen != 1 {
				t.Errorf("there are %d readers", seen)
			}
			key := entryOf(e, topic).subject.find(lineage.Records, lineage.NoEvidence).key
			all, err := e.amounts(ctx, w.Window, []seriesKey{key})
			must(t, err)
			if all[0].Total != 10 || all[0].Estimated {
				t.Errorf("of 10 records %+v are told to be appended", all[0])
			}
			must(t, s.Close())
		})
	}
}

// TestWhoRestedIsForgottenInTheEnd bounds what is remembered of those who are not held any more.
func TestWhoRestedIsForgottenInTheEnd(t *testing.T) {
	e := testEngine(t)
	const each = maxUnsure/4 + 1
	for n := range 6 {
		var x unsure
		for i := range each {
			x.sums = append(x.sums, wideSum(n*each+i))
		}
		e.sealed = int64(n + 1)
		e.retired(x)
		e.retired(x) // as from the log again
	}
	sums := 0
	for _, x := range e.unsure {
		sums += len(x.sums)
	}
	any := func(int64) bool { return true }
	if len(e.unsure) != 3 || sums > maxUnsure || e.doubted(0, any) != nil || e.doubted(6*each-1, any) == nil || e.doubted(6*each, any) != nil {
		t.Errorf("%d sums are remembered, in %d parts", sums, len(e.unsure))
	}
}
