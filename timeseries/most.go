package timeseries

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// A rank is found by bounds. What a series can have advanced in a window is at most what it advanced in all blocks and
// packs that touch it, which their indexes say without decoding a sample; so of those with the largest bounds it is
// asked what they did advance, and then of those only whose bound is not below the last of these.

// bound is what a series advanced in a window at most.
type bound struct {
	word uint64 // of its key
	most int64
}

func (b bound) id() subjectID { return subjectID(b.word >> 16) }

// onlyOf is of which subjects a query is, and what holds as long as what was found out about them does.
type onlyOf struct {
	ids     []subjectID // sorted
	version store.Version
	layout  uint64
}

// errMoved is when a store changed while a query was under way.
var errMoved = errors.New("timeseries: the store changed meanwhile")

// holds reports whether nothing changed. It needs mu.
func (o *onlyOf) holds(e *engine) bool { return o.version == e.version && o.layout == e.layout }

// among returns those of the subjects that marks name.
func (o *onlyOf) among(seen []*roaring.Bitmap) []*roaring.Bitmap {
	ids, out := bitmapOf(o.ids), make([]*roaring.Bitmap, 0, len(seen))
	for _, b := range seen {
		if b.Intersects(ids) {
			out = append(out, roaring.And(b, ids))
		}
	}
	return out
}

// takeOnly takes those of the query's subjects that are accesses and were seen. It needs mu.
func (q *windowQuery) takeOnly() {
	q.rows = &rowsTaken{}
	seen := q.seen()
	for _, id := range q.only.ids {
		s, marked := q.subjects.of(id), slices.ContainsFunc(seen, func(b *roaring.Bitmap) bool { return b.Contains(uint32(id)) })
		if s == nil && marked {
			s = q.up[id]
		}
		if s != nil && s.entry.access.Op != lineage.OpNone {
			q.takeRow(s, marked)
		}
	}
	q.rows.topics = len(q.rows.rows)
}

// mostTries is how often a rank begins anew where rounds come meanwhile, before all accesses are looked at.
const mostTries = 3

// most answers an ask for a rank.
func (e *engine) most(ctx context.Context, ask store.Ask) (*store.Window, error) {
	ask.Uncounted = false
	for range mostTries {
		if w, err := e.ranked(ctx, ask); !errors.Is(err, errMoved) {
			return w, err
		}
	}
	w, err := e.window(ctx, ask)
	if err != nil {
		return nil, err
	}
	return narrow(w, ask.Most), nil
}

// ranked finds a rank by bounds. It returns errMoved when the store changed meanwhile.
func (e *engine) ranked(ctx context.Context, ask store.Ask) (*store.Window, error) {
	room := boundsRoom.Get().(*boundsTaken)
	defer boundsRoom.Put(room)
	only, all, err := e.bounds(ctx, ask, room)
	if err != nil {
		return nil, fmt.Errorf("read window: %w", err)
	}
	first := largest(all, 2*ask.Most.First+8)
	only.ids = idsOf(first)
	w, err := e.windowOf(ctx, ask, only)
	if err != nil {
		return nil, err
	}
	// What has not been asked for is no more than the least of the largest bounds.
	least := lastOf(w, ask.Most)
	if rest := above(all, least); len(rest) > len(first) {
		only.ids = idsOf(rest)
		if w, err = e.windowOf(ctx, ask, only); err != nil {
			return nil, err
		}
	}
	return narrow(w, ask.Most), nil
}

// bounds returns what can have advanced at all, by key, and as of when that is. It lies in room.
func (e *engine) bounds(ctx context.Context, ask store.Ask, room *boundsTaken) (*onlyOf, []bound, error) {
	only, m := &onlyOf{}, ask.Most.Metric
	var open []bound
	v, err := e.view(ctx, ask.Window, func(v *view) {
		only.version, only.layout = e.version, e.layout
		if e.headReach() < v.hi {
			open = v.openBounds(m, room.open[:0])
		}
	})
	if err != nil {
		return nil, nil, err
	}
	defer v.end()
	room.open = open
	all, spare := room.all[:0], room.spare
	for _, b := range v.cover {
		if b.meta.end <= v.lo || b.meta.sampleMin >= v.hi {
			continue
		}
		index, err := v.blockIndex(b)
		if err != nil {
			return nil, nil, err
		}
		all, spare = addBounds(spare[:0], all, index, m, v.hi), all
	}
	if len(open) > 0 {
		all, spare = joinBounds(spare[:0], all, open), all
	}
	room.all, room.spare = all, spare
	return only, all, nil
}

// boundsTaken is room for bounds: queries use one another's, since it is megabytes.
type boundsTaken struct{ all, spare, open []bound }

var boundsRoom = sync.Pool{New: func() any { return &boundsTaken{} }}

// addBounds appends some bounds, with what the series of a metric advanced in a block added; what reaches back to no
// tick before hi has no part in it.
func addBounds(out, all []bound, index []indexEntry, m lineage.Metric, hi int64) []bound {
	i := 0
	for j := range index {
		x := &index[j]
		if x.key.Metric != m || x.sum <= 0 || x.reach >= hi {
			continue
		}
		word := x.key.word()
		for i < len(all) && all[i].word < word {
			out = append(out, all[i])
			i++
		}
		y := bound{word, x.sum}
		if i < len(all) && all[i].word == word {
			y.most = addUp(y.most, all[i].most)
			i++
		}
		out = append(out, y)
	}
	return append(out, all[i:]...)
}

// joinBounds appends the sums of two lists of bounds.
func joinBounds(out, a, b []bound) []bound {
	for len(a) > 0 && len(b) > 0 {
		switch x, y := a[0], b[0]; {
		case x.word < y.word:
			out, a = append(out, x), a[1:]
		case x.word > y.word:
			out, b = append(out, y), b[1:]
		default:
			out, a, b = append(out, bound{x.word, addUp(x.most, y.most)}), a[1:], b[1:]
		}
	}
	return append(append(out, a...), b...)
}

// addUp adds two numbers that are not below zero.
func addUp(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

// openBounds appends what the head says that series of a metric can have advanced in the window, by key. It needs mu.
func (v *view) openBounds(m lineage.Metric, out []bound) []bound {
	for s := range v.subjects.all() {
		for _, x := range s.series {
			if x.key.Metric != m || x.head.newest.tick <= v.lo {
				continue
			}
			most := int64(0)
			for i := x.head.packAfter(v.lo); i <= len(x.head.packs); i++ {
				if p := x.head.pack(i); p.n > 0 && p.reach < v.hi {
					most = addUp(most, p.sum-p.advancedBy(v.lo))
				}
			}
			if most > 0 {
				out = append(out, bound{x.key.word(), most})
			}
		}
	}
	if byWord := func(a, b bound) int { return cmp.Compare(a.word, b.word) }; !slices.IsSortedFunc(out, byWord) {
		slices.SortFunc(out, byWord)
	}
	return out
}

// advancedBy returns what the first sample of a pack advanced, if that was up to a tick: where a series begins, that is
// all of its total.
func (p *pack) advancedBy(tick int64) int64 {
	if p.first > tick {
		return 0
	}
	x := sample{value: p.before, tick: p.first}
	x.next(p.code)
	return advance(p.before, x.value)
}

// largest returns so many of the largest bounds, and those that are as large as the least of these.
func largest(all []bound, n int) []bound {
	best := make([]int64, 0, n+1) // descending
	for _, b := range all {
		if len(best) == n && b.most <= best[n-1] {
			continue
		}
		i, _ := slices.BinarySearchFunc(best, b.most, func(x, y int64) int { return cmp.Compare(y, x) })
		best = slices.Insert(best, i, b.most)
		best = best[:min(len(best), n)]
	}
	if len(best) < n {
		return all
	}
	return above(all, float64(best[n-1]))
}

// above returns the bounds that are not below an amount, but for what adding up shares of advances may err.
func above(all []bound, least float64) (out []bound) {
	const err = 1e-9
	for _, b := range all {
		if float64(b.most)*(1+err) >= least {
			out = append(out, b)
		}
	}
	return out
}

// idsOf returns whose series bounds are of.
func idsOf(all []bound) []subjectID {
	out := make([]subjectID, len(all))
	for i, b := range all {
		out[i] = b.id()
	}
	return slices.Compact(out) // they are by key
}

// rank returns the series of an answer that are first, the largest first.
func rank(w *store.Window, most store.Most) []int32 {
	var all []int32
	for i, a := range w.Series.Amount {
		if int(w.Series.Row[i]) < w.Rows.Topics && w.Series.Metric[i] == most.Metric && a.Total > 0 {
			all = append(all, int32(i))
		}
	}
	slices.SortFunc(all, func(i, j int32) int {
		return cmp.Or(cmp.Compare(w.Series.Amount[j].Total, w.Series.Amount[i].Total), cmp.Compare(i, j))
	})
	return all[:min(len(all), most.First)]
}

// lastOf returns what the last of a rank advanced, 0 where the rank is not full.
func lastOf(w *store.Window, most store.Most) float64 {
	all := rank(w, most)
	if len(all) < most.First {
		return 0
	}
	return w.Series.Amount[all[len(all)-1]].Total
}

// narrow returns of an answer the rows that have a series in a rank.
func narrow(w *store.Window, most store.Most) *store.Window {
	var rows []int32
	for _, i := range rank(w, most) {
		rows = append(rows, w.Series.Row[i])
	}
	slices.Sort(rows)
	rows = slices.Compact(rows)
	var series []int32
	first := make([]int32, 1, len(rows)+1)
	var row []int32
	for n, r := range rows {
		for i, end := w.Series.Of(r); i < end; i++ {
			series, row = append(series, i), append(row, int32(n))
		}
		first = append(first, int32(len(series)))
	}
	out, r, s := *w, &w.Rows, &w.Series
	out.Rows = store.Rows{
		Access: pick(r.Access, rows), FirstSeen: pick(r.FirstSeen, rows), Topics: len(rows), Moved: pick(r.Moved, rows),
		Seen: pick(r.Seen, rows), SeenBefore: pick(r.SeenBefore, rows), Unobserved: pick(r.Unobserved, rows), Open: pick(r.Open, rows),
	}
	out.Series = store.Series{
		Row: row, Metric: pick(s.Metric, series), Evidence: pick(s.Evidence, series), First: first, Amount: pick(s.Amount, series),
	}
	d := w.Details.(*details)
	out.Details = &details{engine: d.engine, win: d.win, ids: pick(d.ids, rows), keys: pick(d.keys, series)}
	return &out
}

// headReach returns the first tick that an advance of the head can reach back to, never where there is none: what ends
// before is answered without looking at each series. It is found once, and kept. It needs mu.
func (e *engine) headReach() int64 {
	if at := e.reach.Load(); at > 0 {
		return at
	}
	at := int64(never)
	for s := range e.subjects.all() {
		for _, x := range s.series {
			for i := range len(x.head.packs) + 1 {
				if p := x.head.pack(i); p.n > 0 {
					at = min(at, p.reach)
				}
			}
		}
	}
	at = max(at, 1)
	e.reach.Store(at)
	return at
}

// reaches notes that an advance of the head reaches back to a tick. It needs mu for writing.
func (e *engine) reaches(tick int64) {
	if at := e.reach.Load(); tick < at { // 0: it is not known
		e.reach.Store(max(tick, 1))
	}
}
