package demo

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"testing"
	"time"
)

// The Streams application looks as a real one of the classic protocol: its group by protocol and client ids, and one
// producer id on all that it writes.
func TestStreamsJob(t *testing.T) {
	t.Parallel()
	w := start(t)
	ctx, west := t.Context(), admin(t, w.West)
	client := regexp.MustCompile(`^basket-totals-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}-StreamThread-1-consumer$`)
	eventually(t, 10*time.Second, func() string {
		described, err := west.DescribeGroups(ctx, basketTotals)
		if err != nil {
			return err.Error()
		}
		g := described[basketTotals]
		if g.State != "Stable" || g.ProtocolType != "consumer" || g.Protocol != "stream" || len(g.Members) != 1 || !client.MatchString(g.Members[0].ClientID) {
			return fmt.Sprintf("the group is %+v", g)
		}
		if got := g.AssignedPartitions()[basketRepartition]; len(got) != 6 {
			return fmt.Sprintf("%d partitions of the repartition topic are assigned", len(got))
		}
		return ""
	})
	writes := map[string]int64{}
	eventually(t, 10*time.Second, func() string {
		one := map[int64]bool{}
		for _, topic := range []string{basketRepartition, basketChangelog, customerBaskets} {
			counted, ids := states(ctx, t, west, topic)
			writes[topic] = counted
			maps.Copy(one, ids)
			if counted == 0 || len(ids) != 1 {
				return fmt.Sprintf("%s has %d records of %d producers", topic, counted, len(ids))
			}
		}
		if len(one) != 1 {
			return fmt.Sprintf("it writes as %v", slices.Collect(maps.Keys(one)))
		}
		return ""
	})
	eventually(t, 10*time.Second, func() string {
		orders, err := west.ListEndOffsets(ctx, "orders", basketRepartition)
		if err != nil {
			return err.Error()
		}
		if read, written := total(orders, "orders"), total(orders, basketRepartition); written == 0 || written > read {
			return fmt.Sprintf("%d records were written anew of %d", written, read)
		}
		return ""
	})
}
