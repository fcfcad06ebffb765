package answer

import (
	"context"
	"slices"

	"github.com/lineaged/lineaged/lineage"
)

// PathBalance is what became of records on a way: topic, program, topic, and so on.
type PathBalance struct {
	Hops []HopBalance
	// Missing is how many records went missing on the way: lost, skipped, or copied and not arrived.
	Missing Tally
}

// HopBalance is one step of a way: from a topic through a program, and into the next topic where the way goes on. What
// several readers of one program do adds up.
type HopBalance struct {
	From, Through lineage.Node
	To            *lineage.Node // nil: the way ends here
	Produced      Tally         // into From
	Opening       Tally
	Read          Tally
	Skipped, Lost Tally
	Closing       Tally
	Surplus       Tally
	Written       Tally // into To
	// OneToOne: each record that is read is written once, as a replicator does. Of all others it is not known, and what
	// they write says nothing of what went missing.
	OneToOne bool
	// Missing is what went missing at this step.
	Missing Tally
}

// BalanceOf adds up the accounts on a way, which begins with a topic.
func (v *View) BalanceOf(ctx context.Context, way []lineage.Node) (PathBalance, error) {
	if len(way) < 2 || way[0].Kind != lineage.TopicNode {
		return PathBalance{}, senseless("a way begins with a topic and has one program at least, e.g. topic, program, topic")
	}
	out := PathBalance{Missing: exactly(0)}
	for i := 0; i+1 < len(way); i += 2 {
		hop := HopBalance{From: way[i], Through: way[i+1]}
		if i+2 < len(way) {
			hop.To = &way[i+2]
		}
		if err := v.isHop(&hop); err != nil {
			return PathBalance{}, err
		}
		b, err := v.Balance(ctx, hop.From)
		if err != nil {
			return PathBalance{}, err
		}
		if err := v.sumUp(ctx, &hop, &b); err != nil {
			return PathBalance{}, err
		}
		out.Hops = append(out.Hops, hop)
		out.Missing = out.Missing.plus(hop.Missing)
	}
	return out, nil
}

// isHop reports whether a step of a way is a flow into a program, and one out of it.
func (v *View) isHop(hop *HopBalance) error {
	for _, n := range [...]lineage.Node{hop.From, hop.Through} {
		if !v.Has(n) {
			return v.NoNode(n)
		}
	}
	in := lineage.Flow{From: hop.From, To: hop.Through}
	if hop.From.Kind != lineage.TopicNode || hop.Through.Kind == lineage.TopicNode || len(v.of(in)) == 0 {
		return v.NoFlow(in)
	}
	if hop.To == nil {
		return nil
	}
	if !v.Has(*hop.To) {
		return v.NoNode(*hop.To)
	}
	if out := (lineage.Flow{From: hop.Through, To: *hop.To}); hop.To.Kind != lineage.TopicNode || len(v.of(out)) == 0 {
		return v.NoFlow(out)
	}
	return nil
}

// sumUp adds up what a program read of a topic, and takes what it wrote into the next.
func (v *View) sumUp(ctx context.Context, hop *HopBalance, b *Balance) error {
	hop.Produced = b.Produced
	accounts, link := hop.accounts(b)
	zero := exactly(0)
	hop.Opening, hop.Read, hop.Skipped, hop.Lost, hop.Closing, hop.Surplus = zero, zero, zero, zero, zero, zero
	for _, a := range accounts {
		hop.Opening, hop.Closing = hop.Opening.plus(a.Opening), hop.Closing.plus(a.Closing)
		hop.Read, hop.Skipped, hop.Lost, hop.Surplus = hop.Read.plus(a.Read), hop.Skipped.plus(a.Skipped), hop.Lost.plus(a.Lost), hop.Surplus.plus(a.Surplus)
	}
	if len(accounts) == 0 {
		nothing := untold(Uncounted)
		hop.Opening, hop.Read, hop.Skipped, hop.Lost, hop.Closing, hop.Surplus = nothing, nothing, nothing, nothing, nothing, nothing
	}
	hop.Missing = hop.Lost.plus(hop.Skipped)
	if hop.To == nil {
		hop.Written = untold(Uncounted)
		return nil
	}
	if link != nil {
		hop.OneToOne, hop.Written = true, link.Arrived
		hop.Missing = hop.Missing.plus(link.Shortfall)
		return nil
	}
	into, err := v.Balance(ctx, *hop.To)
	if err != nil {
		return err
	}
	hop.Written = untold(Uncounted)
	if i := slices.IndexFunc(into.Writers, func(w WriterBalance) bool { return w.Flow.From == hop.Through }); i >= 0 {
		hop.Written = into.Writers[i].Produced
	}
	hop.Missing = hop.Missing.open(false, true, because(Ratio))
	return nil
}

// accounts returns those of a step's program, and the link where it is one between the step's topics.
func (hop *HopBalance) accounts(b *Balance) (all []Account, link *LinkBalance) {
	for i := range b.Links {
		if l := &b.Links[i]; l.Flow.To == hop.Through {
			all = append(all, l.Account)
			if hop.To != nil && l.Into.To == *hop.To {
				link = l
			}
		}
	}
	for i := range b.Readers {
		if r := &b.Readers[i]; r.Flow.To == hop.Through {
			all = append(all, r.Account)
		}
	}
	return all, link
}
