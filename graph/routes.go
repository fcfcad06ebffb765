package graph

import (
	"cmp"
	"context"
	"slices"

	"github.com/lineaged/lineaged/lineage"
)

// Ticks is a stretch of time in the caller's ticks, half-open.
type Ticks struct{ From, To int32 }

// Moves says when an access moved records. Each list is sorted and its stretches are apart.
type Moves struct {
	Seen []Ticks // it was seen to move then
	Open []Ticks // nobody knows whether it did
}

// next returns the earliest tick from t on in one of the stretches, and where that stretch ends.
func next(all []Ticks, t int32) (at, until int32, ok bool) {
	i, _ := slices.BinarySearchFunc(all, t, func(s Ticks, t int32) int {
		if s.To <= t {
			return -1
		}
		return 1
	})
	if i == len(all) {
		return 0, 0, false
	}
	return max(t, all[i].From), all[i].To, true
}

// Routes asks for ways from one node to another on which each hop moves in the tick of the hop before or later: what
// arrives somewhere may wait there for as long as it likes.
type Routes struct {
	From, To lineage.Node
	Moves    func(AccessID) Moves // cheap: asked again and again
	// Open: the hops may be where nobody knows whether anything moved.
	Open bool
	// Most is how many are answered.
	Most int
}

// Route is one way. The first hop leaves Routes.From, the last one comes to Routes.To, and no lane is passed twice.
type Route struct {
	Hops []Hop
	// Arrival is the earliest tick in which what left From in the first tick or later can be at To.
	Arrival int32
}

// Hop is one flow of a route, passed from tick At, the earliest, to tick Until, exclusive: by then it has to be passed,
// so that the hops after it still can be.
type Hop struct {
	Flow      lineage.Flow
	At, Until int32
	Seen      bool // false: that it moved then is not known
}

// mostSearches bounds the work of one question for several routes: each is found by one search for each hop of the
// one before.
const mostSearches = 500

// Routes answers q, the earliest arrival first. Of those with the same flows one is answered. Where there are very
// many, some may be missing, but never the earliest. It returns ctx's error when that ends.
func (s *Snapshot) Routes(ctx context.Context, q Routes) ([]Route, error) {
	from, ok := s.vertex(q.From)
	to, there := s.vertex(q.To)
	if !ok || !there || q.From == q.To || q.Most <= 0 {
		return nil, nil
	}
	f := &finder{
		s: s, q: &q, from: span{from, s.end(from)}, target: span{to, s.end(to)}, best: make([]label, len(s.numbers)), searches: mostSearches,
	}
	for v := from; v < f.from.end; v++ {
		f.starts = append(f.starts, leg{to: v})
	}
	first, err := f.search(ctx, nil, f.starts, nil)
	if err != nil || first == nil {
		return nil, err
	}
	found, open := [][]leg{}, [][]leg{first}
	var out []Route
	for len(open) > 0 && len(out) < q.Most {
		way := open[0]
		open = open[1:]
		found = append(found, way)
		if r := f.route(way); !slices.ContainsFunc(out, func(o Route) bool { return sameFlows(o, r) }) {
			out = append(out, r)
		}
		if len(out) == q.Most {
			break
		}
		more, err := f.others(ctx, way, found)
		if err != nil {
			return nil, err
		}
		for _, w := range more {
			if i, known := slices.BinarySearchFunc(open, w, compareWays); !known {
				open = slices.Insert(open, i, w)
			}
		}
	}
	return out, nil
}

func sameFlows(a, b Route) bool {
	return slices.EqualFunc(a.Hops, b.Hops, func(a, b Hop) bool { return a.Flow == b.Flow })
}

// leg is one hop of a way as numbers; the leg to a start has no edge.
type leg struct {
	from, to, edge uint32
	at, until      int32
	seen           bool
}

// compareWays orders by arrival, then the fewer hops, then the vertices.
func compareWays(a, b []leg) int {
	return cmp.Or(
		cmp.Compare(a[len(a)-1].at, b[len(b)-1].at), cmp.Compare(len(a), len(b)),
		slices.CompareFunc(a, b, func(a, b leg) int { return cmp.Or(cmp.Compare(a.to, b.to), cmp.Compare(a.edge, b.edge)) }),
	)
}

// label is how a vertex was reached best.
type label struct {
	leg
	hops    int32
	reached bool
	done    bool
}

// better reports whether what was reached so goes before arriving at a tick with so many hops.
func (l *label) better(at, hops int32) bool {
	return l.reached && (l.at < at || l.at == at && l.hops <= hops)
}

// span are the vertices of a node.
type span struct{ first, end uint32 }

func (s span) has(v uint32) bool { return v >= s.first && v < s.end }

// finder searches one snapshot for one question.
type finder struct {
	s            *Snapshot
	q            *Routes
	from, target span
	starts       []leg
	best         []label  // by vertex; of the search under way
	touched      []uint32 // of best
	open         queue
	searches     int // left
}

// pass returns when an edge can be passed first from tick t on; what was seen goes before what is not known.
func (f *finder) pass(edge uint32, t int32) (l leg, ok bool) {
	take := func(stretches []Ticks, seen bool) {
		at, until, can := next(stretches, t)
		if can && (!ok || at < l.at || at == l.at && seen == l.seen && until > l.until) {
			l, ok = leg{at: at, until: until, seen: seen}, true
		}
	}
	accesses := f.s.access[f.s.accOff[edge]:f.s.accOff[edge+1]]
	for _, id := range accesses {
		take(f.q.Moves(id).Seen, true)
	}
	if f.q.Open {
		for _, id := range accesses {
			take(f.q.Moves(id).Open, false)
		}
	}
	return l, ok
}

// search returns the earliest way from one of starts to the target, with the legs before it; nil: there is none. It
// goes neither through the vertices of before nor, from the start, by an edge in not. To wait never makes a later hop
// earlier, so that the earliest way to each vertex is enough.
func (f *finder) search(ctx context.Context, before, starts []leg, not map[uint32]bool) ([]leg, error) {
	f.searches--
	for _, v := range f.touched {
		f.best[v] = label{}
	}
	f.touched = f.touched[:0]
	for _, l := range before {
		f.reach(l.to, label{leg: l, reached: true, done: true})
	}
	f.open = f.open[:0]
	isStart := map[uint32]bool{}
	for _, l := range starts {
		f.reach(l.to, label{leg: l, reached: true})
		f.open.push(queued{vertex: l.to, at: l.at})
		isStart[l.to] = true
	}
	for steps := 0; len(f.open) > 0; steps++ {
		if steps%1024 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		at := f.open.pop()
		v := at.vertex
		if f.best[v].done {
			continue
		}
		f.best[v].done = true
		if f.target.has(v) {
			return f.way(before, v, isStart), nil
		}
		var avoid map[uint32]bool
		if isStart[v] {
			avoid = not
		}
		f.leave(at, avoid)
	}
	return nil, nil
}

// leave goes by all edges of a vertex, but those of not, to where nothing leads as early so far.
func (f *finder) leave(at queued, not map[uint32]bool) {
	v := at.vertex
	for e := f.s.outOff[v]; e < f.s.outOff[v+1]; e++ {
		to := f.s.outTo[e]
		b := &f.best[to]
		// Nothing passes an edge before it is there, so most are done with before it is known when they can be passed.
		if b.done || b.better(at.at, at.hops+1) || f.from.has(to) || len(not) > 0 && not[e] {
			continue
		}
		l, ok := f.pass(e, at.at)
		if !ok || b.better(l.at, at.hops+1) {
			continue
		}
		l.from, l.to, l.edge = v, to, e
		f.reach(to, label{leg: l, hops: at.hops + 1, reached: true})
		f.open.push(queued{vertex: to, at: l.at, hops: at.hops + 1})
	}
}

func (f *finder) reach(v uint32, l label) {
	if !f.best[v].reached {
		f.touched = append(f.touched, v)
	}
	f.best[v] = l
}

// way returns the legs by which v was reached, the start's first where no legs are before it.
func (f *finder) way(before []leg, v uint32, isStart map[uint32]bool) []leg {
	var back []leg
	for !isStart[v] {
		back = append(back, f.best[v].leg)
		v = f.best[v].from
	}
	back = append(back, f.best[v].leg)
	slices.Reverse(back)
	return append(slices.Clone(before), back...)
}

// others returns the best ways that leave a way at each of its vertices by an edge by which none of the ways found
// leaves it there (Yen's algorithm).
func (f *finder) others(ctx context.Context, way []leg, found [][]leg) (out [][]leg, err error) {
	for i := range len(way) - 1 {
		if f.searches <= 0 {
			return out, nil
		}
		not := map[uint32]bool{}
		for _, w := range found {
			if len(w) > i+1 && slices.EqualFunc(w[:i+1], way[:i+1], func(a, b leg) bool { return a.to == b.to && a.edge == b.edge }) {
				not[w[i+1].edge] = true
			}
		}
		w, err := f.search(ctx, way[:i], way[i:i+1], not)
		if err != nil {
			return nil, err
		}
		if w != nil {
			out = append(out, w)
		}
		if i == 0 && len(f.starts) > 1 { // a way may also begin with another lane
			rest := slices.DeleteFunc(slices.Clone(f.starts), func(l leg) bool {
				return slices.ContainsFunc(found, func(w []leg) bool { return w[0].to == l.to })
			})
			if w, err = f.search(ctx, nil, rest, nil); err != nil {
				return nil, err
			}
			if w != nil {
				out = append(out, w)
			}
		}
	}
	return out, nil
}

// route returns a way with names.
func (f *finder) route(way []leg) Route {
	r := Route{Hops: make([]Hop, len(way)-1), Arrival: way[len(way)-1].at}
	until := way[len(way)-1].until
	for i := len(way) - 1; i > 0; i-- {
		l := way[i]
		until = min(until, l.until)
		r.Hops[i-1] = Hop{Flow: lineage.Flow{From: f.s.node(l.from), To: f.s.node(l.to)}, At: l.at, Until: until, Seen: l.seen}
	}
	return r
}
