package timeseries

import (
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store/storetest"
)

// Of two collectors of one cluster, the slower one says which round is the newest, until it is late: then coverage says
// so.
func TestEndedIsWhatAllHaveEnded(t *testing.T) {
	s := NewMemory(Options{Tick: 10 * time.Second})
	defer func() { _ = s.Close() }()
	begun := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	at := func(n int) time.Time { return begun.Add(time.Duration(n) * 10 * time.Second) }
	add := func(name string, n, span int) {
		t.Helper()
		o := lineage.Observation{Source: lineage.Source{Cluster: "west", Name: name}, Round: at(n), Interval: time.Duration(span) * 10 * time.Second}
		if err := s.Append(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	f := func(latest int, gaps ...string) {
		t.Helper()
		state, err := s.State(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got := state.Clusters[0].Ended
		if !got.Equal(at(latest)) {
			t.Errorf("the newest round is %v, want %v", got, at(latest))
		}
		c := storetest.Ask(t, s, lineage.Window{Start: at(2), End: got}).Coverage()
		names := ""
		for _, g := range c.Gaps {
			names += g.Source.Name + " "
		}
		want := ""
		for _, g := range gaps {
			want += g + " "
		}
		if names != want || c.Complete != (want == "") {
			t.Errorf("at %d: gaps of %q, complete %v, want gaps of %q", latest, names, c.Complete, want)
		}
	}
	add("members", 4, 3)
	for n := range 5 {
		add("ends", n+1, 1)
		add("mirror", n+1, 1)
	}
	f(5)
	add("mirror", 6, 1) // ends has its round 6 under way
	f(5)
	add("ends", 6, 1)
	f(6)
	add("ends", 7, 1)
	add("mirror", 7, 1)
	f(6) // members are due at 7
	add("members", 7, 3)
	f(7)
	add("mirror", 8, 1)
	add("mirror", 9, 1) // ends is late by more than a round
	f(9, "ends")
	for n := 10; n < 20; n++ {
		add("mirror", n, 1)
	}
	for n := 10; n < 20; n += 3 {
		add("members", n, 3)
	}
	f(19, "ends")
	if storetest.Ask(t, s, lineage.Window{Start: at(2), End: at(8)}).Coverage().Complete {
		t.Error("a round that others have ended and ends has not is complete")
	}
}
