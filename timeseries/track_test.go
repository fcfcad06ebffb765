package timeseries

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/lineaged/lineaged/lineage"
)

// lookedAt says by going over all rounds whether a source observed a subject at a tick.
func lookedAt(rounds []round, a *lineage.Access, tick int64) bool {
	return slices.ContainsFunc(rounds, func(r round) bool {
		return r.start() < tick && tick <= r.tick && (r.miss == nil || !r.miss.all && !r.miss.names(a))
	})
}

// randomRounds are rounds of a source whose cadence changes, with holes, and with what some of them missed.
func randomRounds(r *rand.Rand, misses []*missing, offsets bool) (out []round) {
	tick := 1 + r.Int64N(5)
	for span := int32(1); tick < 60; tick += int64(1 + r.IntN(6)) {
		if r.IntN(4) == 0 {
			span = int32(1 + r.IntN(12))
		}
		x := round{anchor: anchor{tick: tick}, span: span}
		if r.IntN(3) == 0 {
			x.miss = misses[r.IntN(len(misses))]
		}
		if offsets {
			x.offset = r.Int64N(1000) - 200
		}
		out = append(out, x)
	}
	return out
}

// TestTrackSaysWhatWasObserved holds what a track says of random rounds against what going over each tick says.
func TestTrackSaysWhatWasObserved(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 7))
	topics := []lineage.Topic{{Cluster: "c", Name: "a"}, {Cluster: "c", Name: "b"}}
	accesses := []lineage.Access{
		{Topic: topics[0], Op: lineage.Write},
		{Topic: topics[1], Op: lineage.Read, Client: lineage.Client{Group: "g"}},
		{Topic: lineage.Topic{Cluster: "other", Name: "a"}, Op: lineage.Read, Client: lineage.Client{Group: "g"}},
	}
	var misses []*missing
	for _, m := range []lineage.Missing{
		{Reason: "all", All: true, Share: 1},
		{Reason: "a topic", Topics: topics[:1], Share: 0.5},
		{Reason: "both", Topics: topics, Share: 0.9},
		{Reason: "a group", Groups: []lineage.GroupRef{{Cluster: "c", Group: "g"}}, Share: 0.1},
		{Reason: "nothing of these"},
	} {
		list := []lineage.Missing{m}
		misses = append(misses, newMissing(list, encodeMissing(list)))
	}
	for range 98 { // more than a mask has bits
		list := []lineage.Missing{{Reason: randomString(r) + randomString(r) + randomString(r), Share: 0.2, Topics: topics[r.IntN(2):]}}
		misses = append(misses, newMissing(list, encodeMissing(list)))
	}
	c := newClock(defaultTick)
	for n := range 600 {
		of := misses[:5]
		if n%3 == 0 {
			of = misses
		}
		all := randomRounds(r, of, n%2 == 0)
		newest := all[len(all)-1]
		lo := r.Int64N(70)
		hi := lo + r.Int64N(30)
		var before anchor
		rounds := slices.DeleteFunc(slices.Clone(all), func(x round) bool {
			if x.tick <= lo {
				before = x.anchor
			}
			return x.tick <= lo || x.start() >= hi
		})
		track := newTrack(c, lo, hi, before, rounds, newest)
		for i := range accesses {
			a := &accesses[i]
			runs := track.runs(a)
			carried := func(x int64) bool {
				return lo < x && x <= hi && lookedAt(rounds, a, x) ||
					x > newest.tick && x <= newest.tick+int64(newest.span) && (newest.miss == nil || !newest.miss.all && !newest.miss.names(a))
			}
			for x := lo; x <= hi; x++ {
				for y := x; y <= hi; y++ {
					want, last := int64(0), int64(0)
					for k := x + 1; k <= y; k++ {
						if lookedAt(rounds, a, k) {
							want++
						}
						if carried(k) {
							last = k
						}
					}
					if got := runs.within(x, y); got != want {
						t.Fatalf("round %d: (%d, %d] of %+v: %d ticks were observed, not %d", n, x, y, rounds, want, got)
					}
					if got, ok := runs.last(x, y, a); x < y && (ok != (last > 0) || ok && got != last) {
						t.Fatalf("round %d: the last of (%d, %d] of %+v, newest %+v, is %d, not %d, %t", n, x, y, rounds, newest, last, got, ok)
					}
					real := int64(0)
					for k := x + 1; k <= y; k++ {
						if lookedAt(rounds, a, k) {
							real += int64(c.step) + track.offset(k) - track.offset(k-1)
						}
					}
					if got := runs.realWithin(x, y); got != real {
						t.Fatalf("round %d: (%d, %d] took %d ns, not %d", n, x, y, real, got)
					}
				}
				if x > lo && runs.observed(x) != lookedAt(rounds, a, x) {
					t.Fatalf("round %d: tick %d of %+v: observed %t", n, x, rounds, runs.observed(x))
				}
				if x > lo && runs.carried(x, a) != carried(x) {
					t.Fatalf("round %d: tick %d: carried %t", n, x, runs.carried(x, a))
				}
			}
		}
	}
}

// TestOffsetIsBetweenThoseOfTheRounds holds that instants between rounds are interpolated, without overflow, and that
// time never goes back.
func TestOffsetIsBetweenThoseOfTheRounds(t *testing.T) {
	f := func(anchors []anchor, tick, want int64) {
		t.Helper()
		if got := (&track{anchors: anchors}).offset(tick); got != want {
			t.Errorf("the offset of tick %d of %v is %d, want %d", tick, anchors, got, want)
		}
	}
	f(nil, 7, 0)
	f([]anchor{{10, 100}}, 1, 100)
	f([]anchor{{10, 100}}, 99, 100)
	f([]anchor{{10, 100}, {20, 200}}, 9, 100)
	f([]anchor{{10, 100}, {20, 200}}, 10, 100)
	f([]anchor{{10, 100}, {20, 200}}, 13, 130)
	f([]anchor{{10, 100}, {20, 200}}, 20, 200)
	f([]anchor{{10, 100}, {20, 200}}, 21, 200)
	f([]anchor{{10, 200}, {20, 100}}, 13, 170)
	f([]anchor{{10, 0}, {13, 10}}, 11, 3)
	f([]anchor{{1, 0}, {1 << 40, 1 << 60}}, 1<<39, 1<<59-1<<19-1)
	r := rand.New(rand.NewPCG(2, 7))
	for range 200 {
		tr := &track{clock: newClock(defaultTick)}
		for tick := int64(1); tick < 80; tick += 1 + r.Int64N(20) {
			tr.anchors = append(tr.anchors, anchor{tick, r.Int64N(int64(tr.step))})
		}
		for x := range int64(100) {
			if tr.real(x, x+1) < 0 {
				t.Fatalf("of %v the tick after %d takes %d ns", tr.anchors, x, tr.real(x, x+1))
			}
		}
	}
}
