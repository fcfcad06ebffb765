package answer

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
	"unsafe"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

const (
	// MostBuckets is the most buckets of a timeline, of which there are two at least: one for each three or four pixels
	// of a wide page.
	MostBuckets = 400
	// mostTimelinePoints bounds the stored points that a timeline is summed from, whatever the estate: a thousand
	// topics in 400 buckets, some tenths of a second. See ADR 32.
	mostTimelinePoints = 400_000
)

// TimelineAsk says what a timeline is of, and how finely.
type TimelineAsk struct {
	// Roots are the nodes of whose movement and events it is; none: of all.
	Roots []lineage.Node
	// Cluster is an id or a name; empty: all.
	Cluster string
	Buckets int // at most
	// Small is one of several beside each other: it is summed from a tenth of the points.
	Small bool
}

// Timeline is what happened over a time, bucket by bucket. It is shared: callers only read it.
type Timeline struct {
	View    *View
	Width   time.Duration // of a bucket; the last may be cut at the window's end
	Buckets []Bucket
	// Nodes are those whose movement is summed up, LeftOut those which moved less than they and are not in it.
	Nodes, LeftOut int
	// Detail says of how many nodes it is a bound or an estimate what moved, of one alone also which; empty: of none.
	Detail string
	// Scope is the clusters that it is of; none: all.
	Scope []lineage.ClusterID
}

// Bucket is one step of a timeline.
type Bucket struct {
	Start time.Time
	// Rate is of records a second; nil: none of it was observed, or there is nobody who could have moved.
	Rate *float64
	// AtLeast: more may have moved, see Point.
	AtLeast  bool
	Observed float64 // how much of it was observed, of 1
	Events   []EventCount
}

// EventCount is how many events there were of a type.
type EventCount struct {
	Type  lineage.EventType
	Count int
}

// Timeline answers what happened over a time. Its buckets begin at multiples of their width, so that they stay the same
// while the window moves on, and the window is widened to the first.
func (a *Answers) Timeline(ctx context.Context, in Span, ask TimelineAsk, lens Lens) (*Timeline, error) {
	if ask.Buckets < 2 || ask.Buckets > MostBuckets {
		return nil, senseless("timeline: buckets must be 2 to %d", MostBuckets)
	}
	ask.Roots = distinct(slices.Clone(ask.Roots))
	now, err := a.history.State(ctx)
	if err != nil {
		return nil, fmt.Errorf("read how far the store is: %w", err)
	}
	win, err := resolve(in, now, a.clock, togetherOf(ctx))
	if err != nil {
		return nil, err
	}
	width := widthOf(win, ask.Buckets)
	start := win.Start.Truncate(width)
	if win.End.Sub(start) > longestWindow {
		start = win.Start
	}
	v, err := a.View(ctx, Between(start, win.End), lens)
	if err != nil {
		return nil, err
	}
	if v.win.Step > win.Step { // widened, it begins where the past is held coarser
		width = widthOf(v.win, ask.Buckets)
	}
	return v.timelines.at(timelineKey{keyOf(ask), width}).get(ctx, func(ctx context.Context) (*Timeline, error) { return v.timeline(ctx, ask, width) })
}

// niceWidths are those of a timeline's buckets, of which each day is a multiple.
var niceWidths = [...]time.Duration{
	time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second, 30 * time.Second,
	time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour,
}

// widthOf returns the least width by which a window has no more than so many buckets, once it is widened to the first
// of them: a multiple of its step.
func widthOf(w lineage.Resolved, buckets int) time.Duration {
	fits := func(width time.Duration) bool {
		return width%w.Step == 0 && (w.End.Sub(w.Start.Truncate(width))+width-1)/width <= time.Duration(buckets)
	}
	for _, width := range niceWidths {
		if fits(width) {
			return width
		}
	}
	// Widened to whole days it is less than one bucket longer.
	const day = 24 * time.Hour
	days := (w.Duration() + day - 1) / day
	return time.Duration((int64(days)+int64(buckets)-2)/int64(buckets-1)) * day
}

// timelineKey names a timeline of a view.
type timelineKey struct {
	of    string
	width time.Duration
}

func keyOf(ask TimelineAsk) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%q %t", ask.Cluster, ask.Small)
	for _, n := range ask.Roots {
		fmt.Fprintf(&b, " %q", n.ID())
	}
	return b.String()
}

// timelines are those of a view, each made by who asks first.
type timelines struct {
	mu sync.Mutex // guards the field below
	by map[timelineKey]*once[*Timeline]
}

// mostTimelines bounds those that a view keeps.
const mostTimelines = 32

func (t *timelines) at(key timelineKey) *once[*Timeline] {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.by == nil || len(t.by) >= mostTimelines && t.by[key] == nil {
		t.by = map[timelineKey]*once[*Timeline]{}
	}
	if t.by[key] == nil {
		t.by[key] = &once[*Timeline]{}
	}
	return t.by[key]
}

// weight estimates the bytes that they hold.
func (t *timelines) weight() (bytes int64) {
	const (
		perKey    = 500 // with what it is kept in
		perBucket = int64(unsafe.Sizeof(Bucket{})) + 8
		perEvents = int64(unsafe.Sizeof(EventCount{}))
	)
	t.mu.Lock()
	defer t.mu.Unlock()
	for key, o := range t.by {
		bytes += perKey + int64(len(key.of))
		if is, ok := o.loaded(); ok {
			for i := range is.Buckets {
				bytes += perBucket + int64(cap(is.Buckets[i].Events))*perEvents
			}
		}
	}
	return bytes
}

func (v *View) timeline(ctx context.Context, ask TimelineAsk, width time.Duration) (*Timeline, error) {
	t := &Timeline{View: v, Width: width, Buckets: make([]Bucket, (v.win.Duration()+width-1)/width)}
	for i := range t.Buckets {
		t.Buckets[i].Start = v.win.Start.Add(time.Duration(i) * width)
	}
	reached, err := t.takeScope(ask)
	if err != nil || !reached {
		return t, err
	}
	roots := slices.DeleteFunc(slices.Clone(ask.Roots), func(n lineage.Node) bool {
		return !v.Has(n) || ask.Cluster != "" && !t.inScope(v.ClustersOf(n)...)
	})
	if len(ask.Roots) == 0 || len(roots) > 0 {
		most := mostTimelinePoints
		if ask.Small {
			most /= 10
		}
		if err := t.takeRates(ctx, roots, most); err != nil {
			return nil, err
		}
		if err := t.takeEvents(ctx, roots); err != nil {
			return nil, err
		}
	}
	return t, t.takeCoverage(ctx)
}

// takeScope finds the clusters that the timeline is of: the one that is named, or those of the roots. Where one of
// these is not known it is of all. Of one that was never reached nothing is known.
func (t *Timeline) takeScope(ask TimelineAsk) (reached bool, err error) {
	if ask.Cluster != "" {
		c, err := t.View.FindCluster(ask.Cluster)
		if err != nil {
			return false, err
		}
		t.Scope = c.Scope()
		return len(t.Scope) > 0, nil
	}
	for _, n := range ask.Roots {
		of := t.View.ClustersOf(n)
		if len(of) == 0 {
			t.Scope = nil
			return true, nil
		}
		t.Scope = append(t.Scope, of...)
	}
	slices.Sort(t.Scope)
	t.Scope = slices.Compact(t.Scope)
	return true, nil
}

// inScope reports whether one of some clusters is of the scope.
func (t *Timeline) inScope(of ...lineage.ClusterID) bool {
	return slices.ContainsFunc(of, func(id lineage.ClusterID) bool { return slices.Contains(t.Scope, id) })
}

// takeRates sums up what the roots moved, or what went into topics, from so many points at most.
func (t *Timeline) takeRates(ctx context.Context, roots []lineage.Node, most int) error {
	v := t.View
	written, err := v.written(ctx)
	if err != nil {
		return err
	}
	type mover struct {
		node lineage.Node
		parts
		moved float64
	}
	var all []mover
	gone := leaving(ctx)
	take := func(n lineage.Node) {
		m := mover{node: n, parts: nodeParts(v, n, RecordRate)}
		if len(m.list) == 0 {
			return
		}
		for i := range m.list {
			if q := &m.list[i]; q.of != nil {
				m.moved += q.of.amount.Total
			} else {
				m.moved += written[q.metric][q.row].Total * q.factor
			}
		}
		all = append(all, m)
	}
	for _, n := range roots {
		take(n)
	}
	if len(roots) == 0 {
		for n, x := range v.topics {
			if gone() {
				return ctx.Err()
			}
			if !x.internal && (len(t.Scope) == 0 || slices.Contains(t.Scope, x.cluster)) {
				take(n)
			}
		}
	}
	slices.SortFunc(all, func(a, b mover) int {
		return cmp.Or(-cmp.Compare(a.moved, b.moved), strings.Compare(a.node.ID(), b.node.ID()))
	})
	points := make([]Point, len(t.Buckets))
	for i := range points {
		points[i].At = t.Buckets[i].Start
	}
	var load loading
	into := target{points: points, unknown: make([]bool, len(points)), parts: parts{divisor: 1}, step: t.Width}
	bound := 0
	for i := range all {
		if len(load.keys)+len(all[i].list) > max(most/len(points), len(all[0].list)) {
			t.LeftOut = len(all) - i
			break
		}
		t.Nodes++
		if why := v.Bound(all[i].node, RecordRate); why != "" {
			bound, t.Detail = bound+1, why
		}
		all[i].lack(points, t.Width)
		for _, q := range all[i].list {
			into.part = q
			into.part.unseen = v.unseen[q.topic]
			load.add(q.stored, into)
		}
	}
	key := seriesKey{window: v.win, step: t.Width}
	if err := load.run(ctx, v, key, max(1, pointsPerCall/len(points))); err != nil {
		return err
	}
	if t.Nodes > 1 && bound > 0 {
		t.Detail = fmt.Sprintf("estimated: bounds or estimates are among what it sums up, of %d of %d nodes", bound, t.Nodes)
	}
	leastOf(points)
	for i, p := range points {
		t.Buckets[i].Rate, t.Buckets[i].AtLeast = p.Value, p.AtLeast
	}
	return nil
}

// takeEvents counts the events of the roots, or of the scope, by bucket and type.
func (t *Timeline) takeEvents(ctx context.Context, roots []lineage.Node) error {
	v := t.View
	all, err := v.EventsOf(ctx, roots)
	if err != nil {
		return err
	}
	sources := v.scopeOf(t.Scope).sources
	counts := make([]map[lineage.EventType]int, len(t.Buckets))
	for i := range all {
		e := &all[i]
		if len(roots) == 0 && !t.within(e, sources) {
			continue
		}
		at := int((e.At.Sub(v.win.Start) - 1) / t.Width) // at a border: of what is before it
		if e.At.Sub(v.win.Start) <= 0 || at >= len(counts) {
			continue
		}
		if counts[at] == nil {
			counts[at] = map[lineage.EventType]int{}
		}
		counts[at][e.Type]++
	}
	for i, of := range counts {
		for _, typ := range slices.Sorted(maps.Keys(of)) {
			t.Buckets[i].Events = append(t.Buckets[i].Events, EventCount{typ, of[typ]})
		}
	}
	return nil
}

// within reports whether an event is of the scope. What names neither a cluster nor one of its sources is of any.
func (t *Timeline) within(e *Event, sources []string) bool {
	if len(t.Scope) == 0 {
		return true
	}
	is := &e.event
	if id := cmp.Or(is.Access.Topic.Cluster, is.Topic.Cluster, is.Group.Cluster); id != "" {
		return t.inScope(id)
	}
	switch {
	case e.Flow != nil:
		return t.inScope(t.View.ClustersOf(e.Flow.From)...) || t.inScope(t.View.ClustersOf(e.Flow.To)...)
	case e.Type == lineage.SourceLost || e.Type == lineage.SourceRecovered:
		return slices.ContainsFunc(sources, func(s string) bool { return strings.HasPrefix(is.Detail, s+"/") })
	default:
		return true
	}
}

// takeCoverage says how much of each bucket was observed. Only of those that a gap touches the store is asked.
func (t *Timeline) takeCoverage(ctx context.Context) error {
	v := t.View
	of := v.scopeOf(t.Scope)
	gaps := v.Coverage(t.Scope...).Gaps
	slices.SortFunc(gaps, func(a, b lineage.Gap) int { return a.Window.Start.Compare(b.Window.Start) })
	nobody := len(of.sources) == 0 && len(t.Scope) > 0 || len(v.held.Sources) == 0
	now := present(v.state, v.a.clock())
	reach := time.Time{} // how far the gaps reach that begin before a bucket ends
	for i := range t.Buckets {
		b := &t.Buckets[i]
		w := lineage.Window{Start: b.Start, End: b.Start.Add(t.Width)}
		if w.End.After(v.win.End) {
			w.End = v.win.End
		}
		for len(gaps) > 0 && gaps[0].Window.Start.Before(w.End) {
			if gaps[0].Window.End.After(reach) {
				reach = gaps[0].Window.End
			}
			gaps = gaps[1:]
		}
		switch {
		case nobody || !w.End.After(v.HeldSince()) || v.HeldSince().IsZero() || !w.Start.Before(now):
			continue
		case !reach.After(w.Start):
			b.Observed = of.share
			continue
		}
		held, err := v.a.history.Window(ctx, store.Ask{Window: w, Until: v.until, Coverage: true})
		if err != nil {
			return fmt.Errorf("read coverage: %w", err)
		}
		b.Observed = held.Coverage(of.sources...).ObservedFraction * of.share
	}
	return nil
}
