package answer

import (
	"context"
	"fmt"
	"slices"

	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
)

// This file says where the count of who has no name may not be all: what a writer without idempotence wrote at once
// with one whose count is at most is in that one's, and nobody can tell.

const whyVeiled = "at least: records of a writer that leaves no trace may be in the count of another writer of the topic, or taken for markers of transactions"

// findVeiled finds the flows of the unidentified that may have written more than they are counted; that they rest is
// not known. Most topics have nothing that hides anybody, and nothing is kept of these.
func (v *View) findVeiled(ctx context.Context) error {
	veils, err := v.findVeils(ctx)
	if err != nil {
		return err
	}
	v.veiled = nil
	for i := range v.accesses {
		x := &v.accesses[i]
		if !veils[x.Access.Topic] || !x.nameless() {
			continue
		}
		if v.veiled == nil {
			v.veiled = map[lineage.Flow]bool{}
		}
		v.veiled[x.flow()] = true
		if x.state == graph.Inactive {
			x.state = graph.Unknown
		}
	}
	return nil
}

// findVeils finds the topics in which somebody who has no name may have written more than is left for him. Where
// headers of all batches were counted nobody can hide.
func (v *View) findVeils(ctx context.Context) (map[lineage.Topic]bool, error) {
	hiding := map[lineage.Topic]bool{} // whether anybody there has no name
	for i := range v.accesses {
		if x := &v.accesses[i]; x.hides() {
			hiding[x.Access.Topic] = false
		}
	}
	var asked []incarnation
	for i := range v.accesses {
		x := &v.accesses[i]
		if !x.nameless() || x.topic == nil {
			continue
		}
		_, hidden := hiding[x.Access.Topic]
		for _, s := range x.topic.subjects {
			if _, marked := v.held.Series.Find(s.row, lineage.Markers, lineage.NoEvidence); hidden || marked {
				asked = append(asked, s)
			}
		}
		if hidden {
			hiding[x.Access.Topic] = true
		}
	}
	veils, err := v.haveMost(ctx, hiding)
	if err != nil || asked == nil {
		return veils, err
	}
	written, err := v.writtenTo(ctx, asked)
	if err != nil {
		return nil, err
	}
	for _, s := range asked {
		if m := written.by[lineage.Markers][s.row]; m.Total > 0 && m.Estimated {
			veils[s.topic] = true
		}
	}
	for _, s := range asked {
		if written.settled[s.row] {
			delete(veils, s.topic)
		}
	}
	return veils, nil
}

// haveMost returns those of the topics where it is wanted in which a writer's count may hold more than it wrote. Of one
// whose count is at least, it is the other way round: some of its records are left for nobody.
func (v *View) haveMost(ctx context.Context, wanted map[lineage.Topic]bool) (map[lineage.Topic]bool, error) {
	out := map[lineage.Topic]bool{}
	var rows []int32
	var of []*access
	for i := range v.accesses {
		if x := &v.accesses[i]; wanted[x.Access.Topic] && x.hides() {
			rows, of = append(rows, x.row), append(of, x)
		}
	}
	if rows == nil {
		return out, nil
	}
	found, err := v.held.Evidence(ctx, v.win.Window, rows)
	if err != nil {
		return nil, fmt.Errorf("read evidence: %w", err)
	}
	for i, x := range of {
		least := slices.ContainsFunc(found[i], func(e lineage.Evidence) bool {
			return e.Kind == x.counter.evidence && lineage.BoundsOf(e.Detail) == lineage.Bounds{Least: true}
		})
		out[x.Access.Topic] = out[x.Access.Topic] || !least
	}
	return out, nil
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
