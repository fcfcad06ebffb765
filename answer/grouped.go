package answer

import (
	"context"
	"fmt"
	"strings"

	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
)

// This file draws groups instead of nodes: all that is known of a window, with each node replaced by the one that
// stands for it. So a sum over a group is made as every other sum is, of each reader or writer once.

// GroupBy is what makes nodes one group.
type GroupBy uint8

// The ways to group.
const (
	GroupByNone    GroupBy = iota
	GroupByCluster         // the cluster that they belong to, or whose topics they use
	GroupByOwner
	GroupByPrefix // the name up to its first separator: a dot, dash, underscore, slash or colon
	// GroupByProduct is by the declared data product of which a topic is an output, and to whose outputs a program was
	// seen to write.
	GroupByProduct
)

// scopes name the ways to group in ids.
var scopes = [...]string{"none", "cluster", "owner", "prefix", "product"}

// Groups of what has no owner, or of who uses several clusters or none that is known.
const (
	noOwner         = "(no owner)"
	severalClusters = "(several clusters)"
	nowhere         = "(no cluster)"
	noProduct       = "(no product)"
	severalProducts = "(several products)"
)

// Grouped returns the view in which each node is its group, and its overview: see Overview. Topics, what is outside
// Kafka, replicators and other programs are in groups of their own, so that a flow between groups is of one kind. A
// flow that the filter lets through is in it with all that it moved.
func (v *View) Grouped(ctx context.Context, by GroupBy, of *Cluster, only Filter, limit int) (*View, *Walk, error) {
	g := v.ofGroups()
	flows := map[lineage.Flow]*memberFlow{}
	key := only.key()
	key.inactive = true
	scope := []lineage.ClusterID(nil)
	none := false
	if of != nil {
		// Where one was never reached nothing can have moved.
		key.clusterTag, scope, none = of.known.ID, of.Scope(), of.known.ID == ""
	}
	groups, made := map[lineage.Node]lineage.Node{}, map[lineage.Node][]string{}
	if by == GroupByProduct {
		made = v.madeFor()
	}
	group := func(n lineage.Node, moved bool) lineage.Node {
		in, ok := groups[n]
		if !ok {
			in = v.groupOf(n, by, made[n])
			groups[n] = in
		}
		if moved {
			g.members[in] = append(g.members[in], n) // often more than once, see below
		}
		return in
	}
	gone, passes := leaving(ctx), v.passing(key)
	for i := range v.accesses {
		if gone() {
			return nil, nil, ctx.Err()
		}
		x := v.accesses[i]
		if none || !passes(&x) {
			continue
		}
		moved := x.state == graph.Active
		g.take(v, x, group(x.node, moved), group(x.far, moved), flows)
	}
	g.countUncounted(flows, v.veiled)
	for in, all := range g.members {
		g.members[in] = distinct(all)
	}
	g.connect()
	return g, &Walk{Walk: g.graph(filterKey{active: true, inactive: true, internal: true}).All(limit), Scope: scope}, nil
}

// ofGroups returns the view in which groups stand for nodes, before anything is in it.
func (v *View) ofGroups() *View {
	return &View{
		a: v.a, identity: v.identity, declared: v.declared, edits: v.edits, lens: v.lens, hidden: v.hidden, knows: v.knows, win: v.win, until: v.until, held: v.held, state: v.state, made: v.made, roll: v.roll,
		clusters: v.clusters, topics: v.topics, movers: v.movers, connectGroups: v.connectGroups, mirrored: v.mirrored, classified: true, groups: v.groups,
		ends: map[lineage.Node]*accessesOf{}, datasets: map[lineage.Node]*accessesOf{}, rolled: &rolled{},
		// A group has no ways through it that are kept apart.
		mixed: map[lineage.Node]bool{}, joined: map[lineage.Node]joined{}, accounts: map[lineage.Node]bool{},
		members: map[lineage.Node][]lineage.Node{}, kinds: map[lineage.Flow]lineage.FlowKind{}, uncounted: map[lineage.Flow]int{},
		veiled: map[lineage.Flow]bool{}, veils: v.veils,
	}
}

// take takes an access of a view into one of groups, as that of the nodes that stand for its ends.
func (v *View) take(of *View, x access, node, far lineage.Node, flows map[lineage.Flow]*memberFlow) {
	own := x.flow()
	x.as(node, x.namedBy)
	x.far = far
	f := flows[own]
	if f == nil {
		f = &memberFlow{in: x.flow()}
		flows[own], v.kinds[f.in] = f, own.Kind()
	}
	f.moved = f.moved || x.state != graph.Inactive
	f.counted = f.counted || x.amount.Known && !x.unknown()
	f.lacks = f.lacks || x.untold() && !of.speaksForMember(&x)
	v.accesses = append(v.accesses, x)
}

// countUncounted counts the flows without a count that flows between groups are made of, and finds those that may have
// moved more.
func (v *View) countUncounted(flows map[lineage.Flow]*memberFlow, veiled map[lineage.Flow]bool) {
	for own, f := range flows {
		if veiled[own] {
			v.veiled[f.in] = true
		}
		if f.moved && (!f.counted || f.lacks) {
			v.uncounted[f.in]++
		}
	}
}

// memberFlow is a flow that a flow between groups is made of.
type memberFlow struct {
	in             lineage.Flow
	moved, counted bool // moved: or it may have
	lacks          bool // of a counter of it it is not known what moved
}

// atLeast says why a flow may have moved more than the sum of its accesses, as one between groups, or of who has no
// name; empty: it is all.
func (v *View) atLeast(f lineage.Flow) string {
	if n := v.uncounted[f]; n > 0 {
		return fmt.Sprintf("at least: of %d of the flows that it sums up the count is not known", n)
	}
	if v.veiled[f] {
		return whyVeiled
	}
	if t := v.records(v.of(f)); t.lacks > 0 && t.records != nil && *t.records > 0 {
		return fmt.Sprintf("at least: of %s that it sums up it is not known what moved", pluralOf(t.lacks, "counter"))
	}
	return ""
}

// distinct returns each node once, in the order of their first places.
func distinct(nodes []lineage.Node) []lineage.Node {
	seen := make(map[lineage.Node]bool, len(nodes))
	out := nodes[:0]
	for _, n := range nodes {
		if !seen[n] {
			seen[n] = true
			out = append(out, n)
		}
	}
	return out
}

// groupOf returns the group that stands for a node.
// groupOf returns which group a node is in; made are the products that it belongs to.
func (v *View) groupOf(n lineage.Node, by GroupBy, made []string) lineage.Node {
	what := "programs"
	switch n.Kind {
	case lineage.TopicNode:
		what = "topics"
	case lineage.DatasetNode:
		what = "datasets"
	case lineage.ReplicatorNode:
		what = "replicators"
	default:
	}
	g := lineage.Node{Scope: scopes[by] + "-" + what, Kind: lineage.GroupNode}
	switch by {
	case GroupByCluster:
		switch ids := v.ClustersOf(n); len(ids) {
		case 0:
			g.Name = nowhere
		case 1:
			g.Name = v.clusters.of(ids[0]).Name
		default:
			g.Name = severalClusters
		}
	case GroupByOwner:
		if g.Name, _ = v.describe(n); g.Name == "" {
			g.Name = noOwner
		}
	case GroupByProduct:
		switch len(made) {
		case 0:
			g.Name = noProduct
		case 1:
			g.Name = made[0]
		default:
			g.Name = severalProducts
		}
	default:
		g.Name = n.Name
		if i := strings.IndexAny(n.Name, ".-_/:"); i > 0 {
			g.Name = n.Name[:i]
		}
	}
	return g
}

// Members returns the nodes that a group stands for and that moved in the window.
func (n Node) Members() []lineage.Node { return n.rows.v.members[n.node] }

// Kind returns what kind of movement the flow is; of one between groups, that of all the flows in it.
func (f Flow) Kind() lineage.FlowKind {
	if k, ok := f.rows.v.kinds[f.flow]; ok {
		return k
	}
	return f.flow.Kind()
}
