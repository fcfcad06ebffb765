package answer

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// Order is what a list of nodes is sorted by.
type Order uint8

// The orders. All but the first two put the largest value first, and what is not known last.
const (
	ByMatch     Order = iota // how well the text fits, where one is asked for, then the name
	ByName                   // whatever the text
	ByRate                   // records a second
	ByLag                    // records behind
	ByLastMoved              // the newest first
)

// Search is what nodes are looked for by; its zero value finds all that are not internal.
type Search struct {
	Text            string // in name, owner and tags; empty with HasText: fits all alike
	HasText         bool
	Kinds           []lineage.NodeKind // nil: all
	Cluster         *string            // its id or name
	Owner, Tag      *string
	Derived         bool        // with Tag: also nodes to which it comes along flows
	States          []FlowState // of its flows, one of these at least; NoState: of one it is not known; nil: all
	IncludeInternal bool
	OrderBy         Order
}

// Place is a node's place in a list. Lists are ordered by it alone, so that a page can begin after any place, also one
// that has gone.
type Place struct {
	Match int     // how well the text fits, 0 best
	Value float64 // of the order, the largest first; unknown is -1
	Name  string  // lower case
	ID    string
}

// Compare orders places as lists are ordered.
func (p Place) Compare(b Place) int {
	return cmp.Or(cmp.Compare(p.Match, b.Match), -cmp.Compare(p.Value, b.Value), strings.Compare(p.Name, b.Name), strings.Compare(p.ID, b.ID))
}

// Placed is a node and its place.
type Placed struct {
	Place
	Node lineage.Node
}

// Known reports whether the value is known that the list is ordered by.
func (p Placed) Known() bool { return p.Value >= 0 }

// Search returns the nodes that are asked for, in their order.
func (v *View) Search(ctx context.Context, args Search) ([]Placed, error) {
	found, err := v.search(ctx, args)
	if err != nil {
		return nil, err
	}
	if found, err = v.going(ctx, found, args.States); err != nil {
		return nil, err
	}
	return v.order(ctx, found, args.OrderBy, args.HasText)
}

// going returns those of the nodes that have a flow in one of the states; nil: all.
func (v *View) going(ctx context.Context, nodes []Placed, states []FlowState) ([]Placed, error) {
	if len(states) == 0 {
		return nodes, nil
	}
	list := make([]lineage.Node, len(nodes))
	for i, p := range nodes {
		list[i] = p.Node
	}
	goes, err := v.Rows(list, nil).loadGoes(ctx)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(nodes, func(p Placed) bool {
		return !slices.ContainsFunc(goes[p.Node], func(c StateCount) bool { return slices.Contains(states, c.Is) })
	}), nil
}

// search returns the nodes that the filters leave, with how well they match.
func (v *View) search(ctx context.Context, args Search) ([]Placed, error) {
	var only lineage.ClusterID
	if args.Cluster != nil {
		c, err := v.FindCluster(*args.Cluster)
		if err != nil {
			return nil, err
		}
		if only = c.known.ID; only == "" {
			return nil, nil // never reached: nothing of it is known
		}
	}
	var derived map[lineage.Node]bool
	if args.Tag != nil && args.Derived {
		var err error
		if derived, err = v.derivedBearers(ctx, *args.Tag); err != nil {
			return nil, err
		}
	}
	text, gone := strings.ToLower(strings.TrimSpace(args.Text)), leaving(ctx)
	var out []Placed
	consider := func(n lineage.Node) {
		switch {
		case len(args.Kinds) > 0 && !slices.Contains(args.Kinds, n.Kind),
			!args.IncludeInternal && v.internal(n),
			!v.exists(n),
			only != "" && !slices.Contains(v.ClustersOf(n), only):
			return
		}
		var owner string
		var tags []string
		if args.Owner != nil || args.Tag != nil || args.HasText { // what nobody asks about is not found out
			owner, tags = v.describe(n)
		}
		if args.Owner != nil && !strings.EqualFold(owner, *args.Owner) ||
			args.Tag != nil && !derived[n] && !slices.ContainsFunc(tags, func(t string) bool { return strings.EqualFold(t, *args.Tag) }) {
			return
		}
		p := Placed{Place{Name: strings.ToLower(n.Name), ID: n.ID()}, n}
		if args.HasText {
			var ok bool
			if p.Match, ok = match(text, p.Name, owner, tags); !ok {
				return
			}
		}
		out = append(out, p)
	}
	for n := range v.everything() {
		if gone() {
			return nil, ctx.Err()
		}
		consider(n)
	}
	return out, nil
}

// everything yields all nodes of the view: topics, who used them or a dataset, datasets, and movers that rest.
func (v *View) everything() iter.Seq[lineage.Node] {
	return func(yield func(lineage.Node) bool) {
		for n := range v.topics {
			if !yield(n) {
				return
			}
		}
		for n := range v.ends {
			if !yield(n) {
				return
			}
		}
		for n := range v.datasets {
			if !yield(n) {
				return
			}
		}
		for n := range v.movers.idle(v.ends) {
			if !yield(n) {
				return
			}
		}
	}
}

// internal reports whether a node is Kafka's own business: an internal topic, or who writes to it unseen.
func (v *View) internal(n lineage.Node) bool {
	if n.Kind == lineage.UnidentifiedNode {
		n = TopicOf(n)
	}
	t := v.topics[n]
	return t != nil && t.internal
}

// match says how well a text in lower case fits a node: its name exactly, from its start, within, then owner and tags.
func match(text, name, owner string, tags []string) (rank int, ok bool) {
	within := func(s string) bool { return strings.Contains(strings.ToLower(s), text) }
	switch {
	case name == text:
		return 0, true
	case strings.HasPrefix(name, text):
		return 1, true
	case strings.Contains(name, text):
		return 2, true
	case within(owner), slices.ContainsFunc(tags, within):
		return 3, true
	}
	return 0, false
}

// order sorts the nodes as asked: without an order by match, then name; with one by its value, the largest first, and
// the match no more.
func (v *View) order(ctx context.Context, nodes []Placed, by Order, matched bool) ([]Placed, error) {
	if by != ByMatch {
		value, err := v.orderValue(ctx, by)
		if err != nil {
			return nil, err
		}
		gone := leaving(ctx)
		for i := range nodes {
			if gone() {
				return nil, ctx.Err()
			}
			nodes[i].Match, nodes[i].Value = 0, value(nodes[i].Node)
		}
	} else if !matched {
		for i := range nodes {
			nodes[i].Match = 0
		}
	}
	slices.SortFunc(nodes, func(a, b Placed) int { return a.Compare(b.Place) })
	return nodes, nil
}

// orderValue returns what an order sorts by; -1 stands for unknown, which comes last.
func (v *View) orderValue(ctx context.Context, by Order) (func(lineage.Node) float64, error) {
	switch by {
	case ByRate:
		value, err := v.valueOf(ctx, RecordRate)
		if err != nil {
			return nil, err
		}
		return func(n lineage.Node) float64 {
			if rate := value(n); rate != nil {
				return *rate
			}
			return -1
		}, nil
	case ByLag:
		ls, err := v.readLevels(ctx)
		if err != nil {
			return nil, err
		}
		return func(n lineage.Node) float64 {
			accesses := v.outward(n, v.accessesOf(n))
			if n.Kind == lineage.TopicNode {
				accesses = v.living(ls, accesses)
			}
			if b := v.behind(ls, accesses); b.records != nil {
				return float64(*b.records)
			}
			return -1
		}, nil
	case ByLastMoved:
		moved, err := v.lastMovedAll(ctx)
		if err != nil {
			return nil, err
		}
		return func(n lineage.Node) float64 {
			last := int64(-1)
			for _, i := range v.accessesOf(n) {
				if t := moved[i]; !t.IsZero() {
					last = max(last, t.Unix())
				}
			}
			return float64(last)
		}, nil
	default:
		return func(lineage.Node) float64 { return 0 }, nil
	}
}

// lastMovedAll reads when each access moved last, within the lookback, by access.
func (v *View) lastMovedAll(ctx context.Context) ([]time.Time, error) {
	return v.lastMoved.get(ctx, func(ctx context.Context) ([]time.Time, error) {
		all := make([]int32, len(v.accesses))
		for i := range all {
			all[i] = int32(i)
		}
		return v.lastMoves(ctx, all)
	})
}

// lastMoves reads when some accesses moved last, within the lookback; the zero time: they did not.
func (v *View) lastMoves(ctx context.Context, accesses []int32) ([]time.Time, error) {
	rows := make([]int32, len(accesses))
	for i, j := range accesses {
		rows[i] = v.accesses[j].row
	}
	times, err := v.held.LastMoved(ctx, lineage.Window{Start: v.win.End.Add(-lookback), End: v.win.End}, rows)
	if err != nil {
		return nil, fmt.Errorf("read last movements: %w", err)
	}
	return times, nil
}
