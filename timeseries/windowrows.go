package timeseries

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// rowsTaken is what a query takes of the head for the rows of its answer, while it holds mu: no more of a series than
// the answer needs. Queries use one another's room, since it is megabytes that are garbage a moment later.
type rowsTaken struct {
	rows   []rowTaken
	topics int // the first row of a topic
	series []seriesTaken
	probes []probe
	heads  heads // of the probes; not kept for the next query
}

type rowTaken struct {
	id           subjectID
	access       *lineage.Access
	first        int64 // the tick since which it was seen
	end          int32 // of its series
	moved        bool  // by what the head says
	seen, before store.Kinds
}

type seriesTaken struct {
	key seriesKey
	src *source // of the newest sample
	// probe is its place among the probes; -1: who wrote it is all that is needed.
	probe int32
}

var rowsRoom = sync.Pool{New: func() any { return &rowsTaken{} }}

// takeRoom returns room for rows, with nothing in it: as much as the answer before needed, which is most alike.
func takeRoom(like *layout, subjects int) *rowsTaken {
	t := rowsRoom.Get().(*rowsTaken)
	rows, series, probes := subjects, subjects*5/4, subjects/2 // before the first
	if like != nil {
		rows, series, probes = len(like.ids), len(like.keys), like.probes
	}
	t.rows, t.series, t.probes, t.topics = roomFor(t.rows, rows), roomFor(t.series, series), roomFor(t.probes, probes), 0
	t.heads = nil
	return t
}

func roomFor[T any](room []T, n int) []T { return slices.Grow(room[:0], n) }

// giveBack gives the room to the next query. What it pointed to is let go when garbage is collected twice.
func (t *rowsTaken) giveBack() {
	if t != nil {
		rowsRoom.Put(t)
	}
}

// of returns a row's series.
func (t *rowsTaken) of(row int) []seriesTaken {
	from := int32(0)
	if row > 0 {
		from = t.rows[row-1].end
	}
	return t.series[from:t.rows[row].end]
}

// takeRows takes the accesses that were seen, by id, the topics, and their series. Of a past that is sealed it costs
// what is in the answer, and not who is in memory. It needs mu.
func (q *windowQuery) takeRows() {
	if q.only != nil {
		q.takeOnly()
		return
	}
	q.rows.giveBack() // of a try before
	q.rows = takeRoom(q.laid.Load(), q.subjects.live)
	if q.headReach() >= q.back.hi { // nothing that is open marks any of it, so who is marked is in the answer
		for it := roaring.FastOr(q.seen()...).Iterator(); it.HasNext(); {
			if s := q.subjectOf(subjectID(it.Next()), q.up); s != nil && s.entry.access.Op != lineage.OpNone {
				q.takeRow(s, true)
			}
		}
	} else {
		q.walkRows()
	}
	q.rows.topics = len(q.rows.rows)
	for _, s := range q.topics {
		if s.first <= q.v.hi {
			q.takeRow(s, true)
		}
	}
}

// walkRows takes the accesses that were seen, those that only what is open marks among them. It needs mu.
func (q *windowQuery) walkRows() {
	marked := roaring.FastOr(q.seen()...).Iterator()
	upTo := func(id uint32) (is bool) { // visits those that were put away and are marked before an id
		for marked.HasNext() && marked.PeekNext() < id {
			if s := q.up[subjectID(marked.Next())]; s != nil && s.entry.access.Op != lineage.OpNone {
				q.takeRow(s, true)
			}
		}
		return marked.HasNext() && marked.PeekNext() == id
	}
	for s := range q.subjects.all() {
		is := upTo(uint32(s.id))
		if is {
			marked.Next()
		}
		if s.entry.access.Op != lineage.OpNone {
			q.takeRow(s, is)
		}
	}
	upTo(1<<32 - 1)
}

// seen returns who was seen, by each kind of evidence, in the window and in the lookback.
func (q *windowQuery) seen() (all []*roaring.Bitmap) {
	for k := range lineage.EvidenceKinds {
		for _, m := range [...]*marks{q.now, q.before} {
			if m.seen[k] != nil {
				all = append(all, m.seen[k])
			}
		}
	}
	return all
}

// takeRow takes a subject that is marked, or that its own series mark in the lookback. It needs mu.
func (q *windowQuery) takeRow(s *subject, marked bool) {
	t := q.rows
	series, probes := len(t.series), len(t.probes)
	row := rowTaken{id: s.id, access: &s.entry.access}
	for _, x := range s.series {
		if q.headMarked(x, q.back.lo, q.back.hi) { // the lookback holds the window
			kind := kindsOf(x.key.Evidence)
			row.before |= kind
			if q.headMarked(x, q.v.lo, q.v.hi) {
				row.moved, row.seen = true, row.seen|kind
			}
		}
		if !x.any() || !x.key.Metric.Known() || x.key.Metric.Settles() || x.key.Evidence >= lineage.EvidenceKinds {
			// to be derived, kept for who knows them, or settled from
			continue
		}
		y := seriesTaken{key: x.key, src: x.source(q.sources), probe: -1}
		if q.looksInto(x, y.src) {
			y.probe = int32(len(t.probes))
			t.probes = append(t.probes, q.probeValue(x, &t.heads))
		}
		t.series = append(t.series, y)
	}
	if !marked && row.before == 0 {
		t.series, t.probes = t.series[:series], t.probes[:probes]
		return
	}
	row.first, row.end = q.firstSeen(s), int32(len(t.series))
	t.rows = append(t.rows, row)
}

// looksInto reports whether the answer needs more of a series than who wrote it: the counters of accesses and what of
// them is pending, where it says how much, and what several sources wrote.
func (q *windowQuery) looksInto(x *series, src *source) bool {
	m := x.key.Metric
	if q.ask.Uncounted {
		return x.head.several(src.id)
	}
	return m.Counter() && x.subject.entry.access.Op != lineage.OpNone || m == lineage.Pending || x.head.several(src.id)
}

// kindsOf returns a kind of evidence as a set; of none, and of kinds that this program does not know, the empty one.
func kindsOf(k lineage.EvidenceKind) store.Kinds {
	if k == lineage.NoEvidence || k >= lineage.EvidenceKinds {
		return 0
	}
	return store.KindsOf(k)
}

// layout is the columns of an answer that do not hang on its window but by which rows are in it. It never changes, and
// answers with the same rows share one.
type layout struct {
	access    []*lineage.Access
	firstSeen []time.Time
	topics    int
	probes    int // how many were needed
	ids       []subjectID
	keys      []seriesKey
	row       []int32
	metric    []lineage.Metric
	evidence  []lineage.EvidenceKind
	first     []int32
}

// is reports whether it is that of some rows.
func (l *layout) is(t *rowsTaken, c clock) bool {
	if l == nil || l.topics != t.topics || len(l.ids) != len(t.rows) || len(l.keys) != len(t.series) {
		return false
	}
	for i := range t.rows {
		if x := &t.rows[i]; l.ids[i] != x.id || l.access[i] != x.access || !l.firstSeen[i].Equal(c.at(x.first)) || l.first[i+1] != x.end {
			return false
		}
	}
	for i := range t.series {
		if l.keys[i] != t.series[i].key {
			return false
		}
	}
	return true
}

// layoutOf returns that of what was taken: that of the answer before, if it is the same.
func (q *windowQuery) layoutOf(t *rowsTaken) *layout {
	if l := q.laid.Load(); q.only == nil && l.is(t, q.clock) {
		return l
	}
	n, m := len(t.rows), len(t.series)
	l := &layout{
		access: make([]*lineage.Access, n), firstSeen: make([]time.Time, n), topics: t.topics, probes: len(t.probes), ids: make([]subjectID, n),
		keys: make([]seriesKey, m), row: make([]int32, m), metric: make([]lineage.Metric, m), evidence: make([]lineage.EvidenceKind, m), first: make([]int32, n+1),
	}
	from := int32(0)
	for i := range t.rows {
		x := &t.rows[i]
		l.access[i], l.firstSeen[i], l.ids[i], l.first[i+1] = x.access, q.at(x.first), x.id, x.end
		for ; from < x.end; from++ {
			k := t.series[from].key
			l.keys[from], l.row[from], l.metric[from], l.evidence[from] = k, int32(i), k.Metric, k.Evidence
		}
	}
	if q.only == nil {
		q.laid.Store(l)
	}
	return l
}

// count fills the columns: what was seen and moved, what was observed, and what the accesses' counters advanced.
func (q *windowQuery) count(ctx context.Context) error {
	t, r, c := q.rows, &q.out.Rows, &q.out.Series
	l := q.layoutOf(t)
	r.Access, r.FirstSeen, r.Topics = l.access, l.firstSeen, l.topics
	c.Row, c.Metric, c.Evidence, c.First = l.row, l.metric, l.evidence, l.first
	q.out.Details = &details{engine: q.engine, win: q.ask.Window, ids: l.ids, keys: l.keys}
	n := r.Len()
	r.Moved, r.Unobserved, r.Open = make([]bool, n), make([]bool, n), make([]bool, n)
	r.Seen, r.SeenBefore = make([]store.Kinds, n), make([]store.Kinds, n)
	for i := range t.rows {
		r.Moved[i], r.Seen[i], r.SeenBefore[i] = t.rows[i].moved, t.rows[i].seen, t.rows[i].before
	}
	for _, part := range [...][2]int{{0, r.Topics}, {r.Topics, n}} { // each is by id
		from, to := part[0], part[1]
		eachOf(q.now.moved, l.ids[from:to], func(i int) { r.Moved[from+i] = true })
		for k := range lineage.EvidenceKinds {
			eachOf(q.now.seen[k], l.ids[from:to], func(i int) { r.Seen[from+i] |= store.KindsOf(k) })
			eachOf(q.before.seen[k], l.ids[from:to], func(i int) { r.SeenBefore[from+i] |= store.KindsOf(k) })
		}
	}
	if !q.ask.Uncounted {
		c.Amount = make([]lineage.Amount, c.Len())
		q.v.asked = c.Len()
	}
	for i := range n {
		if i%256 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		var amounts []lineage.Amount
		if from, to := c.Of(int32(i)); c.Amount != nil {
			amounts = c.Amount[from:to]
		}
		if err := q.countRow(i, t.of(i), amounts); err != nil {
			return fmt.Errorf("%v of %v: %w", r.Access[i].Op, r.Access[i].Topic.Name, err)
		}
	}
	return nil
}

// countRow says whether a row was observed, and unless amounts is nil what each of its counters advanced.
func (q *windowQuery) countRow(row int, all []seriesTaken, amounts []lineage.Amount) error {
	r := &q.out.Rows
	observed := false
	if amounts != nil && row < r.Topics {
		var err error
		if observed, err = q.countAmounts(all, amounts); err != nil {
			return err
		}
	}
	if row >= r.Topics {
		all = growing(all)
	}
	for j := 0; j < len(all) && !observed; j++ {
		err := q.v.parts(q.probeFor(&all[j], r.Access[row]), func(lo, hi int64, x *runs) { observed = observed || x.within(lo, hi) > 0 })
		if err != nil {
			return err
		}
	}
	closed := false
	for j := 0; j < len(all) && !closed; j++ {
		p := q.probeFor(&all[j], r.Access[row])
		p.runs = nil // they were the window's
		if err := q.until.parts(p, func(_, hi int64, x *runs) { closed = closed || x.carried(hi, p.access) }); err != nil {
			return err
		}
	}
	r.Unobserved[row], r.Open[row] = !observed, !closed
	return nil
}

// countAmounts says what each counter of an access advanced, and whether a tick of any was observed.
func (q *windowQuery) countAmounts(all []seriesTaken, amounts []lineage.Amount) (observed bool, err error) {
	pending := q.pendingOf(all)
	for j := range all {
		if !all[j].key.Metric.Counter() {
			continue
		}
		p := &q.rows.probes[all[j].probe]
		if pending != nil && p.src == pending.src {
			p.pending = pending
		}
		a, ticks, err := q.v.amount(p)
		if err != nil {
			return false, err
		}
		amounts[j], observed = a, observed || ticks > 0
	}
	return observed, nil
}

// growing returns that of a topic's series that says that it grew, all where none does: who looks at its size on disk
// saw nothing of that.
func growing(all []seriesTaken) []seriesTaken {
	for i := range all {
		if all[i].key.Metric == lineage.Appended {
			return all[i : i+1]
		}
	}
	return all
}

// probeFor returns the probe of a series. Where it says no more than who wrote it, it is good until the next such one.
func (q *windowQuery) probeFor(x *seriesTaken, a *lineage.Access) *probe {
	if x.probe >= 0 {
		return &q.rows.probes[x.probe]
	}
	q.bare = probe{key: x.key, access: a, src: x.src, head: &noHead}
	return &q.bare
}

// pendingOf returns the Pending gauge among a row's series, nil when there is none.
func (q *windowQuery) pendingOf(all []seriesTaken) *probe {
	for i := range all {
		if all[i].key.Metric == lineage.Pending && all[i].key.Evidence == lineage.NoEvidence {
			return &q.rows.probes[all[i].probe]
		}
	}
	return nil
}
