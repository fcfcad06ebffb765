package collector

import (
	"maps"
	"reflect"
	"testing"

	"github.com/lineaged/lineaged/lineage"
)

// What runs is told when it changes, and all of it after a start; who does not run any more is told so, also by the
// next start.
func TestRunsAreToldOnce(t *testing.T) {
	west := lineage.Node{Scope: "west", Kind: lineage.ConnectorNode}
	a, b := west, west
	a.Name, b.Name = "a", "b/ \n"
	running := func(movers ...lineage.Node) UncountedWriters {
		w := UncountedWriters{"W": {}}
		for _, m := range movers {
			w.Add("W", "orders", m)
		}
		return w
	}
	var r Runs
	tell := func(want map[lineage.Node]int64, fill func(Levels)) {
		t.Helper()
		now := Levels{}
		fill(now)
		var o lineage.Observation
		r.Tell(&o, now)
		got := map[lineage.Node]int64{}
		for _, s := range o.Samples {
			if s.Metric != lineage.Runs || s.Subject.Op != lineage.Write || s.Subject.Topic.Name == AnyTopic && s.Subject.Client.Mover.Name != "" {
				t.Errorf("told is %+v", s)
			}
			got[s.Subject.Client.Mover] = s.Value
		}
		if !maps.Equal(got, want) {
			t.Errorf("told are %v, want %v", got, want)
		}
	}
	tell(map[lineage.Node]int64{west: lineage.Unknown}, func(l Levels) { l.Any(west, "W", lineage.Unknown) })
	tell(map[lineage.Node]int64{west: 0, a: 1}, func(l Levels) { l.Add(west, running(a), 1) })
	tell(map[lineage.Node]int64{}, func(l Levels) { l.Add(west, running(a), 1) })
	tell(map[lineage.Node]int64{a: lineage.Unknown, b: 1}, func(l Levels) { l.Add(west, running(b), 1); l.Add(west, running(a), lineage.Unknown) })
	saved := r.Writers()
	back, err := DecodeWriters(saved.Encode())
	if err != nil || !reflect.DeepEqual(back["W"]["orders"], saved["W"]["orders"]) && len(back["W"]["orders"]) != 2 {
		t.Errorf("read back: %v, %v", back, err)
	}
	r.Forget()
	r.Restore(back)
	tell(map[lineage.Node]int64{west: 0, a: 0}, func(l Levels) { l.Add(west, running(b), 1) })
	for _, bad := range []string{"W/orders", "W/orders/x/s/n", "%"} {
		if _, err := DecodeWriters(bad); err == nil {
			t.Errorf("%q is read", bad)
		}
	}
}
