package main

import (
	"io"
	"math"
	"testing"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/attribution"
	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/graph/layout"
	"github.com/lineaged/lineaged/identity"
	"github.com/lineaged/lineaged/internal/demo"
	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/timeseries"
)

// TestPlacesStay slides a window over fifty minutes of the day, in which flows come and go: a node that stays in the
// picture stays in its place, within a node's width of where it was first, seen from what the picture is of. In the
// picture of everything, where refunds come with two columns of others, one in twenty makes room for what is new: by
// the server, which knows no picture but this one. The page lets them stay (ui/src/lineage/steady.ts).
func TestPlacesStay(t *testing.T) {
	cfg, err := demoConfig("127.0.0.1:0", "warn")
	must(t, err)
	world, err := demo.Start(newLogger(io.Discard, cfg.Log))
	must(t, err)
	defer world.Close()
	now := time.Date(2026, 3, 1, 12, 34, 56, 0, time.UTC)
	d, err := dayOf(world, now)
	must(t, err)
	s := timeseries.NewMemory(timeseries.Options{Tick: demoInterval, Settle: attribution.Settle})
	defer func() { must(t, s.Close()) }()
	must(t, d.Write(t.Context(), s.Append, func() time.Time { return now }))
	who, err := identity.New(identity.Rules{})
	must(t, err)
	a := answer.New(answer.Options{
		History: s, Identity: func() answer.Identity { return who }, Now: func() time.Time { return now },
		Clusters: []answer.ClusterConfig{{Source: "west", Name: "west"}, {Source: "east", Name: "east"}},
	})
	orders := lineage.Node{Scope: "west", Kind: lineage.TopicNode, Name: "orders"}
	for _, c := range []struct {
		name string
		from time.Time
		walk func(*answer.View) (answer.Walker, []lineage.Node, error)
		room float64 // how many of a hundred nodes may go further
	}{
		{"the lineage of orders, while a deployment gives an application another name", d.Renamed().Add(-25 * time.Minute), func(v *answer.View) (answer.Walker, []lineage.Node, error) {
			return func(limit int, expand ...graph.Expand) *answer.Walk {
				return v.Walk(graph.Query{Roots: []lineage.Node{orders}, Direction: graph.Both, Depth: 3, Limit: limit, Expand: expand}, answer.Filter{IncludeInactive: true})
			}, []lineage.Node{orders}, nil
		}, 0},
		{"everything, while refunds begin", d.Created().Add(-25 * time.Minute), func(v *answer.View) (answer.Walker, []lineage.Node, error) {
			w, err := v.EverythingWithSilent(t.Context(), nil, answer.Filter{})
			return w, nil, err
		}, 5},
	} {
		first, far, changes, nodes := map[lineage.Node]layout.Position{}, map[lineage.Node]bool{}, 0, 0
		for step := range 50 {
			end := c.from.Add(time.Duration(step) * time.Minute)
			v, err := a.View(t.Context(), answer.Between(end.Add(-10*time.Minute), end), answer.All)
			must(t, err)
			walk, roots, err := c.walk(v)
			must(t, err)
			w, err := v.Fold(t.Context(), walk, roots, answer.Folding{Over: 8}, 300, nil)
			must(t, err)
			places, err := layout.Layout(t.Context(), w.Nodes, w.Flows())
			must(t, err)
			if len(places) < 10 {
				t.Fatalf("%s: only %d nodes", c.name, len(places))
			}
			if step > 0 && len(places) != nodes {
				changes++
			}
			nodes = len(places)
			anchor := layout.Position{}
			for _, p := range places {
				if p.Node == orders {
					anchor = p
				}
			}
			for _, p := range places {
				p.X, p.Y = p.X-anchor.X, p.Y-anchor.Y
				was, ok := first[p.Node]
				if !ok {
					first[p.Node] = p
					continue
				}
				if p.X != was.X || math.Abs(p.Y-was.Y) > 2*layout.NodeWidth {
					t.Errorf("%s, step %d: %s went from %v,%v to %v,%v", c.name, step, p.Node.ID(), was.X, was.Y, p.X, p.Y)
				}
				far[p.Node] = far[p.Node] || math.Abs(p.Y-was.Y) > layout.NodeWidth
			}
		}
		moved := 0
		for _, is := range far {
			if is {
				moved++
			}
		}
		if float64(moved*100) > c.room*float64(len(first)) {
			t.Errorf("%s: %d of %d nodes went further than a node's width", c.name, moved, len(first))
		}
		t.Logf("%d went further; %s: %d nodes, %d changes of their number", moved, c.name, len(first), changes)
		if changes == 0 {
			t.Errorf("%s: no node came or went, so that nothing is tried", c.name)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
