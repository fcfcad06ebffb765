package attribution

import (
	"cmp"
	"slices"

	"github.com/lineaged/lineaged/lineage"
)

// look takes what the headers of a topic's batches say of the steps of which all were looked at: how many records are
// of writers without idempotence. That is what is left of such a step, and no bound, whatever the topic's own source
// could not tell apart; what the others wrote is counted apart, and so are markers. Steps that one look goes over are
// one from then on. A look that is of other offsets than the steps, or is a bound, says nothing.
//
// It stays the word of the topic's own source, whose number is own, -1 for none: who tells of a step must not hang on
// which step it is.
func (s *settling) look(t *lineage.Told, own int) {
	by := t.By
	if own >= 0 {
		by = own
	}
	for _, r := range t.Readings {
		if r.Estimated {
			continue
		}
		first, _ := slices.BinarySearchFunc(s.steps, r.From+1, func(x step, at int64) int { return cmp.Compare(x.to, at) })
		end := first
		for end < len(s.steps) && s.steps[end].to <= r.To {
			end++
		}
		if first < end && s.steps[first].from < r.From || end < len(s.steps) && s.steps[end].from < r.To {
			continue
		}
		one := step{from: r.From, to: r.To, left: r, by: by, beyond: r.Beyond, looked: true}
		for _, x := range s.steps[first:end] {
			one.beyond = one.beyond || x.beyond
		}
		s.steps = slices.Replace(s.steps, first, end, one)
	}
}
