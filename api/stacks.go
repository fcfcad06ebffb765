package api

import (
	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
)

const (
	mostUnfold = 200
	mostExpand = 50
	// expandedNodes is how many nodes a node that is expanded is taken to show.
	expandedNodes = 100
)

// ExpandInput is the schema's Expand.
type ExpandInput struct {
	Node      string
	Direction graph.Direction
}

// foldArgs are the arguments of a graph that say what of it is drawn as one, and what beyond it is shown.
type foldArgs struct {
	fold   int
	unfold []string
	expand []ExpandInput
}

// read returns what the arguments ask for.
func (a *foldArgs) read() (by answer.Folding, expand []graph.Expand, err error) {
	switch {
	case a.fold < 0 || a.fold == 1 || a.fold > mostNodes:
		return by, nil, badInput("fold must be 0, or 2 to %d", mostNodes)
	case len(a.unfold) > mostUnfold:
		return by, nil, badInput("unfold: at most %d ids", mostUnfold)
	case len(a.expand) > mostExpand:
		return by, nil, badInput("expand: at most %d nodes", mostExpand)
	}
	by = answer.Folding{Over: a.fold, Unfold: make(map[string]bool, len(a.unfold))}
	for _, id := range a.unfold {
		by.Unfold[id] = true
	}
	for _, x := range a.expand {
		n, err := parseNode(x.Node)
		if err != nil {
			return by, nil, err
		}
		expand = append(expand, graph.Expand{Node: n, Direction: x.Direction})
	}
	return by, expand, nil
}

// newFolded makes the answer of a walk that is folded.
func newFolded(v *answer.View, f *answer.Folded) *Lineage {
	l := &Lineage{walk: f.Walk, flows: f.Flows(), stacks: f.Stacks}
	if f.Groups == nil {
		l.rows = newRows(v, l.walk.Nodes, l.flows)
		return l
	}
	of := map[lineage.Node]bool{}
	var nodes, stacks []lineage.Node
	for _, s := range f.Stacks {
		of[s.Node] = true
	}
	for _, n := range l.walk.Nodes {
		if of[n] {
			stacks = append(stacks, n)
		} else {
			nodes = append(nodes, n)
		}
	}
	var own, summed []lineage.Flow
	for _, x := range l.flows {
		if of[x.From] || of[x.To] {
			summed = append(summed, x)
		} else {
			own = append(own, x)
		}
	}
	l.rows, l.stacked = newRows(v, nodes, own), newRows(f.Groups, stacks, summed)
	for n := range l.stacked.nodes {
		if x := l.rows.nodes[n]; x != nil { // a node is the same at the end of a stack's flow
			l.stacked.nodes[n] = x
		}
	}
	return l
}

// shownBy returns the rows that a node is one of.
func (l *Lineage) shownBy(n lineage.Node) *rows {
	if l.stacked != nil && l.rows.nodes[n] == nil {
		return l.stacked
	}
	return l.rows
}

// Stacks answers stacks.
func (l *Lineage) Stacks() []Stack {
	out := make([]Stack, len(l.stacks))
	for i, s := range l.stacks {
		x := Stack{
			Node: s.Node.ID(), Anchor: s.Anchor.ID(), Direction: s.Direction, Kind: s.Kind, Health: s.Class, Further: s.Further, Folded: !s.Open, Count: len(s.Members), Of: s.Of,
			States: make([]FlowStateCount, len(s.States)), MemberIds: idsOf(s.Members),
		}
		for k, c := range s.States {
			x.States[k].Count = c.Count
			if c.Is != answer.NoState {
				x.States[k].State = &c.Is
			}
		}
		out[i] = x
	}
	return out
}
