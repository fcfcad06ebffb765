package timeseries

import (
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// TestRefusedWhole appends three observations at once of which one can't be kept, at each place: the error names its
// source, its round and why, none of them is held, and the others are taken when they come without it.
func TestRefusedWhole(t *testing.T) {
	for why, change := range map[string]func(*lineage.Observation){
		"no name":                       func(o *lineage.Observation) { o.Source.Name = "" },
		"not a multiple of the tick":    func(o *lineage.Observation) { o.Round = o.Round.Add(time.Nanosecond) },
		"the interval 1m30s":            func(o *lineage.Observation) { o.Interval = 90 * time.Second },
		"the interval -1m0s":            func(o *lineage.Observation) { o.Interval = -time.Minute },
		"the interval 0s":               func(o *lineage.Observation) { o.Interval = 0 },
		"unknown metric":                func(o *lineage.Observation) { o.Samples[0].Metric = maxMetric - 1 },
		"unknown kind of evidence":      func(o *lineage.Observation) { o.Samples[0].Evidence = lineage.EvidenceKinds },
		"below zero":                    func(o *lineage.Observation) { o.Samples[0].Value = -1 },
		"an access has an unknown":      func(o *lineage.Observation) { o.Samples[0].Subject.Op = lineage.Read + 1 },
		"a sighting of an unknown kind": func(o *lineage.Observation) { o.Sightings = []lineage.Sighting{{Access: testWriter}} },
		"not between 0 and 1":           func(o *lineage.Observation) { o.Missing = []lineage.Missing{{Share: 2}} },
		"a fact of the unknown kind": func(o *lineage.Observation) {
			o.Facts = []lineage.Fact{{Key: lineage.FactKey{Kind: lineage.FactKinds}}}
		},
		"hold exactly what its kind says": func(o *lineage.Observation) {
			o.Facts = []lineage.Fact{{Key: lineage.FactKey{Kind: lineage.TopicFacts}}}
		},
	} {
		for place := range 3 {
			s := NewMemory(testOpts)
			obs := []lineage.Observation{testRound(1), testRound(2), testRound(3)}
			change(&obs[place])
			err := s.Append(t.Context(), obs...)
			if err == nil || !strings.Contains(err.Error(), why) || !strings.Contains(err.Error(), obs[place].Round.Format(time.RFC3339)) {
				t.Errorf("%s, at place %d: %v", why, place, err)
			}
			if newest(&Disk{engine: s.engine}) != 0 || s.Stats().Subjects > 0 || s.Stats().Series > 0 {
				t.Errorf("%s, at place %d: something is held, the newest round is %d", why, place, newest(&Disk{engine: s.engine}))
			}
			must(t, s.Append(t.Context(), append(obs[:place:place], obs[place+1:]...)...))
			if want := []int{3, 3, 2}[place]; newest(&Disk{engine: s.engine}) != want {
				t.Errorf("%s, at place %d: then the newest round is %d, want %d", why, place, newest(&Disk{engine: s.engine}), want)
			}
			must(t, s.Close())
		}
	}
}
