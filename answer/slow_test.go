package answer_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// TestNotDueYet has share groups that are looked at in every third round: between two looks nobody knows what moved
// since the last, so that a count is at least what it says, and a rest is not known, but where there was nothing to
// read.
func TestNotDueYet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		busy, quiet := topic("busy"), topic("quiet")
		reader, idle, still := reads(busy, group("reader")), reads(busy, group("idle")), reads(quiet, group("still"))
		slow := func(o *lineage.Observation) { o.Interval = 3 * tick }
		for n := 1; n <= 32; n++ {
			ends := []filling{w.moved(self(busy), lineage.NoEvidence, 10)}
			if n == 1 {
				ends = append(ends, facts(clusterFact(2), topicFact(busy), topicFact(quiet)), w.moved(self(quiet), lineage.NoEvidence, 5))
			}
			w.observe("west", "end-offsets", n, ends...)
			if n%3 == 0 {
				fill := []filling{slow, estimated(w.moved(reader, lineage.ShareOffsets, 30)), level(reader, lineage.Lag, 0), sighted(reader, lineage.ShareOffsets, "at most: rejected ones")}
				if n == 3 {
					fill = append(fill, w.moved(idle, lineage.ShareOffsets, 1), level(idle, lineage.Lag, 7), w.moved(still, lineage.ShareOffsets, 5), level(still, lineage.Lag, 0))
				}
				w.observe("west", "share-groups", n, fill...)
			}
		}
		time.Sleep(time.Until(round(32)) + time.Second)
		a := answers(w.store)
		for end := 25; end <= 32; end++ {
			v := view(t, a, answer.Between(round(15), round(end)), answer.All)
			due := end > 30 // a later look says what moved before it
			if c := v.Coverage(); !c.Complete {
				t.Fatalf("the world is whole: %+v", c)
			}
			of := func(x lineage.Topic, name string) answer.Flow {
				f := lineage.Flow{From: topicNode(x.Name), To: application(name)}
				return v.Rows(nil, []lineage.Flow{f}).Flow(f)
			}
			f := of(busy, "reader")
			detail := evidenceOf(t, f)[0].Detail
			if strings.Contains(detail, "at least: ") != due || !f.Estimated() || !strings.Contains(detail, "at most") {
				t.Errorf("round %d: %d records, estimated %v, %q", end, *f.Records(), f.Estimated(), detail)
			}
			for name, x := range map[string]lineage.Topic{"idle": busy, "still": quiet} {
				f := of(x, name)
				active, unknown := f.Active(), due && name == "idle"
				if (active == nil) != unknown || active != nil && *active || (f.Records() == nil) != unknown {
					t.Errorf("round %d: %s is active: %v, %v records; known: %v", end, name, active, f.Records(), !unknown)
				}
			}
		}
	})
}
