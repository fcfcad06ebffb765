package answer

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// Administered is that somebody was allowed to change a topic, a group, a cluster or the like itself.
type Administered struct {
	lineage.AdministeredUse

	At      time.Time // when it was told
	Cluster string    // by its name
	Who     lineage.Client
	Topic   *lineage.Node // that it is about; nil: none
}

// Administered returns who was allowed to administer what in the window, the oldest first. It is of logs that tell it:
// where none does, nothing is known, and nothing is in it.
func (v *View) Administered(ctx context.Context) (out []Administered, err error) {
	got, err := v.a.history.Events(ctx, store.EventFilter{Window: v.win.Window, Types: []lineage.EventType{lineage.Administered}})
	if err != nil {
		return nil, fmt.Errorf("read who administered: %w", err)
	}
	for i := range got.List {
		e := &got.List[i]
		use, ok := lineage.ParseAdministeredUse(e.Detail)
		c := v.clusters.of(e.Access.Topic.Cluster)
		if !ok {
			continue
		}
		x := Administered{AdministeredUse: use, At: e.At, Cluster: c.Name, Who: e.Access.Client}
		if e.Topic.Name != "" {
			x.Topic = new(v.topicNode(e.Topic))
		}
		out = append(out, x)
	}
	slices.SortStableFunc(out, func(a, b Administered) int {
		return cmp.Or(a.At.Compare(b.At), strings.Compare(a.Cluster, b.Cluster), strings.Compare(a.Detail(), b.Detail()), strings.Compare(a.Who.Principal, b.Who.Principal), strings.Compare(a.Who.Host, b.Who.Host))
	})
	return out, nil
}
