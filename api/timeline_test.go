package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/lineaged/lineaged/lineage"
)

// A timeline has no rate where nothing was observed, and zero where nothing moved; its gaps are one stretch.
func TestTimeline(t *testing.T) {
	w := newWorld(t)
	orders := topic(west, "orders", 1)
	for n := 1; n <= 12; n++ {
		if n == 5 || n == 6 || n == 7 {
			continue
		}
		by := int64(20)
		if n > 9 {
			by = 0
		}
		fill := []func(*lineage.Observation){w.moved(self(orders), lineage.NoEvidence, by)}
		if n == 1 {
			fill = append(fill, facts(clusterFact("west", west, 1, 1), topicFact("west", orders)))
		}
		w.observe("west", "ends", n, fill...)
	}
	h := serve(served{History: w.store, Identity: everybody, Log: quiet()})
	f := func(query, want string) {
		t.Helper()
		status, body := ask(h, query, "")
		if got := string(body); status != http.StatusOK || !strings.Contains(got, want) {
			t.Errorf("%s:\n%d %s, want\n%s", query, status, got, want)
		}
	}
	const (
		moved = `{"recordsPerSecond":2,"observedFraction":1}`
		rest  = `{"recordsPerSecond":0,"observedFraction":1}`
		blind = `{"recordsPerSecond":null,"observedFraction":0}`
	)
	const in = `window:{start:"2000-01-01T00:00:00Z",end:"2000-01-01T00:02:00Z"}`
	f(`{timeline(`+in+`,buckets:12){width nodes leftOut buckets{recordsPerSecond observedFraction}}}`,
		`{"width":"10s","nodes":1,"leftOut":0,"buckets":[`+strings.Repeat(moved+",", 4)+strings.Repeat(blind+",", 3)+strings.Repeat(moved+",", 2)+rest+","+rest+","+rest+`]}`)
	f(`{clusters{name timeline(`+in+`,buckets:4){nodes leftOut buckets{recordsPerSecond observedFraction} coverage{complete}}}}`,
		`{"name":"west","timeline":{"nodes":1,"leftOut":0,"buckets":[`+moved+`,{"recordsPerSecond":2,"observedFraction":0.3333333333333333},`+
			`{"recordsPerSecond":2,"observedFraction":0.6666666666666666},`+rest+`],"coverage":{"complete":false}}}`)
	f(`{clusters{timeline(`+in+`,buckets:401){width}}}`, "buckets must be 2 to 400")
	f(`{timeline(`+in+`,buckets:401){width}}`, "buckets must be 2 to 400")
	f(`{timeline(`+in+`,roots:["nonsense"]){width}}`, "BAD_USER_INPUT")
	f(`{timeline(`+in+`,cluster:"nowhere"){width}}`, "NOT_FOUND")
	f(`{coverage(`+in+`){stretchCount stretches{start end kind reason sources sourceCount}}}`,
		`{"stretchCount":1,"stretches":[{"start":"2000-01-01T00:00:40Z","end":"2000-01-01T00:01:10Z","kind":"LOST","reason":"nothing was recorded: lineaged was not running, or did not watch this yet",`+
			`"sources":["west/ends"],"sourceCount":1}]}`)
}
