package api_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/api"
	"github.com/lineaged/lineaged/lineage"
)

// A record goes through a connector to what its topic or table is joined with, and to what is of all of them; and a sink that failed at once is shown, at rest, with the reason.
func TestWaysThroughAConnector(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		cdc := lineage.Node{Scope: "connect-west", Kind: lineage.ConnectorNode, Name: "cdc"}
		dead := lineage.Node{Scope: "connect-west", Kind: lineage.ConnectorNode, Name: "dead"}
		customers, bought, schema := topic(west, "cdc.customers", 41), topic(west, "cdc.orders", 42), topic(west, "cdc", 43)
		data := func(name, joined string) lineage.Access {
			a := outside(lineage.Read, cdc, lineage.Dataset{Namespace: "postgres://db:5432", Name: name})
			a.Topic.Name = joined
			return a
		}
		w.observe("west", "end-offsets", 1, facts(clusterFact("west", west, 3, 0), topicFact("west", customers), topicFact("west", bought), topicFact("west", schema)))
		for n := 1; n <= 20; n++ {
			var fill []func(*lineage.Observation)
			if n == 1 {
				failed := connectorFact(dead, "sink", "RUNNING")
				failed.Connector.Tasks[0].State = "FAILED"
				fill = append(fill, facts(connectorFact(cdc, "source", "RUNNING"), failed))
			} else {
				w.observe("west", "end-offsets", n, w.moved(self(customers), lineage.NoEvidence, 5))
			}
			fill = append(fill, sighted(reads(nameOnly(customers), by(dead)), lineage.Connect, "class x; configured, and not moving: task 0 FAILED since then"))
			for _, tp := range []lineage.Topic{customers, bought, schema} {
				fill = append(fill, sighted(writes(nameOnly(tp), by(cdc)), lineage.Connect, "class x"))
			}
			w.observe("connect-west", "connectors", n, fill...)
			w.observe("connect-west", "connector-offsets", n, sighted(data("shop.customers", "cdc.customers"), lineage.Connect, "class x"), sighted(data("shop.orders", "cdc.orders"), lineage.Connect, "class x"))
			w.observe("west", "producers", n, w.moved(writes(customers, by(cdc)), lineage.Elimination, 5, estimated))
		}
		time.Sleep(time.Until(midnight.Add(20 * tick)))
		h := api.New(api.Options{History: w.store, Identity: conventions(), Clusters: []api.ClusterConfig{{Source: "west", Name: "west"}}, Connects: []api.ConnectConfig{{Name: "connect-west"}}, Log: quiet()})
		window := fmt.Sprintf(`{start: %q, end: %q}`, round(10).Format(time.RFC3339), round(20).Format(time.RFC3339))
		for query, want := range map[string]string{
			`{ lineage(roots: ["dataset:postgres%3A%2F%2Fdb%3A5432/shop.customers"], direction: DOWNSTREAM, depth: 2, window: ` + window + `) { nodes { name } } }`: `[{"name":"shop.customers"},{"name":"cdc"},{"name":"cdc.customers"},{"name":"cdc"}]`,
			`{ lineage(roots: ["topic:west/cdc.orders"], direction: UPSTREAM, depth: 9, window: ` + window + `) { nodes { name } flows { from { name } to { name } } } }`: `"nodes":[{"name":"cdc.orders"},{"name":"cdc"},{"name":"shop.orders"}],` +
				`"flows":[{"from":{"name":"cdc"},"to":{"name":"cdc.orders"}},{"from":{"name":"shop.orders"},"to":{"name":"cdc"}}]`,
			`{ lineage(roots: ["topic:west/cdc"], direction: UPSTREAM, depth: 9, window: ` + window + `) { nodes { name } flows { from { name } to { name } } hidden { node downstream } } }`: `"nodes":[{"name":"cdc"},{"name":"cdc"},{"name":"shop.customers"},{"name":"shop.orders"}],` +
				`"flows":[{"from":{"name":"cdc"},"to":{"name":"cdc"}},{"from":{"name":"shop.customers"},"to":{"name":"cdc"}},{"from":{"name":"shop.orders"},"to":{"name":"cdc"}}],"hidden":[{"node":"connector:connect-west/cdc","downstream":2}]`,
			`{ lineage(roots: ["topic:west/cdc.customers"], direction: DOWNSTREAM, depth: 1, window: ` + window + `) { flows { to { name } active records evidence { kind detail } } } }`: `{"to":{"name":"dead"},"active":false,"records":null,"evidence":[{"kind":"CONNECT","detail":"class x; configured, and not moving: task 0 FAILED since then"}]}`,
		} {
			if _, body := ask(h, query, ""); !strings.Contains(string(body), want) {
				t.Errorf("%s\ngot  %s\nwant %s", query, body, want)
			}
		}
	})
}
