package api_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// TestUsageReport pages through the uses of a cluster, and asks senseless things.
func TestUsageReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		x, y := topic(west, "orders", 1), topic(west, "payments", 2)
		for n := 1; n <= 3; n++ {
			w.observe("west", "all", n, facts(clusterFact("west", west, 2, 0), topicFact("west", x), topicFact("west", y)),
				w.moved(reads(x, lineage.Client{Group: "billing"}), lineage.GroupOffsets, 60), w.moved(reads(y, lineage.Client{Group: "billing"}), lineage.GroupOffsets, 30),
				w.moved(writes(x, lineage.Client{Producer: 7}), lineage.ProducerState, 60))
		}
		time.Sleep(time.Until(round(3)) + time.Second)
		h := serve(served{History: w.store, Identity: everybody, Clusters: shopConfig, Log: quiet()})
		type page struct {
			UsageReport struct {
				Scope string
				Uses  struct {
					Edges []struct {
						Cursor string
						Node   struct {
							Operation string
							Node      struct{ ID, Name, Kind string }
							Topic     struct{ ID string }
							Records   string
						}
					}
					PageInfo   struct{ HasNextPage bool }
					TotalCount int
				}
				Total struct {
					Topics, Readers int
					Read            struct{ Records string }
				}
				Coverage struct{ GapCount, StretchCount int }
			}
		}
		const fields = `{scope total {topics readers read {records}} coverage {gapCount stretchCount gaps {source} stretches {kind}} uses(first: 2%s) {totalCount pageInfo {hasNextPage endCursor}
			edges {cursor node {operation records node {id name kind} topic {id} evidence {kind detail} clients {group}}}}}`
		query := func(after string) page {
			return answerOf[page](t, h, `{usageReport(scope: {cluster: "west"}, window: {last: "20s"})`+strings.Replace(fields, "%s", after, 1)+`}`, "")
		}
		first := query("").UsageReport
		if first.Scope != "cluster west" || first.Uses.TotalCount != 3 || len(first.Uses.Edges) != 2 || !first.Uses.PageInfo.HasNextPage || first.Total.Topics != 2 || first.Total.Readers != 1 || first.Total.Read.Records != "180" {
			t.Errorf("%+v", first)
		}
		if e := first.Uses.Edges[0].Node; e.Operation != "WRITE" || e.Node.Kind != "UNIDENTIFIED" || e.Records != "120" {
			t.Errorf("%+v", e)
		}
		second := query(`, after: "` + first.Uses.Edges[1].Cursor + `"`).UsageReport
		if len(second.Uses.Edges) != 1 || second.Uses.Edges[0].Node.Topic.ID != "topic:west/payments" || second.Uses.PageInfo.HasNextPage {
			t.Errorf("%+v", second)
		}
		// Day by day, a window is as dear as all its days.
		if status, body := ask(h, `{usageReport(scope: {cluster: "west"}, window: {last: "60d"}, groupBy: DAY) {groupCount}}`, ""); status != http.StatusOK || !strings.Contains(string(body), `"groupCount":1`) {
			t.Errorf("%d %s", status, body)
		}
		for q, says := range map[string]string{
			`usageReport(scope: {}, window: {last: "20s"}) {scope}`:                                               "exactly one",
			`usageReport(scope: {tag: "a", owner: "b"}, window: {last: "20s"}) {scope}`:                           "exactly one",
			`usageReport(scope: {topic: "application:west/billing"}, window: {last: "20s"}) {scope}`:              "is not a topic",
			`usageReport(scope: {application: "topic:west/orders"}, window: {last: "20s"}) {scope}`:               "is not one who reads",
			`usageReport(scope: {cluster: "nowhere"}, window: {last: "20s"}) {scope}`:                             "no cluster",
			`usageReport(scope: {tag: ""}, window: {last: "20s"}) {scope}`:                                        "is none",
			`usageReport(scope: {cluster: "west"}, window: {last: "20s"}, source: SEALED) {scope}`:                "there is no ledger",
			`usageReport(scope: {cluster: "west"}, window: {last: "20s"}) {uses(first: 5000) {totalCount}}`:       "first must be",
			`usageReport(scope: {cluster: "west"}, window: {last: "20s"}) {uses(after: "nonsense") {totalCount}}`: "is not a cursor",
			`processingRegister(tag: "", window: {last: "20s"}) {tag}`:                                            "is none",
		} {
			if status, body := ask(h, "{"+q+"}", ""); !strings.Contains(string(body), says) {
				t.Errorf("%s: %d %s", q, status, body)
			}
		}
		register := answerOf[struct {
			ProcessingRegister struct {
				Tag        string
				Rows       struct{ TotalCount int }
				TopicCount int
				Doubts     []string
			}
		}](t, h, `{processingRegister(tag: "pii", window: {last: "20s"}) {tag topicCount doubts crossing parts {source} rows {totalCount edges {node {role use {records} places {node {id}}}}} topics {retention} coverage {complete}}}`, "")
		if r := register.ProcessingRegister; r.Tag != "pii" || r.Rows.TotalCount != 0 || !strings.Contains(strings.Join(r.Doubts, " "), "spelled otherwise") {
			t.Errorf("%+v", r)
		}
	})
}
