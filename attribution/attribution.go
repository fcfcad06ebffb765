// Package attribution settles who is debited for what a topic grew by.
//
// Sources store what they saw: what no counted writer accounts for, what each claims that somebody wrote, who was seen
// running, and which identities are one writer's. Settle is the one place that makes an account of it, and a pure
// function: the same things told give the same account, in whatever order, by whatever process and however late they
// came. Its law, for each ledger:
//
//	left + mixed = Σ settled claims + Σ eliminated + unidentified + what still waits
//
// and nobody is given more in a step than the topic grew by in it. What is a bound says so and why. The package refuses
// to name anybody: it knows clients and movers, and who they are is decided when a question is asked.
package attribution

import (
	"cmp"
	"slices"
	"strings"

	"github.com/lineaged/lineaged/lineage"
)

// Order ranks the evidence that can count, the best first: a writer that several kinds count is counted by the best.
var Order = [...]lineage.EvidenceKind{
	lineage.ProducerState, lineage.Transaction, lineage.BatchHeader, lineage.RecordHeader, lineage.Telemetry, lineage.Connect,
	lineage.Mirror, lineage.Flink, lineage.RequestLog,
}

// rank is a kind's place in Order, len(Order) for those that count nobody.
func rank(k lineage.EvidenceKind) int {
	for i, o := range Order {
		if o == k {
			return i
		}
	}
	return len(Order)
}

// step is what a topic grew by between two looks at it, less what its counted writers wrote: left, of which they wrote
// none, and mixed, of which they may have written some.
type step struct {
	from, to    int64
	left, mixed lineage.Reading
	by          int
	beyond      bool
	twice       bool // some of it was given to who may be counted already
	// looked: the headers of all its batches were looked at, and left is the records of writers without idempotence
	looked bool
}

// rest is what nobody was given yet.
func (s *step) rest() int64 { return s.left.Value + s.mixed.Value }

// settling is a ledger under way.
type settling struct {
	*lineage.Ledger
	steps   []step
	writers writers
	movers  []*lineage.Told // Runs
	veils   *lineage.Told   // the topic's own Pending: more may have moved than is left; nil: that was never told
	out     []*lineage.Settled
	open    int64
	// logged: records of who claims some may be among what is left: of a request log, or of who was given less
	logged  bool
	unnamed []span // in which producer ids wrote of whom it is not known who they are
	marked  []span // in which transactions ended, or may have
}

// Settle derives the Records of the topic's writers, of whom no broker counts, and of nobody; and which of them wait
// (lineage.Pending). open is the first tick whose step waits for a source that is late, 0 when none does.
func Settle(l *lineage.Ledger) (settled []lineage.Settled, open int64) {
	s := settling{Ledger: l}
	s.read()
	s.match()
	s.claims()
	s.rests()
	settled = make([]lineage.Settled, 0, len(s.out))
	for _, x := range s.out {
		slices.SortStableFunc(x.Readings, func(a, b lineage.Reading) int { return cmp.Compare(a.To, b.To) })
		if x.Metric.Counter() {
			x.Readings = perStep(x.Readings)
		}
		x.Words = wordPerStep(x.Words)
		settled = append(settled, *x)
	}
	slices.SortFunc(settled, func(a, b lineage.Settled) int {
		return cmp.Or(compareClients(a.Access.Client, b.Access.Client), cmp.Compare(a.Metric, b.Metric), cmp.Compare(a.Evidence, b.Evidence))
	})
	return settled, s.open
}

// perStep makes one of what one writer was given of a step by several claims, so that it does not matter which of them
// came first.
func perStep(all []lineage.Reading) []lineage.Reading {
	out := all[:0]
	for _, r := range all {
		if n := len(out) - 1; n >= 0 && out[n].To == r.To {
			out[n].From, out[n].Value = min(out[n].From, r.From), out[n].Value+r.Value
			out[n].Estimated, out[n].Beyond = out[n].Estimated || r.Estimated, out[n].Beyond || r.Beyond
			continue
		}
		out = append(out, r)
	}
	return out
}

// wordPerStep is perStep of what is said, by tick: of a step one word, which is as sure as the sum.
func wordPerStep(all []lineage.Word) []lineage.Word {
	slices.SortFunc(all, func(a, b lineage.Word) int { return cmp.Or(cmp.Compare(a.At, b.At), strings.Compare(a.Text, b.Text)) })
	out := all[:0]
	for _, w := range all {
		n := len(out) - 1
		switch {
		case n < 0 || out[n].At != w.At:
			out = append(out, w)
		case lineage.BoundsOf(out[n].Text) != lineage.BoundsOf(w.Text):
			out[n].Text = lineage.BothBounds(out[n].Text, w.Text)
		}
	}
	return out
}

// read sorts what was told into steps, movers and links.
func (s *settling) read() {
	grow := func(t *lineage.Told, part func(*step) *lineage.Reading) {
		for _, r := range t.Readings {
			i, there := slices.BinarySearchFunc(s.steps, r.To, func(x step, to int64) int { return cmp.Compare(x.to, to) })
			if !there {
				s.steps = slices.Insert(s.steps, i, step{from: r.From, to: r.To, by: t.By})
			}
			x := &s.steps[i]
			x.from, x.beyond = min(x.from, r.From), x.beyond || r.Beyond
			*part(x) = r
		}
	}
	var told, looked []*lineage.Told
	own := -1 // who tells what is left
	for i := range s.Told {
		switch t := &s.Told[i]; t.Metric {
		case lineage.Left:
			if t.Evidence == lineage.BatchHeader {
				looked = append(looked, t)
				continue
			}
			own = t.By
			grow(t, func(x *step) *lineage.Reading { return &x.left })
		case lineage.Mixed:
			own = t.By
			grow(t, func(x *step) *lineage.Reading { return &x.mixed })
		case lineage.Pending:
			s.veils = t
		case lineage.Runs:
			s.movers = append(s.movers, t)
		case lineage.Markers:
			s.marked = append(s.marked, movedIn(t)...)
		case lineage.Linked, lineage.Records, lineage.Claimed:
			told = append(told, t)
			if t.Metric == lineage.Records && t.Evidence == lineage.Transaction {
				s.marked = append(s.marked, movedIn(t)...)
			}
		default:
		}
	}
	slices.SortFunc(s.movers, func(a, b *lineage.Told) int {
		return cmp.Or(cmp.Compare(a.Access.Topic.Name, b.Access.Topic.Name), a.Access.Client.Mover.Compare(b.Access.Client.Mover))
	})
	for _, t := range looked {
		s.look(t, own)
	}
	s.writers = readWriters(told)
}

// derived returns a series to derive.
func (s *settling) derived(c lineage.Client, m lineage.Metric, e lineage.EvidenceKind, by int) *lineage.Settled {
	for _, x := range s.out { // there are few
		if x.Access.Client == c && x.Metric == m && x.Evidence == e {
			x.By = by
			return x
		}
	}
	x := &lineage.Settled{Access: lineage.Access{Topic: s.Topic, Op: lineage.Write, Client: c}, Metric: m, Evidence: e, By: by}
	s.out = append(s.out, x)
	return x
}

// debit gives n records of a step to a client, by the word of a source. why says why that is a bound, empty that it is
// none, or an estimate of which nothing is known.
func (s *settling) debit(x *step, by int, c lineage.Client, e lineage.EvidenceKind, n int64, estimated bool, why string) {
	d := s.derived(c, lineage.Records, e, by)
	if k := len(d.Readings) - 1; k >= 0 && d.Readings[k].To == x.to {
		d.Readings[k].Value += n
		d.Readings[k].Estimated = d.Readings[k].Estimated || estimated
	} else {
		d.Readings = append(d.Readings, lineage.Reading{From: x.from, To: x.to, Value: n, Estimated: estimated})
	}
	if why == "" && estimated && n > 0 { // else what was said of another step stood for this one; none is no step
		why = whyUnsaid
	}
	if why != "" {
		d.Words = append(d.Words, lineage.Word{At: x.to, Text: why})
	}
}

// compareClients is a fixed order.
func compareClients(a, b lineage.Client) int {
	return cmp.Or(
		cmp.Compare(a.Kind, b.Kind), a.Mover.Compare(b.Mover), strings.Compare(a.ClientID, b.ClientID), strings.Compare(a.Group, b.Group),
		strings.Compare(a.Member, b.Member), strings.Compare(a.TransactionalID, b.TransactionalID), strings.Compare(a.Principal, b.Principal),
		strings.Compare(a.Host, b.Host), cmp.Compare(a.Producer, b.Producer),
		strings.Compare(a.Software, b.Software), strings.Compare(a.Instance, b.Instance),
	)
}
