package main

import (
	"slices"
	"strings"
	"testing"
)

func TestCompare(t *testing.T) {
	f := form{rows: []row{{work: "a"}, {work: "b"}, {work: "c"}}}
	want := map[string]float64{"a": 2, "b": 0.5}
	lines, err := compare(want, map[string]float64{"a": 2.99, "b": 0.1}, f)
	if err != nil || strings.Count(lines, "\n") != 2 {
		t.Errorf("within the slack: %v, %q", err, lines)
	}
	if _, err := compare(want, map[string]float64{"a": 3.01}, f); err == nil || !strings.Contains(err.Error(), "a: ") {
		t.Errorf("half as much again passes: %v", err)
	}
	if _, err := compare(want, map[string]float64{"c": 1}, f); err == nil {
		t.Error("a ratio that is not in the file passes")
	}
	if _, err := compare(want, nil, f); err == nil {
		t.Error("nothing measured passes")
	}
	f = form{peers: []string{"lineaged", "plain"}, rows: []row{{work: "a"}, {work: "b", to: "small plain x"}, {work: "c", to: "small prometheus x"}}}
	if _, err := compare(want, map[string]float64{"a": 1}, f); err == nil || !strings.Contains(err.Error(), "b: ") || strings.Contains(err.Error(), "c: ") {
		t.Errorf("a ratio to a peer that was asked and has none passes, or one to a peer that was not asked does not: %v", err)
	}
}

// The file has each ratio of the guard, of its sizes, and no other.
func TestRatiosAreThoseOfTheGuard(t *testing.T) {
	var have ratios
	if err := readJSON(ratiosFile, &have); err != nil {
		t.Fatal(err)
	}
	if have.Sizes != sizes(guardForm) {
		t.Errorf("sizes %q, the guard measures %q", have.Sizes, sizes(guardForm))
	}
	for _, r := range guardForm.rows {
		if have.Ratios[r.work] <= 0 {
			t.Errorf("%q is not in it", r.work)
		}
	}
	if len(have.Ratios) != len(guardForm.rows) {
		t.Errorf("%d ratios for %d rows: two rows of one name, or one that is gone", len(have.Ratios), len(guardForm.rows))
	}
}

// Rows name shapes that are measured and peers that are there.
func TestRowsNameWhatThereIs(t *testing.T) {
	for _, f := range []form{fullForm, guardForm} {
		for _, r := range f.rows {
			for _, key := range []string{r.ours, r.to} {
				if key == "" || isOwn(key) {
					continue
				}
				i := slices.IndexFunc(f.shapes, func(s shape) bool { return strings.HasPrefix(key, s.name+" ") })
				if i < 0 {
					t.Errorf("%q: no such shape", key)
					continue
				}
				name, _, _ := strings.Cut(strings.TrimPrefix(key, f.shapes[i].name+" "), " ")
				known := slices.IndexFunc(peers, func(p peer) bool { return p.name == name })
				if known < 0 || !peers[known].can(f.shapes[i]) {
					t.Errorf("%q: no such peer", key)
				}
			}
		}
	}
}

// A row of a benchmark that has another name now is no row that is left out.
func TestUntold(t *testing.T) {
	res := &results{figures: map[string][]float64{"Round/1000x500/lineaged cpu-ms/round": {1}, "View ns/op": {1}}}
	rows := []row{{work: "a round", ours: "Round/1000x500/lineaged cpu-ms/round", to: "Round/per-group cpu-ms/round"}, {work: "a view", ours: "View ns/op"}, {work: "a store", ours: "A lineaged ingest ns/sample"}}
	if err := untold(rows, res); err == nil || err.Error() != `a round: no benchmark printed "Round/per-group cpu-ms/round"` {
		t.Errorf("it says %v", err)
	}
}

func TestTable(t *testing.T) {
	f := form{rows: []row{
		{work: "fast", ours: "A lineaged x cpu-ns", to: "A prometheus x cpu-ns", goal: 0.5},
		{work: "slow", ours: "A lineaged y B/sample", to: "A prometheus y B/sample", goal: 0.5, bound: 1},
		{work: "unknown", ours: "A lineaged z cpu-ns", to: "A prometheus z cpu-ns", goal: 1},
	}}
	got := table(f, &results{figures: map[string][]float64{
		// one round of a busy machine changes neither median
		"A lineaged x cpu-ns": {100, 1e9, 110}, "A prometheus x cpu-ns": {1000, 1e10, 1100},
		"A lineaged y B/sample": {2}, "A prometheus y B/sample": {2.5},
		"A lineaged z cpu-ns": {7},
	}, missing: map[string]string{"postgres": "not installed"}})
	for _, want := range []string{
		"| fast | 110 ns | prometheus 1.10 µs | 0.10 | ≤ 0.50 | yes |", "| slow | 2.00 B | prometheus 2.50 B | 0.80 | ≤ 0.50, ≤ 1.00 B | no |",
		"postgres was not measured: not installed",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the table lacks %q:\n%s", want, got)
		}
	}
	if strings.Contains(got, "unknown") {
		t.Errorf("what was not compared is in the table:\n%s", got)
	}
}

func TestParseBenchmarks(t *testing.T) {
	got := parseBenchmarks("goos: linux\nBenchmarkRound/per-group-2 \t 10\t 1.5 ns/op\t 7.25 cpu-ms/round\nPASS\n")
	if len(got) != 2 || got["Round/per-group cpu-ms/round"] != 7.25 || got["Round/per-group ns/op"] != 1.5 {
		t.Errorf("got %v", got)
	}
}
