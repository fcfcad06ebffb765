package timeseries

import (
	"github.com/lineaged/lineaged/lineage"
)

// subjectOf needs mu. It returns nil for an id that was never given or is gone.
func (e *engine) subjectOf(id lineage.SubjectID) *subject {
	if int(id) >= len(e.subjects) {
		return nil
	}
	if s := e.subjects[id]; s != nil || len(e.dead) == 0 {
		return s
	}
	s, err := e.deadSubject(id)
	if err != nil { // a query that cannot do without has said so, see wake
		e.log.Error("a subject that was put away cannot be read", "error", err)
	}
	return s
}
