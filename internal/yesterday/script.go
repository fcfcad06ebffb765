package yesterday

import (
	"fmt"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// script is what happened, as totals at each round.
type script struct {
	start, end time.Time
	rounds     []time.Time // of the sources, but those in the outage; each minute, and the end
	clusters   []Cluster
	topics     map[string]lineage.TopicFact // by CLUSTER/NAME
	counts     []*count
	groups     []*group

	outage, standstill, night lineage.Window
	renamed, created          time.Time
}

// count is one counter, with its total at the end of each minute.
type count struct {
	source   lineage.Source
	access   lineage.Access
	metric   lineage.Metric
	evidence lineage.EvidenceKind
	from     time.Time // it is not told before
	total    totals
	flow     string // the flow that it is a count of; empty: of none
	why      string // it is a bound; empty: it is exact

	ends totals // of a reader: what it reads, from which its lag follows
	base int64  // of a reader: where it began
	live func(time.Time) bool
	to   time.Time // of a reader whose group is gone from then on; zero: none is
}

// totals are a total at the day's start and at the end of each minute of it; within a minute it grows evenly.
type totals struct {
	start time.Time
	n     []int64
}

func (t totals) at(x time.Time) int64 {
	d := x.Sub(t.start)
	switch i := int(d / cadence); {
	case d <= 0 || len(t.n) == 0:
		return 0
	case i >= len(t.n)-1:
		return t.n[len(t.n)-1]
	default:
		return t.n[i] + (t.n[i+1]-t.n[i])*int64(d%cadence)/int64(cadence)
	}
}

func (c *count) at(x time.Time) int64 {
	if x.Before(c.from) {
		return 0
	}
	return c.total.at(x)
}

// group is a consumer group, and when it was there.
type group struct {
	fact     lineage.GroupFact
	from, to time.Time
}

// What happens when, before the end.
const (
	outageAgo     = 9 * time.Hour
	outageFor     = 15 * time.Minute
	renamedAgo    = 6 * time.Hour
	createdAgo    = 5 * time.Hour
	standstillAgo = 3 * time.Hour
	standstillFor = 20 * time.Minute
	catchUpFor    = 10 * time.Minute
	nightHour     = 2 // UTC
	nightFor      = 25 * time.Minute
)

// hours is how busy the shop is at each full hour, UTC, in percent of what the demo then shows.
var hours = [24]float64{48, 36, 28, 24, 22, 24, 34, 50, 70, 84, 92, 98, 104, 100, 96, 94, 96, 102, 112, 118, 114, 98, 78, 60}

// more is how long after the end the script goes on: as long as it may take to write the day.
const more = 10 * time.Minute

// until are the rounds after the end.
func (s *script) until(now time.Time) (rounds []time.Time) {
	now = now.UTC().Truncate(time.Second)
	for at := s.end.Truncate(cadence).Add(cadence); at.Before(now); at = at.Add(cadence) {
		rounds = append(rounds, at)
	}
	if now.After(s.end) {
		rounds = append(rounds, now)
	}
	return rounds
}

// evenFor is how long before the end it is as busy as the demo.
const evenFor = 20 * time.Minute

// busy is how busy the shop is at an instant, 1 as in the demo.
func (s *script) busy(at time.Time) float64 {
	h, part := at.Hour(), float64(at.Minute())/60
	usual := (hours[h]*(1-part) + hours[(h+1)%24]*part) / 100
	left := s.end.Sub(at)
	switch {
	case left <= evenFor:
		return 1
	case left < 3*evenFor:
		part := float64(left-evenFor) / float64(2*evenFor)
		return usual*part + (1 - part)
	}
	return usual
}

// grows is a total that grows by so many a second when the shop is as busy as in the demo.
func (s *script) grows(perSecond float64) totals {
	return s.waves(perSecond, 1)
}

// swells is how the waves of who comes and goes follow each other, by minutes. In the mean they are 1.
var swells = []float64{1.3, 0.8, 1.1, 0.6, 1.4, 0.9, 0.7, 1.2}

// waves is as grows, in waves.
func (s *script) waves(perSecond float64, swells ...float64) totals {
	t, sum := totals{s.start, []int64{0}}, 0.0
	for at := s.start; at.Before(s.end.Add(more)); at = at.Add(cadence) {
		minute := int(at.Unix() / int64(cadence.Seconds()))
		sum += perSecond * cadence.Seconds() * s.busy(at) * swells[minute%len(swells)]
		t.n = append(t.n, int64(sum))
	}
	return t
}

// of is a total made of others.
func (s *script) of(f func(n ...int64) int64, all ...totals) totals {
	t := totals{start: s.start}
	for i := range all[0].n {
		var n []int64
		for _, x := range all {
			n = append(n, x.n[i])
		}
		t.n = append(t.n, f(n...))
	}
	return t
}

func sum(n ...int64) (all int64) {
	for _, x := range n {
		all += x
	}
	return all
}

// each is one of so many.
func each(many int64) func(n ...int64) int64 {
	return func(n ...int64) int64 { return sum(n...) / many }
}

// since is a total counted from an instant on.
func (s *script) since(t totals, at time.Time) totals {
	base := t.at(at)
	return s.of(func(n ...int64) int64 { return max(n[0]-base, 0) }, t)
}

// held is a total that stands still in a window, and catches up after it.
func (s *script) held(t totals, w lineage.Window, catchUp time.Duration) totals {
	out, stood := totals{start: s.start}, t.at(w.Start)
	for i, n := range t.n {
		at := s.start.Add(time.Duration(i) * cadence)
		switch late := at.Sub(w.End); {
		case at.Before(w.Start):
		case late <= 0:
			n = stood
		case late < catchUp:
			n = stood + (n-stood)*int64(late)/int64(catchUp)
		}
		out.n = append(out.n, n)
	}
	return out
}

// within is a total that is caught up with in a window only.
func (s *script) within(t totals, w lineage.Window) totals {
	until := lineage.Window{Start: s.start, End: w.Start}
	out := s.held(t, until, w.Duration())
	stood := t.at(w.End)
	for i := range out.n {
		if at := s.start.Add(time.Duration(i) * cadence); at.After(w.End) {
			out.n[i] = stood
		}
	}
	return out
}

// nightOf is when the nightly job ran: at two, or later where a night is just going on, or was not watched, or
// something else happened in it.
func (s *script) nightOf(end time.Time) lineage.Window {
	for hour := nightHour; ; hour += 3 {
		at := time.Date(end.Year(), end.Month(), end.Day(), hour, 0, 0, 0, time.UTC)
		for at.Add(nightFor + evenFor).After(end) {
			at = at.AddDate(0, 0, -1)
		}
		around := lineage.Window{Start: at.Add(-evenFor), End: at.Add(nightFor + evenFor)}
		apart := func(w lineage.Window) bool { return around.Overlap(w).Empty() }
		if around.Start.After(s.start) && apart(s.outage) && apart(s.standstill) && apart(lineage.Window{Start: s.renamed, End: s.created}) {
			return lineage.Window{Start: at, End: at.Add(nightFor)}
		}
	}
}

func newScript(clusters []Cluster, end time.Time) (*script, error) {
	s := &script{end: end, clusters: clusters, topics: map[string]lineage.TopicFact{}}
	s.start = end.Add(-Length).Truncate(cadence)
	before := func(d time.Duration) time.Time { return end.Add(-d).Truncate(cadence) }
	span := func(from time.Time, d time.Duration) lineage.Window {
		return lineage.Window{Start: from, End: from.Add(d)}
	}
	s.outage = span(before(outageAgo), outageFor)
	s.standstill = span(before(standstillAgo), standstillFor)
	s.renamed, s.created = before(renamedAgo), before(createdAgo)
	s.night = s.nightOf(end)
	for at := s.start.Add(cadence); at.Before(end); at = at.Add(cadence) {
		if !at.After(s.outage.Start) || !at.Before(s.outage.End) {
			s.rounds = append(s.rounds, at)
		}
	}
	s.rounds = append(s.rounds, end)
	for _, c := range clusters {
		for _, t := range c.Topics {
			s.topics[c.Name+"/"+t.Topic.Name] = t
		}
	}
	if err := s.shop(); err != nil {
		return nil, fmt.Errorf("the demo's past: %w", err)
	}
	return s, nil
}
