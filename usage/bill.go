package usage

import (
	"cmp"
	"math/big"
	"slices"
	"strings"
	"time"
)

// Grouping is what the lines of a bill are summed up by.
type Grouping uint8

// The groupings.
const (
	ByOwnerAndTopic Grouping = iota
	ByOwner
	ByTopic
)

// Bill is what was used in a window, and what it costs.
type Bill struct {
	Tariff     Tariff
	Start, End time.Time // whole hours, half-open
	Lines      []Line    // by owner and topic, in their order
	Clusters   []ClusterTotal
	Topics     []Amplification // what moved most first
}

// ClusterTotal is what a cluster's topics used of a meter, in all.
type ClusterTotal struct {
	Cluster      string
	Meter        Meter
	Count        *big.Int
	Unattributed *big.Int // the part of it that no owner has
	Cost         *Decimal // nil: no part has a price
	Observed, Of int      // hours
	Unsized      int64    // of INGRESS: records that were written or read whose size is not known, which have no bytes
	Untold       int      // hours of those observed in which what somebody used is not known, and not in it
	Lacks        int64    // records that moved and whose bytes are not in it, of meters of bytes that move
}

// Known reports whether anything is known of it. Where records moved and of none is the size, or of somebody it is not
// known what he used and the others used nothing, 0 is no amount.
func (t *ClusterTotal) Known() bool {
	return t.Count.Sign() > 0 || t.Observed > 0 && t.Lacks == 0 && t.Untold == 0
}

// Amplification is how much moves for what is written to a topic, in records.
type Amplification struct {
	Topic
	Written, Read, Mirrored int64
	// Copied is what brokers copied to further replicas; nil: how many there are is not known.
	Copied *int64
	// Untold: of somebody it is not known what he read, which is in none of them.
	Untold bool
}

// Factor returns how many bytes move for one that is written, itself among them; ok is false where none was written, or
// a part is not known.
func (a *Amplification) Factor() (k float64, ok bool) {
	if a.Written == 0 || a.Copied == nil || a.Untold {
		return 0, false
	}
	return float64(a.Written+a.Read+a.Mirrored+*a.Copied) / float64(a.Written), true
}

func (p *period) of(m Meter) (Decimal, bool) {
	if p.Price == nil {
		return Decimal{}, false
	}
	d, ok := p.Price.Per[m]
	return d, ok
}

// plus adds what may not be known: the sum of some is that of those that are.
func plus(a, b *Decimal) *Decimal {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	sum := a.Plus(*b)
	return &sum
}

// Compare orders lines: by cluster, owner, nobody last, topic, period, meter and basis.
func (l *Line) Compare(x *Line) int {
	return cmp.Or(
		strings.Compare(l.Cluster, x.Cluster), compareBool(l.Nobody, x.Nobody), strings.Compare(l.Owner, x.Owner), strings.Compare(l.ID, x.ID), l.Start.Compare(x.Start),
		cmp.Compare(l.Meter, x.Meter), cmp.Compare(l.Basis, x.Basis),
	)
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// By returns the lines summed up. What is summed up is known as well as the worst of its parts, and of no cluster is
// added to another's.
func (b *Bill) By(g Grouping) []Line {
	if g == ByOwnerAndTopic {
		return b.Lines
	}
	type lineKey struct {
		topic Topic
		owner string
		meter Meter
		start time.Time
	}
	sums := map[lineKey]*Line{}
	for i := range b.Lines {
		l := b.Lines[i]
		if g == ByOwner {
			l.ID, l.Name = "", ""
		} else {
			l.Owner = ""
		}
		key := lineKey{l.Topic, l.Owner, l.Meter, l.Start}
		s := sums[key]
		if s == nil {
			l.Count = new(big.Int).Set(l.Count)
			sums[key] = &l
			continue
		}
		s.Count.Add(s.Count, l.Count)
		s.Basis, s.Cost, s.Nobody = s.Basis.or(l.Basis), plus(s.Cost, l.Cost), s.Nobody && l.Nobody
	}
	out := make([]Line, 0, len(sums))
	for _, l := range sums {
		if g == ByTopic {
			l.Nobody = false
		}
		out = append(out, *l)
	}
	slices.SortFunc(out, func(x, y Line) int { return x.Compare(&y) })
	return out
}

// Cost returns what all of it costs; nil: nothing has a price.
func (b *Bill) Cost() (sum *Decimal) {
	for i := range b.Clusters {
		sum = plus(sum, b.Clusters[i].Cost)
	}
	return sum
}
