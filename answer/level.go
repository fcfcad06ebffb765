package answer

import (
	"context"
	"fmt"

	"github.com/lineaged/lineaged/lineage"
)

// levels are the gauges at the window's end.
type levels struct {
	at map[lineage.SeriesKey]int64 // what was not observed is absent
}

// of returns a level, or nil when it was not observed.
func (l *levels) of(id lineage.SubjectID, m lineage.Metric) *int64 {
	if n, ok := l.at[lineage.SeriesKey{Subject: id, Metric: m}]; ok {
		return &n
	}
	return nil
}

// recordSize returns the mean size of a topic's records on disk, in bytes; ok is false when it is not known.
func (l *levels) recordSize(id lineage.SubjectID) (bytes float64, ok bool) {
	size, records := l.of(id, lineage.LogBytes), l.of(id, lineage.Retained)
	if size == nil || records == nil || *records <= 0 {
		return 0, false
	}
	return float64(*size) / float64(*records), true
}

// readLevels loads all gauges of the view in one call: any answer that shows lag or bytes needs most of them.
func (v *View) readLevels(ctx context.Context) (*levels, error) {
	return v.levels.get(ctx, func(ctx context.Context) (*levels, error) {
		var keys []lineage.SeriesKey
		for i := range v.accesses {
			x := &v.accesses[i]
			for _, m := range [...]lineage.Metric{lineage.Lag, lineage.LagMillis, lineage.LagAtLeast, lineage.Live} {
				if x.gauges[m] {
					keys = append(keys, lineage.SeriesKey{Subject: x.ID, Metric: m})
				}
			}
		}
		for _, t := range v.topics {
			for _, s := range t.subjects {
				keys = append(keys, lineage.SeriesKey{Subject: s.ID, Metric: lineage.LogBytes}, lineage.SeriesKey{Subject: s.ID, Metric: lineage.Retained})
			}
		}
		found, err := v.a.history.Levels(ctx, v.win.End, keys)
		if err != nil {
			return nil, fmt.Errorf("read levels: %w", err)
		}
		ls := &levels{at: make(map[lineage.SeriesKey]int64, len(keys))}
		for i, l := range found {
			if l.OK {
				ls.at[keys[i]] = l.Value
			}
		}
		return ls, nil
	})
}

// sizeOf returns the mean size of the records of an access' topic: of its incarnation or, while that has none, of the one that exists.
func (v *View) sizeOf(ls *levels, topic lineage.Topic) (bytes float64, ok bool) {
	t := v.topics[v.topicNode(topic)]
	if t == nil {
		return 0, false
	}
	for _, s := range t.subjects {
		if s.Access.Topic == topic {
			if bytes, ok = ls.recordSize(s.ID); ok {
				return bytes, true
			}
		}
	}
	if s, found := t.current(); found {
		return ls.recordSize(s.ID)
	}
	return 0, false
}
