package answer

import (
	"context"

	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
)

// This file says where the count of who has no name may not be all: what a writer without idempotence wrote at once
// with one whose count is at most is in that one's, and nobody can tell.

const whyVeiled = "at least: records of a writer that leaves no trace may be in the count of another writer of the topic, or taken for markers of transactions"

// findVeiled finds the flows of the unidentified that may have written more than they are counted.
func (v *View) findVeiled(ctx context.Context) error {
	v.veiled = nil
	nameless, veils := map[lineage.Topic]lineage.Flow{}, map[lineage.Topic]bool{}
	for i := range v.accesses {
		switch x := &v.accesses[i]; {
		case x.Access.Op != lineage.Write:
		case x.node.Kind == lineage.UnidentifiedNode || x.declared():
			nameless[x.Access.Topic] = x.flow()
		case x.hides():
			veils[x.Access.Topic] = true
		}
	}
	var asked []incarnation
	for t, f := range nameless {
		if of := v.topics[f.To]; of != nil && !veils[t] {
			asked = append(asked, of.subjects...)
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
	for t, f := range nameless {
		if veils[t] {
			if v.veiled == nil {
				v.veiled = map[lineage.Flow]bool{}
			}
			v.veiled[f] = true
		}
	}
	return nil
}

// hides reports whether the records of others may be in what a writer is counted.
func (x *access) hides() bool {
	switch x.counter.evidence {
	case lineage.ProducerState, lineage.Transaction, lineage.Elimination:
		return x.state != graph.Inactive && x.amount.Known && x.amount.Estimated && x.amount.Total > 0
	default:
		return false
	}
}
