package answer

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/lineaged/lineaged/lineage"
)

// This file says where a lag counts offsets that are no records.

// sayLag adds to what is known of a topic's readers and replications that are behind that their lag counts offsets,
// where some of them may hold no record that anybody reads. Where they have read all there is nothing to say.
func (v *View) sayLag(ctx context.Context, f lineage.Flow, es []Evidence) error {
	at := slices.IndexFunc(es, func(e Evidence) bool { return countsLag(f, e.Kind) })
	if at < 0 {
		return nil
	}
	holes, err := v.holes(ctx, v.topics[f.From])
	if holes == "" || err != nil {
		return err
	}
	ls, err := v.readLevels(ctx)
	if err != nil {
		return err
	}
	if lag := v.behind(ls, v.of(f)).records; lag != nil && *lag > 0 {
		es[at].Detail = strings.TrimPrefix(es[at].Detail+"; its lag counts offsets: "+holes+" may be among them", "; ")
	}
	return nil
}

// countsLag reports whether a kind of evidence is what the lag of a flow is of: a replication's offsets are a source
// connector's.
func countsLag(f lineage.Flow, kind lineage.EvidenceKind) bool {
	switch kind {
	case lineage.GroupOffsets, lineage.ShareOffsets, lineage.Mirror:
		return true
	case lineage.Connect:
		return f.To.Kind == lineage.ReplicatorNode
	default:
		return false
	}
}

// holes names the offsets of a topic that are known to hold no record, or one that nobody reads; empty: none are.
func (v *View) holes(ctx context.Context, t *topicView) (string, error) {
	if t == nil {
		return "", nil
	}
	transactional := slices.ContainsFunc(t.subjects, func(s incarnation) bool { return v.stored(s.row, lineage.Markers).series >= 0 }) ||
		slices.ContainsFunc(t.writes, func(i int32) bool { return v.accesses[i].client().TransactionalID != "" })
	if !transactional {
		var err error
		if transactional, err = v.countedMarkers(ctx, t); err != nil {
			return "", err
		}
	}
	compacted := t.fact != nil && slices.ContainsFunc(t.fact.Configs, func(c lineage.Config) bool {
		return c.Name == "cleanup.policy" && strings.Contains(c.Value, "compact")
	})
	var all []string
	if transactional {
		all = append(all, "markers of transactions and aborted records")
	}
	if compacted {
		all = append(all, "records that compaction took")
	}
	return strings.Join(all, ", and "), nil
}

// countedMarkers reports whether headers of a topic's batches had markers up to the window's end, however long ago:
// what waits may be old. That they were counted says nothing, as there may be none.
func (v *View) countedMarkers(ctx context.Context, t *topicView) (bool, error) {
	for _, s := range t.subjects {
		i, ok := v.held.Series.Find(s.row, lineage.Markers, lineage.BatchHeader)
		if !ok {
			continue
		}
		found, err := v.held.Amounts(ctx, lineage.Window{Start: s.firstSeen.Add(-v.state.Tick), End: v.win.End}, []int32{i})
		if err != nil {
			return false, fmt.Errorf("read which markers were counted: %w", err)
		}
		if found[0].Total > 0 {
			return true, nil
		}
	}
	return false, nil
}
