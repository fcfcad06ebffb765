package collector

import (
	"slices"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// firstLook is why nothing is known of the tick of a source's first round.
const firstLook = "the first look at it: what moved before is not known"

// claim cuts what each observation covers to the time in which somebody looked, and returns the newest round of each
// source. A slow source looks once in its interval, and says of all of it what it saw. But before its first round, and
// where none was held for longer than that, nobody looked: there it covers the tick only. What a counter advanced
// reaches as far back as it did. The first round that there ever is of a source saw what stands, and of its tick not
// what moved.
func (r *runner) claim(obs []lineage.Observation) map[lineage.Source]time.Time {
	newest := map[lineage.Source]time.Time{}
	for i := range obs {
		o := &obs[i]
		last, ok := newest[o.Source]
		if !ok {
			last, ok = r.held(o.Source)
		}
		newest[o.Source] = o.Round
		if _, knows := r.sink.(Held); knows && !ok && !failed(o) {
			MissAll(o, firstLook)
		}
		covers := o.Interval
		switch d := o.Round.Sub(last); {
		case !ok || d >= 2*o.Interval: // a round that is late by less was under way
			covers = r.interval
		case failed(o) && r.stored[o.Source].IsZero(): // its reason is none for the time before the start
			covers = r.interval
		case d < o.Interval && d > 0: // as after a failure, which the round before has said
			covers = d
		}
		if covers >= o.Interval {
			continue
		}
		since := o.Round.Add(-o.Interval)
		for j := range o.Samples {
			if s := &o.Samples[j]; s.Since.IsZero() && s.Metric.Counter() {
				s.Since = since
			}
		}
		o.Interval = covers
	}
	return newest
}

// held returns the newest round of a source that is stored, as far as the sink or this process knows.
func (r *runner) held(source lineage.Source) (newest time.Time, ok bool) {
	newest = r.stored[source]
	if h, knows := r.sink.(Held); knows && newest.IsZero() {
		newest = h.Newest(source)
	}
	return newest, !newest.IsZero()
}

// failed reports whether an observation saw nothing.
func failed(o *lineage.Observation) bool {
	return slices.ContainsFunc(o.Missing, func(m lineage.Missing) bool { return m.All })
}
