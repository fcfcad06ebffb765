package api_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/api"
	"github.com/lineaged/lineaged/lineage"
)

// sharing is a world of two Connect clusters with a sink of one name: what the group read of lines is shared out by tasks, what it read of orders is ca's alone. From round 10 on cb can't be asked; the sink of cc
// was paused all the time.
func sharing(t testing.TB) *world {
	w := newWorld(t)
	w.observe("west", "end-offsets", 1, facts(clusterFact("west", west, 2, 1), topicFact("west", lines), topicFact("west", orders)))
	for n := 1; n <= 20; n++ {
		w.observe("west", "groups", n, w.moved(reads(lines, group("connect-s")), lineage.GroupOffsets, 15), w.moved(reads(orders, group("connect-s")), lineage.GroupOffsets, 2),
			level(reads(lines, group("connect-s")), lineage.Lag, 7))
		if n > 1 {
			w.observe("west", "end-offsets", n)
		}
		for connect, tasks := range map[string]int{"ca": 1, "cb": 2, "cc": 1} {
			if connect == "cb" && n >= 10 {
				w.observe(connect, "connectors", n, missing("status 401"))
				continue
			}
			node := lineage.Node{Scope: connect, Kind: lineage.ConnectorNode, Name: "s"}
			fill := []func(*lineage.Observation){sighted(reads(nameOnly(lines), by(node)), lineage.Connect, "class x")}
			if n == 1 {
				state := "RUNNING"
				if connect == "cc" {
					state = "PAUSED"
				}
				f := connectorFact(node, "sink", state)
				f.Connector.Tasks = nil
				for id := range tasks {
					f.Connector.Tasks = append(f.Connector.Tasks, lineage.Task{ID: id, State: state, Worker: "127.0.0.1:8083"})
				}
				fill = append(fill, facts(f))
			}
			if connect == "ca" {
				fill = append(fill, sighted(reads(nameOnly(orders), by(node)), lineage.Connect, "class x"))
			}
			w.observe(connect, "connectors", n, fill...)
		}
	}
	return w
}

func TestSinksOfOneName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := sharing(t)
		time.Sleep(time.Until(midnight.Add(20 * tick)))
		h := api.New(api.Options{
			History: w.store, Identity: conventions(), Clusters: []api.ClusterConfig{{Source: "west", Name: "west"}}, Log: quiet(),
			Connects: []api.ConnectConfig{{Name: "ca"}, {Name: "cb"}, {Name: "cc"}},
		})
		type flow struct {
			ID        string
			Active    *bool
			Records   *int64 `json:",string"`
			Lag       *int64 `json:",string"`
			Estimated bool
			Evidence  []struct {
				Kind   string
				Detail *string
			}
		}
		read := func(topic string) map[string]flow {
			var answer struct {
				Data struct{ Lineage struct{ Flows []flow } }
			}
			window := fmt.Sprintf(`{start: %q, end: %q}`, round(10).Format(time.RFC3339), round(20).Format(time.RFC3339))
			_, body := ask(h, `{ lineage(roots: ["topic:west/`+topic+`"], direction: DOWNSTREAM, depth: 1, window: `+window+`) { flows { id active records lag estimated evidence { kind detail } } } }`, "")
			if err := json.Unmarshal(body, &answer); err != nil {
				t.Fatal(err)
			}
			out := map[string]flow{}
			for _, f := range answer.Data.Lineage.Flows {
				_, to, _ := strings.Cut(f.ID, "->")
				out[to] = f
			}
			return out
		}
		got := read("lines")
		for to, want := range map[string]int64{"connector:ca/s": 50, "connector:cb/s": 100} {
			f := got[to]
			if f.Records == nil || *f.Records != want || !f.Estimated || f.Active == nil || !*f.Active {
				t.Errorf("%s: got %+v, want %d, estimated", to, f, want)
			}
			said := false
			for _, e := range f.Evidence {
				said = said || e.Kind == "GROUP_OFFSETS" && e.Detail != nil && strings.Contains(*e.Detail, "at most") && strings.Contains(*e.Detail, "ca/s and cb/s")
			}
			if !said {
				t.Errorf("%s: nobody says that it is a share: %+v", to, f.Evidence)
			}
		}
		if a, b := got["connector:ca/s"].Lag, got["connector:cb/s"].Lag; a == nil || b == nil || *a+*b != 7 {
			t.Errorf("lag: %v and %v, which are not 7 together", a, b)
		}
		if f, ok := got["connector:cc/s"]; ok && (f.Active == nil || *f.Active) {
			t.Errorf("a paused sink moves: %+v", f)
		}
		if len(got) > 3 {
			t.Errorf("others read too: %v", got)
		}
		got = read("orders")
		if f := got["connector:ca/s"]; f.Records == nil || *f.Records != 20 || f.Estimated || len(got) != 1 {
			t.Errorf("orders: got %+v", got)
		}
	})
}
