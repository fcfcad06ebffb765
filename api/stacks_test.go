package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// crowded is a topic that sixty groups read, one of which nobody is in any more, and a topic with three readers.
func crowded(t testing.TB) *world {
	w := newWorld(t)
	few := topic(west, "few", 77)
	for n := 1; n <= 70; n++ {
		fill := []func(*lineage.Observation){w.moved(self(orders), lineage.NoEvidence, 100), w.moved(self(few), lineage.NoEvidence, 100)}
		if n == 1 {
			fill = append(fill, facts(clusterFact("west", west, 2, 60), topicFact("west", orders), topicFact("west", few)))
		}
		for i := range 60 {
			r := reads(orders, group(fmt.Sprintf("app-%02d", i)))
			if i < 59 || n == 1 {
				fill = append(fill, w.moved(r, lineage.GroupOffsets, 100))
			}
			if i == 59 {
				fill = append(fill, level(r, lineage.Lag, int64(n)*100), level(r, lineage.Live, 0))
			}
			if i < 3 {
				fill = append(fill, w.moved(reads(few, group(fmt.Sprintf("app-%02d", i))), lineage.GroupOffsets, 100))
			}
		}
		w.observe("west", "all", n, fill...)
	}
	return w
}

type foldedAnswer struct {
	Data struct {
		Lineage, Flows struct {
			Nodes     []struct{ ID, Kind string }
			Flows     []struct{ ID, Kind string }
			Positions []struct{ Node string }
			Stacks    []struct {
				Node, Anchor, Direction, Kind, Health string
				Folded, Further                       bool
				Count, Of                             int
				States                                []struct {
					State *string
					Count int
				}
				MemberIDs []string `json:"memberIds"`
			}
			TotalNodes int
			Hidden     []struct {
				Node                 string
				Upstream, Downstream int
			}
		}
	}
	Errors []struct{ Message string }
}

const foldedParts = `{nodes{id kind name owner firstSeen} flows{id kind recordsPerSecond estimated from{id name} to{id} evidence{kind}} positions{node x y} totalNodes hidden{node upstream downstream}
	stacks{node anchor direction kind health further folded count of states{state count} memberIds}}`

func TestStacks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := crowded(t)
		time.Sleep(time.Until(round(70)) + time.Second)
		h := serve(served{History: w.store, Identity: everybody, Log: quiet()})
		asked := func(args string) foldedAnswer {
			t.Helper()
			_, body := ask(h, `{lineage(roots:["topic:west/orders"],window:{last:"10m"},depth:1,`+args+`)`+foldedParts+`}`, "")
			var got foldedAnswer
			if err := json.Unmarshal(body, &got); err != nil {
				t.Fatal(err)
			}
			return got
		}
		got := asked("fold:8")
		l := got.Data.Lineage
		if len(got.Errors) > 0 || len(l.Stacks) != 1 || l.TotalNodes != 61 {
			t.Fatalf("%+v", got)
		}
		s := l.Stacks[0]
		if s.Anchor != "topic:west/orders" || s.Direction != "DOWNSTREAM" || s.Kind != "APPLICATION" || s.Health != "FINE" || !s.Folded || s.Further || s.Count != 59 || s.Of != 60 ||
			len(s.MemberIDs) != 59 || len(s.States) != 1 || *s.States[0].State != "MOVING" {
			t.Errorf("%+v", s)
		}
		// Each node has a place, each flow two ends that are there, and what is hidden of members is told of the stack.
		places, there := map[string]bool{}, map[string]bool{}
		for _, p := range l.Positions {
			places[p.Node] = true
		}
		for _, n := range l.Nodes {
			there[n.ID] = true
			if !places[n.ID] {
				t.Errorf("%s has no place", n.ID)
			}
		}
		for _, f := range l.Flows {
			ends := strings.Split(f.ID, "->")
			if !there[ends[0]] || !there[ends[1]] || f.Kind != "CONSUME" {
				t.Errorf("%+v", f)
			}
		}
		if len(l.Nodes) != 3 || !there[s.Node] || !there["application:west/app-59"] || len(l.Hidden) != 1 || l.Hidden[0].Node != s.Node || l.Hidden[0].Upstream != 3 {
			t.Errorf("%+v %+v", l.Nodes, l.Hidden)
		}
		if open := asked(fmt.Sprintf("fold:8,unfold:[%q]", s.Node)).Data.Lineage; len(open.Nodes) != 61 || len(open.Stacks) != 1 || open.Stacks[0].Folded {
			t.Errorf("%d nodes, %+v", len(open.Nodes), open.Stacks)
		}
		if alone := asked(`fold:8,unfold:["application:west/app-03","group:of-another/window"]`).Data.Lineage; len(alone.Nodes) != 4 || alone.Stacks[0].Count != 58 {
			t.Errorf("%d nodes, %+v", len(alone.Nodes), alone.Stacks)
		}
		if plain := asked("limit:300").Data.Lineage; len(plain.Nodes) != 61 || len(plain.Stacks) != 0 {
			t.Errorf("%d nodes, %+v", len(plain.Nodes), plain.Stacks)
		}
		if more := asked(`direction:UPSTREAM,expand:[{node:"topic:west/orders",direction:DOWNSTREAM},{node:"application:west/app-00",direction:UPSTREAM}]`).Data.Lineage; len(more.Nodes) != 62 || more.TotalNodes != 62 {
			t.Errorf("%d nodes of %d", len(more.Nodes), more.TotalNodes)
		}
		_, body := ask(h, `{flows(window:{last:"10m"},fold:8)`+foldedParts+`}`, "")
		if err := json.Unmarshal(body, &got); err != nil || len(got.Data.Flows.Stacks) != 1 || len(got.Data.Flows.Nodes) != 6 {
			t.Errorf("%.500s", body)
		}
		many := strings.Repeat(`"x",`, 201)
		for args, code := range map[string]string{
			"fold:1": "BAD_USER_INPUT", "fold:-3": "BAD_USER_INPUT", "fold:1001": "BAD_USER_INPUT", "unfold:[" + many + "]": "BAD_USER_INPUT",
			`expand:[{node:"nobody",direction:UPSTREAM}]`: "BAD_USER_INPUT", "expand:[" + strings.Repeat(`{node:"topic:west/orders",direction:BOTH},`, 51) + "]": "BAD_USER_INPUT",
		} {
			if _, body := ask(h, `{lineage(roots:["topic:west/orders"],window:{last:"10m"},`+args+`){version}}`, ""); codeOf(t, body) != code {
				t.Errorf("%.40s: %.300s", args, body)
			}
		}
		if _, body := ask(h, `{flows(window:{last:"10m"},groupBy:OWNER,fold:8){version}}`, ""); codeOf(t, body) != "BAD_USER_INPUT" {
			t.Errorf("%.300s", body)
		}
	})
}

// TestStacksArePriced asks for more than may be asked for by way of expanding, and for states by way of folding.
func TestStacksArePriced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := crowded(t)
		time.Sleep(time.Until(round(70)) + time.Second)
		h := serve(served{History: w.store, Identity: everybody, Log: quiet()})
		q := func(expand, fold string, n int) string {
			return "{" + strings.Join(each(n, func(i int) string {
				return fmt.Sprintf(`a%d:lineage(roots:["topic:west/orders"],window:{last:"1h"},limit:100%s%s){nodes{id name kind owner tags firstSeen lastSeen} flows{id records estimated}}`, i, expand, fold)
			}), " ") + "}"
		}
		expand := ",expand:[" + strings.Repeat(`{node:"topic:west/orders",direction:BOTH},`, 20) + "]"
		for _, x := range []struct {
			text string
			ok   bool
		}{{q("", "", 29), true}, {q(expand, "", 29), false}} {
			status, body := ask(h, x.text, "")
			if x.ok != (status == http.StatusOK && !strings.Contains(string(body), `"errors"`)) {
				t.Errorf("%.80s: %d %.300s", x.text, status, body)
			}
		}
	})
}
