package timeseries

import (
	"math/rand/v2"
	"testing"

	"github.com/lineaged/lineaged/lineage"
)

// TestGaugesStand asks how a gauge stands, and since when, whatever of its samples is sealed: as walking over all of
// them says.
func TestGaugesStand(t *testing.T) {
	sources := []*source{{}}
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 6))
		s := &series{key: seriesKey{Metric: lineage.Linked}, subject: &subject{}}
		var told []sample
		sealed := int64(0)
		for tick := int64(1); tick <= 120; tick++ {
			if r.IntN(3) == 0 {
				told = append(told, sample{tick: tick, value: int64(r.IntN(3)), span: 1})
			}
		}
		for _, i := range r.Perm(len(told)) {
			s.add(told[i], sources)
		}
		e := testEngine(t)
		e.sources = sources
		for range 5 {
			if sealed > 0 {
				e.cutSubject(&subject{series: []*series{s}}, sealed)
			}
			for until := sealed; until <= 121; until++ {
				level, since := int64(0), int64(0)
				for _, x := range told {
					if x.tick <= until && x.value != level {
						level, since = x.value, x.tick
					}
				}
				gotLevel, gotSince := s.stands(until)
				if at := s.at(until); gotLevel != level || gotSince != since || at != level {
					t.Fatalf("seed %d, sealed to %d: at %d it is %d, and stands at %d since %d, want %d since %d", seed, sealed, until, at, gotLevel, gotSince, level, since)
				}
			}
			sealed += int64(1 + r.IntN(40))
		}
	}
}
