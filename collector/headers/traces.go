package headers

import (
	"cmp"
	"hash/crc32"
	"hash/maphash"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/lineaged/lineaged/internal/varint"
	"github.com/lineaged/lineaged/lineage"
)

// How long traces take from one topic to another, of pairs that are named. Of a trace the first record that is looked
// at in each topic counts, once; traces that are forgotten, as at a restart, are not counted, or from what is seen of
// them since. Where more come than are remembered, a part of them is sampled, by a hash of their ids: the same of each
// topic.

const (
	// mostTraces is how many traces are remembered, some 10 MB; and of each topic as many until it is told.
	mostTraces = 50_000
	// remembered is for how long a trace is remembered since it was first seen, at least half of it.
	remembered = 10 * time.Minute
	// enough is how many comparisons of a pair say something of its clocks.
	enough = 20
	// recent is about how many comparisons that is judged by.
	recent = 200
)

// traces joins records of traces.
type traces struct {
	pairs []*pair
	topic map[string]uint16 // numbers of the topics that pairs name
	// young and old are the traces that are remembered. What was young for half the time becomes old, and what was old
	// is forgotten.
	young, old map[traceID]*trace
	turned     time.Time
	seed       maphash.Seed
	least      uint64   // traces whose hash is less are not sampled
	met        []*trace // that have been seen since the last round was told
	dirty      bool
	most       int // for tests; mostTraces
}

// trace is where one was seen.
type trace struct {
	seen []seen
}

type seen struct {
	topic uint16
	fresh bool // in this round
	sight
}

// pair is what is counted of one.
type pair struct {
	Pair
	from, to uint16
	told     map[lineage.Topic]took // by the incarnation of To
	fresh    took
	// compared are comparisons of late, and failed those among them that say nothing.
	compared float64
	failed   [failures]float64
}

// took is how long traces took together, and how many they were.
type took struct{ millis, traces int64 }

// failure is why a comparison says nothing.
type failure int

const (
	backwards failure = iota // or longer than any trace
	mixed                    // one time is the broker's and the other is not
	handedOn                 // the record bears the time of the one that it was made from
	failures
)

func newTraces(pairs []Pair) *traces {
	t := &traces{topic: map[string]uint16{}, young: map[traceID]*trace{}, old: map[traceID]*trace{}, seed: maphash.MakeSeed(), most: mostTraces}
	number := func(name string) uint16 {
		if _, known := t.topic[name]; !known {
			t.topic[name] = uint16(len(t.topic))
		}
		return t.topic[name]
	}
	for _, p := range pairs {
		t.pairs = append(t.pairs, &pair{Pair: p, from: number(p.From), to: number(p.To), told: map[lineage.Topic]took{}})
	}
	return t
}

// has reports whether a pair names a topic.
func (t *traces) has(name string) bool {
	if t == nil {
		return false
	}
	_, ok := t.topic[name]
	return ok
}

// take takes in what was seen in a topic.
func (t *traces) take(topic string, sights map[traceID]sight) {
	if t == nil {
		return
	}
	number, named := t.topic[topic]
	if !named {
		return
	}
	for id, s := range sights {
		if x := t.trace(id); x != nil && !slices.ContainsFunc(x.seen, func(y seen) bool { return y.topic == number }) {
			x.seen = append(x.seen, seen{topic: number, fresh: true, sight: s})
			t.met = append(t.met, x)
		}
	}
}

// trace returns one that is remembered, or begins to remember it; nil: it is not sampled.
func (t *traces) trace(id traceID) *trace {
	if x := t.young[id]; x != nil {
		return x
	}
	if x := t.old[id]; x != nil {
		return x
	}
	for t.isSampled(id) && len(t.young)+len(t.old) >= t.most {
		t.narrow()
		forget(t, t.young)
		forget(t, t.old)
	}
	if !t.isSampled(id) {
		return nil
	}
	x := &trace{}
	t.young[id] = x
	return x
}

// isSampled reports whether a trace is among those that are looked at.
func (t *traces) isSampled(id traceID) bool { return maphash.Bytes(t.seed, id[:]) >= t.least }

// narrow samples half of the traces that were sampled.
func (t *traces) narrow() { t.least += (1<<64 - 1 - t.least) / 2 }

// forget drops what is not sampled.
func forget[T any](t *traces, of map[traceID]T) {
	maps.DeleteFunc(of, func(id traceID, _ T) bool { return !t.isSampled(id) })
}

// turn forgets who was seen first a while ago. Where few are remembered, more are sampled.
func (t *traces) turn(round time.Time) {
	if round.Sub(t.turned) < remembered/2 {
		return
	}
	if t.turned.IsZero() {
		t.turned = round
		return
	}
	if len(t.young) < t.most/8 && t.least > 0 {
		if more := 1<<64 - 1 - t.least; more > t.least {
			t.least = 0
		} else {
			t.least -= more
		}
	}
	t.old, t.young, t.turned = t.young, map[traceID]*trace{}, round
}

// tell compares what was seen in this round, and tells what is known of each pair.
func (t *traces) tell(o *lineage.Observation, books []*book) {
	if t == nil {
		return
	}
	for _, x := range t.met {
		for _, p := range t.pairs {
			p.compare(x)
		}
		for i := range x.seen {
			x.seen[i].fresh = false
		}
	}
	t.met = t.met[:0]
	t.turn(o.Round)
	for _, p := range t.pairs {
		i := slices.IndexFunc(books, func(b *book) bool { return b.traced != nil && b.topic.Name == p.To })
		if i < 0 || p.fresh.traces == 0 {
			continue
		}
		if p.isDoubtful() {
			p.fresh = took{}
			continue
		}
		topic := books[i].topic
		n, known := p.told[topic]
		if known {
			n = took{n.millis + p.fresh.millis, n.traces + p.fresh.traces}
			p.fresh = took{}
		} else { // what was told before a position was lost may be more: it begins anew, and goes on in the next round
			clear(p.told)
		}
		p.told[topic], t.dirty = n, true
		subject := lineage.Access{Topic: topic, Client: lineage.Client{Mover: lineage.Node{Scope: o.Source.Cluster, Kind: lineage.TopicNode, Name: p.From}}}
		for _, s := range [...]struct {
			metric lineage.Metric
			value  int64
		}{{lineage.TraceMillis, n.millis}, {lineage.Traces, n.traces}} {
			o.Samples = append(o.Samples, lineage.Sample{Subject: subject, Metric: s.metric, Value: s.value})
		}
	}
}

// compare compares the times of a trace, when it is seen in both topics for the first time.
func (p *pair) compare(x *trace) {
	var from, to *seen
	for i := range x.seen {
		switch s := &x.seen[i]; s.topic {
		case p.from:
			from = s
		case p.to:
			to = s
		}
	}
	if from == nil || to == nil || !from.fresh && !to.fresh {
		return
	}
	if p.compared++; p.compared > 2*recent {
		p.compared /= 2
		for i := range p.failed {
			p.failed[i] /= 2
		}
	}
	switch d := to.millis - from.millis; {
	case from.appendTime != to.appendTime:
		p.failed[mixed]++
	case d < 0, d > longestTrace.Milliseconds():
		p.failed[backwards]++
	case d == 0 && !to.appendTime:
		p.failed[handedOn]++
	default:
		p.fresh.millis += d
		p.fresh.traces++
	}
}

// isDoubtful reports whether so many traces run backwards that the others tell no mean.
func (p *pair) isDoubtful() bool {
	return p.failed[backwards] > 1 && p.failed[backwards] > p.compared/10
}

func (t *traces) isDirty() bool { return t != nil && t.dirty }

func (t *traces) encode() (e varint.Encoder) {
	e.Uint(positionsVersion)
	e.Uint(uint64(len(t.pairs)))
	for _, p := range t.pairs {
		e.String(p.From)
		e.String(p.To)
		e.Uint(uint64(len(p.told)))
		for _, topic := range slices.SortedFunc(maps.Keys(p.told), func(a, b lineage.Topic) int {
			return cmp.Or(strings.Compare(string(a.Cluster), string(b.Cluster)), slices.Compare(a.ID[:], b.ID[:]))
		}) {
			e.String(string(topic.Cluster))
			e.String(string(topic.ID[:]))
			e.Int(p.told[topic].millis)
			e.Int(p.told[topic].traces)
		}
	}
	e.Uint(uint64(crc32.ChecksumIEEE(e)))
	return e
}

// decode takes what was told from a position: of pairs that are named still, and the others are forgotten.
func (t *traces) decode(value []byte) error {
	d := varint.Decoder{Left: value}
	d.Version(positionsVersion)
	told := map[Pair]map[lineage.Topic]took{}
	for range d.Count() {
		name := Pair{d.String(), d.String()}
		told[name] = map[lineage.Topic]took{}
		for range d.Count() {
			topic := lineage.Topic{Cluster: lineage.ClusterID(d.String()), Name: name.To}
			if id := d.String(); copy(topic.ID[:], id) != len(id) {
				d.Fail()
			}
			told[name][topic] = took{d.Int(), d.Int()}
		}
	}
	if err := checked(&d, value); err != nil {
		return err
	}
	for _, p := range t.pairs {
		if is, ok := told[p.Pair]; ok {
			p.told = is
		}
	}
	return nil
}
