package answer

import (
	"context"

	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
)

// This file says where the count of who has no name may not be all: what a writer without idempotence wrote at once
// with one whose count is at most is in that one's, and nobody can tell.

const whyVeiled = "at least: records of a writer that leaves no trace may be in the count of another writer of the topic, or taken for markers of transactions"

// findVeiled finds the flows of the unidentified that may have written more than they are counted. Most topics have
// nothing that hides anybody, and nothing is kept of these.
func (v *View) findVeiled(ctx context.Context) error {
	veils := map[lineage.Topic]bool{}
	for i := range v.accesses {
		if x := &v.accesses[i]; x.hides() {
			veils[x.Access.Topic] = true
		}
	}
	var asked []incarnation // whose markers are counted
	for i := range v.accesses {
		x := &v.accesses[i]
		if x.topic == nil || !x.nameless() || veils[x.Access.Topic] {
			continue
		}
		for _, s := range x.topic.subjects {
			if _, ok := v.held.Series.Find(s.row, lineage.Markers, lineage.NoEvidence); ok {
				asked = append(asked, s)
			}
		}
	}
	marked, err := v.amountsOf(ctx, v.win.Window, lineage.Markers, asked)
	if err != nil {
		return err
	}
	for _, s := range asked {
		if m := marked[s.row]; m.Total > 0 && m.Estimated {
			veils[s.topic] = true
		}
	}
	v.veiled = nil
	for i := range v.accesses {
		if x := &v.accesses[i]; veils[x.Access.Topic] && x.nameless() {
			if v.veiled == nil {
				v.veiled = map[lineage.Flow]bool{}
			}
			v.veiled[x.flow()] = true
		}
	}
	return nil
}

// nameless reports whether an access is what a topic's unidentified wrote.
func (x *access) nameless() bool {
	return x.Access.Op == lineage.Write && (x.node.Kind == lineage.UnidentifiedNode || x.declared())
}

// hides reports whether the records of others may be in what a writer is counted.
func (x *access) hides() bool {
	if x.Access.Op != lineage.Write || x.nameless() {
		return false
	}
	switch x.counter.evidence {
	case lineage.ProducerState, lineage.Transaction, lineage.Elimination:
		return x.state != graph.Inactive && x.amount.Known && x.amount.Estimated && x.amount.Total > 0
	default:
		return false
	}
}
