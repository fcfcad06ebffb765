package acceptance

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

// The types are what the tests read of lineaged's answers.

type answer struct {
	Nodes    []struct{ ID, Kind string }
	Flows    []flow
	Window   struct{ Start, End time.Time }
	Coverage coverage
}

type flow struct {
	ID, Kind         string
	Active           *bool
	Records          *int64 `json:",string"`
	Estimated        bool
	RecordsPerSecond *float64
	Lag              *int64 `json:",string"`
	LagSeconds       *float64
	Evidence         []struct{ Kind, Source, Detail string }
	ClientCount      int
	Clients          []client
	Series           *series
}

type client struct {
	Kind             string
	ClientID, Group  *string
	Host             *string
	TransactionalID  *string
	ProducerID       *int64 `json:",string"`
	RecordsPerSecond *float64
	Lag              *int64 `json:",string"`
}

type series struct {
	Step   string
	Points []point
}

type point struct {
	At    time.Time
	Value *float64
}

type coverage struct {
	Complete         bool
	ObservedFraction float64
	GapCount         int
	Gaps             []gap
	BlindSpots       []blindSpot
}

type gap struct {
	Source     string
	Start, End time.Time
	Reason     string
}

type blindSpot struct{ Source, What, Remedy string }

const coverageFields = `complete observedFraction gapCount gaps{source start end reason} blindSpots{source what remedy}`

const lineageQuery = `query L($roots: [ID!]!, $window: Window!) {
  lineage(roots: $roots, window: $window) {
    nodes { id kind }
    flows {
      id kind active records estimated recordsPerSecond lag lagSeconds clientCount
      evidence { kind source detail }
      clients(first: 50) { kind clientId group host transactionalId producerId recordsPerSecond lag }
      series(metric: RECORDS_PER_SECOND) { step points { at value } }
    }
    window { start end }
    coverage { ` + coverageFields + ` }
  }
}`

func last(d string) map[string]any { return map[string]any{"last": d} }

func between(start, end time.Time) map[string]any {
	return map[string]any{"start": start.UTC().Format(time.RFC3339Nano), "end": end.UTC().Format(time.RFC3339Nano)}
}

// lineage asks for the graph around one node, as an error when the node is not known yet.
func (s *server) tryLineage(t testing.TB, root string, window map[string]any) (answer, error) {
	t.Helper()
	var d struct{ Lineage *answer }
	err := s.ask(t, lineageQuery, map[string]any{"roots": []string{root}, "window": window}, &d)
	if err == nil && d.Lineage == nil {
		err = fmt.Errorf("lineage of %s is null", root)
	}
	if err != nil {
		return answer{}, err
	}
	return *d.Lineage, nil
}

func (s *server) lineage(t testing.TB, root string, window map[string]any) answer {
	t.Helper()
	a, err := s.tryLineage(t, root, window)
	if err != nil {
		t.Fatalf("lineage of %s in %v: %v", root, window, err)
	}
	return a
}

// coverage asks what was observed.
func (s *server) coverage(t testing.TB, window map[string]any) coverage {
	t.Helper()
	var d struct{ Coverage *coverage }
	all := strings.Replace(coverageFields, "gaps{", "gaps(first: 1000){", 1)
	s.mustAsk(t, `query($w: Window!){coverage(window:$w){`+all+`}}`, map[string]any{"w": window}, &d)
	if d.Coverage == nil {
		t.Fatal("coverage is null")
	}
	return *d.Coverage
}

// knows waits until lineaged has seen a node.
func (s *server) knows(t testing.TB, id string) {
	t.Helper()
	eventually(t, 60*time.Second, "lineaged sees "+id, func() error {
		var d struct{ Node *struct{ ID string } }
		if err := s.ask(t, `query($id: ID!){node(id:$id){id}}`, map[string]any{"id": id}, &d); err != nil {
			return err
		}
		if d.Node == nil {
			return fmt.Errorf("node %s is null", id)
		}
		return nil
	})
}

// ids are the flows' ids, sorted.
func (a answer) ids() []string {
	var ids []string
	for _, f := range a.Flows {
		ids = append(ids, f.ID)
	}
	slices.Sort(ids)
	return ids
}

// flow finds a flow by its ends.
func (a answer) flow(t testing.TB, from, to string) flow {
	t.Helper()
	for _, f := range a.Flows {
		if f.ID == from+"->"+to {
			return f
		}
	}
	t.Fatalf("no flow %s->%s, only %s", from, to, strings.Join(a.ids(), ", "))
	return flow{}
}

func (f flow) evidence() []string {
	var kinds []string
	for _, e := range f.Evidence {
		kinds = append(kinds, e.Kind)
	}
	slices.Sort(kinds)
	return slices.Compact(kinds)
}

// details are what the evidence adds in words, as why a count is a bound.
func (f flow) details() string {
	var all []string
	for _, e := range f.Evidence {
		if e.Detail != "" {
			all = append(all, e.Kind+": "+e.Detail)
		}
	}
	return strings.Join(all, "; ")
}

func (f flow) clientsOf(kind string) []client {
	return slices.DeleteFunc(slices.Clone(f.Clients), func(c client) bool { return c.Kind != kind })
}

// recorded is the flow's count of records; a null fails the test.
func (f flow) recorded(t testing.TB) int64 {
	t.Helper()
	if f.Records == nil {
		t.Fatalf("%s: records is null", f.ID)
	}
	return *f.Records
}

// wantNear checks a value against the truth with a relative tolerance.
func wantNear(t testing.TB, what string, got *float64, want, tolerance float64) {
	t.Helper()
	if got == nil {
		t.Errorf("%s: null, want %g", what, want)
		return
	}
	if off := math.Abs(*got-want) / want; off > tolerance {
		t.Errorf("%s: %g, want %g: %.2f %% off, allowed %.2f %%", what, *got, want, 100*off, 100*tolerance)
	} else {
		t.Logf("%s: %g, truth %g (%.2f %% off)", what, *got, want, 100*off)
	}
}

// wantNoNegative checks that no point of a series is below zero.
func wantNoNegative(t testing.TB, f flow) {
	t.Helper()
	if f.Series == nil {
		t.Errorf("%s: series is null", f.ID)
		return
	}
	for _, p := range f.Series.Points {
		if p.Value != nil && *p.Value < 0 {
			t.Errorf("%s: %g records a second at %s", f.ID, *p.Value, p.At)
		}
	}
}

// valueOf prints a nullable.
func valueOf[T any](p *T) any {
	if p == nil {
		return "null"
	}
	return *p
}
