package timeseries

import (
	"math/bits"
	"slices"
	"sort"

	"github.com/lineaged/lineaged/lineage"
)

// gathering is what was told of a topic's writing in a part of one block. What is settled of a block hangs on what was
// told of its time alone, and on the links, so that it can be made again at any time.
type gathering struct {
	lineage.Ledger
	lo, hi   int64 // the ticks (lo, hi]
	border   int64 // the start of the block
	readings []lineage.Reading
	by       []uint16 // sources, as Ledger.Lookers
	first    int64    // the end of the first step; 0: there is none
}

// teller is a series that something was told of, as it is now.
type teller struct {
	probe
	first int64 // the oldest round that named its subject
	link  link
}

// begin empties it for a topic and a span.
func (g *gathering) begin(e *engine, topic lineage.Topic, lo, hi int64) {
	g.lo, g.hi, g.border, g.first = lo, hi, e.block(rawTier, lo+1), 0
	g.Ledger = lineage.Ledger{
		Topic: topic, After: lo, Until: hi, Patience: max(int64(settlePatience/e.step), 3), Silent: max(int64(settleSilent/e.step), 3),
		Told: g.Told[:0], Lookers: g.Lookers[:0],
	}
	g.readings, g.by = g.readings[:0], g.by[:0]
}

// reads reports whether the samples of a series matter, and not only that it is there, or how it stands now. Of those
// who are counted the samples of producer ids do: who they are may be concluded from them.
func (t *teller) reads() bool {
	return t.key.Metric != lineage.Linked && (t.key.Metric != lineage.Records || t.key.Evidence == lineage.ProducerState)
}

// add takes what a series tells: the readings from a place on are its, level is a gauge's at the span's start.
func (g *gathering) add(t *teller, from int, level int64, looker func(*source) lineage.Looker) {
	m := t.key.Metric
	if m == lineage.Linked { // it holds for all time
		if level = t.link.level; t.link.since > 0 {
			g.readings = append(g.readings, lineage.Reading{From: t.link.since - 1, To: t.link.since, Value: level})
		}
	}
	if t.first > g.hi && len(g.readings) == from && (m == lineage.Records || m == lineage.Claimed) {
		// It counts nobody yet; what it links it always did.
		if !severalNames(&t.access.Client) {
			return
		}
		m, level = lineage.Linked, 1
	}
	i := slices.Index(g.by, t.src.id)
	if i < 0 {
		i = len(g.by)
		g.by = append(g.by, t.src.id)
		g.Lookers = append(g.Lookers, looker(t.src))
	}
	g.Told = append(g.Told, lineage.Told{
		Access: *t.access, Metric: m, Evidence: t.key.Evidence, By: i, Level: level, Readings: slices.Clip(g.readings[from:]),
	})
}

// reading takes one reading, or what lies in the span of a claim that reaches over its ends, taken to be even.
func (g *gathering) reading(m lineage.Metric, r lineage.Reading) {
	switch {
	case m == lineage.Claimed:
		if from, to := max(r.From, g.border), min(r.To, g.hi); from > r.From || to < r.To {
			width := r.To - r.From
			r.Value = portion(r.Value, to-r.From, width) - portion(r.Value, from-r.From, width)
			r.Beyond = from > r.From
			r.From, r.To, r.Estimated = from, to, true
		}
	case r.To > g.hi:
		return
	case r.From < g.border && m.Counter(): // what lies in a block before is not held together with it
		r.Beyond = true
	}
	if (m == lineage.Left || m == lineage.Mixed) && (g.first == 0 || r.To < g.first) {
		g.first = r.To
	}
	g.readings = append(g.readings, r)
}

// portion is n × k / of, for 0 ≤ k ≤ of, without overflow.
func portion(n, k, of int64) int64 {
	hi, lo := bits.Mul64(uint64(n), uint64(k))
	q, _ := bits.Div64(hi, lo, uint64(of))
	return int64(q)
}

// tellers returns what is told of a topic by name, and of itself, in the place of what is in a buffer, and with heads
// in a room. It needs mu.
func (e *engine) tellers(x *ledger, buffer []teller, room *heads) []teller {
	all, out := e.ledgers, buffer[:0]
	var links []*series
	if x.claims {
		links = all.linksOf(x.told)
	}
	for _, list := range [...][]*series{
		x.told, all.shared[topicName{x.topic.Cluster, x.topic.Name}], all.shared[topicName{x.topic.Cluster, ""}], links,
	} {
		for _, s := range list {
			if s.source(e.sources) == nil || s.key.Metric == lineage.Records && !x.claims {
				continue
			}
			out = append(out, teller{probe: e.probeValue(s, room), first: s.subject.first, link: s.link()})
		}
	}
	return out
}

// open takes the samples of the head in its span, and claims after it that reach back into it; it returns the level of
// a gauge at the span's start.
func (g *gathering) open(p *probe) (level int64) {
	counter := p.key.Metric.Counter()
	y := p.after(g.lo)
	if !counter {
		level = y.before
	}
	for y.next() {
		from := y.tick - int64(y.span)
		if y.tick > g.hi {
			if p.key.Metric != lineage.Claimed || y.tick-p.head.maxSpan >= g.hi {
				break
			}
			if from >= g.hi {
				continue
			}
		}
		r := lineage.Reading{From: from, To: y.tick, Value: y.value, Estimated: y.estimated}
		if counter {
			r.Value = advance(y.before, y.value)
		}
		g.reading(p.key.Metric, r)
	}
	return level
}

// gatherOpen gathers what was told of a topic in (lo, hi], which is of one open block. It holds until the next is
// gathered. It needs mu.
func (e *engine) gatherOpen(x *ledger, tellers []teller, lo, hi int64) *gathering {
	g := &e.ledgers.gathered
	g.begin(e, x.topic, lo, hi)
	a := sort.Search(len(x.notes), func(i int) bool { return x.notes[i].At > lo })
	b := sort.Search(len(x.notes), func(i int) bool { return x.notes[i].At > hi })
	g.Notes = x.notes[a:b]
	for i := range tellers {
		t, from, level := &tellers[i], len(g.readings), int64(0)
		if t.reads() {
			level = g.open(&t.probe)
		}
		g.add(t, from, level, e.looker)
	}
	return g
}

// looker is a source that looked in open blocks. It needs mu.
func (e *engine) looker(src *source) lineage.Looker {
	if l, ok := e.ledgers.lookers[src.id]; ok {
		return l
	}
	l := lineage.Looker{
		Source: src.name, Newest: src.newest.tick,
		Last: func(tick int64) int64 { return lastRound(src.before, src.head, tick) },
		Saw: func(a *lineage.Access, from, to int64) bool {
			t := e.ledgers.tracks[src.id]
			if t == nil {
				t = newTrack(e.clock, e.sealed, src.newest.tick, src.before, src.head, src.newest)
				e.ledgers.tracks[src.id] = t
			}
			return t.runs(a).within(from, to) == to-from
		},
	}
	e.ledgers.lookers[src.id] = l
	return l
}

// lastRound returns the newest round at or before a tick, 0 where there is none.
func lastRound(before anchor, rounds []round, tick int64) int64 {
	if i := sort.Search(len(rounds), func(i int) bool { return rounds[i].tick > tick }); i > 0 {
		return rounds[i-1].tick
	}
	if before.tick <= tick {
		return before.tick
	}
	return 0
}
