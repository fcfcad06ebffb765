package answer

import (
	"context"
	"slices"
	"strings"

	"github.com/lineaged/lineaged/lineage"
)

// This file says where a lag counts offsets that are no records.

// sayLag adds to what is known of a topic's readers that are behind that their lag counts offsets, where some of them
// may hold no record that anybody reads. Where they have read all there is nothing to say.
func (v *View) sayLag(ctx context.Context, f lineage.Flow, es []Evidence) error {
	holes := v.holes(v.topics[f.From])
	at := slices.IndexFunc(es, func(e Evidence) bool { return e.Kind == lineage.GroupOffsets || e.Kind == lineage.ShareOffsets })
	if holes == "" || at < 0 {
		return nil
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

// holes names the offsets of a topic that are known to hold no record, or one that nobody reads; empty: none are.
func (v *View) holes(t *topicView) string {
	if t == nil {
		return ""
	}
	transactional := slices.ContainsFunc(t.subjects, func(s incarnation) bool { return v.stored(s.row, lineage.Markers).series >= 0 }) ||
		slices.ContainsFunc(t.writes, func(i int32) bool { return v.accesses[i].client().TransactionalID != "" })
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
	return strings.Join(all, ", and ")
}
