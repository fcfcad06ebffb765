package openlineage

import (
	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/lineage"
)

// This file says whether a run streams. Its events do, and where Flink knows the run, Flink, which may have decided
// otherwise: see docs/adr/0072-flinks-word-on-batch.md.

// streams reports whether a run is one that streams, as far as that is known yet.
func (s *source) streams(r *run) bool {
	if !r.streams || r.batch {
		return false
	}
	if is, _ := s.cfg.Board.RunMode(r.engineID); is == collector.BatchRun {
		r.batch, r.dirty = true, true
		return false
	}
	return !s.modeless(r)
}

// modeless reports whether a run says that it streams, and Flink may yet say otherwise.
func (s *source) modeless(r *run) bool {
	if !r.streams || r.batch || r.streamed {
		return false
	}
	if _, awaited := s.cfg.Board.RunMode(r.engineID); !awaited {
		return false
	}
	if r.awaits.IsZero() {
		r.awaits = s.round
	}
	return s.round.Sub(r.awaits) < appearsWithin*s.cfg.Interval
}

// hold keeps what a run says until it is known whether it streams. What went on before goes on.
func (s *source) hold(j *job, r *run, goesOn bool, waited map[edge]bool, open map[lineage.Access]bool) {
	for _, x := range r.current() {
		r.waiting[x] = r.fresh || waited[x]
		if a, known := s.access(j, x); known && goesOn && s.open[a] {
			open[a] = true
		}
	}
	r.fresh, r.dirty = false, true
}
