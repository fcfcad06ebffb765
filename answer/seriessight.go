package answer

import (
	"context"
	"maps"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// unseen returns until when incarnations of topics were not looked at though the sources saw others, as before lineaged
// might describe them, or while another cluster answered. Those that were seen to be made are not among them.
func (v *View) unseen(ctx context.Context, w lineage.Resolved) (map[lineage.Topic]time.Time, error) {
	out := map[lineage.Topic]time.Time{}
	for _, t := range v.topics {
		for _, s := range t.subjects {
			if s.firstSeen.After(w.Start) {
				out[s.topic] = s.firstSeen.Add(-w.Step)
			}
		}
	}
	if len(out) == 0 {
		return out, nil
	}
	for i := range v.accesses { // who was seen to use it has it in sight
		x := &v.accesses[i]
		if until, ok := out[x.Access.Topic]; ok && x.FirstSeen.Add(-w.Step).Before(until) {
			out[x.Access.Topic] = x.FirstSeen.Add(-w.Step)
		}
	}
	// what is made in the last round is an event of the window's very end
	made, err := v.madeIn(ctx, lineage.Window{Start: w.Start, End: w.End.Add(w.Step)})
	maps.DeleteFunc(out, func(t lineage.Topic, _ time.Time) bool { return made[t] })
	return out, err
}
