package timeseries

import (
	"testing"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// headersWorld is what the headers of a topic's batches told of three rounds, in which a connector ran.
func headersWorld(rounds int) (all []lineage.Observation) {
	runs := lineage.Access{Topic: lineage.Topic{Cluster: "W", Name: "orders"}, Op: lineage.Write, Client: settledMover("a")}
	for n := 1; n <= rounds; n++ {
		c := settledRound("connect", n)
		if n == 1 || n == 4 {
			c.Samples = []lineage.Sample{{Subject: runs, Metric: lineage.Runs, Value: int64(n % 2)}}
		}
		h := settledRound("headers", n)
		if n < 4 {
			h.Samples = []lineage.Sample{{Subject: lineage.Access{Topic: settledTopic}, Metric: lineage.Left, Evidence: lineage.BatchHeader, Value: int64(10 * n)}}
		}
		all = append(all, c, h)
	}
	return all
}

func settledRound(source string, n int) lineage.Observation {
	return lineage.Observation{Source: lineage.Source{Cluster: source, Name: source}, Round: lateAt(n), Interval: lateTick, At: lateAt(n)}
}

// TestDerivedIsCreditedAsItIsNow: what the headers of batches told before a topic's own source told anything is that
// source's word once it does, whenever and of whatever round that is, sealed meanwhile or not.
func TestDerivedIsCreditedAsItIsNow(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		first  int // round that the topic's own source tells of
		sealed bool
	}{"of a round that headers told of": {first: 3}, "of a later one": {first: 6}, "and these are sealed": {300, true}} {
		s := NewMemory(lateOptions())
		defer func() { must(t, s.Close()) }()
		must(t, s.Append(t.Context(), headersWorld(max(c.first, 6))...))
		if c.sealed {
			must(t, s.Maintain(t.Context(), lateAt(c.first)))
		}
		credited := func(want string) {
			t.Helper()
			if got := creditedTo(t, s, c.first+1); got != want {
				t.Errorf("%s: by elimination a is counted by %q, want %q", name, got, want)
			}
		}
		credited("headers")
		o := settledRound("producers", c.first)
		o.Samples = []lineage.Sample{{Subject: lineage.Access{Topic: settledTopic}, Metric: lineage.Left, Value: 7}}
		must(t, s.Append(t.Context(), o))
		must(t, s.Maintain(t.Context(), lateAt(c.first)))
		credited("producers")
	}
}

// creditedTo returns whose word the count of the mover by elimination rests on.
func creditedTo(t *testing.T, s store.Reader, to int) (source string) {
	t.Helper()
	win, err := s.Window(t.Context(), store.Ask{Window: lineage.Window{Start: lateAt(0), End: lateAt(to)}, Accesses: true})
	must(t, err)
	rows := make([]int32, win.Rows.Topics)
	for i := range rows {
		rows[i] = int32(i)
	}
	evidence, err := win.Evidence(t.Context(), win.Window, rows)
	must(t, err)
	for i := range rows {
		for _, x := range evidence[i] {
			if x.Kind == lineage.Elimination && win.Rows.Access[i].Client == settledMover("a") {
				source = x.Source.Name
			}
		}
	}
	return source
}
