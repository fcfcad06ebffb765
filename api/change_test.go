package api_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// changing is a world with topics that nobody uses, and one that a reader is behind on.
func changing(t *testing.T) http.Handler {
	t.Helper()
	w := newWorld(t)
	orders := topic(west, "orders", 1)
	for n := 1; n <= 30; n++ {
		reader := reads(orders, group("billing"))
		fill := []func(*lineage.Observation){
			w.moved(self(orders), lineage.NoEvidence, 100), w.moved(writes(orders, producer(1)), lineage.ProducerState, 100), w.moved(reader, lineage.GroupOffsets, 100),
			level(reader, lineage.Lag, 50), level(reader, lineage.LagMillis, 5000), level(self(orders), lineage.Retained, 1000), level(self(orders), lineage.LogBytes, 100_000),
		}
		if n == 1 {
			f := topicFact("west", orders)
			f.Topic.Retention = &lineage.Retention{Policy: "delete", Millis: 60_000, Bytes: -1}
			fill = append(fill, facts(clusterFact("west", west, 8, 1), f))
		}
		for i := range 7 {
			idle := topic(west, fmt.Sprint("idle-", i), byte(10+i))
			fill = append(fill, w.moved(self(idle), lineage.NoEvidence, 0), level(self(idle), lineage.Retained, 0))
			if n == 1 {
				fill = append(fill, facts(topicFact("west", idle)))
			}
		}
		w.observe("west", "all", n, fill...)
	}
	time.Sleep(time.Until(round(30)) + time.Second)
	return serve(served{History: w.store, Identity: everybody, Clusters: shopConfig, Log: quiet()})
}

func TestSafeToDelete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := changing(t)
		const fields = `verdict days againstCount against(first:1){kind detail lastSeen evidence flow{id} node{id}} untoldCount untold{kind detail} records topic{id exists} lastWritten lastRead watchedSince coverage{complete}`
		got := answerOf[struct {
			Used, Idle struct {
				Verdict                   string
				Days                      int
				AgainstCount, UntoldCount int
				Against                   []struct {
					Kind     string
					LastSeen *time.Time
					Evidence []string
					Flow     *struct{ ID string }
				}
				Untold      []struct{ Kind string }
				Records     string
				Topic       struct{ ID string }
				LastWritten *time.Time
			}
		}](t, h, `{used: safeToDelete(topic:"topic:west/orders", days: 1){`+fields+`} idle: safeToDelete(topic:"topic:west/idle-1"){`+fields+`}}`, "")
		if u := got.Used; u.Verdict != "UNSAFE" || u.AgainstCount != 2 || len(u.Against) != 1 || u.Against[0].Kind != "WRITTEN" || u.Against[0].Flow == nil ||
			u.Against[0].LastSeen == nil || !u.Against[0].LastSeen.Equal(round(30)) || u.Records != "1000" || u.Days != 1 || u.Topic.ID != "topic:west/orders" || u.LastWritten == nil {
			t.Errorf("used: %+v", u)
		}
		// It is watched for five minutes, and of what was before nothing is held.
		if u := got.Idle; u.Verdict != "CANNOT_BE_TOLD" || u.AgainstCount != 0 || u.Untold[0].Kind != "BEFORE_DATA" || u.Days != 30 || u.LastWritten != nil {
			t.Errorf("idle: %+v", u)
		}
		for q, want := range map[string]string{
			`{safeToDelete(topic:"topic:west/orders", days: 0){days}}`:             "days must be 1 to 3650",
			`{safeToDelete(topic:"topic:west/orders", days: 4000){days}}`:          "days must be 1 to 3650",
			`{safeToDelete(topic:"application:west/billing"){days}}`:               "is not a topic",
			`{safeToDelete(topic:"topic:west/other", days: 1){days}}`:              "no node",
			`{safeToDelete(topic:"topic:west/orders"){against(first:2000){kind}}}`: "first must be 0 to 1000",
		} {
			wantRefused(t, h, q, want)
		}
	})
}

// wantRefused asks what is refused.
func wantRefused(t *testing.T, h http.Handler, query, want string) {
	t.Helper()
	if _, body := ask(h, query, ""); !strings.Contains(string(body), want) {
		t.Errorf("%s: got %s, want %q", query, body, want)
	}
}

func TestWhatIf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := changing(t)
		const fields = `lostCount lost{node{id} why with partitions} starvedCount starved{node{id} wholly hops waiting afterSeconds atLeastSeconds at through{id}}
			copiesCount onlyCopies copiesUnknown copies{topic{id} only why copies{id} notCopied records bytes} retentionCount retention{flow{id} reader waiting afterSeconds at by recordsPerSecond why} untold window{end} coverage{complete}`
		type whatIf struct {
			LostCount, StarvedCount, CopiesCount, OnlyCopies, CopiesUnknown, RetentionCount int
			Lost                                                                            []struct {
				Why  string
				With *string
			}
			Starved []struct {
				Node         struct{ ID string }
				Wholly       *bool
				Waiting      *string
				AfterSeconds *float64
				At           *time.Time
			}
			Copies []struct {
				Only    *bool
				Records string
			}
			Retention []struct {
				Reader, By, Why  string
				AfterSeconds     *float64
				At               *time.Time
				RecordsPerSecond float64
			}
			Untold []string
		}
		got := answerOf[struct{ Writer, Reader, Cluster, Broker whatIf }](t, h, `{
			writer: whatIf(lose:["unidentified:west/orders"], window:{last:"2m"}){`+fields+`}
			reader: whatIf(lose:["application:shop/billing"], window:{last:"2m"}){`+fields+`}
			cluster: whatIf(lose:["cluster:west"], window:{last:"2m"}){`+fields+`}
			broker: whatIf(lose:["broker:west/1"], window:{last:"2m"}){`+fields+`}}`, "")
		// 50 records wait for it, and it reads ten a second.
		if w := got.Writer; w.StarvedCount != 2 || w.Starved[1].Node.ID != "application:shop/billing" || *w.Starved[1].AfterSeconds != 5 || *w.Starved[1].Waiting != "50" ||
			!*w.Starved[1].Wholly || !w.Starved[1].At.Equal(round(30).Add(5*time.Second)) {
			t.Errorf("the writer is lost: %+v", w)
		}
		if w := got.Reader; w.RetentionCount != 1 || w.Retention[0].Reader != "LOST" || w.Retention[0].By != "TIME" || *w.Retention[0].AfterSeconds != 55 ||
			!w.Retention[0].At.Equal(round(30).Add(55*time.Second)) || w.Retention[0].RecordsPerSecond != 10 {
			t.Errorf("the reader is lost: %+v", w)
		}
		if w := got.Cluster; w.LostCount != 8 || w.Lost[0].Why != "ON_CLUSTER" || *w.Lost[0].With != "cluster:west" || w.OnlyCopies != 8 || w.Copies[0].Records != "1000" || len(w.Starved) != 1 || *w.Starved[0].AfterSeconds != 0 {
			t.Errorf("the cluster is lost: %+v", w)
		}
		if w := got.Broker; w.LostCount != 0 || len(w.Untold) != 2 || !strings.Contains(w.Untold[0], "8 topics") || !strings.Contains(w.Untold[1], "there is no such broker") {
			t.Errorf("a broker is lost: %+v", w)
		}
		for q, want := range map[string]string{
			`{whatIf(lose:[], window:{last:"2m"}){lostCount}}`:                          "lose 1 to 50",
			`{whatIf(lose:["orders"], window:{last:"2m"}){lostCount}}`:                  "can't be lost",
			`{whatIf(lose:["topic:west/none"], window:{last:"2m"}){lostCount}}`:         "no node",
			`{whatIf(lose:["cluster:none"], window:{last:"2m"}){lostCount}}`:            "no cluster",
			`{whatIf(lose:["cluster:west"], window:{last:"2m"}){lost(first: -1){why}}}`: "first must be",
			`{whatIf(lose:["cluster:west"], window:{last:"2m"}){starved(first: 1000){node{id ...on Topic{configs{name}} flowStates{count}} through{evidence{kind} clients(first:500){host}}}}}`: "COMPLEXITY",
		} {
			wantRefused(t, h, q, want)
		}
	})
}

func TestRetire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := changing(t)
		type page struct {
			Retire struct {
				TotalCount, Days int
				ByKind           []struct {
					Kind        string
					Count, Safe int
				}
				PageInfo struct {
					HasNextPage bool
					EndCursor   *string
				}
				Edges []struct {
					Node struct {
						Kind, Verdict, Evidence string
						Node, Cluster           struct{ ID string }
						Owner                   *string
						UntoldCount             int
					}
				}
			}
		}
		var ids []string
		for after := "null"; ; {
			p := answerOf[page](t, h, `{retire(days: 1, kinds:[UNUSED_TOPIC], first: 3, after: `+after+`){
				totalCount days byKind{kind count safe} pageInfo{hasNextPage endCursor} edges{node{kind verdict evidence node{id} cluster{id} owner untoldCount untold{kind}}}}}`, "").Retire
			if p.TotalCount != 7 || p.Days != 1 || fmt.Sprint(p.ByKind) != "[{UNUSED_TOPIC 7 0} {UNOWNED_TOPIC 7 0} {DEAD_GROUP 0 0} {IDLE_CONNECTOR 0 0}]" {
				t.Fatalf("%+v", p)
			}
			for _, e := range p.Edges {
				ids = append(ids, e.Node.Node.ID)
				if n := e.Node; n.Kind != "UNUSED_TOPIC" || n.Verdict != "CANNOT_BE_TOLD" || n.UntoldCount == 0 || n.Evidence == "" || n.Cluster.ID != string(west) {
					t.Errorf("%+v", n)
				}
			}
			if !p.PageInfo.HasNextPage {
				break
			}
			after = `"` + *p.PageInfo.EndCursor + `"`
		}
		if !slices.IsSorted(ids) || len(ids) != 7 {
			t.Errorf("pages have %v", ids)
		}
		for q, want := range map[string]string{
			`{retire(days: 0){days}}`:                  "days must be 1 to 3650",
			`{retire(first: 2000){days}}`:              "first must be 0 to 1000",
			`{retire(days: 1, after: "x"){days}}`:      "not a cursor",
			`{retire(days: 1, cluster: "none"){days}}`: "no cluster",
			`{retire(first: 1000){edges{node{node{flowStates{count} coverage{gaps(first:500){reason}}}}}}}`: "COMPLEXITY",
		} {
			wantRefused(t, h, q, want)
		}
	})
}
