package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/api"
)

// TestClusterSpellings presents how clusters are called, what can't be told first, and null where nobody tells.
func TestClusterSpellings(t *testing.T) {
	world := newWorld(t).store
	told := &api.ClusterSpellings{Since: time.Unix(0, 0).UTC(), Full: true, Items: []api.ClusterSpelling{
		{Spelling: "b1:9092", By: []string{"connect"}, Cluster: new("west"), Basis: new(api.SpellingBasisConfigured), Matched: new("b1:9092"), Candidates: []string{}},
		{Spelling: "x:1", From: new("jobs"), By: []string{"openlineage"}, Problem: new(api.SpellingProblemNotWatched), Why: new("nobody has it"), Candidates: []string{"west"}, Rule: new("a rule")},
	}}
	open := `{"spelling":"x:1","from":"jobs","by":["openlineage"],"cluster":null,"basis":null,"matched":null,"problem":"NOT_WATCHED","why":"nobody has it","candidates":["west"],"rule":"a rule"}`
	known := `{"spelling":"b1:9092","from":null,"by":["connect"],"cluster":"west","basis":"CONFIGURED","matched":"b1:9092","problem":null,"why":null,"candidates":[],"rule":null}`
	const fields = `{since full untoldCount items{spelling from by cluster basis matched problem why candidates rule}}`
	for asked, want := range map[string]string{
		"clusterSpellings":               open + "," + known,
		"clusterSpellings(untold: true)": open,
	} {
		h := serve(served{History: world, Identity: everybody, Log: quiet(), Spellings: func() *api.ClusterSpellings { return told }})
		want = `"clusterSpellings":{"since":"1970-01-01T00:00:00Z","full":true,"untoldCount":1,"items":[` + want + `]}`
		if status, body := ask(h, `{`+asked+fields+`}`, ""); status != http.StatusOK || !strings.Contains(string(body), want) {
			t.Errorf("%d %s\nwant %s", status, body, want)
		}
	}
	h := serve(served{History: world, Identity: everybody, Log: quiet()})
	if _, body := ask(h, `{clusterSpellings`+fields+`}`, ""); !strings.Contains(string(body), `"clusterSpellings":null`) {
		t.Errorf("nobody tells: %s", body)
	}
}
