package usage

import (
	"cmp"
	"math/big"
	"math/bits"
	"slices"
	"strings"
	"time"
)

// Sum is a bill that is added up, day by day: what of it was added can be kept, and what is left added later. One
// caller at a time has it.
type Sum struct {
	tariff     Tariff
	start, end time.Time

	topics  []topicSum
	numbers map[Topic]int32
	charges []charge
	index   map[chargeKey]int32 // of charges
	totals  map[totalKey]*ClusterTotal
	periods map[string][]period // by cluster
	hours   map[periodKey]int   // that were observed
}

// topicSum is a topic, and the records that one written to it moves.
type topicSum struct {
	Topic
	moves
	copiedUnknown bool // of a day on which something was written
}

// charge is what will be a line.
type charge struct {
	chargeKey
	// high and low are its count, in two's complement: a day is 2^57 at most, and there may be some hundred of them.
	high int64
	low  uint64
}

type chargeKey struct {
	topic  int32 // of topics
	owner  string
	meter  Meter
	basis  Basis
	period int32 // of the periods of the topic's cluster
}

type totalKey struct {
	cluster string
	meter   Meter
}

type periodKey struct {
	cluster string
	period  int32
	meter   Meter
}

// New adds up the days of a window. Those that are missing were not observed. Window and days must be of whole hours,
// and the days be cut to the window.
func New(t Tariff, start, end time.Time, days []*Day) *Bill {
	s := NewSum(t, start, end)
	for _, d := range days {
		s.Add(d)
	}
	return s.Bill()
}

// NewSum begins the bill of a window of whole hours.
func NewSum(t Tariff, start, end time.Time) *Sum {
	return &Sum{
		tariff: t, start: start, end: end, numbers: map[Topic]int32{}, index: map[chargeKey]int32{}, totals: map[totalKey]*ClusterTotal{},
		periods: map[string][]period{}, hours: map[periodKey]int{},
	}
}

// Weight is about the bytes that it holds.
func (s *Sum) Weight() int64 {
	// A map has room for twice what is in it at most, each with what it is found by.
	const perCharge, perTopic = 56 + 2*48, 96 + 2*56
	return int64(cap(s.charges))*perCharge + int64(cap(s.topics))*perTopic
}

func (s *Sum) of(cluster string) []period {
	all := s.periods[cluster]
	if all == nil {
		all = s.tariff.periods(cluster, s.start, s.end)
		s.periods[cluster] = all
	}
	return all
}

func (s *Sum) total(cluster string, m Meter) *ClusterTotal {
	key := totalKey{cluster, m}
	t := s.totals[key]
	if t == nil {
		t = &ClusterTotal{Cluster: cluster, Meter: m, Of: int(s.end.Sub(s.start) / time.Hour)}
		s.totals[key] = t
	}
	return t
}

// Add adds a day, which stays the caller's.
func (s *Sum) Add(d *Day) {
	first := d.Start.Add(time.Duration(d.From) * time.Hour)
	for name, c := range d.clusters {
		p := at(s.of(name), first)
		for m := range Meters {
			n := bits.OnesCount32(c.hours[m])
			s.total(name, m).Observed += n
			s.total(name, m).Untold += bits.OnesCount32(c.untold[m] & c.hours[m])
			s.hours[periodKey{name, p, m}] += n
			s.total(name, m).Lacks += c.unsized[m]
		}
		s.total(name, Ingress).Unsized += c.unsized[Ingress] + c.unsized[Egress]
	}
	numbers := make([]int32, len(d.topics)) // in s, of those in d
	for i, t := range d.topics {
		numbers[i] = s.topic(t)
		s.topics[numbers[i]].add(&d.moves[i])
	}
	for i := range d.uses {
		u := &d.uses[i]
		s.add(chargeKey{numbers[u.topic], u.owner, u.meter, u.basis, at(s.of(d.topics[u.topic].Cluster), first)}, u.count)
	}
}

func (s *Sum) topic(t Topic) int32 {
	n, known := s.numbers[t]
	if !known {
		n = int32(len(s.topics))
		s.topics = append(s.topics, topicSum{Topic: t})
		s.numbers[t] = n
	}
	return n
}

func (t *topicSum) add(m *moves) {
	t.written, t.read, t.mirrored, t.copied = t.written+m.written, t.read+m.read, t.mirrored+m.mirrored, t.copied+m.copied
	t.untold = t.untold || m.untold
	t.copiedUnknown = t.copiedUnknown || !m.copiedKnown && m.written > 0
}

func (s *Sum) add(key chargeKey, n int64) {
	i, known := s.index[key]
	if !known {
		i = int32(len(s.charges))
		s.charges = append(s.charges, charge{chargeKey: key})
		s.index[key] = i
	}
	c := &s.charges[i]
	low, carry := bits.Add64(c.low, uint64(n), 0)
	c.high, c.low = c.high+(n>>63)+int64(carry), low
}

func (c *charge) count() *big.Int {
	n := big.NewInt(c.high)
	return n.Lsh(n, 64).Add(n, new(big.Int).SetUint64(c.low))
}

// Bill returns what was added until now. The sum stays as it is.
func (s *Sum) Bill() *Bill {
	b := &Bill{Tariff: s.tariff, Start: s.start, End: s.end, Lines: make([]Line, 0, len(s.charges))}
	totals := make(map[totalKey]*ClusterTotal, len(s.totals))
	for key, t := range s.totals {
		is := *t
		is.Count, is.Unattributed = new(big.Int), new(big.Int)
		totals[key] = &is
	}
	for i := range s.charges {
		l := s.line(&s.charges[i])
		t := totals[totalKey{l.Cluster, l.Meter}]
		t.Count.Add(t.Count, l.Count)
		if l.Nobody {
			t.Unattributed.Add(t.Unattributed, l.Count)
		}
		t.Cost = plus(t.Cost, l.Cost)
		b.Lines = append(b.Lines, l)
	}
	slices.SortFunc(b.Lines, func(x, y Line) int { return x.Compare(&y) })
	for _, t := range totals {
		b.Clusters = append(b.Clusters, *t)
	}
	slices.SortFunc(b.Clusters, func(x, y ClusterTotal) int {
		return cmp.Or(strings.Compare(x.Cluster, y.Cluster), cmp.Compare(x.Meter, y.Meter))
	})
	b.Topics = s.amplified()
	return b
}

func (s *Sum) line(c *charge) Line {
	topic := s.topics[c.topic].Topic
	p := &s.of(topic.Cluster)[c.period]
	l := Line{
		Topic: topic, Owner: c.owner, Nobody: c.owner == "", Meter: c.meter, Basis: c.basis, Start: p.Start, End: p.End, Count: c.count(),
		Observed: s.hours[periodKey{topic.Cluster, c.period, c.meter}], Of: int(p.End.Sub(p.Start) / time.Hour),
	}
	if price, ok := p.of(l.Meter); ok {
		l.Price = &price
		cost := price.Times(l.Quantity())
		l.Cost = &cost
	}
	return l
}

func (s *Sum) amplified() (out []Amplification) {
	for i := range s.topics {
		t := &s.topics[i]
		if t.written+t.read+t.mirrored == 0 {
			continue
		}
		a := Amplification{Topic: t.Topic, Written: t.written, Read: t.read, Mirrored: t.mirrored, Untold: t.untold}
		if !t.copiedUnknown {
			copied := t.copied // the sum goes on
			a.Copied = &copied
		}
		out = append(out, a)
	}
	slices.SortFunc(out, func(x, y Amplification) int {
		return cmp.Or(cmp.Compare(y.Written+y.Read+y.Mirrored, x.Written+x.Read+x.Mirrored), strings.Compare(x.ID, y.ID))
	})
	return out
}
