package answer

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
)

const (
	// usesAtOnce is of how many flows what the history is asked for is held at once.
	usesAtOnce = 1000
	// mostUses bounds a report: each use has its evidence and its clients.
	mostUses = 50_000
	// mostUseClients is how many clients of a use are listed; how many there are is said.
	mostUseClients = 20
	// mostUsePoints bounds what is read to find when each was used first, and usePoints how finely that is looked for.
	mostUsePoints, usePoints = 2_000_000, 1000
)

// TopicUse is what one node did to one topic in a time: it wrote it, or it read it.
type TopicUse struct {
	Topic, Node Party
	Write       bool
	// Active: it moved something; nil: it may have.
	Active *bool
	// Records, Bytes, Skipped and Lost are nil where they are not known, which is not zero. AtLeast: of a part of the
	// time, what moved is not known, and is in none of them.
	Records, Bytes, Skipped, Lost *int64
	Estimated, AtLeast            bool
	// Loose: an estimate that is not at least is among them, so that they may be too much.
	Loose bool
	// First and Last are between which instants it was seen to move; zero: not known. Both are as exact as Precision.
	First, Last time.Time
	Precision   time.Duration
	Evidence    []UseEvidence
	Clients     []UseClient // the first of ClientCount
	ClientCount int
	Observed    float64 // which part of the report's window was observed where the topic is
	// Derived: neither the topic nor who used it bears the tag that the report is of: it only comes to the topic.
	Derived      bool
	Held, Sealed bool // whether the store or the ledger says it, or each of a part
}

// UseEvidence is one way in which a use is known.
type UseEvidence struct {
	Kind   lineage.EvidenceKind
	Since  time.Time
	Detail string
}

// UseClient is one who did it, as seen.
type UseClient struct {
	Kind                                                                  lineage.ClientKind
	ClientID, Group, TransactionalID, Principal, Host, Software, Instance string
}

// useKey is what a use is of.
type useKey struct {
	topic string
	read  bool
	node  string
}

func (u *TopicUse) key() useKey { return useKey{u.Topic.ID, !u.Write, u.Node.ID} }

// compare orders uses by topic, its writers first.
func (k useKey) compare(o useKey) int {
	if c := strings.Compare(k.topic, o.topic); c != 0 {
		return c
	}
	if k.read != o.read {
		if o.read {
			return -1
		}
		return 1
	}
	return strings.Compare(k.node, o.node)
}

// usageReader reads the uses of a window.
type usageReader struct {
	v       *View
	scope   UsageScope
	spread  *graph.Spreading // of the scope's tag; nil: it is not followed
	parties map[lineage.Node]Party
}

func (r *usageReader) party(n lineage.Node) Party {
	p, ok := r.parties[n]
	if !ok {
		p = r.v.partyOf(n)
		if r.spread != nil && n.Kind == lineage.TopicNode && !r.scope.Bears(&p) {
			p.Way = r.spread.Way(n)
		}
		r.parties[n] = p
	}
	return p
}

// usedFlow is a flow that uses a topic.
type usedFlow struct {
	flow  lineage.Flow
	topic lineage.Node
	node  lineage.Node
	write bool
}

// flows returns the flows of a scope that use a topic, those among them that moved nothing too, and the topics that are
// of the scope by themselves, used or not.
func (r *usageReader) flows(ctx context.Context) (all []usedFlow, topics []lineage.Node, err error) {
	gone, s := leaving(ctx), r.scope
	for _, topic := range r.v.Topics() {
		if gone() {
			return nil, nil, ctx.Err()
		}
		own := r.within(s, topic)
		if own && r.v.exists(topic) {
			topics = append(topics, topic)
		}
		if (s.Of == TopicScope || s.Of == ClusterScope) && !own {
			continue
		}
		writers, readers := r.v.Usage(topic)
		for _, f := range writers {
			if own || r.takes(s, f.From) {
				all = append(all, usedFlow{f, topic, f.From, true})
			}
		}
		for _, f := range readers {
			if own || r.takes(s, f.To) {
				all = append(all, usedFlow{f, topic, f.To, false})
			}
		}
		if len(all) > mostUses {
			return nil, nil, tooManyUses(s)
		}
	}
	return all, topics, nil
}

// within reports whether a topic is of the scope, whoever uses it.
func (r *usageReader) within(s UsageScope, topic lineage.Node) bool {
	switch s.Of {
	case TopicScope:
		return topic.ID() == s.Name
	case ClusterScope:
		return topic.Scope == s.Name
	case ApplicationScope:
		return false
	default:
		p := r.party(topic)
		return s.has(&p)
	}
}

// takes reports whether what a node does is of the scope, whatever topic it uses.
func (r *usageReader) takes(s UsageScope, n lineage.Node) bool {
	switch s.Of {
	case ApplicationScope:
		return n.ID() == s.Name
	default:
		p := r.party(n)
		return s.Bears(&p)
	}
}

func tooManyUses(s UsageScope) error {
	return tooMuch("%s has more than %d uses of topics, more than a report can hold: ask for less of it, or have the ledger's rows exported", s, mostUses)
}

// uses reads what flows moved that moved something, or may have; resting are the others.
func (r *usageReader) uses(ctx context.Context, flows []usedFlow) (out []TopicUse, resting int, err error) {
	for some := range slices.Chunk(flows, usesAtOnce) {
		only := make([]lineage.Flow, len(some))
		for i := range some {
			only[i] = some[i].flow
		}
		rows := r.v.Rows(nil, only)
		var moving []lineage.Flow
		begin := len(out)
		for _, x := range some {
			f := rows.Flow(x.flow)
			if active := f.Active(); active != nil && !*active {
				resting++
				continue
			}
			u, err := r.use(ctx, f, x)
			if err != nil {
				return nil, 0, err
			}
			out, moving = append(out, u), append(moving, x.flow)
		}
		if err := r.v.timeUses(ctx, out[begin:], moving, len(flows)); err != nil {
			return nil, 0, err
		}
	}
	return out, resting, nil
}

func (r *usageReader) use(ctx context.Context, f Flow, x usedFlow) (u TopicUse, err error) {
	v := r.v
	u = TopicUse{
		Topic: r.party(x.topic), Node: r.party(x.node), Write: x.write, Active: f.Active(), Records: f.Records(), Skipped: f.Skipped(), Lost: f.Lost(),
		Estimated: f.Estimated(), ClientCount: f.ClientCount(), Held: true,
	}
	u.AtLeast = u.Active == nil || u.Records == nil || v.uncounted[x.flow] > 0 || f.total().lacks > 0
	if u.Bytes, err = f.Bytes(ctx); err != nil {
		return u, err
	}
	evidence, err := f.Evidence(ctx)
	if err != nil {
		return u, err
	}
	for _, e := range evidence {
		u.Evidence = append(u.Evidence, UseEvidence{Kind: e.Kind, Since: e.FirstSeen, Detail: e.Detail})
	}
	u.TakeBounds()
	clients, err := f.Clients(ctx, mostUseClients)
	for _, c := range clients {
		u.Clients = append(u.Clients, UseClient{c.Kind, c.ClientID, c.Group, c.TransactionalID, c.Principal, c.Host, c.Software, c.Instance})
	}
	return u, err
}

// NoLess reports whether what is told of a use is no less than what moved, and not too much either; of what is not
// known, whether there may be some.
func (u *TopicUse) NoLess() bool { return noLess(u.Records, u.AtLeast, u.Loose) }

func noLess(n *int64, lacks, loose bool) bool { return lacks && (n == nil || !loose) }

// TakeBounds says of an estimate whether it is at least: where its evidence tells of that bound alone. Else it may be
// too much.
func (u *TopicUse) TakeBounds() {
	var bounds lineage.Bounds
	for _, e := range u.Evidence {
		b := lineage.BoundsOf(e.Detail)
		bounds.Most, bounds.Least = bounds.Most || b.Most, bounds.Least || b.Least
	}
	least := bounds == lineage.Bounds{Least: true}
	u.AtLeast, u.Loose = u.AtLeast || u.Estimated && least, u.Loose || u.Estimated && !least
}

// timeUses finds when flows moved first and last: the last round that saw them, and the first step in which they did.
// of is how many flows are looked at in all.
func (v *View) timeUses(ctx context.Context, uses []TopicUse, flows []lineage.Flow, of int) error {
	var rows, series, owners, counted []int32
	for i, f := range flows {
		for _, a := range v.of(f) {
			x := &v.accesses[a]
			if x.state != graph.Active {
				continue
			}
			rows, owners = append(rows, x.row), append(owners, int32(i))
			if x.counter.metric != lineage.NoMetric {
				series, counted = append(series, x.counter.series), append(counted, int32(i))
			}
		}
	}
	last, err := v.held.LastMoved(ctx, v.win.Window, rows)
	if err != nil {
		return fmt.Errorf("read what moved: %w", err)
	}
	for k, at := range last {
		if u := &uses[owners[k]]; at.After(u.Last) {
			u.Last = at
		}
	}
	step := v.useStep(of)
	atOnce := max(1, pointsPerCall/max(1, int(v.win.Duration()/step)))
	for len(series) > 0 {
		some := min(atOnce, len(series))
		points, err := v.held.Points(ctx, step, series[:some])
		if err != nil {
			return fmt.Errorf("read when it moved: %w", err)
		}
		for k, all := range points {
			u := &uses[counted[k]]
			u.Precision = step
			if i := slices.IndexFunc(all, func(p lineage.Point) bool { return p.OK && p.Value > 0 }); i >= 0 && (u.First.IsZero() || all[i].At.Before(u.First)) {
				u.First = all[i].At
			}
		}
		series, counted = series[some:], counted[some:]
	}
	for i := range uses {
		if u := &uses[i]; !u.First.IsZero() && u.Last.Before(u.First) { // a round ends its step
			u.Last = u.First
		}
	}
	return nil
}

// useStep returns in which steps it is looked when each of so many flows was used first.
func (v *View) useStep(flows int) time.Duration {
	points := min(usePoints, max(1, mostUsePoints/max(flows, 1)))
	steps := stepsOf(v.win)
	return v.win.Step * time.Duration(max(1, (steps+points-1)/points))
}

// add takes in another part of the time of the same use.
func (u *TopicUse) add(o *TopicUse) {
	u.Topic, u.Node = o.Topic, o.Node // as they were called last
	if o.Active != nil {
		u.Active = o.Active
	}
	for _, x := range [...]struct{ to, from **int64 }{{&u.Records, &o.Records}, {&u.Bytes, &o.Bytes}, {&u.Skipped, &o.Skipped}, {&u.Lost, &o.Lost}} {
		addKnown(x.to, *x.from)
	}
	u.AtLeast, u.Loose = u.AtLeast || o.AtLeast, u.Loose || o.Loose
	if !o.First.IsZero() && (u.First.IsZero() || o.First.Before(u.First)) {
		u.First = o.First
	}
	if o.Last.After(u.Last) {
		u.Last = o.Last
	}
	u.Precision = max(u.Precision, o.Precision)
	u.Held, u.Sealed, u.Derived = u.Held || o.Held, u.Sealed || o.Sealed, u.Derived && o.Derived
	for _, e := range o.Evidence {
		u.addEvidence(e, o.Estimated)
	}
	u.Estimated = u.Estimated || o.Estimated
	u.addClients(o)
}

func addKnown(to **int64, n *int64) {
	if n == nil {
		return
	}
	if *to == nil {
		*to = new(int64)
	} else {
		*to = new(**to)
	}
	**to += *n
}

// addEvidence keeps one of each kind, with what was said of it last. Of two times that are estimates both are, where
// they are bounded otherwise: what is told is their sum. What was said of one that is exact bounds nothing of the
// other.
func (u *TopicUse) addEvidence(e UseEvidence, estimated bool) {
	i := slices.IndexFunc(u.Evidence, func(x UseEvidence) bool { return x.Kind == e.Kind })
	if i < 0 {
		u.Evidence = append(u.Evidence, e)
		slices.SortFunc(u.Evidence, func(a, b UseEvidence) int { return cmp.Compare(a.Kind, b.Kind) })
		return
	}
	x := &u.Evidence[i]
	if e.Since.Before(x.Since) {
		x.Since = e.Since
	}
	switch {
	case e.Detail == "" || u.Estimated && !estimated && x.Detail != "":
	case u.Estimated && estimated && lineage.BoundsOf(x.Detail) != lineage.BoundsOf(e.Detail):
		x.Detail = lineage.BothBounds(x.Detail, e.Detail)
	default:
		x.Detail = e.Detail
	}
}

// addClients keeps each client once. Of those that are not listed nobody knows whether they are the same: there are at
// least as many as the time with most of them had, and as are listed.
func (u *TopicUse) addClients(o *TopicUse) {
	for _, c := range o.Clients {
		if len(u.Clients) < mostUseClients && !slices.Contains(u.Clients, c) {
			u.Clients = append(u.Clients, c)
		}
	}
	u.ClientCount = max(u.ClientCount, o.ClientCount, len(u.Clients))
}
