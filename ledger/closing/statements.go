package closing

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/ledger"
	"github.com/lineaged/lineaged/usage"
)

// sealAfter is how long after its end a month's statement is sealed: none of its periods can be amended any more.
const sealAfter = Amendable + Wait

// statement returns the statement that is due; nil: none is. The next month after the newest that has one is due, or
// where none has, the newest that has ended so long ago and of which some period was closed.
func (c *Closer) statement(ctx context.Context) (*ledger.BillStatement, error) {
	if c.Bills == nil {
		return nil, nil //nolint:nilnil // nobody asked for any
	}
	now := c.Now()
	ended := ledger.MonthOf(ledger.MonthOf(now.Add(-sealAfter)).Start.Add(-time.Hour)) // the newest that can be sealed
	if c.stated != nil && !c.stated.Start.Before(ended.Start.Time) || c.nothingOf == ended {
		return nil, nil //nolint:nilnil // none is due
	}
	s, err := c.due(ctx, ended)
	if err != nil && ctx.Err() == nil {
		// The period is closed all the same, and the statement is tried again with the next.
		c.Logger.Error("a month's statement is not sealed; it is tried again", "error", err)
		return nil, nil //nolint:nilnil // none can be made now
	}
	return s, err
}

func (c *Closer) due(ctx context.Context, ended ledger.Period) (*ledger.BillStatement, error) {
	r := c.Log.Reader()
	newest, ok, err := r.Stated(c.Now())
	if err != nil {
		return nil, err
	}
	month := ended
	if ok {
		if c.stated = &newest; !newest.Start.Before(ended.Start.Time) {
			return nil, nil //nolint:nilnil // none is due
		}
		month = ledger.MonthOf(newest.End.Time)
	} else if began, err := r.BeganBefore(month.End.Time); err != nil || !began {
		if err == nil {
			c.nothingOf = ended
		}
		return nil, err
	}
	if c.Log.Ends().Before(month.End.Time) {
		return nil, nil //nolint:nilnil // its last periods are closed first
	}
	s, err := c.state(ctx, r, month)
	if err != nil {
		return nil, fmt.Errorf("state what was used in %s: %w", month.Start.Format("2006-01"), err)
	}
	return s, nil
}

// mostCorrected bounds how many statements before it a statement corrects: a year's.
const mostCorrected = 12

// state says what was used in a month, and what is known otherwise now of months before than statements have it.
func (c *Closer) state(ctx context.Context, r *ledger.Reader, month ledger.Period) (*ledger.BillStatement, error) {
	b, err := c.Bills(ctx, month.Start.Time, month.End.Time)
	if err != nil {
		return nil, err
	}
	s := &ledger.BillStatement{Month: month, Currency: known(b.Tariff.Currency)}
	for m := range usage.Meters {
		s.Rules = append(s.Rules, ledger.BillRule{Meter: m.String(), Payer: b.Tariff.Of(m)})
	}
	for i := range b.Lines {
		s.Lines = append(s.Lines, lineOf(&b.Lines[i]))
	}
	err = c.correct(ctx, r, s)
	return s, err
}

// correct adds what is known otherwise now than the newest statements have it, with what they correct of each other. Of
// months of which nothing is held any more nothing is known.
func (c *Closer) correct(ctx context.Context, r *ledger.Reader, s *ledger.BillStatement) error {
	all, err := r.Statements(mostCorrected)
	if err != nil {
		return err
	}
	held, err := c.Answers.HeldSince(ctx)
	if err != nil {
		return err
	}
	for i, parts := range all {
		of := parts[0].Month
		if !of.End.After(held) {
			break
		}
		now, err := c.Bills(ctx, of.Start.Time, of.End.Time)
		if refused, ok := errors.AsType[*answer.RefusedError](err); ok {
			c.Logger.Warn("a month's statement is not corrected", "month", of.Start.Format("2006-01"), "why", refused.Error())
			continue
		}
		if err != nil {
			return err
		}
		s.Lines = append(s.Lines, corrections(parts, correctionsIn(all[:i], of), now)...)
	}
	return nil
}

// correctionsIn returns what statements correct of a month.
func correctionsIn(all [][]ledger.StatementPart, month ledger.Period) (out []ledger.BillLine) {
	for _, parts := range all {
		for _, p := range parts {
			for _, l := range p.Lines {
				if l.Corrects != nil && !l.Start.Before(month.Start.Time) && l.Start.Before(month.End.Time) {
					out = append(out, l)
				}
			}
		}
	}
	return out
}

// BillsOf tells bills of answers.
func BillsOf(a *answer.Answers) func(ctx context.Context, start, end time.Time) (*usage.Bill, error) {
	return func(ctx context.Context, start, end time.Time) (*usage.Bill, error) {
		b, err := a.Bill(ctx, answer.Between(start, end), "")
		if err != nil {
			return nil, err
		}
		return b.Bill, nil
	}
}

func lineOf(l *usage.Line) ledger.BillLine {
	return ledger.BillLine{
		Basis: l.Basis.String(), Cluster: l.Cluster, Cost: written(l.Cost), Count: l.Count.String(), End: ledger.At(l.End), Hours: l.Of, Meter: l.Meter.String(), Observed: l.Observed,
		Owner: known(l.Owner), Price: written(l.Price), Start: ledger.At(l.Start), Topic: l.ID,
	}
}

func written(d *usage.Decimal) *string {
	if d == nil {
		return nil
	}
	return new(d.String())
}

// billed is what a line is of.
type billed struct {
	cluster, owner, topic, meter, basis string
	start                               time.Time
}

func of(l *ledger.BillLine) billed {
	out := billed{cluster: l.Cluster, topic: l.Topic, meter: l.Meter, basis: l.Basis, start: l.Start.Time}
	if l.Owner != nil {
		out.owner = *l.Owner
	}
	return out
}

// sealed is a line that stands in a statement, with what was added to it since.
type sealed struct {
	*ledger.BillLine
	index int64
}

// standingBill returns what a statement says with what was corrected of it since, and the order of that.
func standingBill(parts []ledger.StatementPart, since []ledger.BillLine) (stands map[billed]sealed, order []billed) {
	stands = map[billed]sealed{}
	for i := range parts {
		for k := range parts[i].Lines {
			if l := &parts[i].Lines[k]; l.Corrects == nil {
				key := of(l)
				stands[key], order = sealed{l, parts[i].Index}, append(order, key)
			}
		}
	}
	for i := range since {
		l := &since[i]
		key := of(l)
		was, ok := stands[key]
		if !ok {
			stands[key], order = sealed{l, *l.Corrects}, append(order, key)
			continue
		}
		if sum, ok := plus(*was.BillLine, l); ok {
			stands[key] = sealed{&sum, was.index}
		}
	}
	return stands, order
}

// plus returns a line with what is to be added to it; false: it is none of ours.
func plus(l ledger.BillLine, add *ledger.BillLine) (ledger.BillLine, bool) {
	a, ok := new(big.Int).SetString(l.Count, 10)
	b, okToo := new(big.Int).SetString(add.Count, 10)
	if !ok || !okToo {
		return l, false
	}
	l.Count = a.Add(a, b).String()
	if l.Cost == nil && add.Cost == nil {
		return l, true
	}
	sum := usage.Decimal{}
	for _, text := range []*string{l.Cost, add.Cost} {
		if text == nil {
			continue
		}
		d, err := usage.ReadDecimal(*text)
		if err != nil {
			return l, false
		}
		sum = sum.Plus(d)
	}
	l.Cost = written(&sum)
	return l, true
}

// corrections returns what is to be added to a statement, and to what was corrected of it since, for it to say what is
// known now. Of a cluster of which less is held now than was observed then nothing is corrected: that it is gone is no
// evidence of anything.
func corrections(parts []ledger.StatementPart, since []ledger.BillLine, now *usage.Bill) (out []ledger.BillLine) {
	stands, order := standingBill(parts, since)
	lost := lostSince(parts, now)
	for i := range now.Lines {
		l := lineOf(&now.Lines[i])
		l.Topic = ledger.ID(l.Topic)
		key := of(&l)
		was, ok := stands[key]
		delete(stands, key)
		if lost[l.Cluster] {
			continue
		}
		if !ok {
			l.Corrects = &parts[0].Index
			out = append(out, l)
			continue
		}
		if d, differs := less(l, was.BillLine); differs {
			d.Corrects = new(was.index)
			out = append(out, d)
		}
	}
	for _, key := range order {
		if was, left := stands[key]; left && !lost[key.cluster] {
			none := *was.BillLine
			none.Count, none.Cost = "0", nil
			if was.Cost != nil {
				none.Cost = new("0")
			}
			if d, differs := less(none, was.BillLine); differs {
				d.Corrects = new(was.index)
				out = append(out, d)
			}
		}
	}
	return out
}

// less returns a line without what stands of it; differs is false where nothing is left.
func less(l ledger.BillLine, was *ledger.BillLine) (out ledger.BillLine, differs bool) {
	now, _ := new(big.Int).SetString(l.Count, 10)
	before, ok := new(big.Int).SetString(was.Count, 10)
	if !ok {
		return l, false // no ledger of ours has that
	}
	count := new(big.Int).Sub(now, before)
	out = l
	out.Count = count.String()
	cost := usage.Decimal{}
	for _, x := range []struct {
		text *string
		add  func(usage.Decimal) usage.Decimal
	}{{l.Cost, cost.Plus}, {was.Cost, nil}} {
		if x.text == nil {
			continue
		}
		d, err := usage.ReadDecimal(*x.text)
		if err != nil {
			return l, false
		}
		if x.add != nil {
			cost = x.add(d)
		} else {
			cost = cost.Minus(d)
		}
	}
	if out.Cost = nil; l.Cost != nil || was.Cost != nil {
		out.Cost = written(&cost)
	}
	return out, count.Sign() != 0 || cost.Compare(usage.Decimal{}) != 0
}

// lostSince returns the clusters of which less is held now than was observed when a statement was made.
func lostSince(parts []ledger.StatementPart, now *usage.Bill) map[string]bool {
	type meter struct{ cluster, meter string }
	was, seen := map[meter]int{}, map[billed]bool{}
	for _, p := range parts {
		for i := range p.Lines {
			l := &p.Lines[i]
			key := billed{cluster: l.Cluster, meter: l.Meter, start: l.Start.Time}
			if l.Corrects == nil && !seen[key] {
				seen[key] = true
				was[meter{l.Cluster, l.Meter}] += l.Observed
			}
		}
	}
	lost := map[string]bool{}
	for key, hours := range was {
		is := 0
		for i := range now.Clusters {
			if t := &now.Clusters[i]; t.Cluster == key.cluster && t.Meter.String() == key.meter {
				is = t.Observed
			}
		}
		lost[key.cluster] = lost[key.cluster] || is < hours
	}
	return lost
}
