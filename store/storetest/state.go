package storetest

import (
	"errors"
	"iter"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// state says how far the clusters are, by all of their sources, and what they last said of themselves.
func (b *battery) state(t *testing.T) {
	s := b.open(t, tick)
	cluster := func(o lineage.Observation, brokers int) lineage.Observation {
		f := lineage.Fact{Key: lineage.FactKey{Source: o.Source.Cluster, Kind: lineage.ClusterFacts}, Gone: brokers == 0}
		if brokers > 0 {
			f.Cluster = &lineage.ClusterFact{ID: "w", Brokers: brokers}
		}
		o.Facts = []lineage.Fact{f}
		return o
	}
	is := func(want ...store.Cluster) {
		t.Helper()
		state, err := s.State(t.Context())
		check(t, err)
		if !equal(state.Clusters, want) {
			t.Errorf("the clusters are %+v, want %+v", state.Clusters, want)
		}
	}
	three, four := &lineage.ClusterFact{ID: "w", Brokers: 3}, &lineage.ClusterFact{ID: "w", Brokers: 4}
	check(t, s.Append(t.Context(), cluster(round(west, 1), 3), round(groups, 1)))
	is(store.Cluster{Source: "west", Round: at(1), Ended: at(1), Fact: three})
	check(t, s.Append(t.Context(), cluster(round(west, 3), 4)))
	check(t, s.Append(t.Context(), cluster(round(west, 2), 3), round(lineage.Source{Cluster: "east", Name: "x"}, 2), round(groups, 2)))
	is(store.Cluster{Source: "east", Round: at(2), Ended: at(2)}, store.Cluster{Source: "west", Round: at(3), Ended: at(2), Fact: four})
	s = b.again(t, s)
	is(store.Cluster{Source: "east", Round: at(2), Ended: at(2)}, store.Cluster{Source: "west", Round: at(3), Ended: at(2), Fact: four})
	check(t, s.Append(t.Context(), cluster(round(west, 4), 0), round(groups, 3), round(groups, 4)))
	is(store.Cluster{Source: "east", Round: at(2), Ended: at(2)}, store.Cluster{Source: "west", Round: at(4), Ended: at(4)})
}

// watch waits for rounds.
func (b *battery) watch(t *testing.T) {
	ctx := t.Context()
	s := b.open(t, tick)
	check(t, s.Append(ctx, round(west, 1)))
	before, err := s.State(ctx)
	check(t, err)
	if b.cannot.Watch {
		for _, err := range s.Rounds(ctx, before.Version) {
			if !errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("a store that cannot be watched says %v", err)
			}
			return
		}
		t.Error("a store that cannot be watched says nothing")
		return
	}
	next, stop := iter.Pull2(s.Rounds(ctx, before.Version))
	defer stop()
	is := func(src lineage.Source, n int) store.Version {
		t.Helper()
		r, err, ok := next()
		if !ok || err != nil || r.Source != src || !r.At.Equal(at(n)) || r.Version <= before.Version {
			t.Fatalf("the next round is %+v, %v, %v; want round %d of %v", r, err, ok, n, src)
		}
		return r.Version
	}
	check(t, s.Append(ctx, round(west, 2), round(groups, 2)))
	check(t, s.Append(ctx, round(west, 2))) // held already: nothing new
	if a, b := is(west, 2), is(groups, 2); a != b {
		t.Errorf("what was appended together is of the versions %d and %d", a, b)
	}
	go func() {
		time.Sleep(5 * time.Millisecond) // so that it is waited for; if it is not, that does no harm
		_ = s.Append(ctx, round(west, 3))
	}()
	version := is(west, 3)
	if state, err := s.State(ctx); err != nil || state.Version < version || !Newest(t, s, "west").Equal(at(3)) {
		t.Errorf("a round that was told is not visible: %+v, %v", state, err)
	}
	for n := 4; n < 20_000; { // who is too slow is told, and holds up nobody
		var some []lineage.Observation
		for ; len(some) < 500 && n < 20_000; n++ {
			some = append(some, round(west, n))
		}
		check(t, s.Append(ctx, some...))
	}
	for n := 4; ; n++ {
		r, err, _ := next()
		if errors.Is(err, store.ErrBehind) {
			break
		}
		if err != nil || !r.At.Equal(at(n)) {
			t.Fatalf("after a while: %+v, %v, want round %d or ErrBehind", r, err, n)
		}
		if n == 19_999 {
			break // it remembers all
		}
	}
}
