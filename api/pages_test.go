package api_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

type nodePage struct {
	Nodes struct {
		TotalCount int
		PageInfo   struct {
			HasNextPage, HasPreviousPage bool
			StartCursor, EndCursor       *string
		}
		Edges []struct {
			Cursor string
			Node   struct{ ID string }
		}
	}
}

func TestPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		r := rand.New(rand.NewPCG(1, 2))
		fill := []func(*lineage.Observation){facts(clusterFact("west", west, 0, 0))}
		for i := range 150 {
			x := topic(west, fmt.Sprintf("topic-%c%d", 'a'+r.IntN(3), i), byte(i+1))
			fill = append(fill, facts(topicFact("west", x)))
			if r.IntN(3) > 0 { // many with the same rate, many with none
				fill = append(fill, w.moved(self(x), lineage.NoEvidence, int64(r.IntN(3))), w.moved(writes(x, producer(int64(i))), lineage.ProducerState, int64(r.IntN(3))))
			}
			if r.IntN(4) == 0 {
				fill = append(fill, w.moved(reads(x, group(fmt.Sprintf("group-%d", r.IntN(20)))), lineage.GroupOffsets, 5))
			}
		}
		w.observe("west", "all", 1, fill...)
		time.Sleep(time.Until(round(1)) + time.Second)
		h := serve(served{History: w.store, Identity: everybody, Clusters: shopConfig, Log: quiet()})
		for _, args := range []string{
			"", "orderBy: RATE", "orderBy: LAG", "orderBy: LAST_MOVED", "orderBy: NAME", `text: "c1"`, `text: "1", orderBy: RATE`, "kinds: [APPLICATION, UNIDENTIFIED]",
			"states: [null]", "states: [MOVING, null], orderBy: RATE",
		} {
			whole := answerOf[nodePage](t, h, "{nodes(first: 1000, "+args+"){totalCount edges{cursor node{id}}}}", "").Nodes
			if len(whole.Edges) != whole.TotalCount || whole.TotalCount == 0 {
				t.Fatalf("%s: %d of %d", args, len(whole.Edges), whole.TotalCount)
			}
			var got []string
			after := "null"
			for {
				p := answerOf[nodePage](t, h, fmt.Sprintf(
					"{nodes(first: %d, after: %s, %s){totalCount pageInfo{hasNextPage hasPreviousPage startCursor endCursor} edges{cursor node{id}}}}", 1+r.IntN(40), after, args), "").Nodes
				if p.TotalCount != whole.TotalCount || p.PageInfo.HasPreviousPage != (len(got) > 0) {
					t.Fatalf("%s: %+v after %d", args, p.PageInfo, len(got))
				}
				for _, e := range p.Edges {
					got = append(got, e.Node.ID)
				}
				if p.PageInfo.HasNextPage != (len(got) < whole.TotalCount) {
					t.Fatalf("%s: hasNextPage is %v after %d of %d", args, p.PageInfo.HasNextPage, len(got), whole.TotalCount)
				}
				if !p.PageInfo.HasNextPage {
					break
				}
				after = `"` + *p.PageInfo.EndCursor + `"`
			}
			var want []string
			for _, e := range whole.Edges {
				want = append(want, e.Node.ID)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: pages %v, whole %v", args, got, want)
			}
			if slices.Sort(got); len(slices.Compact(got)) != whole.TotalCount {
				t.Errorf("%s: a node is there twice", args)
			}
		}
	})
}

func TestPagesSurviveNewRounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := shop(t, 20)
		time.Sleep(time.Until(round(20)) + time.Second)
		h := serve(served{History: w.store, Identity: everybody, Clusters: shopConfig, Log: quiet()})
		first := answerOf[nodePage](t, h, "{nodes(first:3){pageInfo{endCursor} edges{node{id}}}}", "").Nodes
		extra := topic(west, "a new topic that comes first", 77)
		w.observe("west", "end-offsets", 21, facts(topicFact("west", extra)), w.moved(self(extra), lineage.NoEvidence, 1))
		w.end(21)
		time.Sleep(tick)
		second := answerOf[nodePage](t, h, `{nodes(first:1000,after:"`+*first.PageInfo.EndCursor+`"){totalCount edges{node{id}}}}`, "").Nodes
		if len(second.Edges) != second.TotalCount-4 {
			t.Errorf("%d of %d after the first 3 and the new one", len(second.Edges), second.TotalCount)
		}
		for _, e := range second.Edges {
			if slices.ContainsFunc(first.Edges, func(f struct {
				Cursor string
				Node   struct{ ID string }
			},
			) bool {
				return f.Node.ID == e.Node.ID
			}) {
				t.Errorf("%s is on both pages", e.Node.ID)
			}
		}
	})
}

func TestEventPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := shop(t, 30)
		time.Sleep(time.Until(round(30)) + time.Second)
		h := serve(served{History: w.store, Identity: everybody, Clusters: shopConfig, Log: quiet()})
		type page struct {
			Events struct {
				TotalCount int
				PageInfo   struct {
					HasNextPage bool
					EndCursor   *string
				}
				Edges []struct{ Node struct{ ID, At string } }
			}
		}
		seen := map[string]bool{}
		last, after := "9999", "null"
		for {
			p := answerOf[page](t, h, fmt.Sprintf(`{events(window:{last:"1h"},first:1,after:%s){totalCount pageInfo{hasNextPage endCursor} edges{node{id at}}}}`, after), "").Events
			if len(p.Edges) != 1 || seen[p.Edges[0].Node.ID] || p.Edges[0].Node.At > last {
				t.Fatalf("%+v after %v", p, seen)
			}
			seen[p.Edges[0].Node.ID], last = true, p.Edges[0].Node.At
			if !p.PageInfo.HasNextPage {
				if len(seen) != p.TotalCount {
					t.Errorf("%d of %d", len(seen), p.TotalCount)
				}
				break
			}
			after = `"` + *p.PageInfo.EndCursor + `"`
		}
	})
}
