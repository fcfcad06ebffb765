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

type findingPage struct {
	Findings struct {
		TotalCount int
		ByKind     []struct {
			Kind  string
			Count int
		}
		PageInfo struct {
			HasNextPage bool
			EndCursor   *string
		}
		Edges []struct {
			Node struct {
				ID, Kind, Severity string
				Since              *time.Time
				Flow               *struct{ ID, State string }
				Starves            *struct {
					Count   int
					Nearest []struct{ ID string }
				}
			}
		}
	}
}

// Findings come in pages that hold each once, with what they are about; a page is priced by what it may hold.
func TestFindingPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		orders := topic(west, "orders", 1)
		const last = 60
		for n := 1; n <= last; n++ {
			fill := []func(*lineage.Observation){w.moved(self(orders), lineage.NoEvidence, 100), w.moved(writes(orders, producer(1)), lineage.ProducerState, 100)}
			if n == 1 {
				fill = append(fill, facts(clusterFact("west", west, 1, 7), topicFact("west", orders)))
			}
			for i := range 7 {
				reader := reads(orders, group(fmt.Sprint("reader-", i)))
				if n < 20 {
					fill = append(fill, w.moved(reader, lineage.GroupOffsets, 100))
				}
				if n == 30 {
					fill = append(fill, func(o *lineage.Observation) {
						o.Events = append(o.Events, lineage.Event{At: round(19), Type: lineage.FlowStopped, Access: reader})
					})
				}
				fill = append(fill, level(reader, lineage.Lag, int64(i%3+1)*1000), level(reader, lineage.Live, 1))
			}
			w.observe("west", "all", n, fill...)
		}
		time.Sleep(time.Until(round(last)) + time.Second)
		h := serve(served{History: w.store, Identity: everybody, Clusters: shopConfig, Log: quiet()})
		const fields = `totalCount byKind{kind count} pageInfo{hasNextPage endCursor} edges{node{id kind severity since flow{id state} starves{count nearest{id}}}}`
		var ids []string
		for after := "null"; ; {
			p := answerOf[findingPage](t, h, `{findings(window:{last:"5m"}, kinds:[STALLED], first: 3, after: `+after+`){`+fields+`}}`, "").Findings
			if p.TotalCount != 7 {
				t.Fatalf("%d findings, want 7", p.TotalCount)
			}
			for _, e := range p.Edges {
				ids = append(ids, e.Node.ID)
				if f := e.Node.Flow; e.Node.Severity != "HARM" || f == nil || f.State != "STALLED" || e.Node.ID != "STALLED "+f.ID || e.Node.Since == nil || !e.Node.Since.Equal(round(19)) {
					t.Errorf("%+v", e.Node)
				}
			}
			if !p.PageInfo.HasNextPage {
				break
			}
			after = `"` + *p.PageInfo.EndCursor + `"`
		}
		if len(ids) != 7 || !strings.HasSuffix(ids[0], "reader-2") { // 3,000 wait for it
			t.Errorf("pages have %v", ids)
		}
		if slices.Sort(ids); len(slices.Compact(ids)) != 7 {
			t.Error("a finding is there twice")
		}
		for query, want := range map[string]string{
			`{findings(window:{last:"5m"}, first: 1001){totalCount}}`:                                                 "BAD_USER_INPUT",
			`{findings(window:{last:"5m"}, after: "x"){totalCount}}`:                                                  "BAD_USER_INPUT",
			`{findings(window:{last:"5m"}, after: "eyJzIjowLCJoIjoxLCJpIjoidG9waWM6d2VzdC9vcmRlcnMifQ"){totalCount}}`: "BAD_USER_INPUT",
			`{findings(window:{last:"5m"}, cluster: "moon"){totalCount}}`:                                             "NOT_FOUND",
			`{findings(window:{last:"5m"}, kinds: [UNWELL]){totalCount}}`:                                             "GRAPHQL_VALIDATION_FAILED",
			`{findings(window:{last:"5m"}, first: 1000){edges{node{flow{clients(first: 1000){kind}}}}}}`:              "COMPLEXITY_LIMIT_EXCEEDED",
		} {
			if _, body := ask(h, query, ""); !strings.Contains(string(body), want) {
				t.Errorf("%.80s: %.200s, want %s", query, body, want)
			}
		}
		if status, _ := ask(h, `{findings(window:{last:"5m"}, first: 100){`+fields+`}}`, ""); status != http.StatusOK {
			t.Errorf("a page of 100 is %d", status)
		}
	})
}
