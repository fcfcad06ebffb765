package api_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/api"
	"github.com/lineaged/lineaged/lineage"
)

// Whose a transactional.id is was found out in round 15, and holds for the rounds before. Groups of single runs are one application, with each of them as a client.
func TestNamesHoldForThePast(t *testing.T) {
	const made = "2fd6f940-f7ce-4a13-a8b9-02cb3b5efaac"
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.observe("west", "end-offsets", 1, facts(clusterFact("west", west, 2, 1), topicFact("west", lines), topicFact("west", orders), topicFact("west", offsets)))
		for n := 1; n <= 20; n++ {
			if n > 1 {
				w.observe("west", "end-offsets", n)
			}
			w.observe("west", "producers", n, w.moved(writes(lines, lineage.Client{TransactionalID: made}), lineage.Transaction, 3))
			fill := []func(*lineage.Observation){
				w.moved(reads(orders, group("enrich")), lineage.GroupOffsets, 3), w.moved(reads(orders, group("web-7f9c6d5b8-x2lq4")), lineage.GroupOffsets, 1), w.moved(reads(orders, group("web-7f9c6d5b8-x2lq5")), lineage.GroupOffsets, 1),
			}
			if n == 15 {
				fill = append(fill, sighted(writes(offsets, lineage.Client{Group: "enrich", TransactionalID: made}), lineage.Transaction, "its transactions move them"))
			}
			w.observe("west", "groups", n, fill...)
		}
		time.Sleep(time.Until(midnight.Add(20 * tick)))
		h := api.New(api.Options{History: w.store, Identity: conventions(), Clusters: []api.ClusterConfig{{Source: "west", Name: "west"}}, Log: quiet()})
		var answer struct {
			Data struct {
				W, R struct{ Flows []struct{ ID string } }
				A    struct{ Groups []struct{ Name string } }
			}
		}
		window := fmt.Sprintf(`{start: %q, end: %q}`, round(3).Format(time.RFC3339), round(9).Format(time.RFC3339))
		_, body := ask(h, `{ w: lineage(roots: ["topic:west/lines"], depth: 1, window: `+window+`) { flows { id } } r: lineage(roots: ["topic:west/orders"], depth: 1, window: `+window+`) { flows { id } }
			a: node(id: "application:west/web", window: `+window+`) { ... on Application { groups { name } } } }`, "")
		if err := json.Unmarshal(body, &answer); err != nil {
			t.Fatal(err)
		}
		ids := func(flows []struct{ ID string }) (out []string) {
			for _, f := range flows {
				out = append(out, f.ID)
			}
			slices.Sort(out)
			return out
		}
		if got, want := ids(answer.Data.W.Flows), []string{"application:west/enrich->topic:west/lines"}; !slices.Equal(got, want) {
			t.Errorf("writers: %v, want %v (%s)", got, want, body)
		}
		if got, want := ids(answer.Data.R.Flows), []string{"topic:west/orders->application:west/enrich", "topic:west/orders->application:west/web"}; !slices.Equal(got, want) {
			t.Errorf("readers: %v, want %v", got, want)
		}
		if len(answer.Data.A.Groups) != 2 {
			t.Errorf("groups of web: %+v", answer.Data.A.Groups)
		}
	})
}
