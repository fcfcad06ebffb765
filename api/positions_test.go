package api

import (
	"context"
	"errors"
	"testing"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
)

// TestPositionsForNobody asks for positions and leaves.
func TestPositionsForNobody(t *testing.T) {
	orders := lineage.Node{Scope: "west", Kind: lineage.TopicNode, Name: "orders"}
	billing := lineage.Node{Scope: "shop", Kind: lineage.ApplicationNode, Name: "billing"}
	l := &Lineage{walk: &answer.Walk{Walk: graph.Walk{Nodes: []lineage.Node{orders, billing}}}, flows: []lineage.Flow{{From: orders, To: billing}}}
	if got, err := l.Positions(t.Context()); err != nil || len(got) != 2 {
		t.Fatalf("%d positions, %v", len(got), err)
	}
	ctx, leave := context.WithCancel(t.Context())
	leave()
	if got, err := l.Positions(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("nobody waits, and there are %d positions, %v", len(got), err)
	}
}
