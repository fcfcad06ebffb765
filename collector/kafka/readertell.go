package kafka

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// This file says where a reader stands, and tells what its account holds.

// measure adds one partition's lag to the gauges.
func (r *reader) measure(c commit, ends topicEnds) {
	p := &r.parts[c.partition]
	p.lag, p.unknown, p.late = 0, false, false
	if c.offset < 0 {
		return
	}
	end, _ := ends.end(c.partition)
	if c.offset > end && (p.fell >= 0 || p.beyond || p.held == c.offset) {
		p.unknown = true
		r.unknownLag()
		return
	}
	at := max(c.offset, ends.begin(c.partition))
	r.gauges.ahead += max(c.offset-end, 0)
	if p.lag = max(end-at, 0); p.lag == 0 {
		return
	}
	sure, most := ends.trailing(c.partition)
	p.lag -= sure
	r.trails = r.trails || sure > 0
	if p.lag > 0 && (p.lag <= most-sure || r.perhapsAborted(ends, c.partition)) { // perhaps nobody reads any of it
		p.unknown, r.trails = true, true
		r.unknownLag()
		return
	}
	r.behind(p, ends, c.partition, at)
}

// behind adds what waits in a partition from an offset on.
func (r *reader) behind(p *readPartition, ends topicEnds, partition int32, at int64) {
	if p.lag == 0 {
		return
	}
	age, atLeast := ends.age(partition, at)
	p.late = age >= lateAfter
	r.late = r.late || p.late
	if r.gauges.lag == lineage.Unknown {
		return
	}
	r.gauges.lag += p.lag
	if age.Milliseconds() >= r.gauges.lagMillis {
		r.gauges.lagMillis, r.gauges.atLeast = age.Milliseconds(), atLeast
	}
}

// perhapsAborted reports whether what waits in a partition may have been aborted, and notes where that can be found
// out.
func (r *reader) perhapsAborted(ends topicEnds, partition int32) bool {
	maybe, ask := ends.mayBeAborted(partition)
	r.asks = r.asks || ask
	return maybe
}

// unknownLag notes that the lag can't be told.
func (r *reader) unknownLag() {
	r.gauges.lag, r.gauges.lagMillis, r.gauges.atLeast = lineage.Unknown, lineage.Unknown, false
}

// uncommitted measures the partitions in which nothing is committed. What waits there is the reader's, also where
// nobody of its group reads the topic now: who left is no nearer to the end. Where it begins is its own secret, unless
// it was seen to begin at the start. Where its offsets are gone there is nothing to measure by.
func (r *reader) uncommitted(ends topicEnds, g groupState) {
	any, lost := false, false
	for i := range r.parts {
		p := &r.parts[i]
		any, lost = any || p.committed >= 0, lost || p.committed == lostCommit
		if p.committed >= 0 {
			continue
		}
		p.lag, p.unknown, p.late = 0, false, false
		end, ok := ends.end(int32(i))
		start := ends.begin(int32(i))
		if ok && start >= 0 && end <= start {
			continue
		}
		if !ok || start < 0 || !r.habit.started || p.committed == lostCommit {
			p.unknown, r.gauges.unplaced = true, r.gauges.unplaced || !g.live || !g.reads
			r.unknownLag()
			continue
		}
		if sure, most := ends.trailing(int32(i)); end-start <= most || r.perhapsAborted(ends, int32(i)) {
			p.unknown, r.trails = true, true
			r.unknownLag()
			continue
		} else if p.lag = end - start - sure; sure > 0 {
			r.trails = true
		}
		r.behind(p, ends, int32(i), start)
	}
	if lost && !any {
		r.unknownLag()
	}
}

// tell returns the samples and sightings of this round.
func (r *reader) tell(round, before time.Time) (samples []lineage.Sample, sightings []lineage.Sighting) {
	looked := since(r.known, before) // what shows after a gap can have been at any time in it
	since := since(r.from, before)
	said, owed := r.said, r.owed
	if strings.HasPrefix(r.owed, "at least") && strings.HasPrefix(r.bound, "at most") {
		r.bound = boundNeither
	}
	r.owed = cmp.Or(r.bound, r.owed)
	if s, told := r.read.sample(since); told {
		if s.Estimated {
			r.bound = r.owed
		}
		r.owed = ""
		s.Subject, s.Metric, s.Evidence = r.access, lineage.Records, r.kind
		samples = append(samples, s)
	}
	for _, x := range []struct {
		total  *total
		metric lineage.Metric
		since  time.Time
	}{
		{&r.skipped, lineage.Skipped, looked},
		{&r.lost, lineage.Lost, looked},
		{&r.doubted, lineage.Doubted, since}, // as what it is a part of
		{&r.returned, lineage.Returned, looked},
	} {
		if s, told := x.total.sample(x.since); told {
			s.Subject, s.Metric = r.access, x.metric
			samples = append(samples, s)
		}
	}
	gauge := func(m lineage.Metric, v, old int64) {
		if v != old || !r.toldAny {
			samples = append(samples, lineage.Sample{Subject: r.access, Metric: m, Value: v})
		}
	}
	gauge(lineage.Lag, r.gauges.lag, r.told.lag)
	gauge(lineage.LagMillis, r.gauges.lagMillis, r.told.lagMillis)
	gauge(lineage.LagAtLeast, number(r.gauges.atLeast), number(r.told.atLeast))
	gauge(lineage.Pending, number(r.gauges.pending), number(r.told.pending))
	gauge(lineage.Live, number(r.gauges.live), number(r.told.live))
	if show(&r.shows.unplaced, r.gauges.unplaced, &r.touched) {
		gauge(lineage.Unplaced, number(r.gauges.unplaced), number(r.told.unplaced))
	}
	if show(&r.shows.ahead, r.gauges.ahead > 0, &r.touched) {
		gauge(lineage.Ahead, r.gauges.ahead, r.told.ahead)
	}
	r.told, r.toldAny = r.gauges, true
	r.known = round
	detail, seen := r.standing(round)
	if r.bound != "" {
		detail, seen = r.said.add(r.bound), true
	}
	if seen {
		sightings = append(sightings, lineage.Sighting{Access: r.access, Evidence: r.kind, Detail: detail})
		r.sighted, r.unsure = round, detail == wordsPlaced || detail == wordsUnmoved
	}
	r.touched = r.touched || r.said != said || r.owed != owed
	return samples, sightings
}

// saidBounds are which bounds were told of what a reader read, since its book was opened, and whether one of them is
// what stands: what is told of an access stands until something else is, and a count in a window is a bound for as long
// as the window has its step.
type saidBounds struct{ most, least, stands bool }

// add notes that a bound is told, and returns how. Where steps before it are bounded in the other direction a sum with
// them is bounded in none.
func (s *saidBounds) add(bound string) string {
	most, least, before := strings.Contains(bound, "at most"), strings.Contains(bound, "at least"), *s
	*s = saidBounds{most: s.most || most, least: s.least || least, stands: true}
	switch {
	case most && !least && before.least:
		return bound + "; of steps before at least"
	case least && !most && before.most:
		return bound + "; of steps before at most"
	}
	return bound
}

// show reports whether a level is told: it was once more than zero, or is now.
func show(shows *bool, now bool, touched *bool) bool {
	if now && !*shows {
		*shows, *touched = true, true
	}
	return *shows
}

// What is said of where a reader stands.
const (
	wordsStands  = "has committed offsets"
	wordsPlaced  = "has committed offsets; when they were committed the broker does not tell"
	wordsUnmoved = "has committed offsets that did not move since they were first seen; when they were committed the broker does not tell"
)

// standing says, now and then, that the reader has committed offsets, whether or not they move. What it said of one
// that was not seen to move it takes back in the round in which it is. Where a bound stands it is seen without a word.
func (r *reader) standing(round time.Time) (words string, now bool) {
	any := false
	for i := range r.parts {
		any = any || r.parts[i].committed >= 0
	}
	moved := r.shifted || !r.moved.IsZero()
	switch {
	case !any || r.synced:
		return "", false
	case moved && r.unsure && !r.said.stands:
		return wordsStands, true
	case r.moved.Equal(round) || !r.sighted.IsZero() && round.Sub(r.sighted) < sightEvery:
		return "", false
	case r.said.stands:
		return "", true
	case moved:
		return wordsStands, true
	case r.sighted.IsZero() || r.restored:
		return wordsPlaced, true
	}
	return wordsUnmoved, true
}

// tellEvents returns what happened to the reader in this round.
func (r *reader) tellEvents(round time.Time) (events []lineage.Event) {
	if len(r.events) == 0 && r.gone == 0 && !r.losing {
		return nil
	}
	who := r.access.Client.Group + " on " + r.access.Topic.Name + ": "
	for i, e := range r.events {
		const most = 3
		if i == most {
			e.text = fmt.Sprintf("and %d more partitions", len(r.events)-most)
		}
		events = append(events, lineage.Event{At: round, Type: e.typ, Access: r.access, Detail: who + e.text})
		if i == most {
			break
		}
	}
	if r.gone > 0 && !r.losing {
		events = append(events, lineage.Event{At: round, Type: lineage.RecordsLost, Access: r.access, Detail: fmt.Sprintf("%s%d offsets were gone before they were read, by retention, deletion or compaction: at most as many records", who, r.gone)})
	}
	r.losing = r.gone > 0 || r.losing && r.gauges.lag != 0 && !r.moved.Equal(round)
	return events
}

// part tells the last levels of a reader whose group is no more.
func (r *reader) part() []lineage.Sample {
	r.gauges, r.toldAny = readerGauges{}, false
	r.unknownLag()
	r.told, r.sighted = r.gauges, time.Time{}
	var samples []lineage.Sample
	for m, v := range map[lineage.Metric]int64{lineage.Lag: lineage.Unknown, lineage.LagMillis: lineage.Unknown, lineage.LagAtLeast: 0, lineage.Pending: 0, lineage.Live: 0} {
		samples = append(samples, lineage.Sample{Subject: r.access, Metric: m, Value: v})
	}
	return samples
}

func number(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// lastWords tells again what was read of a topic that is no more, since more may have been after the last look.
func (r *reader) lastWords(before time.Time) (lineage.Sample, lineage.Sighting) {
	r.read.told, r.read.estimated = -1, true
	s, _ := r.read.sample(before)
	s.Subject, s.Metric, s.Evidence = r.access, lineage.Records, r.kind
	return s, lineage.Sighting{Access: r.access, Evidence: r.kind, Detail: r.said.add(endedBound)}
}
