package timeseries

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// Window implements store.Reader. What is sealed is read first, and then all of the head at one instant: so the answer
// is of one version, and nobody waits for the disk.
func (e *engine) Window(ctx context.Context, ask store.Ask) (*store.Window, error) {
	for tries := 0; ; tries++ {
		w, err := e.window(ctx, ask)
		// A block that turns out to be damaged is a gap from then on: the answer is what the others say.
		if err == nil || !damaged(err) || tries == maxDamaged {
			return w, err
		}
	}
}

// maxDamaged bounds the blocks that may turn out to be damaged in one query.
const maxDamaged = 1000

func (e *engine) window(ctx context.Context, ask store.Ask) (*store.Window, error) {
	q := windowQuery{engine: e, ask: ask}
	var err error
	if q.v, err = e.view(ctx, ask.Window, nil); err != nil {
		return nil, err
	}
	defer q.v.end()
	for taken := false; !taken; {
		if err := q.readSealed(ctx); err != nil {
			return nil, fmt.Errorf("read window: %w", err)
		}
		taken = q.takeHead(ctx)
	}
	var sorting sync.WaitGroup // meanwhile; nothing else reads the facts
	defer sorting.Wait()
	sorting.Go(func() {
		sortLarge(q.out.Facts, compareFacts)
		sortLarge(q.out.BlindSpots, compareFacts)
	})
	if ask.Accesses {
		if err := q.count(ctx); err != nil {
			return nil, fmt.Errorf("read window: %w", err)
		}
	}
	if ask.Coverage {
		if q.out.Sources, err = q.v.sourceColumns(q.told); err != nil {
			return nil, fmt.Errorf("read coverage: %w", err)
		}
	}
	return q.out, nil
}

// windowQuery is one call of Window on its way.
type windowQuery struct {
	*engine
	ask    store.Ask
	layout uint64 // of the blocks that v and back cover
	v      *view  // the window
	back   *view  // the lookback
	until  *view  // the last tick of the window that can have come
	now    *marks // in the window
	before *marks // in the lookback
	up     awake  // who was put away and is in the answer

	out     *store.Window
	details *details
	probes  []probe // by series
	told    map[lineage.Source][]expectation
	away    []map[lineage.FactKey]*factLine // groups that were put away
}

// readSealed reads what the blocks mark in the window and in the lookback.
func (q *windowQuery) readSealed(ctx context.Context) (err error) {
	q.mu.RLock()
	q.takeViews(ctx)
	q.mu.RUnlock()
	if slices.Contains(q.ask.Facts, lineage.GroupFacts) {
		if q.away, err = q.goneFacts(q.back.lo, q.v.hi); err != nil {
			return err
		}
	}
	if !q.ask.Accesses {
		return nil
	}
	if q.now, err = q.v.sealedUnion(); err == nil {
		q.before, err = q.back.sealedUnion()
	}
	if err != nil {
		return err
	}
	q.up, err = q.wake(append(q.now.seen[:lineage.EvidenceKinds:lineage.EvidenceKinds], q.before.seen[:lineage.EvidenceKinds]...)...)
	return err
}

// takeViews needs mu.
func (q *windowQuery) takeViews(ctx context.Context) {
	w := q.now0().Back(q.ask)
	q.layout = q.engine.layout
	q.v = q.newView(ctx, q.floor(q.ask.Window.Start), q.floor(q.ask.Window.End))
	q.back = q.newView(ctx, q.floor(w.Start), q.floor(w.End))
	last := q.v.hi
	if until := q.ask.Until; !until.IsZero() && until.Before(q.ask.Window.End) {
		last = q.floor(until)
	}
	q.until = q.newView(ctx, last-1, last)
	q.v.until = min(last, q.v.until)
}

// now0 returns the state. It needs mu, and that the store is open.
func (q *windowQuery) now0() *store.State { return q.engine.now.Load() }

// takeHead takes all that the answer needs of the head. It returns false when blocks came or went since readSealed.
func (q *windowQuery) takeHead(ctx context.Context) bool {
	q.mu.RLock()
	defer q.mu.RUnlock()
	if q.engine.layout != q.layout {
		return false
	}
	q.takeViews(ctx)
	state := q.now0()
	q.out = &store.Window{
		Resolved: lineage.Resolved{Window: q.ask.Window, Step: q.duration(q.stepTicks[q.v.tier])},
		Version:  state.VersionOf(q.ask), Back: state.Back(q.ask),
	}
	if len(q.ask.Facts) > 0 || q.ask.Coverage {
		q.takeFacts()
	}
	if q.ask.Accesses {
		q.markHead()
		q.takeRows()
		for _, s := range q.links {
			q.out.Links = append(q.out.Links, q.linksOf(s)...)
		}
	}
	return true
}

// markHead adds what the head marks, in one walk for both windows. It needs mu.
func (q *windowQuery) markHead() {
	for t, m := range q.sightings {
		if t > q.v.lo && t <= q.v.hi {
			q.now.or(m)
		}
		if t > q.back.lo && t <= q.back.hi {
			q.before.or(m)
		}
	}
	var now, before noted
	same := q.back.lo == q.v.lo && q.back.hi == q.v.hi
	for s := range q.subjects.all() {
		for _, x := range s.series {
			if !q.headMarked(x, q.back.lo, q.back.hi) { // the lookback holds the window
				continue
			}
			before.note(x.key)
			if !same && q.headMarked(x, q.v.lo, q.v.hi) {
				now.note(x.key)
			}
		}
	}
	q.before.take(&before)
	if same {
		now = before
	}
	q.now.take(&now)
}

// takeFacts takes the facts, and what coverage needs of them, in one walk. It needs mu.
func (q *windowQuery) takeFacts() {
	lines := q.linesOf(q.ask.Facts, []lineage.FactKind{lineage.BlindSpotFacts}, []lineage.FactKind{lineage.SourceFacts})
	q.out.Facts = q.factsOf(factsQuery{tick: q.v.hi, gone: true, goneAfter: q.back.lo, away: q.away}, lines[0], q.ask.Facts...)
	if q.ask.Coverage {
		q.out.BlindSpots = q.factsOf(factsQuery{tick: q.v.hi}, lines[1])
		q.told = expectations(lines[2], q.v.hi)
	}
}

// takeRows takes the accesses that were seen, the topics, and their series. It needs mu.
func (q *windowQuery) takeRows() {
	seen := roaring.New()
	for k := range lineage.EvidenceKinds {
		for _, m := range [...]*marks{q.now, q.before} {
			if m.seen[k] != nil {
				seen.Or(m.seen[k])
			}
		}
	}
	rows := make([]*subject, 0, int(seen.GetCardinality())+len(q.topics))
	for it := seen.Iterator(); it.HasNext(); {
		if s := q.subjectOf(subjectID(it.Next()), q.up); s != nil && s.entry.access.Op != lineage.OpNone {
			rows = append(rows, s)
		}
	}
	r := &q.out.Rows
	r.Topics = len(rows)
	for _, s := range q.topics {
		if s.first <= q.v.hi {
			rows = append(rows, s)
		}
	}
	n := 0
	for _, s := range rows {
		n += len(s.series)
	}
	r.Access, r.FirstSeen = make([]*lineage.Access, len(rows)), make([]time.Time, len(rows))
	q.details = &details{engine: q.engine, win: q.ask.Window, ids: make([]subjectID, len(rows)), keys: make([]seriesKey, 0, n)}
	q.probes = make([]probe, 0, n)
	var room heads
	c := &q.out.Series
	c.Row, c.Metric, c.Evidence = make([]int32, 0, n), make([]lineage.Metric, 0, n), make([]lineage.EvidenceKind, 0, n)
	c.First = make([]int32, 1, len(rows)+1)
	for i, s := range rows {
		r.Access[i], r.FirstSeen[i], q.details.ids[i] = &s.entry.access, q.at(q.firstSeen(s)), s.id
		for _, x := range s.series {
			if !x.any() || !x.key.Metric.Known() || x.key.Metric.Settles() || x.key.Evidence >= lineage.EvidenceKinds {
				// to be derived, kept for who knows them, or settled from
				continue
			}
			c.Row, c.Metric, c.Evidence = append(c.Row, int32(i)), append(c.Metric, x.key.Metric), append(c.Evidence, x.key.Evidence)
			q.details.keys = append(q.details.keys, x.key)
			q.probes = append(q.probes, q.probeValue(x, &room))
		}
		c.First = append(c.First, int32(len(c.Row)))
	}
	q.out.Details = q.details
}

// count fills the columns: what was seen and moved, what was observed, and what the accesses' counters advanced.
func (q *windowQuery) count(ctx context.Context) error {
	r, c := &q.out.Rows, &q.out.Series
	n := r.Len()
	r.Moved, r.Unobserved, r.Open = make([]bool, n), make([]bool, n), make([]bool, n)
	r.Seen, r.SeenBefore = make([]store.Kinds, n), make([]store.Kinds, n)
	ids := q.details.ids
	for _, part := range [...][2]int{{0, r.Topics}, {r.Topics, n}} { // each is by id
		from, to := part[0], part[1]
		eachOf(q.now.moved, ids[from:to], func(i int) { r.Moved[from+i] = true })
		for k := range lineage.EvidenceKinds {
			eachOf(q.now.seen[k], ids[from:to], func(i int) { r.Seen[from+i] |= store.KindsOf(k) })
			eachOf(q.before.seen[k], ids[from:to], func(i int) { r.SeenBefore[from+i] |= store.KindsOf(k) })
		}
	}
	c.Amount = make([]lineage.Amount, c.Len())
	q.v.asked = c.Len()
	for i := range n {
		if i%256 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		from, to := c.Of(int32(i))
		probes := q.probes[from:to]
		pending := pendingOf(probes)
		for j := range probes {
			if p := &probes[j]; pending != nil && p.src == pending.src && p.key.Metric.Counter() {
				p.pending = pending
			}
		}
		if err := q.countRow(i, probes, c.Amount[from:to]); err != nil {
			return fmt.Errorf("%v of %v: %w", r.Access[i].Op, r.Access[i].Topic.Name, err)
		}
	}
	return nil
}

func (q *windowQuery) countRow(row int, probes []probe, amounts []lineage.Amount) error {
	r := &q.out.Rows
	observed := false
	for j := range probes {
		p := &probes[j]
		if row >= r.Topics || !p.key.Metric.Counter() {
			continue
		}
		a, ticks, err := q.v.amount(p)
		if err != nil {
			return err
		}
		amounts[j], observed = a, observed || ticks > 0
	}
	if row >= r.Topics {
		probes = growing(probes)
	}
	for j := 0; j < len(probes) && !observed; j++ {
		err := q.v.parts(&probes[j], func(lo, hi int64, x *runs) { observed = observed || x.within(lo, hi) > 0 })
		if err != nil {
			return err
		}
	}
	closed := false
	for j := 0; j < len(probes) && !closed; j++ {
		p := &probes[j]
		p.runs = nil // they were the window's
		if err := q.until.parts(p, func(_, hi int64, x *runs) { closed = closed || x.carried(hi, p.access) }); err != nil {
			return err
		}
	}
	r.Unobserved[row], r.Open[row] = !observed, !closed
	return nil
}

// growing returns those of a topic's probes that say that it grew, all where none does: who looks at its size on disk
// saw nothing of that.
func growing(probes []probe) []probe {
	for i := range probes {
		if probes[i].key.Metric == lineage.Appended {
			return probes[i : i+1]
		}
	}
	return probes
}

// pendingOf returns the Pending gauge among a row's probes, nil when there is none.
func pendingOf(probes []probe) *probe {
	for i := range probes {
		if probes[i].key.Metric == lineage.Pending && probes[i].key.Evidence == lineage.NoEvidence {
			return &probes[i]
		}
	}
	return nil
}

// eachOf visits the indices of those of some sorted ids that a bitmap holds; a nil bitmap is empty.
func eachOf(b *roaring.Bitmap, ids []subjectID, visit func(i int)) {
	if b == nil || len(ids) == 0 {
		return
	}
	it := b.Iterator()
	for i := 0; i < len(ids); i++ {
		it.AdvanceIfNeeded(uint32(ids[i]))
		if !it.HasNext() {
			return
		}
		next := subjectID(it.PeekNext())
		if next == ids[i] {
			visit(i)
			continue
		}
		for i+1 < len(ids) && ids[i+1] < next {
			i++
		}
	}
}

// sealedUnion returns what the sealed blocks mark in the view.
func (v *view) sealedUnion() (*marks, error) {
	var out marksUnion
	for _, b := range v.cover {
		if err := v.ctx.Err(); err != nil {
			return nil, err
		}
		switch {
		case b.meta.end <= v.lo || b.meta.start >= v.hi:
		case b.meta.start >= v.lo && b.meta.end <= v.hi:
			m, err := v.blockUnion(b)
			if err != nil {
				return nil, err
			}
			out.add(m)
		default:
			if err := v.blockUnionIn(b, v.lo, v.hi, &out); err != nil {
				return nil, err
			}
		}
	}
	return out.marks(), nil
}

func compareFacts(a, b *lineage.DatedFact) int {
	if c := cmp.Compare(a.Key.Kind, b.Key.Kind); c != 0 {
		return c
	}
	if c := strings.Compare(a.Key.Source, b.Key.Source); c != 0 {
		return c
	}
	return strings.Compare(a.Key.Name, b.Key.Name)
}
