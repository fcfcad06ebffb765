package telemetry

import (
	"cmp"
	"slices"
	"time"
)

// This file counts what one client told of one topic: deltas, each once, in whatever order they come, and totals since
// the client's start.

const (
	// maxSpans is how many deltas are remembered, to know one that comes again. Who forwards again does so soon.
	maxSpans = 8
	// slack is how much later a delta may begin than the one before has ended, in nanoseconds: clients read their
	// metrics one after the other.
	slack = int64(time.Second)
	// longest is the longest time that one count is taken to be of: clients push every 5 min where nothing is said.
	longest = time.Hour
	// likely is how far a client's clock may be behind, or a forwarder late, for the client's own times to be believed.
	// They only ever make a span longer.
	likely = 2 * time.Minute
)

const (
	whyLost  = "at least: a push did not arrive"
	whyFirst = "at least: its first push says since when it counts, and not that nothing was read before"
)

// series is the count of one topic by one client.
type series struct {
	total int64
	at    int64 // end of the newest count, by the client's clock
	// of deltas
	spans []span // by end, the oldest first
	floor int64  // end of the newest that is forgotten
	// of totals
	based       bool
	value, from int64 // as last told, and since when, by the client's clock

	// Since it was last told:
	told  int64     // the total then, -1 never
	since time.Time // when what came since can have moved at the earliest; zero: nothing has come
	lost  bool      // some of it did not arrive
	first bool      // it is of a reader's first push

	came time.Time // when something arrived last
	ripe int64     // the total as of the round before
}

// span is the time of a delta, by the client's clock.
type span struct{ start, end int64 }

// take takes in a count that arrived, of a source that has listened since began. It reports whether it was new.
func (s *series) take(p point, arrived, began time.Time) bool {
	before := s.at
	count := s.sum
	if p.delta {
		count = s.delta
	}
	n, lost, fresh := count(p, arrived, began)
	if !fresh {
		s.lost = s.lost || lost
		return false
	}
	start := p.start
	if start == 0 || !p.delta && start < before {
		start = before
	}
	if start == 0 || start > p.end {
		start = p.end
	}
	if n > 0 {
		if since := sinceOf(start, p.end, arrived); s.since.IsZero() || since.Before(s.since) {
			s.since = since
		}
	}
	if n > 0 {
		s.came = arrived
	}
	s.total += n
	s.lost = s.lost || lost
	s.at = max(s.at, p.end)
	return true
}

// delta returns what a delta adds.
func (s *series) delta(p point, _, _ time.Time) (n int64, lost, fresh bool) {
	x := span{p.start, p.end}
	if slices.Contains(s.spans, x) {
		return 0, false, false
	}
	if p.end <= s.floor { // it may have been counted, and may not
		return 0, true, false
	}
	if newest := len(s.spans) - 1; newest >= 0 && x.start > s.spans[newest].end+slack {
		lost = true
	}
	i, _ := slices.BinarySearchFunc(s.spans, x, func(a, b span) int { return cmp.Or(cmp.Compare(a.end, b.end), cmp.Compare(a.start, b.start)) })
	s.spans = slices.Insert(s.spans, i, x)
	if len(s.spans) > maxSpans {
		s.floor = s.spans[0].end
		s.spans = s.spans[1:]
	}
	return p.value, lost, true
}

// sum returns what a total since the client's start adds. The first counts where the client began while we listened.
func (s *series) sum(p point, arrived, began time.Time) (n int64, lost, fresh bool) {
	if s.based && p.end <= s.at {
		return 0, false, false
	}
	switch {
	case !s.based:
		if p.start != 0 && !arrived.Add(-time.Duration(p.end-p.start)).Before(began) {
			n = p.value
		}
	case p.start != s.from && p.start > s.at-slack: // it has begun anew
		n = p.value
	case p.value < s.value: // so it has, and does not say when: before that it may have counted more
		n, lost = p.value, true
	default:
		n = p.value - s.value
	}
	s.based, s.value, s.from = true, p.value, p.start
	return n, lost, true
}

// sinceOf returns since when what was counted in (start, end] of a client's clock can have moved: as long before it
// arrived, and longer where the client's clock says so and can be believed.
func sinceOf(start, end int64, arrived time.Time) time.Time {
	since := arrived.Add(-min(time.Duration(end-start), longest))
	if own := time.Unix(0, start); own.Before(since) && !own.Before(since.Add(-likely)) {
		since = own
	}
	return since.UTC()
}
