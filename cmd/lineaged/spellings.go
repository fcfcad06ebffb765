package main

import (
	"time"

	"github.com/lineaged/lineaged/api"
	"github.com/lineaged/lineaged/collector"
)

// spellings tells the API how others call the watched clusters, as the board was told since the process began.
func spellings(board *collector.Board, since time.Time) func() *api.ClusterSpellings {
	return func() *api.ClusterSpellings {
		all, full := board.Spellings()
		out := &api.ClusterSpellings{Since: since, Full: full, Items: make([]api.ClusterSpelling, 0, len(all))}
		for _, s := range all {
			out.Items = append(out.Items, spellingOf(s))
		}
		return out
	}
}

// spellingOf presents one. What it was resolved by is null where it was not.
func spellingOf(s collector.Spelling) api.ClusterSpelling {
	out := api.ClusterSpelling{Spelling: s.Spelling, From: above(s.From, ""), By: s.By, Candidates: append([]string{}, s.Candidates...), Rule: above(s.Rule, "")}
	if s.Told() {
		out.Cluster, out.Basis, out.Matched = &s.Cluster, new(api.SpellingBasis(s.How)), above(s.Matched, "")
		return out
	}
	out.Problem, out.Why = new(api.SpellingProblem(s.Problem)), above(s.Why, "")
	return out
}
