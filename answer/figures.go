package answer

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// This file tells what is watched from outside as numbers: figures of topics and of groups, by name.

// TopicFigure is a number of a topic.
type TopicFigure struct {
	Topic lineage.Node
	Value int64
}

// TopicLevels returns a level of each topic that exists, where it was observed, at the window's end.
func (v *View) TopicLevels(ctx context.Context, m lineage.Metric) ([]TopicFigure, error) {
	ls, err := v.readLevels(ctx)
	if err != nil {
		return nil, err
	}
	var out []TopicFigure
	for _, t := range v.topics {
		if s, ok := t.current(); ok {
			if n := ls.of(s.row, m); n != nil {
				out = append(out, TopicFigure{t.node, *n})
			}
		}
	}
	return out, nil
}

// GroupLag is how far a group is behind on a topic at the window's end; nil: not known. Seconds may be a lower bound.
type GroupLag struct {
	Topic   lineage.Node
	Group   string
	Records *int64
	Seconds *float64
}

// GroupLags returns how far each group is behind on each topic that it reads.
func (v *View) GroupLags(ctx context.Context) ([]GroupLag, error) {
	ls, err := v.readLevels(ctx)
	if err != nil {
		return nil, err
	}
	type reader struct {
		topic lineage.Node
		group string
	}
	readers := map[reader][]int32{}
	for i := range v.accesses {
		x := &v.accesses[i]
		if group := x.Access.Client.Group; x.Access.Op == lineage.Read && group != "" {
			key := reader{x.far, group}
			readers[key] = append(readers[key], int32(i))
		}
	}
	out := make([]GroupLag, 0, len(readers))
	for key, accesses := range readers {
		b := v.behind(ls, accesses)
		out = append(out, GroupLag{key.topic, key.group, b.records, b.seconds})
	}
	return out, nil
}

// CoverageOf returns what the sources of a cluster, named as in lineage.Source, observed of the view's window.
func (v *View) CoverageOf(cluster string) lineage.Coverage {
	return v.inWords(v.held.Coverage(cluster))
}

// Totals adds up what the topics appended since it was first asked. The zero value is ready; it may be asked
// concurrently.
//
// The store tells what a window moved, not totals since ever. A topic whose last tick was not observed is added once
// one is: what a gap hid comes with the first reading after it, and belongs to the whole span since the topic was last
// added. No reading that comes later then begins before where the sum ends, so that nothing counts twice or is left
// out.
type Totals struct {
	mu    sync.Mutex // guards known
	known map[lineage.Topic]appended
}

// appended is what a topic incarnation appended since the first time, known until an instant.
type appended struct {
	topic   lineage.Node
	records float64
	until   time.Time
}

// Add takes in what was appended until the view's end, and returns the totals of the topics that exist.
func (k *Totals) Add(ctx context.Context, v *View) (map[lineage.Node]float64, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := map[lineage.Topic]appended{}
	asked := map[time.Time][]incarnation{} // by where the span begins, of which there are few
	sums := map[lineage.Node]float64{}
	for _, t := range v.topics {
		if t.gone {
			continue
		}
		for _, s := range t.subjects {
			a, known := k.known[s.topic]
			if !known {
				a = appended{topic: t.node, until: v.win.End}
			}
			now[s.topic] = a
			sums[a.topic] += a.records
			if v.win.End.After(a.until) {
				asked[a.until] = append(asked[a.until], s)
			}
		}
	}
	for from, topics := range asked {
		w := lineage.Window{Start: from, End: v.win.End}
		amounts, err := v.amountsOf(ctx, w, lineage.Appended, topics)
		if err != nil {
			return nil, fmt.Errorf("read what was appended: %w", err)
		}
		last := lineage.Window{Start: v.win.End.Add(-v.win.Step), End: v.win.End}
		ends, err := v.amountsOf(ctx, last, lineage.Appended, topics)
		if err != nil {
			return nil, fmt.Errorf("read what was appended last: %w", err)
		}
		for _, s := range topics {
			if m := amounts[s.row]; m.Known && ends[s.row].Known {
				a := now[s.topic]
				a.records += max(0, m.Total)
				a.until = v.win.End
				now[s.topic] = a
				sums[a.topic] += max(0, m.Total)
			}
		}
	}
	k.known = now // topics that are gone leave with this
	return sums, nil
}
