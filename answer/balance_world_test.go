package answer_test

import (
	"math/rand/v2"
	"testing"

	"github.com/lineaged/lineaged/lineage"
)

// accounted is a topic, a writer and a reader of which all is known, and a collector that tells of them what it sees.
type accounted struct {
	*world
	r      *rand.Rand
	kind   topicKind
	topic  lineage.Topic
	reader lineage.Access
	parts  [2]accountedPart
	every  int // rounds from commit to commit
	live   bool

	now    truths // totals of what really was
	rounds []truths
	again  [][2]int // the round in which a record was read once more, and the one in which the reader was set back

	totals map[lineage.Metric]int64
	owed   map[lineage.Metric]bool // not told yet
	vague  map[lineage.Metric]bool // a part of it is a bound
	told   int                     // the last round that was told
	since  int                     // the round of the commits before
	blind  int                     // for how many rounds the collector sees nothing
}

type topicKind int

const (
	plain topicKind = iota
	compacted
	transactional
	topicKinds
)

// accountedPart is one partition: which of its offsets hold a record, and where the reader stands.
type accountedPart struct {
	log                        []bool
	has                        map[int64]bool // offsets that were read
	back                       map[int64]int  // of these, the round in which they were returned to
	start, position, committed int64
}

// truths are totals since the beginning, and what waits.
type truths struct{ produced, read, skipped, lost, returned, waits int64 }

func (p *accountedPart) end() int64 { return int64(len(p.log)) }

// records returns how many of some offsets hold one.
func (p *accountedPart) records(from, to int64) (n int64) {
	for i := from; i < to; i++ {
		if p.log[i] {
			n++
		}
	}
	return n
}

func newAccounted(t testing.TB, r *rand.Rand, kind topicKind) *accounted {
	x := topic("orders")
	return &accounted{
		world: newWorld(t), r: r, kind: kind, topic: x, reader: reads(x, group("billing")), every: 1 + r.IntN(3)*r.IntN(3), live: true,
		parts:  [2]accountedPart{{has: map[int64]bool{}, back: map[int64]int{}}, {has: map[int64]bool{}, back: map[int64]int{}}},
		totals: map[lineage.Metric]int64{}, owed: map[lineage.Metric]bool{}, vague: map[lineage.Metric]bool{}, rounds: make([]truths, 1),
	}
}

// count adds to what the collector will tell of the reader.
func (a *accounted) count(m lineage.Metric, by int64, vague bool) {
	a.totals[m] += by
	a.owed[m] = a.owed[m] || by > 0
	a.vague[m] = a.vague[m] || vague && by > 0
}

// run lets some rounds happen.
func (a *accounted) run(rounds int) {
	for n := 1; n <= rounds; n++ {
		for i := range a.parts {
			p := &a.parts[i]
			a.write(p)
			if a.r.IntN(12) == 0 {
				a.administer(p)
			} else if a.live {
				a.reads(p)
			}
			a.age(p)
		}
		if a.r.IntN(15) == 0 {
			a.live = !a.live
			a.commit()
		}
		if n%a.every == 0 {
			a.commit()
		}
		a.now.waits = 0
		for i := range a.parts {
			a.now.waits += a.parts[i].records(max(a.parts[i].position, a.parts[i].start), a.parts[i].end())
		}
		a.rounds = append(a.rounds, a.now)
		a.tell(n)
	}
}

// write appends to a partition: records, and a marker where they are a transaction's.
func (a *accounted) write(p *accountedPart) {
	k := a.r.IntN(3) * a.r.IntN(20)
	for range k {
		p.log = append(p.log, true)
	}
	a.now.produced += int64(k)
	a.totals[lineage.Appended] += int64(k)
	if a.kind == transactional && k > 0 {
		p.log = append(p.log, false)
		a.totals[lineage.Appended]++
		a.totals[lineage.Markers] += int64(a.r.IntN(2)) // the others can't be told from records
	}
}

// reads lets the reader go on: it shows when it commits.
func (a *accounted) reads(p *accountedPart) {
	to := p.position + min(a.r.Int64N(40), p.end()-p.position)
	a.pass(p, to, true)
}

// pass moves the reader on to an offset.
func (a *accounted) pass(p *accountedPart, to int64, read bool) {
	n := len(a.rounds)
	for i := p.position; i < to; i++ {
		if back, was := p.back[i]; was && read && p.log[i] {
			a.again = append(a.again, [2]int{n, back})
		}
		delete(p.back, i)
		if read {
			p.has[i] = true
		}
	}
	records := p.records(p.position, to)
	if p.position = to; read {
		a.now.read += records
	} else {
		a.now.skipped += records
	}
}

// readAgain returns how many records were read once more in a window, since the reader was set back in it.
func (a *accounted) readAgain(from, to int) (n int64) {
	for _, x := range a.again {
		if x[0] <= to && x[1] > from {
			n++
		}
	}
	return n
}

// commit commits what was read.
func (a *accounted) commit() {
	for i := range a.parts {
		p := &a.parts[i]
		n := p.position - p.committed
		a.count(lineage.Records, n, a.kind != plain)
		if a.kind != plain {
			a.count(lineage.Doubted, n, false)
		}
		p.committed = p.position
	}
}

// administer sets the offset of a reader that is not there, in a way that is seen or may be a reading.
func (a *accounted) administer(p *accountedPart) {
	if a.live || p.committed != p.position {
		return
	}
	switch to := p.start + a.r.Int64N(p.end()-p.start+1); {
	case to < p.position:
		a.count(lineage.Returned, p.position-to, false)
		a.now.returned += p.position - to
		for i := to; i < p.position; i++ {
			if p.has[i] { // what it skipped it reads for the first time
				p.back[i] = len(a.rounds)
			}
		}
		p.position, p.committed = to, to
	case a.r.IntN(2) == 0 && a.kind == plain:
		a.count(lineage.Skipped, to-p.position, false)
		a.pass(p, to, false)
	default:
		a.count(lineage.Records, to-p.position, true)
		a.count(lineage.Doubted, to-p.position, false)
		a.pass(p, to, a.r.IntN(2) == 0)
	}
	p.committed = p.position
}

// age takes old records away, by retention or by compaction.
func (a *accounted) age(p *accountedPart) {
	if a.kind == compacted && a.r.IntN(6) == 0 {
		for i := range p.log[:max(len(p.log)-5, 0)] {
			p.log[i] = p.log[i] && a.r.IntN(4) > 0
		}
	}
	if a.r.IntN(9) > 0 || p.committed != p.position {
		return
	}
	start := p.start + a.r.Int64N(p.end()-p.start+1)
	if start > p.position {
		from := max(p.position, p.start)
		a.now.lost += p.records(from, start)
		a.count(lineage.Lost, start-from, a.kind != plain)
		p.position, p.committed = start, start // where it goes on
	}
	p.start = start
}

// tell tells what the collector sees, unless it sees nothing.
func (a *accounted) tell(n int) {
	if a.blind--; a.blind >= 0 {
		if a.r.IntN(2) == 0 {
			a.observe("west", "groups", n, missing("no broker answers"))
			a.observe("west", "ends", n, missing("no broker answers"))
		}
		return
	}
	if n > 3 && a.r.IntN(12) == 0 {
		a.blind = a.r.IntN(4)
	}
	sample := func(x lineage.Access, m lineage.Metric, e lineage.EvidenceKind, since int) filling {
		s := lineage.Sample{Subject: x, Metric: m, Evidence: e, Value: a.totals[m], Estimated: a.vague[m]}
		if since < n-1 {
			s.Since = round(since)
		}
		a.owed[m], a.vague[m] = false, false
		return func(o *lineage.Observation) { o.Samples = append(o.Samples, s) }
	}
	ends := []filling{sample(self(a.topic), lineage.Appended, lineage.NoEvidence, a.told)}
	if a.kind == transactional {
		ends = append(ends, sample(self(a.topic), lineage.Markers, lineage.NoEvidence, a.told))
	}
	if n == 1 {
		f := topicFact(a.topic)
		f.Topic.Configs = []lineage.Config{}
		if a.kind == compacted {
			f.Topic.Configs = append(f.Topic.Configs, lineage.Config{Name: "cleanup.policy", Value: "compact,delete"})
		}
		ends = append(ends, facts(clusterFact(1), f))
	}
	a.observe("west", "ends", n, ends...)

	var groups []filling
	lag := int64(0)
	for i := range a.parts {
		lag += a.parts[i].end() - max(a.parts[i].committed, a.parts[i].start)
	}
	since := min(a.told, a.since)
	for m, is := range a.owed {
		switch {
		case !is:
		case m == lineage.Records:
			groups = append(groups, sample(a.reader, m, lineage.GroupOffsets, since))
			a.since = n
		case m == lineage.Doubted:
			groups = append(groups, sample(a.reader, m, lineage.NoEvidence, since))
		default:
			groups = append(groups, sample(a.reader, m, lineage.NoEvidence, a.told))
		}
	}
	if n == 1 {
		groups = append(groups, sample(a.reader, lineage.Records, lineage.GroupOffsets, 0))
	}
	pending := int64(0)
	if a.live && lag > 0 {
		pending = 1
	}
	groups = append(groups, level(a.reader, lineage.Lag, lag), level(a.reader, lineage.Pending, pending), level(a.reader, lineage.Live, 1), sighted(a.reader, lineage.GroupOffsets, ""))
	a.observe("west", "groups", n, groups...)
	a.told = n
}
