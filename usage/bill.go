package usage

import (
	"cmp"
	"math/big"
	"math/bits"
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
	Lacks        int64    // records that moved and whose bytes are not in it, of meters of bytes that move
}

// Known reports whether anything is known of it. Where records moved and of none is the size, 0 is no amount of bytes.
func (t *ClusterTotal) Known() bool { return t.Count.Sign() > 0 || t.Observed > 0 && t.Lacks == 0 }

// Amplification is how much moves for what is written to a topic, in records.
type Amplification struct {
	Topic
	Written, Read, Mirrored int64
	// Copied is what brokers copied to further replicas; nil: how many there are is not known.
	Copied *int64
}

// Factor returns how many bytes move for one that is written, itself among them; ok is false where none was written, or
// a part is not known.
func (a *Amplification) Factor() (k float64, ok bool) {
	if a.Written == 0 || a.Copied == nil {
		return 0, false
	}
	return float64(a.Written+a.Read+a.Mirrored+*a.Copied) / float64(a.Written), true
}

type lineKey struct {
	topic Topic
	owner string
	meter Meter
	basis Basis
	start time.Time
}

type totalKey struct {
	cluster string
	meter   Meter
}

// adding is a bill that is added up.
type adding struct {
	*Bill
	lines   map[lineKey]*Line
	totals  map[totalKey]*ClusterTotal
	topics  map[Topic]*Amplification
	periods map[string][]period // by cluster
	hours   map[periodKey]int   // that were observed
}

type periodKey struct {
	cluster string
	start   time.Time
	meter   Meter
}

// New adds up the days of a window. Those that are missing were not observed. Window and days must be of whole hours,
// and the days be cut to the window.
func New(t Tariff, start, end time.Time, days []*Day) *Bill {
	a := &adding{
		Bill: &Bill{Tariff: t, Start: start, End: end}, lines: map[lineKey]*Line{}, totals: map[totalKey]*ClusterTotal{}, topics: map[Topic]*Amplification{},
		periods: map[string][]period{}, hours: map[periodKey]int{},
	}
	for _, d := range days {
		a.day(d)
	}
	a.conclude()
	return a.Bill
}

func (a *adding) of(cluster string) []period {
	all := a.periods[cluster]
	if all == nil {
		all = a.Tariff.periods(cluster, a.Start, a.End)
		a.periods[cluster] = all
	}
	return all
}

func (a *adding) total(cluster string, m Meter) *ClusterTotal {
	key := totalKey{cluster, m}
	t := a.totals[key]
	if t == nil {
		t = &ClusterTotal{Cluster: cluster, Meter: m, Count: new(big.Int), Unattributed: new(big.Int), Of: int(a.End.Sub(a.Start) / time.Hour)}
		a.totals[key] = t
	}
	return t
}

func (a *adding) day(d *Day) {
	first := d.Start.Add(time.Duration(d.From) * time.Hour)
	for name, c := range d.clusters {
		p := at(a.of(name), first)
		for m := range Meters {
			n := bits.OnesCount32(c.hours[m])
			a.total(name, m).Observed += n
			a.hours[periodKey{name, p.Start, m}] += n
			a.total(name, m).Lacks += c.unsized[m]
		}
		a.total(name, Ingress).Unsized += c.unsized[Ingress] + c.unsized[Egress]
	}
	for i := range d.uses {
		u := &d.uses[i]
		topic := d.topics[u.topic]
		p := at(a.of(topic.Cluster), first)
		key := lineKey{topic, u.owner, u.meter, u.basis, p.Start}
		l := a.lines[key]
		if l == nil {
			l = &Line{Topic: topic, Owner: u.owner, Nobody: u.owner == "", Meter: u.meter, Basis: u.basis, Start: p.Start, End: p.End, Count: new(big.Int)}
			a.lines[key] = l
		}
		l.Count.Add(l.Count, big.NewInt(u.count))
	}
	for i := range d.moves {
		m := &d.moves[i]
		t := a.topics[d.topics[i]]
		if t == nil {
			t = &Amplification{Topic: d.topics[i], Copied: new(int64)}
			a.topics[d.topics[i]] = t
		}
		t.Written, t.Read, t.Mirrored = t.Written+m.written, t.Read+m.read, t.Mirrored+m.mirrored
		switch {
		case !m.copiedKnown && m.written > 0:
			t.Copied = nil
		case t.Copied != nil:
			*t.Copied += m.copied
		}
	}
}

func (a *adding) conclude() {
	for key, l := range a.lines {
		p := at(a.of(l.Cluster), l.Start)
		l.Observed, l.Of = a.hours[periodKey{l.Cluster, l.Start, l.Meter}], int(p.End.Sub(p.Start)/time.Hour)
		if price, ok := p.of(l.Meter); ok {
			l.Price = &price
			cost := price.Times(l.Quantity())
			l.Cost = &cost
		}
		t := a.total(l.Cluster, l.Meter)
		t.Count.Add(t.Count, l.Count)
		if l.Nobody {
			t.Unattributed.Add(t.Unattributed, l.Count)
		}
		t.Cost = plus(t.Cost, l.Cost)
		a.Lines = append(a.Lines, *a.lines[key])
	}
	slices.SortFunc(a.Lines, func(x, y Line) int { return x.Compare(&y) })
	for _, t := range a.totals {
		a.Clusters = append(a.Clusters, *t)
	}
	slices.SortFunc(a.Clusters, func(x, y ClusterTotal) int {
		return cmp.Or(strings.Compare(x.Cluster, y.Cluster), cmp.Compare(x.Meter, y.Meter))
	})
	for _, t := range a.topics {
		if t.Written+t.Read+t.Mirrored > 0 {
			a.Topics = append(a.Topics, *t)
		}
	}
	slices.SortFunc(a.Topics, func(x, y Amplification) int {
		return cmp.Or(cmp.Compare(y.Written+y.Read+y.Mirrored, x.Written+x.Read+x.Mirrored), strings.Compare(x.ID, y.ID))
	})
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
	sums := map[lineKey]*Line{}
	for i := range b.Lines {
		l := b.Lines[i]
		if g == ByOwner {
			l.ID, l.Name = "", ""
		} else {
			l.Owner = ""
		}
		key := lineKey{l.Topic, l.Owner, l.Meter, 0, l.Start}
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
