package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// links holds that whose an identity is holds for every window, however much later it was told: all that was ever told
// is answered, as it was told last, of windows before it too, and by a version of theirs that grows.
func (b *battery) links(t *testing.T) {
	s := b.open(t, time.Minute)
	link := func(producer int64, c lineage.Client) lineage.Access {
		c.Producer = lineage.KnownProducer(producer)
		return lineage.Access{Topic: lineage.Topic{Cluster: orders.Cluster}, Op: lineage.Write, Client: c}
	}
	pricing, stock := link(7, lineage.Client{ClientID: "pricing", Software: "kgo/1", Instance: "I1"}), link(8, lineage.Client{ClientID: "stock"})
	tell := func(n int, a lineage.Access, k lineage.EvidenceKind, level int64) {
		t.Helper()
		o := lineage.Observation{Source: west, Round: epoch.Add(time.Duration(n) * time.Minute), Interval: time.Minute}
		if a.Client.Producer != 0 {
			o.Samples = []lineage.Sample{{Subject: a, Metric: lineage.Linked, Evidence: k, Value: level}}
		}
		check(t, s.Append(t.Context(), o))
		s.maintain(t, o.Round)
	}
	past := lineage.Window{Start: epoch, End: epoch.Add(5 * time.Minute)}
	want := func(stage string, want ...lineage.Link) {
		t.Helper()
		got, err := s.Window(t.Context(), store.Ask{Window: past, Accesses: true})
		check(t, err)
		links := slices.SortedFunc(slices.Values(got.Links), func(a, b lineage.Link) int { return a.Since.Compare(b.Since) })
		for i := range links {
			links[i].Detail = ""
		}
		if !slices.Equal(links, want) {
			t.Errorf("%s, of a window before: %+v, want %+v", stage, links, want)
		}
	}
	of := func(a lineage.Access, k lineage.EvidenceKind, n int) lineage.Link {
		return lineage.Link{Cluster: orders.Cluster, Client: a.Client, Evidence: k, Since: epoch.Add(time.Duration(n) * time.Minute)}
	}
	for n := 1; n <= 10; n++ {
		tell(n, lineage.Access{}, 0, 0)
	}
	before := versionOf(t, s, past)
	want("nothing told")
	tell(11, pricing, lineage.RequestLog, 1)
	tell(12, stock, lineage.Telemetry, 1)
	if v := versionOf(t, s, past); v == before {
		t.Error("what was told later of names left the version of a window before as it was")
	}
	told := []lineage.Link{of(pricing, lineage.RequestLog, 11), of(stock, lineage.Telemetry, 12)}
	want("told", told...)
	for n := 13; n <= 24*60; n += 60 { // over what is sealed
		tell(n, lineage.Access{}, 0, 0)
	}
	want("a day later", told...)
	s = b.again(t, s)
	if b.cannot.Restart {
		return
	}
	want("after a restart", told...)
	before = versionOf(t, s, past)
	tell(24*60+1, stock, lineage.Telemetry, 0)
	want("taken back", told[0])
	if v := versionOf(t, s, past); v == before {
		t.Error("what was taken back left the version of a window before as it was")
	}
}
