package storetest

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// History makes up what sources of two clusters saw in rounds one tick apart from start on, in the order of rounds:
// gaps, outages, jitter, resets, late commits, cadences of their own.
func History(r *rand.Rand, start time.Time, tick time.Duration, rounds int) []lineage.Observation {
	return history(r, start, tick, rounds)
}

// Telling adds to a history what is told beside samples: facts that change, things that happened earlier, whose a
// transactional.id is, and positions.
func Telling(r *rand.Rand, obs []lineage.Observation) {
	for i := range obs {
		telling(r, &obs[i])
		obs[i].Positions = []lineage.Position{{Key: "offset", Value: []byte(obs[i].Round.String())}}
		if i%3 == 0 {
			obs[i].Positions = append(obs[i].Positions, lineage.Position{Key: "gone"})
		}
	}
}

// Wording makes the details of a history's sightings such as are told: of most accesses the same at all times, of some
// now this and now that, or nothing.
func Wording(r *rand.Rand, obs []lineage.Observation) {
	change := map[lineage.Access]bool{}
	for i := range obs {
		obs[i].Sightings = slices.Clone(obs[i].Sightings)
		for j := range obs[i].Sightings {
			s := &obs[i].Sightings[j]
			if _, there := change[s.Access]; !there {
				change[s.Access] = r.IntN(3) > 0
			}
			if n := r.IntN(8); change[s.Access] && n < 5 {
				s.Detail = []string{"", "member", "a member", "other", "none"}[n]
			}
		}
	}
}

// Hold holds a store, which was told these observations and nothing else, against the model: all that it answers of
// some random windows of the rounds since start.
func Hold(t *testing.T, s store.Store, r *rand.Rand, start time.Time, tick time.Duration, obs []lineage.Observation, windows int) {
	t.Helper()
	m := newModel(tick, obs)
	rounds := int(obs[len(obs)-1].Round.Sub(start) / tick)
	for range windows {
		compare(t, s, m, randomWindow(r, start, tick, rounds), tick*time.Duration(1+r.IntN(9)))
	}
}
