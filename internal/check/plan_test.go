package main

import (
	"slices"
	"testing"
)

func names(phases [][]step) (all []string) {
	for _, p := range phases {
		for _, s := range p {
			all = append(all, s.name)
		}
	}
	return all
}

// The long form has what the short one has, and the steps that take too long for it.
func TestPlan(t *testing.T) {
	brief, long := names(plan(false)), names(plan(true))
	if !slices.Equal(long[:len(brief)], brief) {
		t.Errorf("the long form %q does not begin as the short one %q", long, brief)
	}
	if !slices.Contains(brief, "bench") {
		t.Errorf("nothing guards what is measured: %q", brief)
	}
	if more := long[len(brief):]; !slices.Equal(more, []string{"long", "fuzz", "bench-peers", "otelcol", "matrix"}) {
		t.Errorf("the long form has %q more", more)
	}
}

func TestParseTargets(t *testing.T) {
	got := parseTargets([]byte("ok  \ta/none\t0.1s\nFuzzA\nFuzzB\nok  \ta/two\t0.1s\n?   \ta/without\t[no test files]\nFuzzC\nok  \ta/one\t(cached)\n"))
	want := []fuzzTarget{{"a/two", "FuzzA"}, {"a/two", "FuzzB"}, {"a/one", "FuzzC"}}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
