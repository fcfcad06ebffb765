package export

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/timeseries"
)

// readers are two of orders: billing reads on, slow has read nothing since round 4. From round 30 on nobody sees them.
func readers(t *testing.T) *Exporter {
	t.Helper()
	s := timeseries.NewMemory(timeseries.Options{Tick: tick})
	t.Cleanup(func() { _ = s.Close() })
	orders := topic(west, "orders", 1)
	reader := func(group string) lineage.Access { return access(orders, lineage.Read, lineage.Client{Group: group}) }
	for n := int64(1); n <= 50; n++ {
		o := lineage.Observation{Samples: []lineage.Sample{
			count(reader("billing"), lineage.GroupOffsets, 100*n), gauge(reader("billing"), lineage.Lag, 10),
			count(reader("slow"), lineage.GroupOffsets, 100*min(n, 4)), gauge(reader("slow"), lineage.Lag, 100*n-100*min(n, 4)),
		}}
		if n == 1 {
			o.Facts = []lineage.Fact{clusterFact("west", west), topicFact("west", orders)}
		}
		if n > 30 {
			o = lineage.Observation{Missing: []lineage.Missing{{Reason: "broker 2 does not answer", Share: 1, All: true}}}
		}
		observe(t, s, "west", "groups", n, o)
	}
	time.Sleep(time.Until(round(50)) + time.Second)
	return New(answer.New(answer.Options{
		History: s, Identity: func() answer.Identity { return people{} }, Clusters: []answer.ClusterConfig{{Source: "west", Name: "west", Environment: "shop"}},
	}))
}

// TestHowFlowsGo looks in each form for how a flow goes at the window's end, beside what it did in the window: a reader
// that moved in it may be silent since, and of one that nobody saw to the end it is not known.
func TestHowFlowsGo(t *testing.T) {
	const (
		whole   = "&start=2000-01-01T00:00:00Z&end=2000-01-01T00:05:00Z"
		late    = "&start=2000-01-01T00:02:00Z&end=2000-01-01T00:05:00Z"
		blind   = "&start=2000-01-01T00:00:00Z&end=2000-01-01T00:08:00Z"
		slow    = "topic:west/orders->application:shop/slow"
		billing = "topic:west/orders->application:shop/billing"
		cells   = ",,,,,,,topic:west/orders,application:shop/slow,reads,"
	)
	synctest.Test(t, func(t *testing.T) {
		e := readers(t)
		for _, d := range []struct{ query, line, want string }{
			{"format=json" + whole, slow, `"state":"PAUSED","stateSince":"2000-01-01T00:00:40Z","active":true,"activity":"active",`},
			{"format=json" + late, slow, `"state":"PAUSED","stateSince":"2000-01-01T00:00:40Z","active":false,"activity":"inactive",`},
			{"format=json" + whole, billing, `"state":"MOVING","stateSince":null,"active":true,"activity":"active",`},
			{"format=json" + blind, billing, `"state":null,"stateSince":null,"active":true,"activity":"active",`},
			{"format=csv" + whole, slow, ",active" + cells + "PAUSED,2000-01-01T00:00:40Z,true,exact,400,"},
			{"format=csv" + late, slow, ",inactive" + cells + "PAUSED,2000-01-01T00:00:40Z,false,exact,0,"},
			{"format=csv" + blind, slow, ",active" + cells + ",,true,at least,400,"},
			{"format=svg" + late, `data-id="topic:west/orders-&gt;application:shop/slow"`, "reads, inactive, 2600 records behind, at the window&apos;s end: paused since 2000-01-01T00:00:40Z. Known by"},
			{"format=dot" + late, "application:shop/slow", "reads, inactive, 2600 records behind, at the window's end: paused since 2000-01-01T00:00:40Z. Known by"},
			{"format=mermaid" + late, "→ slow ", "reads, inactive, 2600 records behind, at the window's end: paused since 2000-01-01T00:00:40Z. Known by"},
			{"format=mermaid" + whole, "→ billing ", ", at the window's end: moving. Known by"},
			{"format=mermaid" + blind, "→ billing ", ", at the window's end: not known. Known by"},
		} {
			text := asked(t, e.Lineage, "root=topic:west/orders&"+d.query)
			said := false
			for line := range strings.Lines(text) {
				said = said || strings.Contains(line, d.line) && strings.Contains(line, d.want)
			}
			if !said {
				t.Errorf("%s: does not say of %s that %s:\n%s", d.query, d.line, d.want, text)
			}
		}
		text := asked(t, e.Usage, "topic=topic:west/orders&format=csv"+late)
		if want := ",inactive," + slow + ",reads,PAUSED,2000-01-01T00:00:40Z,false,exact,0,"; !strings.Contains(text, want) {
			t.Errorf("the usage has no %s:\n%s", want, text)
		}
	})
}
