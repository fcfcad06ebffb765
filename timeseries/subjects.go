package timeseries

import (
	"github.com/lineaged/lineaged/lineage"
)

// subjectOf needs mu. It returns nil for an id that was never given or is gone.
func (e *engine) subjectOf(id lineage.SubjectID) *subject {
	if int(id) >= len(e.subjects) {
		return nil
	}
	return e.subjects[id]
}
