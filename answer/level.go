package answer

import (
	"context"
	"fmt"
	"slices"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// levels are the gauges at the window's end.
type levels struct {
	series *store.Series
	at     []lineage.Level // by series; those that were not asked for are not OK
}

// of returns a level of a row, or nil when it was not observed.
func (l *levels) of(row int32, m lineage.Metric) *int64 {
	if i, ok := l.series.Find(row, m, lineage.NoEvidence); ok && l.at[i].OK {
		n := l.at[i].Value
		return &n
	}
	return nil
}

// recordSize returns the mean size of a topic's records on disk, in bytes; ok is false when it is not known.
func (l *levels) recordSize(row int32) (bytes float64, ok bool) {
	size, records := l.of(row, lineage.LogBytes), l.of(row, lineage.Retained)
	if size == nil || records == nil || *records <= 0 {
		return 0, false
	}
	return float64(*size) / float64(*records), true
}

// readLevels loads all gauges of the view in one call: any answer that shows lag or bytes needs most of them.
func (v *View) readLevels(ctx context.Context) (*levels, error) {
	return v.levels.get(ctx, func(ctx context.Context) (*levels, error) {
		var asked []int32
		add := func(row int32, metrics ...lineage.Metric) {
			for i, end := v.held.Series.Of(row); i < end; i++ {
				if slices.Contains(metrics, v.held.Series.Metric[i]) {
					asked = append(asked, i)
				}
			}
		}
		for i := range v.accesses {
			add(v.accesses[i].row, lineage.Lag, lineage.LagMillis, lineage.LagAtLeast, lineage.Live)
		}
		for _, t := range v.topics {
			for _, s := range t.subjects {
				add(s.row, lineage.LogBytes, lineage.Retained)
			}
		}
		found, err := v.held.Levels(ctx, asked)
		if err != nil {
			return nil, fmt.Errorf("read levels: %w", err)
		}
		ls := &levels{series: &v.held.Series, at: make([]lineage.Level, v.held.Series.Len())}
		for i, l := range found {
			ls.at[asked[i]] = l
		}
		return ls, nil
	})
}

// sizeOf returns the mean size of the records of an access' topic: of its incarnation or, while that has none, of the
// one that exists.
func (v *View) sizeOf(ls *levels, topic lineage.Topic) (bytes float64, ok bool) {
	t := v.topics[v.topicNode(topic)]
	if t == nil {
		return 0, false
	}
	for _, s := range t.subjects {
		if s.topic == topic {
			if bytes, ok = ls.recordSize(s.row); ok {
				return bytes, true
			}
		}
	}
	if s, found := t.current(); found {
		return ls.recordSize(s.row)
	}
	return 0, false
}
