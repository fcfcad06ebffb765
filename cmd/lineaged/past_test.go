package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/internal/demo"
	"github.com/lineaged/lineaged/internal/yesterday"
	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/timeseries"
)

// A newcomer travels in the demo's past at once: the lineage at an instant of it is the script's truth, it is said that
// a script made it up, and what is really watched goes on from it without a step in what is counted and without a
// beginning of what moved before.
func TestDemoPast(t *testing.T) {
	cfg, err := demoConfig("127.0.0.1:0", "warn")
	if err != nil {
		t.Fatal(err)
	}
	cfg.Data = t.TempDir()
	log := newLogger(io.Discard, cfg.Log)
	world, err := demo.Start(log)
	if err != nil {
		t.Fatal(err)
	}
	defer world.Close()
	if cfg, err = watching(cfg, world); err != nil {
		t.Fatal(err)
	}
	day, err := dayOf(world, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	var end time.Time
	s := start(t, func(ctx context.Context, stdout io.Writer) error {
		ln, err := listen(ctx, cfg)
		if err != nil {
			return err
		}
		return serveOn(ctx, ln, cfg, reloader{}, log, stdout, func(ctx context.Context, s timeseries.Store) (goOn, error) {
			err := day.Write(ctx, s.Append, func() time.Time { end = time.Now().Truncate(time.Second); return end })
			return day.GoOn, err
		})
	})
	minute := func(at time.Time) time.Time { return at.Truncate(time.Minute) }
	windows := map[string]time.Time{
		"the evening": minute(end.Add(-22 * time.Hour)), "at night": day.Night().Start.Add(5 * time.Minute), "after the night": day.Night().End.Add(time.Minute),
		"before the deployment": day.Renamed().Add(-12 * time.Minute), "after it": day.Renamed().Add(5 * time.Minute), "before refunds": day.Created().Add(-11 * time.Minute),
		"with refunds": day.Created().Add(3 * time.Minute), "at the standstill": day.Standstill().Start.Add(5 * time.Minute),
		"after it stood still": day.Standstill().End.Add(2 * time.Minute), "just now": minute(end.Add(-12 * time.Minute)),
	}
	truths := map[string]bool{}
	for name, from := range windows {
		w := lineage.Window{Start: from, End: from.Add(10 * time.Minute)}
		if !w.Overlap(day.Outage()).Empty() {
			continue // what was seen then is not all that happened
		}
		got, notice, problem := s.active(world, day, w)
		want := day.Truth(w)
		truths[fmt.Sprint(slices.Sorted(maps.Keys(want)))] = true
		if problem != "" || !maps.Equal(got, want) {
			t.Errorf("%s, %v: %s\n%s", name, w, problem, differ(got, want))
		}
		if notice != yesterday.Notice(end) && !strings.Contains(notice, "the demo's script made it up") {
			t.Errorf("%s: nobody says that it is made up, but %q", name, notice)
		}
	}
	if len(truths) < 4 {
		t.Errorf("the day has only %d states", len(truths))
	}

	eventually(t, 30*time.Second, func() string { return unless(time.Since(end) > 12*time.Second, "wait for what is watched") })
	s.goesOn(world, day, end)
	s.sameColumns(day)
	s.end()
}

// beginsWithDemo reports whether a flow begins anew as the demo starts: who runs for its first seconds, and who reads
// what that writes.
func beginsWithDemo(flow string) bool {
	return strings.Contains(flow, "nightly-report") || strings.Contains(flow, "stock-audit") || strings.Contains(flow, "daily-totals")
}

// goesOn fails where what is watched after the day does not go on from it.
func (s *server) goesOn(world *demo.World, day *yesterday.Day, end time.Time) {
	s.t.Helper()
	now := time.Now().Add(-2 * time.Second).Truncate(time.Second)
	got, _, problem := s.active(world, day, lineage.Window{Start: end, End: now})
	if problem != "" {
		s.t.Fatal(problem)
	}
	for id := range day.Truth(lineage.Window{Start: end.Add(-time.Minute), End: end}) {
		delete(got, id)
	}
	maps.DeleteFunc(got, func(id string, _ bool) bool { // who begins with the demo
		return beginsWithDemo(id)
	})
	if len(got) > 0 {
		s.t.Errorf("these move only since the demo began: %v", slices.Sorted(maps.Keys(got)))
	}
	var out struct {
		Events struct {
			Edges []struct {
				Node struct {
					Type, At, Detail string
					Flow             *struct{ ID string }
				}
			}
		}
		Lineage struct{ Flows []shownFlow }
	}
	window := fmt.Sprintf("{start: %q, end: %q}", end.Add(-time.Minute).Format(time.RFC3339), now.Format(time.RFC3339))
	if problem := s.query(`{ events(window: `+window+`, types: [FLOW_STARTED, TOPIC_CREATED]) { edges { node { type at detail flow { id } } } }
		lineage(roots: ["topic:west/orders"], depth: 1, window: `+window+`) { flows { id records } } }`, &out); problem != "" {
		s.t.Fatal(problem)
	}
	for _, e := range out.Events.Edges {
		if e.Node.Flow == nil || !beginsWithDemo(e.Node.Flow.ID) {
			s.t.Errorf("%s is told as the demo begins at %v: %+v, %s, %s", e.Node.Type, end, e.Node.Flow, e.Node.At, e.Node.Detail)
		}
	}
	// 32 a second: all of the last minute, and of what came after it a third at least, on a machine that lags too
	least, most := int64(60+now.Sub(end).Seconds()/3)*32, 2*int64(now.Sub(end).Seconds()+61)*32
	for _, f := range out.Lineage.Flows {
		var n int64
		if f.Records == nil {
			continue
		}
		if _, err := fmt.Sscan(*f.Records, &n); err != nil || n < least && !strings.Contains(f.ID, "nightly-report") || n > most {
			s.t.Errorf("over the day's end %s moved %d records, want %d to %d", f.ID, n, least, most)
		}
	}
}

// active returns the ids of the flows that moved in a window at any of the shop's topics, and what the coverage says
// that is made up.
func (s *server) active(world *demo.World, day *yesterday.Day, w lineage.Window) (ids map[string]bool, notice, problem string) {
	s.t.Helper()
	var roots []string
	for _, c := range world.Clusters() {
		for _, t := range c.Topics() {
			if t.Name == "refunds" && !w.End.After(day.Created()) { // there is no such node
				continue
			}
			if plain := !strings.Contains(t.Name, "internal") && !strings.HasPrefix(t.Name, "__") && !strings.Contains(t.Name, "heartbeats") && !strings.Contains(t.Name, "KSTREAM"); plain {
				roots = append(roots, fmt.Sprintf("%q", "topic:"+c.Name+"/"+t.Name))
			}
		}
	}
	var out struct {
		Lineage struct {
			Flows []struct {
				ID     string
				Active *bool
			}
			Coverage struct{ BlindSpots []struct{ What string } }
		}
	}
	problem = s.query(fmt.Sprintf(`{ lineage(roots: [%s], depth: 2, window: {start: %q, end: %q}) { flows { id active } coverage { blindSpots { what } } } }`,
		strings.Join(roots, ", "), w.Start.UTC().Format(time.RFC3339), w.End.UTC().Format(time.RFC3339)), &out)
	ids = map[string]bool{}
	for _, f := range out.Lineage.Flows {
		if f.Active != nil && *f.Active {
			ids[f.ID] = true
		}
	}
	for _, b := range out.Lineage.Coverage.BlindSpots {
		if strings.Contains(b.What, "made it up") {
			notice = b.What
		}
	}
	return ids, notice, problem
}

// differ says what one has and the other has not.
func differ(got, want map[string]bool) string {
	var out []string
	for id := range got {
		if !want[id] {
			out = append(out, "shown, and not by the script: "+id)
		}
	}
	for id := range want {
		if !got[id] {
			out = append(out, "not shown: "+id)
		}
	}
	return strings.Join(out, "\n")
}
