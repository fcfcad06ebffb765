package openlineage

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/lineaged/lineaged/internal/runevent"
	"github.com/lineaged/lineaged/lineage"
)

// edge is that a job reads or writes a dataset.
type edge struct {
	op      lineage.Op
	dataset runevent.Name
}

func (a edge) compare(b edge) int {
	return cmp.Or(cmp.Compare(a.op, b.op), cmp.Compare(a.dataset.Namespace, b.dataset.Namespace), cmp.Compare(a.dataset.Name, b.dataset.Name))
}

// runKey tells a run from others. An empty id: what the job is declared to do, without any run.
type runKey struct {
	job runevent.Name
	id  string
}

// run is what the events of one run said. All of it is a greatest or a union of what single events said, so that their
// order does not matter and one that comes twice changes nothing.
type run struct {
	runKey
	edges map[edge]time.Time // when an event named each last
	// Newest times of events: any, one that ended the run, one that said that it moves, one that named all there is.
	// Zero: none came.
	seen, ended, moved, whole time.Time
	last                      runevent.Type // of the newest event that had one
	every                     time.Duration // between two of its events, the longest that it said; 0: not said
	streams, typed            bool
	batch                     bool      // Flink says that it is one, whatever its events say
	streamed                  bool      // it was told of as one that streams
	came                      time.Time // the round of its newest event, or the first after a restart; not kept
	awaits                    time.Time // since when Flink is waited for to say which; not kept over a restart
	integration               string    // the greatest that was said
	engineID                  string    // likewise
	told                      time.Time
	first                     time.Time        // of its events
	began                     bool             // one of them said that it starts
	end                       runevent.Type    // of the newest event that ended it
	runs                      time.Time        // newest time of an event that said that it starts or runs
	stated                    lineage.RunState // as it is listed; 0: it is not
	said                      map[string]said
	ways                      map[runevent.Way]time.Time // when an event told of each last
	explicit                  time.Time                  // of the newest event with the job's own lineage facet
	also                      map[runevent.Name]runevent.Name
	dirty, fresh              bool // to be kept anew; an event came in this round
	byDataset                 bool // what it writes says so, see derived
	renamed                   renamed
	// waiting are those of which it is not known yet which topic is meant, and that an event named which was not told
	// of: the others were. Kept over a restart as if the event came anew.
	waiting map[edge]bool
}

// take takes in what an event says. arrived bounds its time: a clock that is ahead must not keep a run alive.
func (r *run) take(e *runevent.Event, arrived time.Time) {
	at := e.Time
	if at.After(arrived) {
		at = arrived
	}
	at = at.Truncate(time.Millisecond) // as it is kept
	if at.After(r.seen) || at.Equal(r.seen) && e.Type > r.last {
		r.last = e.Type
	}
	r.seen = later(r.seen, at)
	if r.first.IsZero() || at.Before(r.first) {
		r.first = at
	}
	r.began = r.began || e.Kind == runevent.OfRun && e.Type == runevent.Start
	r.takeFacets(&e.Facets, at)
	if e.Type.Ends() {
		if at.After(r.ended) || at.Equal(r.ended) && e.Type > r.end {
			r.end = e.Type
		}
		r.ended = later(r.ended, at)
	}
	if e.Type == runevent.Start || e.Type == runevent.Running {
		r.runs = later(r.runs, at)
	}
	if e.Type.Moves() {
		r.moved = later(r.moved, at)
	}
	if e.Snapshot || e.Kind == runevent.OfJob {
		r.whole = later(r.whole, at)
	}
	r.every = max(r.every, e.Every)
	r.typed, r.streams = r.typed || e.Typed, r.streams || e.Streams
	r.integration, r.engineID = max(r.integration, e.Integration), max(r.engineID, e.EngineID)
	for _, side := range [...]struct {
		op   lineage.Op
		list []runevent.Name
	}{{lineage.Read, e.Reads}, {lineage.Write, e.Writes}} {
		for _, n := range side.list {
			x := edge{side.op, n}
			r.edges[x] = later(r.edges[x], at)
		}
	}
	for _, w := range e.Ways {
		r.ways[w] = later(r.ways[w], at)
	}
	if e.Explicit {
		r.explicit = later(r.explicit, at)
	}
	for _, x := range e.Also {
		if was, there := r.also[x.Name]; !there || x.Is.Compare(was) > 0 {
			r.also[x.Name] = x.Is
		}
	}
	r.dirty, r.fresh = true, true
}

func newRun(key runKey) *run {
	return &run{runKey: key, edges: map[edge]time.Time{}, said: map[string]said{}, ways: map[runevent.Way]time.Time{}, also: map[runevent.Name]runevent.Name{}}
}

// weight is how much of a run is kept, in names.
func (r *run) weight() int { return len(r.edges) + len(r.ways) + len(r.also) }

// is returns the name that a dataset is known by, where an event told another.
func (r *run) is(n runevent.Name) runevent.Name {
	if other, there := r.also[n]; there {
		return other
	}
	return n
}

// named returns what the run ever named, each by the name that it is known by.
func (r *run) named() map[edge]time.Time {
	if len(r.also) == 0 {
		return r.edges
	}
	out := make(map[edge]time.Time, len(r.edges))
	for x, at := range r.edges {
		x.dataset = r.is(x.dataset)
		out[x] = later(out[x], at)
	}
	return out
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// current returns what the run reads and writes, in a fixed order: all that it ever named, but for what an event that
// names all there is left out.
func (r *run) current() []edge {
	named := r.named()
	out := make([]edge, 0, len(named))
	for _, x := range slices.SortedFunc(maps.Keys(named), edge.compare) {
		if !named[x].Before(r.whole) {
			out = append(out, x)
		}
	}
	return out
}

// writes reports whether the run named anything that it writes.
func (r *run) writes() bool {
	for x := range r.edges {
		if x.op == lineage.Write {
			return true
		}
	}
	return false
}

// over is when a run ended, under whatever name its job has; zero: it has not.
func (r *run) over() time.Time {
	if at := r.ownEnd(); !at.IsZero() {
		return at
	}
	return r.renamed.at
}

// how is how a run that is over ended.
func (r *run) how() runevent.Type {
	if r.ownEnd().IsZero() {
		return r.renamed.how
	}
	return cmp.Or(r.end, r.last) // end is not known of what older versions kept
}

// ownEnd is when a run ended by its own word; zero: it did not say so. One that failed goes on where it says so later:
// a connector of Debezium tries again in the same run. A COMPLETE or an ABORT is the last word.
func (r *run) ownEnd() time.Time {
	if r.end == runevent.Fail && r.runs.After(r.ended) {
		return time.Time{}
	}
	return r.ended
}

// goesOn reports whether a run goes on at an instant, as far as it said.
func (r *run) goesOn(now time.Time, ttl time.Duration) bool {
	return r.id != "" && r.over().IsZero() && now.Before(r.seen.Add(r.patience(ttl)))
}

// patience is for how long a run that says nothing goes on.
func (r *run) patience(ttl time.Duration) time.Duration {
	const least = time.Minute
	if r.every > 0 {
		return max(3*r.every, least)
	}
	return ttl
}
