package answer

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
)

// This file says what is hurt if some things are lost at a window's end, see docs/adr/0038-questions-of-change.md.

// Lose is something that is thought away: a node, a cluster by its name or id, a broker of one, or a column.
type Lose struct {
	ID      string // as it was asked for
	Node    lineage.Node
	Cluster string    // of a cluster, or of a broker
	Broker  *int32    // nil: the whole cluster
	Column  *ColumnID // nil: no column
}

// ParseLose reads what somebody asks to lose: the id of a node, cluster:NAME, broker:CLUSTER/ID, or a column as
// NODE_ID#PATH.
func ParseLose(id string) (Lose, error) {
	out := Lose{ID: id}
	if name, ok := strings.CutPrefix(id, "cluster:"); ok && name != "" {
		out.Cluster = name
		return out, nil
	}
	if rest, ok := strings.CutPrefix(id, "broker:"); ok {
		at := strings.LastIndexByte(rest, '/')
		n, err := strconv.ParseInt(rest[at+1:], 10, 32)
		if at <= 0 || err != nil {
			return out, senseless("lose: %s is no broker: give broker:CLUSTER/ID", quote(id))
		}
		out.Cluster, out.Broker = rest[:at], new(int32(n))
		return out, nil
	}
	if strings.Contains(id, "#") {
		column, err := ParseColumnID(id)
		if err != nil || column.Path == "" {
			return out, senseless("lose: %s is no column of a topic or dataset: give NODE_ID#PATH, e.g. topic:west/customers#value.email", quote(id))
		}
		out.Column = &column
		return out, nil
	}
	n, err := lineage.ParseNodeID(id)
	if err != nil || n.Kind == lineage.GroupNode {
		return out, senseless("lose: %s can't be lost: give the id of a node, cluster:NAME, broker:CLUSTER/ID or a column as NODE_ID#PATH", quote(id))
	}
	out.Node = n
	return out, nil
}

// LossWhy says why something is lost.
type LossWhy uint8

// The reasons, in the order of the list.
const (
	LossAsked LossWhy = iota + 1
	LossOnCluster
	LossRunsThere
	LossReplicas
)

// Loss is something that is lost. With is what takes it along, as it was asked for; empty: it was asked for itself.
// Partitions is how many of a topic are, where not all are; 0: all.
type Loss struct {
	Node       lineage.Node
	Why        LossWhy
	With       string
	Partitions int
}

// Starving is somebody who gets less of what he gets now.
type Starving struct {
	Hit
	// Wholly reports whether nobody else feeds it; nil: that can't be told.
	Wholly *bool
	// Waiting is what waits for it on its last hop and can still be read; nil: not known.
	Waiting *int64
}

// WhatIf is what is hurt if some things are lost.
type WhatIf struct {
	Lost      []Loss
	Starved   []Starving
	Copies    []CopyLoss
	Retention []RetentionRisk
	// Columns are the ways downstream of each column that was asked for, in that order, each once. None is among Lost:
	// who reads a column goes on to get records.
	Columns []LostColumn
	Untold  []string
	Scope   []lineage.ClusterID // which all of them touch
	End     time.Time           // when they are lost
}

// LostColumn is a column that is thought away, and where it leads: who reads it is hurt, and where nobody knows so may
// be others.
type LostColumn struct {
	ColumnID
	*ColumnLineage
}

// losing is a question of what is hurt.
type losing struct {
	v       *View
	ls      *levels
	out     *WhatIf
	lost    map[lineage.Node]*Loss
	order   []lineage.Node // of lost
	s       *graph.Snapshot
	starved map[lineage.Node]*bool // wholly, by who is
	gone    func() bool
}

// WhatIf returns what is hurt if some things, each of which the view must have, are lost at its end.
func (v *View) WhatIf(ctx context.Context, lose []Lose) (*WhatIf, error) {
	q := &losing{v: v, out: &WhatIf{End: v.until}, lost: map[lineage.Node]*Loss{}, starved: map[lineage.Node]*bool{}, gone: leaving(ctx)}
	if q.out.End.After(v.win.End) {
		q.out.End = v.win.End
	}
	var err error
	if q.ls, err = v.readLevels(ctx); err != nil {
		return nil, err
	}
	if err := q.resolve(ctx, lose); err != nil {
		return nil, err
	}
	for _, find := range []func(context.Context) error{q.findStarved, q.findCopies, q.findRetention} {
		if err := find(ctx); err != nil {
			return nil, err
		}
	}
	for _, n := range q.order {
		q.out.Lost = append(q.out.Lost, *q.lost[n])
	}
	slices.SortStableFunc(q.out.Lost, func(a, b Loss) int { return cmp.Or(cmp.Compare(a.Why, b.Why), a.Node.Compare(b.Node)) })
	return q.out, ctx.Err()
}

// lose takes in that a node is lost. What is lost as a whole is not lost in part.
func (q *losing) lose(x Loss) {
	if old := q.lost[x.Node]; old != nil {
		if old.Partitions > 0 && x.Partitions == 0 || x.Why == LossAsked {
			*old = x
		}
		return
	}
	q.lost[x.Node] = &x
	q.order = append(q.order, x.Node)
}

// resolve says what is lost.
func (q *losing) resolve(ctx context.Context, lose []Lose) error {
	brokers := map[*Cluster][]int32{}
	with := map[*Cluster]string{}
	var of []*Cluster
	for _, x := range lose {
		if x.Column != nil {
			if err := q.loseColumn(ctx, *x.Column); err != nil {
				return err
			}
			continue
		}
		if x.Cluster == "" {
			if !q.v.exists(x.Node) {
				return q.v.NoNode(x.Node)
			}
			q.lose(Loss{Node: x.Node, Why: LossAsked})
			continue
		}
		c, err := q.v.FindCluster(x.Cluster)
		if err != nil {
			return err
		}
		if !slices.Contains(q.out.Scope, c.known.ID) {
			q.out.Scope = append(q.out.Scope, c.known.ID)
		}
		if x.Broker == nil {
			if err := q.loseCluster(ctx, c, x.ID); err != nil {
				return err
			}
			continue
		}
		if brokers[c] == nil {
			of, with[c] = append(of, c), x.ID
		}
		brokers[c] = append(brokers[c], *x.Broker)
	}
	for _, c := range of {
		q.loseBrokers(c, brokers[c], with[c])
	}
	return ctx.Err()
}

// loseColumn takes in that a column is lost.
func (q *losing) loseColumn(ctx context.Context, id ColumnID) error {
	if slices.ContainsFunc(q.out.Columns, func(c LostColumn) bool { return c.ColumnID == id }) {
		return nil
	}
	is, err := q.v.ColumnLineage(ctx, id, false, true)
	if err != nil {
		return err
	}
	q.out.Columns = append(q.out.Columns, LostColumn{id, is})
	for _, c := range is.Scope {
		if !slices.Contains(q.out.Scope, c) {
			q.out.Scope = append(q.out.Scope, c)
		}
	}
	return nil
}

// loseCluster takes in that a cluster is lost: its topics, and who keeps his state there.
func (q *losing) loseCluster(ctx context.Context, c *Cluster, with string) error {
	v := q.v
	for n, t := range v.topics {
		if q.gone() {
			return ctx.Err()
		}
		if t.cluster == c.known.ID && !t.gone && !t.internal {
			q.lose(Loss{Node: n, Why: LossOnCluster, With: with})
		}
	}
	runs := func(n lineage.Node) { q.lose(Loss{Node: n, Why: LossRunsThere, With: with}) }
	on := func(connect string, otherwise lineage.ClusterID) bool {
		if f := v.movers.connects[connect]; f != nil && f.Kafka != "" {
			return f.Kafka == c.known.ID
		}
		return otherwise == c.known.ID // its workers never told
	}
	for n, m := range v.movers.connectors {
		if m.fact != nil && !m.gone && on(n.Scope, m.fact.Kafka) {
			runs(n)
		}
	}
	for n, m := range v.movers.replicators {
		// What copies into it can go nowhere, and a dedicated MirrorMaker 2 keeps its state in the target.
		if m.fact != nil && !m.gone && (m.fact.Target == c.known.ID || m.fact.Connect != "" && on(m.fact.Connect, m.fact.Target)) {
			runs(n)
		}
	}
	for n := range v.ends {
		if n.Kind == lineage.StreamJobNode && n.Scope == c.known.Name {
			runs(n)
		}
	}
	slices.SortFunc(q.order, lineage.Node.Compare)
	return ctx.Err()
}

// loseBrokers takes in that some brokers of a cluster are lost: the topics that lie nowhere else, or a part of them.
func (q *losing) loseBrokers(c *Cluster, brokers []int32, with string) {
	unknown := 0
	var nodes []lineage.Node
	for n, t := range q.v.topics {
		if t.cluster == c.known.ID && !t.gone && !t.internal {
			nodes = append(nodes, n)
		}
	}
	slices.SortFunc(nodes, lineage.Node.Compare)
	for _, n := range nodes {
		f := q.v.topics[n].fact
		if f == nil || f.Places == nil {
			unknown++
			continue
		}
		all, hit := 0, 0
		for _, p := range f.Places {
			all += p.Partitions
			if !slices.ContainsFunc(p.Brokers, func(b int32) bool { return !slices.Contains(brokers, b) }) {
				hit += p.Partitions
			}
		}
		switch hit {
		case 0:
		case all:
			q.lose(Loss{Node: n, Why: LossReplicas, With: with})
		default:
			q.lose(Loss{Node: n, Why: LossReplicas, With: with, Partitions: hit})
		}
	}
	if unknown > 0 {
		q.out.Untold = append(q.out.Untold, fmt.Sprintf("on which brokers the replicas of %s of %s lie was not observed: whether they are lost can't be told", pluralOf(unknown, "topic"), c.known.Name))
	}
	slices.Sort(brokers)
	for _, b := range slices.Compact(slices.Clone(brokers)) {
		if !q.v.holds(c, b) {
			q.out.Untold = append(q.out.Untold, fmt.Sprintf("no replica of any topic was seen on broker %d of %s: it may hold none, or there is no such broker", b, c.known.Name))
		}
	}
	if most := slices.Compact(brokers); c.fact != nil && len(most) >= c.fact.Brokers {
		q.out.Untold = append(q.out.Untold, fmt.Sprintf("these are all brokers of %s: who keeps his state there is lost with cluster:%s", c.known.Name, c.known.Name))
	}
}

// holds reports whether a replica was seen on a broker.
func (v *View) holds(c *Cluster, broker int32) bool {
	for _, t := range v.topics {
		if t.cluster != c.known.ID || t.gone || t.fact == nil {
			continue
		}
		if slices.ContainsFunc(t.fact.Places, func(p lineage.Place) bool { return slices.Contains(p.Brokers, broker) }) {
			return true
		}
	}
	return false
}

// findStarved finds who gets less, and when.
func (q *losing) findStarved(ctx context.Context) error {
	v := q.v
	traced, err := v.readTraced(ctx)
	if err != nil {
		return err
	}
	q.s = v.graphWith(filterKey{}, q.order)
	found, err := q.s.Arrivals(ctx, graph.Arrivals{
		Roots: q.order,
		Took:  func(e graph.Edge) (float64, bool) { return q.dry(e) },
		Measured: func(n lineage.Node) map[lineage.Node]float64 {
			var out map[lineage.Node]float64
			for _, t := range traced[n] {
				if q.lost[t.since] == nil { // what waits there goes with it
					if out == nil {
						out = map[lineage.Node]float64{}
					}
					out[t.since] = t.millis / t.traces / 1000
				}
			}
			return out
		},
	})
	if err != nil {
		return fmt.Errorf("look for who is starved: %w", err)
	}
	down := q.s.Closure(q.order, graph.Downstream)
	for _, id := range v.ScopeOf(down) {
		if !slices.Contains(q.out.Scope, id) {
			q.out.Scope = append(q.out.Scope, id)
		}
	}
	wholly, err := q.fed(ctx, down)
	if err != nil {
		return err
	}
	for _, a := range found {
		x := Starving{Hit: Hit{a.Node, a.Through, a.Hops, a.AtLeast, a.Exact}, Wholly: wholly(a.Node)}
		q.starved[a.Node] = x.Wholly
		switch from := q.lost[a.Through.From]; {
		case a.Through.From.Kind != lineage.TopicNode:
		case from != nil && from.Partitions == 0:
			x.Waiting = new(int64(0))
		default:
			x.Waiting = v.behind(q.ls, v.of(a.Through)).records
		}
		q.out.Starved = append(q.out.Starved, x)
	}
	order := &Impact{step: v.win.Step.Seconds()}
	slices.SortFunc(q.out.Starved, func(a, b Starving) int { return order.Compare(&a.Hit, order.Place(&b.Hit)) })
	return nil
}

// dry returns after how many seconds what comes by a flow ends: at once by what is lost, from another topic when what
// waits there is read, at the rate at which it is read now.
func (q *losing) dry(e graph.Edge) (seconds float64, ok bool) {
	if q.lost[e.Flow.From] != nil {
		return 0, e.State == graph.Active
	}
	if e.State != graph.Active || e.Flow.From.Kind != lineage.TopicNode {
		return 0, false
	}
	accesses := make([]int32, len(e.Accesses))
	for i, id := range e.Accesses {
		accesses[i] = int32(id)
	}
	waiting, moved := q.v.behind(q.ls, accesses).records, q.v.records(accesses)
	rate := moved.perSecond
	switch {
	case waiting == nil:
		return 0, false
	case *waiting == 0:
		return 0, true
	case rate == nil || *rate <= 0 || moved.lacks > 0: // it may be read sooner
		return 0, false
	}
	return float64(*waiting) / *rate, true
}

// fed returns what reports of those that are downstream whether nobody else feeds them, as far as that is known: what
// is reached from all that is neither lost nor downstream, in the graph without what is lost.
func (q *losing) fed(ctx context.Context, down *graph.Closure) (wholly func(lineage.Node) *bool, err error) {
	var around []lineage.Node
	seen := map[lineage.Node]bool{}
	for n := range down.Nodes() {
		if q.gone() {
			return nil, ctx.Err()
		}
		if q.lost[n] != nil {
			continue
		}
		for e := range q.s.In(n) {
			if from := e.Flow.From; !down.Has(from) && !seen[from] {
				seen[from] = true
				around = append(around, from)
			}
		}
	}
	// A topic of which a part is left goes on feeding.
	whole := func(n lineage.Node) bool { x := q.lost[n]; return x != nil && x.Partitions == 0 }
	for _, n := range q.order {
		if !whole(n) {
			around = append(around, n)
		}
	}
	rest := func(active bool) *graph.Closure {
		key := filterKey{active: active, internal: true}
		return q.v.build(func(x *access) bool {
			return x.passes(key) && !whole(x.node) && !whole(x.far)
		}).Closure(around, graph.Downstream)
	}
	surely, maybe := rest(true), rest(false)
	return func(n lineage.Node) *bool {
		switch {
		case surely.Has(n):
			return new(false)
		case maybe.Has(n):
			return nil
		}
		return new(true)
	}, ctx.Err()
}
