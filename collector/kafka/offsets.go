package kafka

import (
	"cmp"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lineaged/lineaged/collector/wire"
	"github.com/lineaged/lineaged/internal/pastend"
	"github.com/lineaged/lineaged/lineage"
)

// Timestamps of ListOffsets that stand for an end of the log.
const (
	latest   = -1
	earliest = -2
)

// lists sends ListOffsets to the leaders of the partitions that want accepts and calls each with every answer, and miss
// with every topic of which a partition has none. The high watermark is what is listed: what consumers can see.
func (t *take) lists(timestamp int64, want func(*topic, int) bool, each func(tp *topic, part int, offset int64), miss func(tp *topic, reason string)) {
	for _, a := range t.ask(t.listRequests(timestamp, want, miss)) {
		if a.err == nil {
			t.listed(a.resp.(*wire.Ends).Walk(), each, miss)
			continue
		}
		for _, tp := range t.topics {
			for i, leader := range tp.leaders {
				if leader == a.broker && want(tp, i) {
					miss(tp, a.err.Error())
					break
				}
			}
		}
	}
}

// listRequests are the questions of lists, one a broker. They are written anew in each round, of all partitions, as
// they are sent: nothing is allocated for a topic.
func (t *take) listRequests(timestamp int64, want func(*topic, int) bool, miss func(tp *topic, reason string)) map[int32]kmsg.Request {
	lists := map[int32]*wire.List{}
	for _, tp := range t.topics {
		for i, leader := range tp.leaders {
			if !want(tp, i) {
				continue
			}
			if leader < 0 {
				miss(tp, cmp.Or(tp.unseen, "partitions without a leader"))
				continue
			}
			l := lists[leader]
			if l == nil {
				l = wire.NewList(timestamp)
				lists[leader] = l
			}
			l.Add(tp.topic.Name, int32(i))
		}
	}
	reqs := make(map[int32]kmsg.Request, len(lists))
	for broker, l := range lists {
		reqs[broker] = l.Request()
	}
	return reqs
}

// listed takes in a broker's answer.
func (t *take) listed(w wire.EndsWalk, each func(*topic, int, int64), miss func(*topic, string)) {
	for w.Topic() {
		tp := t.byName[string(w.Name)]
		if tp == nil {
			continue
		}
		for w.Partition() {
			switch err := codeError(w.Code); {
			case int(w.Index) >= len(tp.parts) || w.Index < 0:
			case err != nil:
				miss(tp, err.Error())
			case w.Offset < 0:
				miss(tp, "the broker answered no offset")
			default:
				each(tp, int(w.Index), w.Offset)
			}
		}
	}
}

func allPartitions(*topic, int) bool { return true }

// endOffsets reads every partition's end and tells what was appended.
func (t *take) endOffsets() {
	for _, tp := range t.topics {
		tp.begin()
	}
	read, at := time.Now().UTC(), t.now()
	why, lost := map[*topic]string{}, cuts{}
	lost.toEpochs(t)
	older := map[int32]bool{}
	t.lists(latest, allPartitions, func(tp *topic, part int, offset int64) {
		if tp.isOlder(part, offset) {
			older[tp.leaders[part]] = true
		}
		if !lost.believe(tp, part, offset) {
			why[tp] = whyFell
			return
		}
		p := &tp.parts[part]
		if p.end != offset {
			tp.stirs++
		}
		tp.dirty = tp.dirty || p.end != offset || p.led != tp.epochs[part]+1
		tp.setEnd(part, offset)
		p.led = tp.epochs[part] + 1
		tp.past += t.past.Add(&tp.histories[part], at, offset)
	}, func(tp *topic, reason string) { why[tp] = reason })
	t.putBack(older)
	t.fitPast()
	t.txnLog.next(t.byName[transactionTopic])
	o := t.observe(sourceEnds, t.cfg.Interval)
	o.At = read
	lost.tell(t, o)
	missing := t.missing(len(t.topics))
	for _, tp := range t.topics {
		samples, ok := tp.tellEnds(t.round, t.before)
		if o.Samples = append(o.Samples, samples...); ok {
			t.tellRetained(o, tp)
		}
		if len(samples) > 0 || ok != tp.whole {
			tp.dirty, tp.whole = true, ok
		}
		if !ok {
			missing.part(tp, why[tp], tp.unread(func(p *partition) bool { return p.fresh }))
		}
	}
	missing.tell(o)
	t.wantedStarts()
	t.cfg.Board.SetEnds(t.cluster, t.round, t.endsOf)
}

// pastBudget is what the past of all ends of a cluster may take, in bytes. 32,000 partitions that move have all the
// points that one may have; 100,000 have forty each.
const pastBudget = 64 << 20

// fitPast holds the ends' past to its budget.
func (t *take) fitPast() {
	held := 0
	for _, tp := range t.topics {
		held += tp.past
	}
	all := func(yield func(*pastend.History) bool) {
		for _, tp := range t.topics {
			for i := range tp.histories {
				if !yield(&tp.histories[i]) {
					return
				}
			}
		}
	}
	if !t.past.Fit(held, all) {
		return
	}
	for _, tp := range t.topics {
		tp.past = 0
		for i := range tp.histories {
			tp.past += tp.histories[i].Bytes()
		}
	}
}

// wantedStarts reads the starts of topics that another source asks for, since a replication has passed offsets there
// that may be gone. It costs a request for each broker that leads one.
func (t *take) wantedStarts() {
	wanted := t.cfg.Board.StartsWanted(t.cluster)
	if len(wanted) == 0 {
		return
	}
	why := map[*topic]bool{}
	t.lists(earliest, func(tp *topic, _ int) bool { return wanted[tp.topic.Name] }, (*topic).setStart, func(tp *topic, _ string) { why[tp] = true })
	for name := range wanted {
		if tp := t.byName[name]; tp != nil && !why[tp] {
			tp.startsAt = t.round
		}
	}
}

// setStart takes in where a partition's log begins.
func (tp *topic) setStart(part int, offset int64) {
	if tp.starts[part] != offset {
		tp.starts[part] = offset
		tp.stirs++
	}
}

// startsAge is how old the reading of a topic's starts may be, in cadences, for the records between them and the newest
// ends to be told.
const startsAge = 3

// startsCadence is how often every partition's start is read.
const startsCadence = time.Minute

// startOffsets reads every partition's start. How many records are retained is told with the ends: a start only grows,
// so that the newest end less a start of the last minute is too high by what was deleted since, at most; an end of the
// last minute less a start would be nobody's number.
func (t *take) startOffsets(cadence time.Duration) {
	why := map[*topic]string{}
	read := map[*topic]int{}
	t.lists(earliest, allPartitions, func(tp *topic, part int, offset int64) {
		tp.setStart(part, offset)
		read[tp]++
	}, func(tp *topic, reason string) { why[tp] = reason })
	o := t.observe(sourceStarts, cadence)
	missing := t.missing(len(t.topics))
	for _, tp := range t.topics {
		if read[tp] < len(tp.parts) {
			missing.topic(tp, why[tp])
			continue
		}
		tp.startsAt = t.round
	}
	missing.tell(o)
}

// holds returns how many records a topic holds; lineage.Unknown where its starts are too old, or an end was not read.
func (t *take) holds(tp *topic) (n int64) {
	if tp.startsAt.IsZero() || t.round.Sub(tp.startsAt) > startsAge*t.cadence(startsCadence) || !tp.endsComplete() {
		return lineage.Unknown
	}
	for i := range tp.parts {
		n += max(tp.parts[i].end-tp.starts[i], 0)
	}
	return n
}

// tellRetained tells how many records a topic holds, when that changed, and that it is not known any more once the
// starts are too old.
func (t *take) tellRetained(o *lineage.Observation, tp *topic) {
	n := t.holds(tp)
	tell := func(m lineage.Metric, v int64) {
		o.Samples = append(o.Samples, lineage.Sample{Subject: lineage.Access{Topic: tp.topic}, Metric: m, Value: v})
	}
	if n != tp.retained {
		tp.retained = n
		tell(lineage.Retained, n)
	}
	// Sizes are read once a minute. One of when the topic was another, as of an empty one that has records since, is
	// read again, or is no size of it until it is.
	if was := tp.sizedAt; tp.sized && was >= 0 && n >= 0 && (n > 2*was || 2*n < was) {
		tp.sizedAt = lineage.Unknown
		if t.slow.Waits(t.round, sourceLogDirs) >= min(3*t.cfg.Interval, t.cadence(logDirsCadence)) {
			t.slow.Soon(sourceLogDirs) // in this round
		} else {
			tell(lineage.LogBytes, lineage.Unknown)
		}
	}
}

// missing collects the topics that a source could not see in a round, or not whole.
type missing struct {
	of     int
	left   []leftTopic
	topics map[string][]lineage.Topic // by reason
	shares map[string]float64         // of them that was not seen, in topics, by reason
	seen   bool                       // of some of them a part was
}

func (t *take) missing(of int) missing {
	return missing{of: of, left: t.left, topics: map[string][]lineage.Topic{}, shares: map[string]float64{}}
}

// topic notes a topic of which nothing was seen.
func (m *missing) topic(tp *topic, reason string) { m.part(tp, reason, 1) }

// part notes a topic of which a share was not seen.
func (m *missing) part(tp *topic, reason string, share float64) {
	if reason == "" {
		reason = "no answer for some partitions"
	}
	m.topics[reason] = append(m.topics[reason], tp.topic)
	m.shares[reason] += share
	m.seen = m.seen || share < 1
}

// tell writes the missing topics into the observation, each reason once. Nothing seen of anything is said as All.
func (m *missing) tell(o *lineage.Observation) {
	n, why := 0, reasons{}
	if len(m.left) > 0 {
		out := lineage.Missing{Reason: leftOut} // no part of what is to be seen
		for _, l := range m.left {
			out.Topics = append(out.Topics, l.topic)
		}
		o.Missing = append(o.Missing, out)
	}
	for reason, topics := range m.topics {
		n += len(topics)
		why[reason] += len(topics)
	}
	if n == m.of && n > 0 && !m.seen {
		o.Missing = append(o.Missing, lineage.Missing{All: true, Share: 1, Reason: why.String()})
		return
	}
	for reason, topics := range m.topics {
		o.Missing = append(o.Missing, lineage.Missing{
			Topics: topics, Share: m.shares[reason] / float64(m.of),
			Reason: fmt.Sprintf("%s (%d of %d topics)", reason, len(topics), m.of),
		})
	}
}

// unread returns the share of the topic's partitions that were not read as they are wanted.
func (tp *topic) unread(wanted func(*partition) bool) float64 {
	n := 0
	for i := range tp.parts {
		if !wanted(&tp.parts[i]) {
			n++
		}
	}
	return float64(n) / float64(max(len(tp.parts), 1))
}
