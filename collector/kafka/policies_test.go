package kafka

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/lineaged/lineaged/lineage"
)

// A topic that is made compacted while a reader is behind may hold no record of much that it passes next: it is no
// exact count, though configurations are read again only minutes later.
func TestCompactedWhileAReaderIsBehind(t *testing.T) {
	w := newWorld(t, 1)
	for _, name := range []string{"turned", "stays"} {
		w.topic(name, 1)
		w.take(1)
		w.write(name, 0, 100)
	}
	turned, stays := w.member("g-turned", "turned"), w.member("g-stays", "stays")
	w.commitAs(turned, "turned", 40)
	w.commitAs(stays, "stays", 40)
	w.take(2)
	w.commitAs(turned, "turned", 60)
	w.commitAs(stays, "stays", 60)
	w.take(2)
	for _, g := range w.source.groups { // as they are half a minute later
		for _, r := range g.readers {
			r.parts[0].late, w.source.late[r] = true, true
		}
	}
	if _, err := w.admin.AlterTopicConfigs(t.Context(), []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "cleanup.policy", Value: new("compact")}}, "turned"); err != nil {
		t.Fatal(err)
	}
	w.commitAs(turned, "turned", 100)
	w.commitAs(stays, "stays", 100)
	w.take(1)
	for name, want := range map[string]compaction{"turned": isCompacted, "stays": notCompacted} {
		of := func(a lineage.Access) bool { return a.Op == lineage.Read && a.Client.Member == "" }
		if is := w.source.byName[name].compaction; is != want {
			t.Errorf("%s: compaction %d, want %d", name, is, want)
		}
		if want == isCompacted && !w.rec.estimated(name, lineage.Records, of) {
			t.Errorf("%s: what was passed is exact, and the topic is compacted", name)
		}
	}
}
