package timeseries

import (
	"context"
	"fmt"
	"slices"
	"sort"

	"github.com/lineaged/lineaged/lineage"
)

// Evidence that comes after a block was sealed settles it anew: a link, which holds for all of the past, and a claim
// that reaches back. Maintain does it, for all that came since the last time at once and for some blocks at a time, the
// oldest first: it settles them as open ones are settled, writes those in which a derived series came out otherwise as
// their next revision, makes the coarser blocks of their time out of them again, and puts all into the place of what
// was there at one instant. What was told is copied as it is. Which topics are still to be done is in the saved state.

// maxRemade is how many raw blocks are settled anew in one Maintain: half a day, whose blocks of 10,000 series take a
// few seconds to write.
const maxRemade = 12

// maxRemadeTopics is how many topics are: what is derived of so many in half a day takes some 70 MB at most.
const maxRemadeTopics = 500

// remaking is one such pass.
type remaking struct {
	e       *engine
	v       *view
	blocks  []*block // raw ones, by time, all that can be settled
	first   int      // of them these are: from first on and before end
	end     int
	topics  []*remadeTopic
	sources []*source
	old     []*block // that are replaced
	next    []*block // by these
	touched int64    // the oldest tick that an answer changes after
}

// remadeTopic is a topic of which sealed blocks are settled anew.
type remadeTopic struct {
	ledger  *ledger
	after   int64 // as it was to be settled
	from    int   // its first block of those that are settled
	subject subjectID
	tellers []teller
	series  []*remadeSeries
	changed bool
}

// span returns the ticks that are settled of a topic.
func (r *remaking) span(t *remadeTopic) (lo, hi int64) {
	return r.blocks[t.from].meta.start, r.blocks[r.end-1].meta.end
}

// remadeSeries is a series that is derived anew.
type remadeSeries struct {
	access   lineage.Access
	metric   lineage.Metric
	evidence lineage.EvidenceKind
	key      seriesKey
	old      *probe                 // nil: there was none
	named    *series                // nil: it has its place in the dictionary of old
	begun    bool                   // it had a sample by now
	last     int64                  // its total or level by now
	grown    int64                  // by how much more it advanced than it had
	columns  map[int]*column        // by block
	said     lineage.Word           // the newest, as it was of what is sealed
	word     lineage.Word           // the newest in what was settled
	words    map[int][]lineage.Word // by block
	reworded bool                   // something else is said in one of the blocks than was
	mark     int64                  // the oldest tick that raw blocks mark; never: none
	still    bool                   // a gauge that does not change in the sealed blocks after those that are settled
	later    bool                   // these have samples of it
}

// column is what a block holds of a series.
type column struct {
	indexEntry
	points []point
}

func (c *column) equal(o *column) bool {
	if len(c.points) == 0 || len(o.points) == 0 {
		return len(c.points) == len(o.points)
	}
	if !c.key.Metric.Counter() && (c.based != o.based || c.base != o.base || c.last != o.last) {
		return false
	}
	return c.src == o.src && slices.Equal(c.points, o.points)
}

// remake settles sealed blocks anew of which evidence has come. It reports whether it did. It needs the maintain lock.
func (e *engine) remake(ctx context.Context) (bool, error) {
	if !e.settles() {
		return false, nil
	}
	e.mu.RLock()
	idle := len(e.ledgers.late) == 0
	e.mu.RUnlock()
	if idle {
		return false, nil
	}
	r := &remaking{e: e, touched: never}
	err := r.begin(ctx)
	if r.v != nil {
		defer r.v.end()
	}
	if err == nil && len(r.topics) > 0 {
		err = r.run(ctx)
	}
	if err != nil {
		r.giveUp()
		return false, err
	}
	return true, nil
}

// begin takes what is to be done: what comes from then on is for the next time.
func (r *remaking) begin(ctx context.Context) (err error) {
	e := r.e
	if err := ctx.Err(); err != nil {
		return err
	}
	e.mu.Lock() // the view is of the same instant as what is taken below: a source that comes later is in neither
	defer e.mu.Unlock()
	if e.closed {
		return ErrClosed
	}
	e.readers.Add(1)
	r.v = e.newView(ctx, 0, never-1)
	r.v.cover = e.cover(rawTier)
	r.sources = e.sources
	from := e.remakable()
	i := sort.Search(len(r.v.cover), func(i int) bool { return r.v.cover[i].meta.start >= from })
	r.blocks = r.v.cover[i:]
	r.first = len(r.blocks)
	starts := map[*ledger]int{}
	for x := range e.ledgers.late {
		// The block before may mark what the first advance of the next says.
		i := sort.Search(len(r.blocks), func(i int) bool { return r.blocks[i].meta.end > x.late })
		starts[x] = max(i-1, 0)
		r.first = min(r.first, starts[x])
	}
	r.end = min(len(r.blocks), r.first+maxRemade)
	for x, start := range starts {
		if start >= r.end && r.end < len(r.blocks) || len(r.topics) == maxRemadeTopics {
			continue // another time
		}
		t := &remadeTopic{ledger: x, after: x.late, from: start}
		delete(e.ledgers.late, x)
		if x.late = never; r.end < len(r.blocks) {
			e.ledgers.remark(x, r.blocks[r.end-1].meta.end)
		}
		if start < r.end {
			r.take(t)
		}
	}
	slices.SortFunc(r.topics, func(a, b *remadeTopic) int { return compareTopics(a.ledger.topic, b.ledger.topic) })
	return nil
}

// take takes hold of what is told and derived of a topic. It needs mu.
func (r *remaking) take(t *remadeTopic) {
	e := r.e
	t.tellers = e.tellers(t.ledger, nil, &heads{})
	if ent := e.entries.of(&lineage.Access{Topic: t.ledger.topic}); ent != nil && ent.subject != nil {
		t.subject = ent.subject.id
	}
	for s := range t.ledger.out {
		if !s.any() {
			continue
		}
		y := &remadeSeries{
			access: s.subject.entry.access, metric: s.key.Metric, evidence: s.key.Evidence, key: s.key, old: e.probeOf(s), columns: map[int]*column{},
		}
		if s.key.Evidence != lineage.NoEvidence {
			t.ledger.speak(s)
			y.said = t.ledger.out[s].sealed
		}
		t.series = append(t.series, y)
	}
	r.topics = append(r.topics, t)
}

// remakable returns from where on blocks can be settled anew: where all is held that the coarser blocks of their time
// were made of. It needs mu.
func (e *engine) remakable() int64 {
	from := int64(0)
	damage := e.damage()
	for t := minuteTier; t <= hourTier; t++ {
		for _, b := range e.tiers[t].blocks {
			if b.meta.start < e.tiers[t-1].floor || touches(damage, b.meta.start, b.meta.end) {
				from = max(from, b.meta.end)
			}
		}
	}
	for t := range e.tiers {
		for _, b := range e.tiers[t].blocks {
			if b.revision >= maxRevision {
				from = max(from, b.meta.end)
			}
		}
	}
	return from
}

// giveUp has what was to be done be done the next time.
func (r *remaking) giveUp() {
	e := r.e
	e.mu.Lock()
	for _, t := range r.topics {
		if e.ledgers.of[t.ledger.topic] == t.ledger {
			e.ledgers.remark(t.ledger, t.after)
		}
		for _, s := range t.series {
			if s.named != nil && !s.named.any() && e.subjects.of(s.key.Subject) == s.named.subject {
				e.underive(t.ledger, s.named)
			}
		}
	}
	e.mu.Unlock()
	for _, b := range r.next {
		if err := e.vault.drop(b.file()); err != nil {
			e.log.Warn("a block that was made anew in vain stays until the next start", "file", b.file().String(), "error", err)
		}
		e.cache.forget(b.tier, b.meta.start, b.revision)
	}
}

func (r *remaking) run(ctx context.Context) error {
	for i := r.first; i < r.end; i++ {
		for _, t := range r.topics {
			if err := ctx.Err(); err != nil {
				return err
			}
			if i < t.from {
				continue
			}
			if err := r.settle(t, i); err != nil {
				return fmt.Errorf("settle %s anew: %w", r.blocks[i].file(), err)
			}
		}
	}
	for _, t := range r.topics {
		if err := r.lookBack(t); err != nil {
			return err
		}
	}
	r.name()
	if err := r.write(ctx); err != nil {
		return err
	}
	if err := r.lookForMarks(); err != nil {
		return err
	}
	if err := r.lookAhead(); err != nil {
		return err
	}
	return r.swap()
}

// settle derives what block i holds of a topic.
func (r *remaking) settle(t *remadeTopic, i int) error {
	settled, g, err := r.settled(t, i)
	if err != nil {
		return err
	}
	for _, s := range t.series {
		if err := r.stand(s, i); err != nil {
			return err
		}
	}
	for _, counters := range [...]bool{true, false} {
		for k := range settled {
			y := derivation{Settled: settled[k], src: r.sources[g.by[settled[k].By]]}
			if y.Metric.Counter() != counters || y.Metric == lineage.Pending && !t.counts(&y) {
				continue
			}
			s := t.find(&y)
			if s == nil {
				s = &remadeSeries{access: y.Access, metric: y.Metric, evidence: y.Evidence, columns: map[int]*column{}}
				t.series = append(t.series, s)
				if err := r.stand(s, i); err != nil {
					return err
				}
			}
			s.fill(&y, i, r.blocks[i].meta.start)
		}
	}
	for _, s := range t.series {
		was, err := r.held(s, i)
		if err != nil {
			return err
		}
		now := s.columns[i]
		for _, p := range now.points {
			s.grown += p.value
		}
		for _, p := range was.points {
			s.grown -= p.value
		}
		if !now.equal(was) {
			t.changed = true
			if s.metric == lineage.Linked { // it holds for all windows
				r.touched = 0
			}
			for _, c := range [...]*column{now, was} {
				for _, p := range c.points {
					r.touched = min(r.touched, r.blocks[i].meta.start+int64(p.tick)-p.width())
				}
			}
		}
	}
	return nil
}

// settled gathers what was told of a topic in block i, and settles it.
func (r *remaking) settled(t *remadeTopic, i int) ([]lineage.Settled, *gathering, error) {
	b, e := r.blocks[i], r.e
	g := &gathering{}
	g.begin(e, t.ledger.topic, b.meta.start, b.meta.end)
	g.Decided = b.meta.end
	words, err := e.blockWords(b)
	if err != nil {
		return nil, nil, err
	}
	g.Notes = words.of(t.subject)
	looker, err := r.lookers(b)
	if err != nil {
		return nil, nil, err
	}
	for k := range t.tellers {
		x, from, level := &t.tellers[k], len(g.readings), int64(0)
		if x.reads() {
			if level, err = r.readings(g, &x.probe, i); err != nil {
				return nil, nil, err
			}
		}
		g.add(x, from, level, looker)
	}
	settled, _ := e.settle(&g.Ledger)
	return settled, g, nil
}

// readings takes the samples of a series in block i, and claims after it that reach back into it; it returns the level
// of a gauge at its start.
func (r *remaking) readings(g *gathering, p *probe, i int) (level int64, err error) {
	b := r.blocks[i]
	if !p.key.Metric.Counter() {
		if level, _, err = r.v.valueAt(p, b.meta.start); err != nil {
			return 0, err
		}
	}
	for k, c := range r.blocks[i:] {
		if k > 0 && (p.key.Metric != lineage.Claimed || c.meta.sampleMin >= b.meta.end) {
			continue
		}
		x, err := r.e.blockEntry(c, p.key)
		if err != nil {
			return 0, err
		}
		if x == nil || x.samples == 0 || k > 0 && x.reach >= b.meta.end {
			continue
		}
		points, err := r.e.blockPoints(c, x)
		if err != nil {
			return 0, err
		}
		for _, q := range points {
			tick := c.meta.start + int64(q.tick)
			if from := tick - q.width(); k == 0 || from < b.meta.end {
				g.reading(p.key.Metric, lineage.Reading{From: from, To: tick, Value: q.value, Estimated: q.estimated()})
			}
		}
	}
	if p.key.Metric == lineage.Claimed {
		g.open(p)
	}
	return level, nil
}

// lookers returns how sources looked in a block.
func (r *remaking) lookers(b *block) (func(*source) lineage.Looker, error) {
	rounds, err := r.e.blockRounds(b)
	if err != nil {
		return nil, err
	}
	v := &view{}
	*v = *r.v
	v.lo, v.hi, v.tracks = b.meta.start, b.meta.end, make([]*track, len(r.v.heads))
	return func(src *source) lineage.Looker {
		var own sourceRounds
		if x := rounds[src.id]; x != nil {
			own = *x
		}
		return lineage.Looker{
			Source: src.name, Newest: r.v.heads[src.id].newest.tick,
			Last: func(tick int64) int64 { return lastRound(own.before, own.rounds, tick) },
			Saw: func(a *lineage.Access, from, to int64) bool {
				t, err := v.track(src.id)
				return err == nil && t.runs(a).within(from, to) == to-from
			},
		}
	}, nil
}

// stand begins a series' column of block i, where its total or level stands.
func (r *remaking) stand(s *remadeSeries, i int) error {
	if len(s.columns) == 0 && s.old != nil {
		if err := r.standing(s, i); err != nil {
			return err
		}
	}
	s.columns[i] = &column{indexEntry: indexEntry{key: s.key, based: s.begun, base: s.last, last: s.last}}
	return nil
}

// standing looks where a series stood at the start of block i.
func (r *remaking) standing(s *remadeSeries, i int) (err error) {
	if s.key.Metric.Counter() {
		s.last = s.old.base
		for k := i; k < len(r.blocks); k++ {
			x, err := r.e.blockEntry(r.blocks[k], s.key)
			if err != nil {
				return err
			}
			if x != nil {
				s.last -= x.sum
			}
		}
		s.begun = s.last > 0
		return nil
	}
	s.last, s.begun, err = r.v.valueAt(s.old, r.blocks[i].meta.start)
	if !s.begun {
		s.last = 0
	}
	return err
}

// held returns what block i holds of a series now; empty for nothing.
func (r *remaking) held(s *remadeSeries, i int) (*column, error) {
	if s.old == nil {
		return &column{}, nil
	}
	x, err := r.e.blockEntry(r.blocks[i], s.key)
	if err != nil || x == nil {
		return &column{}, err
	}
	c := &column{indexEntry: *x}
	if x.samples > 0 {
		c.points, err = r.e.blockPoints(r.blocks[i], x)
	}
	return c, err
}

// fill adds what a series was derived to be in block i.
func (s *remadeSeries) fill(y *derivation, i int, start int64) {
	c := s.columns[i]
	for _, x := range y.Readings {
		value, ok := y.next(s.last, x)
		if !ok {
			continue
		}
		p := point{value: value, tick: int32(x.To - start), span: int32(spanOf(x))}
		if y.Metric.Counter() {
			p.value = value - s.last
		}
		if x.Estimated {
			p.span = -p.span
		}
		s.last, s.begun = value, true
		c.last, c.src = value, y.src.id
		c.points = append(c.points, p)
	}
	if n := len(y.Words); n > 0 {
		s.word = y.Words[n-1]
		if s.words == nil {
			s.words = map[int][]lineage.Word{}
		}
		s.words[i] = y.Words
	}
}

func (t *remadeTopic) find(y *derivation) *remadeSeries {
	for _, s := range t.series {
		if s.metric == y.Metric && s.evidence == y.Evidence && s.access.Client == y.Access.Client {
			return s
		}
	}
	return nil
}

// counts reports whether something of a client was derived to be counted by the end of the block that is settled.
func (t *remadeTopic) counts(y *derivation) bool {
	return slices.ContainsFunc(t.series, func(s *remadeSeries) bool {
		return s.metric.Counter() && s.last > 0 && s.access.Client == y.Access.Client
	})
}

// compareTopics is a fixed order.
func compareTopics(a, b lineage.Topic) int {
	return slices.Compare(append([]byte(a.Cluster+"\x00"+lineage.ClusterID(a.Name)), a.ID[:]...), append([]byte(b.Cluster+"\x00"+lineage.ClusterID(b.Name)), b.ID[:]...))
}
