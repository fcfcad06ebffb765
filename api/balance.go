package api

import (
	"context"
	"slices"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// mostHops bounds a way that is asked about: its topics and programs.
const mostHops = 41

// FlowBalance is the schema's type of that name.
type FlowBalance struct {
	answerOf
	is answer.Balance
}

// Topic answers topic.
func (b *FlowBalance) Topic() Node { return b.rows.nodes[b.is.Topic] }

// Produced answers produced.
func (b *FlowBalance) Produced() *Tally { return shownTally(b.is.Produced) }

// Truncated answers truncated.
func (b *FlowBalance) Truncated() *Tally { return shownTally(b.is.Truncated) }

// Window answers window.
func (b *FlowBalance) Window() *ResolvedWindow { return shownWindow(b.rows.v.Window()) }

// Writers answers writers.
func (b *FlowBalance) Writers() []WriterBalance {
	out := make([]WriterBalance, len(b.is.Writers))
	for i, w := range b.is.Writers {
		out[i] = WriterBalance{Flow: b.rows.shownFlow(w.Flow), Produced: shownTally(w.Produced)}
	}
	return out
}

// Readers answers readers.
func (b *FlowBalance) Readers() []ReaderBalance {
	out := make([]ReaderBalance, len(b.is.Readers))
	for i, r := range b.is.Readers {
		out[i] = ReaderBalance{Flow: b.rows.shownFlow(r.Flow), Group: textOrNil(r.Group), Account: shownAccount(r.Account)}
	}
	return out
}

// Links answers links.
func (b *FlowBalance) Links() []LinkBalance {
	out := make([]LinkBalance, len(b.is.Links))
	for i, l := range b.is.Links {
		out[i] = LinkBalance{Flow: b.rows.shownFlow(l.Flow), Arrived: shownTally(l.Arrived), Account: shownAccount(l.Account)}
		if l.Into != (lineage.Flow{}) {
			out[i].Into = b.rows.shownFlow(l.Into)
		}
	}
	return out
}

func shownAccount(a answer.Account) *Account {
	return &Account{
		Opening: shownTally(a.Opening), Produced: shownTally(a.Produced), Returned: shownTally(a.Returned), Read: shownTally(a.Read),
		Skipped: shownTally(a.Skipped), Lost: shownTally(a.Lost), Closing: shownTally(a.Closing),
		Surplus: shownTally(a.Surplus), Shortfall: shownTally(a.Shortfall), AddsUp: a.AddsUp, Stalled: a.Stalled,
	}
}

func shownTally(t answer.Tally) *Tally {
	out := &Tally{Doubts: t.Doubts.List(), Why: textOrNil(t.Doubts.Words())}
	if n, ok := t.Exact(); ok {
		out.Records = &n
	}
	if n, ok := t.AtLeast(); ok {
		out.AtLeast = &n
	}
	if n, ok := t.AtMost(); ok {
		out.AtMost = &n
	}
	return out
}

// flowBalance answers the root field of that name.
func (a *resolver) flowBalance(ctx context.Context, id string, window WindowInput) (*FlowBalance, error) {
	n, v, err := a.topicView(ctx, id, window)
	if err != nil {
		return nil, err
	}
	is, err := v.Balance(ctx, n)
	if err != nil {
		return nil, err
	}
	var flows []lineage.Flow
	for _, w := range is.Writers {
		flows = append(flows, w.Flow)
	}
	for _, r := range is.Readers {
		flows = append(flows, r.Flow)
	}
	for _, l := range is.Links {
		if flows = append(flows, l.Flow); l.Into != (lineage.Flow{}) {
			flows = append(flows, l.Into)
		}
	}
	nodes := []lineage.Node{n}
	for _, l := range is.Links { // what arrived was looked at where it did
		nodes = append(nodes, l.Flow.To)
	}
	return &FlowBalance{answerOf: answerOf{rows: newRows(v, nodes, flows), scope: clustersOf(v, nodes)}, is: is}, nil
}

// clustersOf returns the clusters of some nodes.
func clustersOf(v *answer.View, nodes []lineage.Node) (out []lineage.ClusterID) {
	for _, n := range nodes {
		for _, id := range v.ClustersOf(n) {
			if !slices.Contains(out, id) {
				out = append(out, id)
			}
		}
	}
	return out
}

// PathBalance is the schema's type of that name.
type PathBalance struct {
	answerOf
	is answer.PathBalance
}

// Missing answers missing.
func (b *PathBalance) Missing() *Tally { return shownTally(b.is.Missing) }

// Window answers window.
func (b *PathBalance) Window() *ResolvedWindow { return shownWindow(b.rows.v.Window()) }

// Hops answers hops.
func (b *PathBalance) Hops() []HopBalance {
	out := make([]HopBalance, len(b.is.Hops))
	for i, h := range b.is.Hops {
		out[i] = HopBalance{
			From: b.rows.nodes[h.From], Through: b.rows.nodes[h.Through], Produced: shownTally(h.Produced), Opening: shownTally(h.Opening), Read: shownTally(h.Read),
			Skipped: shownTally(h.Skipped), Lost: shownTally(h.Lost), Surplus: shownTally(h.Surplus), Closing: shownTally(h.Closing),
			Written: shownTally(h.Written), OneToOne: h.OneToOne, Missing: shownTally(h.Missing),
		}
		if h.To != nil {
			out[i].To = b.rows.nodes[*h.To]
		}
	}
	return out
}

// pathBalance answers the root field of that name.
func (a *resolver) pathBalance(ctx context.Context, ids []string, window WindowInput) (*PathBalance, error) {
	if len(ids) > mostHops {
		return nil, badInput("pathBalance: a way of %d nodes; at most %d are added up", len(ids), mostHops)
	}
	way := make([]lineage.Node, len(ids))
	for i, id := range ids {
		n, err := parseNode(id)
		if err != nil {
			return nil, err
		}
		way[i] = n
	}
	v, err := a.view(ctx, &window)
	if err != nil {
		return nil, err
	}
	is, err := v.BalanceOf(ctx, way)
	if err != nil {
		return nil, err
	}
	return &PathBalance{answerOf: answerOf{rows: newRows(v, way, nil), scope: clustersOf(v, way)}, is: is}, nil
}
