package timeseries

import (
	"sort"

	"github.com/lineaged/lineaged/lineage"
)

// subjectOf needs mu. It returns nil for an id that was never given or is gone.
func (e *engine) subjectOf(id lineage.SubjectID) *subject {
	if int(id) >= len(e.subjects) {
		return nil
	}
	return e.subjects[id]
}

// Subject implements Store.
func (e *engine) Subject(id lineage.SubjectID) (lineage.Subject, bool) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	s := e.subjectOf(id)
	if s == nil || e.closed {
		return lineage.Subject{}, false
	}
	return e.subjectValue(s), true
}

func (e *engine) subjectValue(s *subject) lineage.Subject {
	return lineage.Subject{ID: s.id, Access: s.entry.access, FirstSeen: e.at(s.first)}
}

// Lookup implements Store.
func (e *engine) Lookup(a lineage.Access) (lineage.SubjectID, bool) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	x := e.entries[a]
	if x == nil || x.subject == nil || e.closed {
		return 0, false
	}
	return x.subject.id, true
}

// Subjects implements Store. It walks the dictionary as it is when the walk begins.
func (e *engine) Subjects() lineage.Subjects {
	return func(yield func(lineage.Subject) bool) {
		e.mu.RLock()
		all := make([]lineage.Subject, 0, e.live)
		for _, s := range e.subjects {
			if s != nil && !e.closed {
				all = append(all, e.subjectValue(s))
			}
		}
		e.mu.RUnlock()
		for _, s := range all {
			if !yield(s) {
				return
			}
		}
	}
}

// Keys implements Store. They are sorted by subject as given, metric and evidence.
func (e *engine) Keys(ids []lineage.SubjectID) []lineage.SeriesKey {
	e.mu.RLock()
	defer e.mu.RUnlock()
	var out []lineage.SeriesKey
	for _, id := range ids {
		s := e.subjectOf(id)
		if s == nil || e.closed {
			continue
		}
		n := len(out)
		for _, x := range s.series {
			if x.key.Metric < lineage.Metrics && x.key.Evidence < lineage.EvidenceKinds { // the others are kept for who knows them
				out = append(out, x.key)
			}
		}
		sort.Slice(out[n:], func(i, j int) bool {
			a, b := out[n+i], out[n+j]
			return a.Metric < b.Metric || a.Metric == b.Metric && a.Evidence < b.Evidence
		})
	}
	return out
}
