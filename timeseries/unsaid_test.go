package timeseries

import (
	"context"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// TestUnsaid derives a writer in open time and takes him away again, since he turned out to be another's: what a source
// told of him by the same kind of evidence, before, meanwhile and after, stands, over a seal and a restart.
func TestUnsaid(t *testing.T) {
	ctx := context.Background()
	app := lineage.Access{Topic: lineage.Topic{Name: "orders"}, Op: lineage.Write, Client: lineage.Client{ClientID: "app"}}
	for name, c := range map[string]struct{ before, between, after string }{
		"told after":            {after: "told"},
		"told before and after": {before: "first", after: "told"},
		"told between":          {before: "first", between: "told"},
		"told before":           {before: "told"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s, err := Open(dir, testOpts)
			must(t, err)
			round := func(n int, detail string) {
				o := testRound(n)
				if detail != "" {
					o.Sightings = append(o.Sightings, lineage.Sighting{Access: app, Evidence: lineage.RecordHeader, Detail: detail})
				}
				must(t, s.Append(ctx, o))
			}
			round(1, c.before)
			e := s.engine
			e.commit.Lock()
			e.mu.Lock()
			x := &ledger{topic: app.Topic, out: map[*series]*words{}, dirty: never, late: never}
			tick := e.floor(testStart) + 2
			y := e.newDerived(&app, lineage.Records, lineage.RecordHeader, tick)
			y.ledger, x.out[y] = x, &words{}
			e.renew(x, y, tick-1, []sample{{value: 5, tick: tick, span: 1}})
			e.credit(y.subject, lineage.RecordHeader)
			x.say(y, tick-1, []lineage.Word{{At: tick, Text: "derived"}})
			e.mu.Unlock()
			e.commit.Unlock()
			round(3, c.between)
			e.commit.Lock()
			e.mu.Lock()
			e.renew(x, y, tick-1, nil)
			x.say(y, tick-1, nil)
			e.underive(x, y)
			e.mu.Unlock()
			e.commit.Unlock()
			for n := 4; n <= 200; n++ {
				if n == 5 {
					round(n, c.after)
				} else {
					round(n, "")
				}
			}
			asked := func(when string) {
				t.Helper()
				id := entryOf(s.engine, app).subject.id
				for _, to := range []int{30, 150} {
					all, err := s.evidence(ctx, lineage.Window{Start: testStart, End: testStart.Add(time.Duration(to) * time.Minute)}, []subjectID{id})
					must(t, err)
					for _, x := range all[0] {
						if x.Kind == lineage.RecordHeader && x.Detail != "told" {
							t.Errorf("%s, to round %d: %q", when, to, x.Detail)
						}
					}
				}
			}
			asked("open")
			must(t, s.Maintain(ctx, testStart.Add(200*time.Minute)))
			asked("sealed")
			must(t, s.Close())
			s, err = Open(dir, testOpts)
			must(t, err)
			asked("after a start")
			must(t, s.Close())
		})
	}
}
