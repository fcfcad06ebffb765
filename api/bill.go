package api

import (
	"context"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/usage"
)

// UsageBill is the schema's type of that name.
type UsageBill struct {
	Edges      []BillEdge
	PageInfo   *PageInfo
	TotalCount int

	is *answer.Bill
}

// linePlace is where a line stands in a bill, in a cursor.
type linePlace struct {
	Cluster string      `json:"c"`
	Owner   string      `json:"o,omitempty"`
	Nobody  bool        `json:"n,omitempty"`
	Topic   string      `json:"t,omitempty"`
	Start   int64       `json:"s"`
	Meter   usage.Meter `json:"m"`
	Basis   usage.Basis `json:"b,omitempty"`
}

// billArgs are the arguments of the root field usageBill.
type billArgs struct {
	window  WindowInput
	by      usage.Grouping
	cluster *string
	first   int
	after   *string
}

// usageBill answers the root field of that name.
func (a *resolver) usageBill(ctx context.Context, args billArgs) (*UsageBill, error) {
	if args.first < 0 || args.first > mostPerPage {
		return nil, badInput("usageBill: first must be 0 to %d", mostPerPage)
	}
	var after *usage.Line
	if args.after != nil {
		var p linePlace
		if err := parseCursor(*args.after, &p); err != nil {
			return nil, err
		}
		if p.Cluster == "" {
			return nil, badInput("after: %s is not a cursor of this list", quote(*args.after)) // of another's
		}
		after = p.line()
	}
	span, err := args.window.span()
	if err != nil {
		return nil, err
	}
	cluster := ""
	if args.cluster != nil {
		cluster = *args.cluster
	}
	is, err := a.answers.Bill(ctx, span, cluster)
	if err != nil {
		return nil, err
	}
	lines := is.By(args.by)
	start, end := pageOf(lines, after, args.first, func(l, after usage.Line) int { return l.Compare(&after) })
	b := &UsageBill{Edges: make([]BillEdge, 0, end-start), PageInfo: &PageInfo{HasNextPage: end < len(lines), HasPreviousPage: start > 0}, TotalCount: len(lines), is: is}
	for i := start; i < end; i++ {
		l := &lines[i]
		b.Edges = append(b.Edges, BillEdge{Cursor: cursor(placeOf(l)), Node: shownLine(l)})
	}
	if len(b.Edges) > 0 {
		b.PageInfo.StartCursor, b.PageInfo.EndCursor = &b.Edges[0].Cursor, &b.Edges[len(b.Edges)-1].Cursor
	}
	return b, nil
}

func placeOf(l *usage.Line) linePlace {
	return linePlace{l.Cluster, l.Owner, l.Nobody, l.ID, l.Start.Unix(), l.Meter, l.Basis}
}

func (p linePlace) line() *usage.Line {
	return &usage.Line{
		Topic: usage.Topic{Cluster: p.Cluster, ID: p.Topic}, Owner: p.Owner, Nobody: p.Nobody, Start: time.Unix(p.Start, 0).UTC(), Meter: p.Meter, Basis: p.Basis,
	}
}

func shownLine(l *usage.Line) *BillLine {
	return &BillLine{
		Cluster: l.Cluster, Owner: textOrNil(l.Owner), Unattributed: l.Nobody, Topic: textOrNil(l.ID), TopicName: textOrNil(l.Name),
		Meter: l.Meter, Unit: l.Meter.Unit(), Basis: l.Basis, Quantity: l.Quantity(), Price: l.Price, Cost: l.Cost,
		Start: l.Start, End: l.End, ObservedHours: l.Observed, Hours: l.Of,
	}
}

// Totals answers totals.
func (b *UsageBill) Totals() []BillTotal {
	out := make([]BillTotal, 0, len(b.is.Clusters))
	for i := range b.is.Clusters {
		t := &b.is.Clusters[i]
		shown := BillTotal{Cluster: t.Cluster, Meter: t.Meter, Unit: t.Meter.Unit(), Cost: t.Cost, ObservedHours: t.Observed, UntoldHours: t.Untold, Hours: t.Of}
		if t.Known() {
			all, nobody := t.Meter.Quantity(t.Count), t.Meter.Quantity(t.Unattributed)
			shown.Quantity, shown.Unattributed = &all, &nobody
		}
		if t.Meter == usage.Ingress {
			shown.UnsizedRecords = &t.Unsized
		}
		out = append(out, shown)
	}
	return out
}

// Cost answers cost.
func (b *UsageBill) Cost() *usage.Decimal { return b.is.Cost() }

// Currency answers currency.
func (b *UsageBill) Currency() *string { return textOrNil(b.is.Tariff.Currency) }

// Rules answers rules.
func (b *UsageBill) Rules() []BillRule {
	out := make([]BillRule, 0, usage.Meters)
	for m := range usage.Meters {
		payer := b.is.Tariff.Of(m)
		out = append(out, BillRule{Meter: m, Payer: payer, Words: usage.Words(payer)})
	}
	return out
}

// Amplification answers amplification.
func (b *UsageBill) Amplification(first int) ([]Amplification, error) {
	if first < 0 || first > mostPerPage {
		return nil, badInput("amplification: first must be 0 to %d", mostPerPage)
	}
	all := b.is.Topics[:min(first, len(b.is.Topics))]
	out := make([]Amplification, 0, len(all))
	for i := range all {
		t := &all[i]
		shown := Amplification{Topic: t.ID, TopicName: t.Name, Cluster: t.Cluster, Written: t.Written, Read: t.Read, Mirrored: t.Mirrored, Copied: t.Copied}
		if k, ok := t.Factor(); ok {
			shown.Factor = &k
		}
		out = append(out, shown)
	}
	return out, nil
}

// AmplificationCount answers amplificationCount.
func (b *UsageBill) AmplificationCount() int { return len(b.is.Topics) }

// Window answers window.
func (b *UsageBill) Window() *ResolvedWindow {
	return shownWindow(b.is.Window())
}

// Coverage answers coverage.
func (b *UsageBill) Coverage() *Coverage { return coverageOf(b.is.Over, b.is.Scope...) }
