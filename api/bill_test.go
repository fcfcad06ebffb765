package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/lineaged/lineaged/lineage"
)

// A bill has each line once over its pages, and tells what nobody saw from nothing.
func TestUsageBill(t *testing.T) {
	w := newWorld(t)
	orders, other := topic(west, "orders", 1), topic(west, "other", 2)
	for n := 1; n <= 12; n++ {
		fill := []func(*lineage.Observation){
			w.moved(self(orders), lineage.NoEvidence, 20), w.moved(writes(orders, producer(1)), lineage.ProducerState, 15), w.moved(reads(orders, group("billing")), lineage.GroupOffsets, 10),
			w.moved(self(other), lineage.NoEvidence, 0),
		}
		if n == 1 {
			fill = append(fill, facts(clusterFact("west", west, 1, 2), topicFact("west", orders), topicFact("west", other)))
		}
		w.observe("west", "ends", n, fill...)
	}
	h := serve(served{History: w.store, Identity: everybody, Log: quiet()})
	f := func(query, want string) {
		t.Helper()
		status, body := ask(h, query, "")
		if got := string(body); !strings.Contains(got, want) || status != http.StatusOK {
			t.Errorf("%s:\n%d %s, want\n%s", query, status, got, want)
		}
	}
	const in = `window:{start:"2000-01-01T00:00:00Z",end:"2000-01-01T00:02:00Z"}`
	f(`{usageBill(`+in+`,groupBy:OWNER_AND_TOPIC){totalCount cost currency edges{node{owner unattributed topicName meter basis quantity price start end observedHours hours}} window{start end step}}}`,
		`"cost":null,"currency":null,"edges":[{"node":{"owner":"team-shop","unattributed":false,"topicName":"orders","meter":"INGRESS_RECORDS","basis":"MEASURED","quantity":"180","price":null,`+
			`"start":"2000-01-01T00:00:00Z","end":"2000-01-01T01:00:00Z","observedHours":1,"hours":1}}`)
	f(`{usageBill(`+in+`){edges{node{owner unattributed topic quantity}}}}`, `{"node":{"owner":null,"unattributed":true,"topic":null,"quantity":"60"}}`)
	f(`{usageBill(`+in+`){totals{meter unit quantity unattributed observedHours unsizedRecords} rules{payer}}}`,
		`"totals":[{"meter":"INGRESS","unit":"GB","quantity":null,"unattributed":null,"observedHours":1,"unsizedRecords":"360"},`+
			`{"meter":"INGRESS_RECORDS","unit":"Records","quantity":"240","unattributed":"60","observedHours":1,"unsizedRecords":null}`)
	f(`{usageBill(`+in+`){totals{meter quantity observedHours}}}`, `{"meter":"STORAGE","quantity":null,"observedHours":0}`)
	f(`{usageBill(`+in+`){amplificationCount amplification{topicName written read mirrored copied factor}}}`,
		`"amplificationCount":1,"amplification":[{"topicName":"orders","written":"240","read":"120","mirrored":"0","copied":`)
	f(`{usageBill(`+in+`,cluster:"nowhere"){totalCount}}`, "NOT_FOUND")
	f(`{usageBill(`+in+`,first:1001){totalCount}}`, "BAD_USER_INPUT")
	f(`{usageBill(`+in+`,after:"e30"){totalCount}}`, "BAD_USER_INPUT")
	f(`{usageBill(window:{start:"1998-01-01T00:00:00Z",end:"2000-01-01T00:02:00Z"}){totalCount}}`, "LIMIT_EXCEEDED")

	var seen []string
	after := ""
	for range 10 {
		page := answerOf[struct {
			UsageBill struct {
				TotalCount int
				PageInfo   struct {
					HasNextPage bool
					EndCursor   string
				}
				Edges []struct {
					Node struct{ Meter, TopicName string }
				}
			}
		}](t, h, `{usageBill(`+in+`,groupBy:TOPIC,first:1`+after+`){totalCount pageInfo{hasNextPage endCursor} edges{node{meter topicName}}}}`, "")
		for _, e := range page.UsageBill.Edges {
			seen = append(seen, e.Node.TopicName+" "+e.Node.Meter)
		}
		if !page.UsageBill.PageInfo.HasNextPage {
			break
		}
		after = `,after:"` + page.UsageBill.PageInfo.EndCursor + `"`
	}
	if got := strings.Join(seen, ", "); got != "orders INGRESS_RECORDS, orders EGRESS_RECORDS" {
		t.Errorf("the pages have %s", got)
	}
}
