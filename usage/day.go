package usage

import (
	"math"
	"math/bits"
	"slices"
	"time"
)

// Day is what was used in a UTC day, or in some hours of it, and by whom. It is added up from frames, and never changes
// once it is in a bill.
type Day struct {
	Start time.Time // a UTC midnight
	// From and To are the hours that it is of: all of a day are 0 and Hours.
	From, To int
	Rules    Rules

	uses     []use
	index    map[useKey]int32 // of uses; nil once the day is whole
	topics   []Topic
	clusters map[string]*seen
	moves    []moves // by topic, as topics
}

// use is a count of one topic.
type use struct {
	useKey
	count int64 // a day of a petabyte on disk is 2^57 byte-hours
}

type useKey struct {
	topic int32 // of Day.topics
	owner string
	meter Meter
	basis Basis
}

// seen is in how many hours something of a cluster was observed, by meter, and what of it has no size.
type seen struct {
	hours   [Meters]uint32 // a bit an hour
	unsized [Meters]int64  // records that moved and whose bytes of the meter are not known
	untold  [Meters]uint32 // the hours in which what somebody used of the meter is not known, a bit each
}

// moves are the records of a topic, for what one that is written moves.
type moves struct {
	written, read, mirrored, copied int64
	copiedKnown                     bool
	untold                          bool // of somebody who reads it
}

// NewDay returns a day of which nothing is told yet, of the hours from one to before another.
func NewDay(start time.Time, from, to int, r Rules) *Day {
	return &Day{Start: start, From: from, To: to, Rules: r, index: map[useKey]int32{}, clusters: map[string]*seen{}}
}

// Weight is about the bytes that a day holds.
func (d *Day) Weight() int64 {
	const perUse, perTopic = 56, 64 + 40
	return int64(cap(d.uses))*perUse + int64(cap(d.topics))*perTopic
}

// Close says that no more is added.
func (d *Day) Close() { d.index = nil }

func (d *Day) add(topic int32, owner string, m Meter, b Basis, n int64) {
	if n == 0 {
		return
	}
	key := useKey{topic, owner, m, b}
	i, ok := d.index[key]
	if !ok {
		i = int32(len(d.uses))
		d.index[key] = i
		d.uses = append(d.uses, use{useKey: key})
	}
	d.uses[i].count += n
}

// Add takes in what was observed of a topic. All of its day is settled, also where the Day is of some hours only: so
// what an hour is does not hang on what is asked for.
func (d *Day) Add(f *Frame) {
	c := d.clusters[f.Cluster]
	if c == nil {
		c = &seen{}
		d.clusters[f.Cluster] = c
	}
	topic := int32(len(d.topics))
	d.topics, d.moves = append(d.topics, f.Topic), append(d.moves, moves{copiedKnown: f.Replicas > 0})
	s := settle(f)
	shares := s.writtenInAll(f)
	for h := range Hours {
		if d.From <= h && h < d.To {
			d.addHour(topic, c, f, &s, h, shares)
		}
	}
}

// lack takes in of which meters it is not known what was used of a topic in an hour in which it was there. What its
// ends grew by is all that was written, whoever wrote it.
func (c *seen) lack(f *Frame, h int) {
	bit := uint32(1) << h
	lack := func(is bool, all ...Meter) {
		for _, m := range all {
			if is {
				c.untold[m] |= bit
			}
		}
	}
	untold := func(all []Moved) bool {
		return slices.ContainsFunc(all, func(m Moved) bool { return m.Untold&bit != 0 })
	}
	there := f.There&bit != 0
	_, told := f.Appended.At(h)
	lack(!told && (there || untold(f.Writers)), IngressRecords, Ingress, Replication)
	lack(untold(f.Readers), EgressRecords, Egress)
	lack(there && f.Partitions == 0, Partitions)
	_, stored := f.Stored.At(h)
	lack(there && (!stored || f.Replicas == 0), Storage)
}

func (d *Day) addHour(topic int32, c *seen, f *Frame, s *settled, h int, shares []int64) {
	saw := func(all ...Meter) {
		for _, m := range all {
			c.hours[m] |= 1 << h
		}
	}
	if s.known[h] { // of none that was written no bytes are none, of whatever size
		saw(IngressRecords)
		if f.RecordBytes > 0 || s.total[h] == 0 {
			saw(Ingress)
		}
		// of one replica nothing is copied
		if f.Replicas == 1 || f.RecordBytes > 0 && f.Replicas > 0 || s.total[h] == 0 {
			saw(Replication)
		}
	}
	if s.readKnown[h] {
		saw(EgressRecords)
		if f.RecordBytes > 0 || s.readIn(h) == 0 {
			saw(Egress)
		}
	}
	c.lack(f, h)
	m := &d.moves[topic]
	m.untold = m.untold || slices.ContainsFunc(f.Readers, func(r Moved) bool { return r.Untold&(1<<h) != 0 })
	d.addWritten(topic, c, f, s, h, m)
	d.addRead(topic, c, f, s, h, m)
	if f.There&(1<<h) != 0 && f.Partitions > 0 {
		saw(Partitions)
		d.add(topic, f.Owner, Partitions, Measured, int64(f.Partitions))
	}
	stored, known := f.Stored.At(h)
	if !known || f.Replicas <= 0 {
		return
	}
	saw(Storage)
	basis := Measured
	if f.Replicas > 1 {
		basis = Estimated // the others are taken to be as large as the leader's
	}
	d.addStored(topic, f, shares, int64(stored)*int64(f.Replicas), basis)
}

// addStored gives what is on disk to who pays for it.
func (d *Day) addStored(topic int32, f *Frame, shares []int64, n int64, basis Basis) {
	total := int64(0)
	for _, s := range shares {
		total += s
	}
	if d.Rules.Storage != ProducersByShare || total == 0 {
		d.add(topic, f.Owner, Storage, basis, n)
		return
	}
	before := int64(0)
	for i, share := range shares {
		owner, by := "", Measured
		if i < len(f.Writers) {
			owner, by = f.Writers[i].Owner, f.Writers[i].Basis
		}
		d.add(topic, owner, Storage, basis.or(by), part(n, before+share, total)-part(n, before, total))
		before += share
	}
}

// part returns n × of / all, rounded down. None is negative, and of is no more than all, which is more than 0.
func part(n, of, all int64) int64 {
	high, low := bits.Mul64(uint64(n), uint64(of))
	q, _ := bits.Div64(high, low, uint64(all))
	return int64(q)
}

// addWritten adds what was written in an hour, and what brokers copied of it.
func (d *Day) addWritten(topic int32, c *seen, f *Frame, s *settled, h int, m *moves) {
	before := int64(0)
	written := func(p Party, n int64) {
		if n == 0 {
			return
		}
		if m.written += n; d.Rules.Write == TopicOwner {
			p.Owner = f.Owner
		}
		d.add(topic, p.Owner, IngressRecords, p.Basis, n)
		if f.Replicas == 0 || f.RecordBytes == 0 && f.Replicas > 1 {
			c.unsized[Replication] += n
		}
		if f.RecordBytes == 0 {
			c.unsized[Ingress] += n
			before += n
			return
		}
		bytes := sized(before+n, f.RecordBytes) - sized(before, f.RecordBytes)
		before += n
		d.add(topic, p.Owner, Ingress, Estimated.or(p.Basis), bytes)
		if f.Replicas > 1 {
			m.copied += n * int64(f.Replicas-1)
			d.add(topic, p.Owner, Replication, Estimated.or(p.Basis), bytes*int64(f.Replicas-1))
		}
	}
	rest := Party{}
	if f.Bound {
		rest.Basis = Estimated
	}
	for i := range f.Writers {
		if written(f.Writers[i].Party, s.by[i][h]); s.by[i][h] > 0 && f.Writers[i].Basis != Measured {
			rest.Basis = Estimated // it is what is left without them
		}
	}
	written(rest, s.rest[h])
}

// sized returns how many bytes so many records have.
func sized(records int64, each float64) int64 { return int64(math.Round(float64(records) * each)) }

func (d *Day) addRead(topic int32, c *seen, f *Frame, s *settled, h int, m *moves) {
	for i := range f.Readers {
		p, n := f.Readers[i].Party, s.read[i][h]
		if n == 0 {
			continue
		}
		if p.Mirror {
			m.mirrored += n
		} else {
			m.read += n
		}
		if d.Rules.Read == TopicOwner {
			p.Owner = f.Owner
		}
		d.add(topic, p.Owner, EgressRecords, p.Basis, n)
		if f.RecordBytes == 0 {
			c.unsized[Egress] += n
			continue
		}
		d.add(topic, p.Owner, Egress, Estimated.or(p.Basis), sized(n, f.RecordBytes))
	}
}

// See says that a cluster is watched, of which nothing may have been observed.
func (d *Day) See(cluster string) {
	if d.clusters[cluster] == nil {
		d.clusters[cluster] = &seen{}
	}
}

// Of returns what of the day is a cluster's. What both have in common is shared.
func (d *Day) Of(cluster string) *Day {
	out := &Day{Start: d.Start, From: d.From, To: d.To, Rules: d.Rules, clusters: map[string]*seen{}}
	if c := d.clusters[cluster]; c != nil {
		out.clusters[cluster] = c
	}
	numbers := make([]int32, len(d.topics))
	for i, t := range d.topics {
		if numbers[i] = -1; t.Cluster == cluster {
			numbers[i] = int32(len(out.topics))
			out.topics, out.moves = append(out.topics, t), append(out.moves, d.moves[i])
		}
	}
	for _, u := range d.uses {
		if u.topic = numbers[u.topic]; u.topic >= 0 {
			out.uses = append(out.uses, u)
		}
	}
	return out
}
