package timeseries

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/lineaged/lineaged/lineage"
)

// TestFactLines tells versions of one fact in any order, some of them twice and two of one round, puts what is sealed
// into the past, forgets what ended before a floor, and writes and reads it all: what holds at each tick, since when
// and what was before is what a list of all that was told says.
func TestFactLines(t *testing.T) {
	t.Parallel()
	key := lineage.FactKey{Source: "west", Kind: lineage.BlindSpotFacts, Name: "x"}
	deltas := 0
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 2))
		e := testEngine(t)
		told := map[int64]codedFact{}
		var sealed, floor int64
		for range 12 {
			end := sealed + 1 + r.Int64N(60)
			for range r.IntN(60) { // late ones too, of what is not sealed
				tick := sealed + 1 + r.Int64N(end-sealed)
				f := lineage.Fact{Key: key, Gone: r.IntN(5) == 0}
				if !f.Gone {
					f.BlindSpots = []lineage.BlindSpot{{Source: strings.Repeat("what stays as it was ", 20), What: fmt.Sprint(r.IntN(4))}}
				}
				c := newCodedFact(&writer{}, f)
				e.addFact(c, tick)
				was, twice := told[tick]
				if v := (&factVersion{tick, c}); !twice || v.outranks(&factVersion{tick, was}) {
					told[tick] = c
				}
			}
			if r.IntN(3) > 0 {
				sealed = end
				e.trimFacts(sealed, 0)
			}
			if r.IntN(4) == 0 {
				floor += r.Int64N(sealed - floor + 1)
				e.trimFacts(sealed, floor)
			}
			if r.IntN(3) == 0 {
				again, err := decodeFacts(e.encodeFacts())
				must(t, err)
				e.facts = again
			}
			line := e.facts[key]
			if line != nil {
				for _, p := range line.past {
					if p.how == valueDiffer {
						deltas++
					}
				}
			}
			checkFactLine(t, line, told, floor, max(sealed, end)+2)
		}
	}
	if deltas == 0 {
		t.Error("nothing was kept as a difference")
	}
}

// checkFactLine asks for each tick after the floor.
func checkFactLine(t *testing.T, line *factLine, told map[int64]codedFact, floor, end int64) {
	t.Helper()
	var now, before *factVersion
	for tick := int64(1); tick <= end; tick++ {
		if c, ok := told[tick]; ok {
			if v := (&factVersion{tick, c}); now == nil || !v.same(now) {
				now, before = v, now
			}
		}
		if tick <= floor {
			continue
		}
		var v, was *factVersion
		var since int64
		if line != nil {
			v, since, was = line.at(tick)
		}
		gone := now == nil || now.fact.Gone && now.tick <= floor // and maybe forgotten
		switch {
		case gone && (v == nil || v.fact.Gone):
		case v == nil || now == nil || since != now.tick || !reflect.DeepEqual(v.fact, now.fact):
			t.Fatalf("at %d, after the floor %d: %+v since %d, want %+v", tick, floor, v, since, now)
		case before == nil && was != nil,
			before != nil && was != nil && !reflect.DeepEqual(was.fact, before.fact),
			before != nil && was == nil && now.tick > floor && (!before.fact.Gone || before.tick > floor):
			t.Fatalf("at %d, after the floor %d: before what holds since %d it was told: %v, want since %d, gone: %v", tick, floor, since, was != nil, before.tick, before.fact.Gone)
		}
	}
}
