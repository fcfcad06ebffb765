package storetest

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// order appends a history in random order, with repetitions, in groups and one by one: all answers are the same.
func (b *battery) order(t *testing.T) {
	const rounds = 150
	r := rand.New(rand.NewPCG(7, 7))
	obs := history(r, epoch, time.Minute, rounds)
	Wording(r, obs)
	for i := range obs { // things that say different things in one round, and out of order
		telling(r, &obs[i])
		key := lineage.FactKey{Source: obs[i].Source.Cluster, Kind: lineage.BlindSpotFacts, Name: "y"}
		obs[i].Facts = append(obs[i].Facts, lineage.Fact{Key: key, BlindSpots: []lineage.BlindSpot{{Source: "y", What: string(rune('a' + r.IntN(3)))}}})
		obs[i].Positions = []lineage.Position{{Key: "offset", Value: []byte(obs[i].Round.String())}}
		if i%3 == 0 {
			obs[i].Positions = append(obs[i].Positions, lineage.Position{Key: "gone"})
		}
	}
	var want [][]any
	for i := range 3 {
		if i > 0 {
			twice := append(append([]lineage.Observation{}, obs...), obs[:len(obs)/3]...)
			r.Shuffle(len(twice), func(i, j int) { twice[i], twice[j] = twice[j], twice[i] })
			obs = twice
		}
		s := b.open(t, time.Minute)
		for from := 0; from < len(obs); {
			to := min(from+1+r.IntN(4), len(obs))
			check(t, s.Append(t.Context(), obs[from:to]...))
			from = to
		}
		s = b.again(t, s)
		got := all(t, s, rounds)
		if want == nil {
			want = got
		}
		for j := range want {
			if !equal(got[j], want[j]) {
				Differ(t, got[j], want[j])
			}
		}
	}
}

// all asks everything over some windows, and the positions of all sources.
func all(t *testing.T, s Subject, rounds int) (out [][]any) {
	t.Helper()
	for _, n := range []int{rounds / 4, rounds / 2, rounds} {
		out = append(out, Everything(t, s, lineage.Window{Start: epoch.Add(-time.Hour), End: epoch.Add(time.Duration(n) * time.Minute)}))
	}
	var rest []any
	for i := range 50 {
		for _, kind := range AllFacts {
			rest = append(rest, factsAt(t, s, epoch.Add(time.Duration(i*rounds/50)*time.Minute), kind))
		}
	}
	for _, c := range []string{"west", "east"} {
		for _, n := range []string{"end-offsets", "groups", "log-dirs"} {
			p, err := s.Positions(t.Context(), lineage.Source{Cluster: c, Name: n})
			check(t, err)
			rest = append(rest, p)
		}
	}
	state, err := s.State(t.Context())
	check(t, err)
	return append(out, append(rest, state.Earliest, state.Clusters))
}
