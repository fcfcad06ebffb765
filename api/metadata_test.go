package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/api"
	"github.com/lineaged/lineaged/catalog"
	"github.com/lineaged/lineaged/lineage"
)

// editable is a shop whose nodes can be edited.
type editable struct {
	*catalog.Log
	now func() time.Time
}

func (e editable) Known(n lineage.Node) bool { return e.Edits().Now(n) != nil }

func (e editable) Trouble() string { return "" }

func (e editable) Set(n lineage.Node, expected int64, changes []lineage.Change, by string) (int64, bool, error) {
	made, err := e.Put([]catalog.Draft{{Node: n, Expected: &expected, Changes: changes}}, by, e.now())
	if err != nil {
		out := &api.CatalogError{Sentence: err.Error()}
		if c, ok := errors.AsType[*catalog.ConflictError](err); ok {
			out.Conflict = &api.Conflict{Version: c.Last.Number, By: c.Last.By, At: c.Last.At}
		}
		return 0, false, out
	}
	return e.Edits().Now(n).Version(), len(made) > 0, nil
}

// editShop serves a shop at its 31st round; at is the clock.
func editShop(t *testing.T, enabled bool) (h http.Handler, at *time.Time) {
	t.Helper()
	w := shop(t, 30)
	l, err := catalog.Open(filepath.Join(t.TempDir(), "catalog"), 2*tick)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	clock := round(31)
	at = &clock
	now := func() time.Time { return *at }
	o := api.Options{
		Answers: answer.New(answer.Options{History: w.store, Identity: everybody, Edits: l.Edits, Clusters: shopConfig, Now: now}), Log: quiet(),
		User: func(r *http.Request) string { return r.Header.Get("X-User") },
	}
	if enabled {
		o.Catalog = editable{l, now}
	}
	s := api.New(o)
	t.Cleanup(s.Close)
	return s, at
}

// mutate sends a mutation as a user, and returns what it says.
func mutate(h http.Handler, user, document string, header ...string) string {
	body, err := json.Marshal(map[string]string{"query": document})
	if err != nil {
		panic(err)
	}
	r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "http://localhost/graphql", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-User", user)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return strings.TrimSpace(w.Body.String())
}

const ordersSaid = `{ node(id: "topic:west/orders", window: {%s}) { owner tags metadata { version editCount entries { field key values source rule by over { values source rule } } } } }`

func says(h http.Handler, window string) string {
	_, body := ask(h, fmt.Sprintf(ordersSaid, window), "")
	return string(body)
}

func TestEditsStandOverRulesFromTheirTimeOn(t *testing.T) {
	h, at := editShop(t, true)
	f := func(got string, want ...string) {
		t.Helper()
		for _, w := range want {
			if !strings.Contains(got, w) {
				t.Errorf("got %s, want %s in it", got, w)
			}
		}
	}
	before := says(h, `last: "1m"`)
	f(before, `"owner":"team-shop"`, `"version":0,"editCount":0`, `"source":"RULE","rule":"rule 1 of nodes","by":null,"over":null`)
	f(mutate(h, "anna", `mutation { setMetadata(node: "topic:west/orders", expected: 0, changes: [
		{field: OWNER, values: ["team-new"]}, {field: TAGS, values: []}, {field: PROPERTY, key: "cost-center", values: ["4711"]}
	]) { version changed node { owner metadata { version } } } }`), `{"data":{"setMetadata":{"version":1,"changed":true,"node":{"owner":"team-new","metadata":{"version":1}}}}}`)
	f(says(h, `last: "1m"`), `"owner":"team-new","tags":[]`, `{"field":"OWNER","key":null,"values":["team-new"],"source":"EDIT","rule":null,"by":"anna","over":{"values":["team-shop"],"source":"RULE","rule":"rule 1 of nodes"}}`,
		`{"field":"PROPERTY","key":"cost-center","values":["4711"],"source":"EDIT"`)
	past := fmt.Sprintf(`start: "%s", end: "%s"`, round(1).Format(time.RFC3339), round(20).Format(time.RFC3339))
	f(says(h, past), `"owner":"team-shop"`, `"version":0`) // as it stood then
	// Who has not seen an edit does not overwrite it.
	f(mutate(h, "ben", `mutation { setMetadata(node: "topic:west/orders", expected: 0, changes: [{field: OWNER, values: ["team-ben"]}]) { version } }`),
		`"code":"CONFLICT"`, `"version":1`, `"by":"anna"`, `"at":"`+at.Format(time.RFC3339), `"data":{"setMetadata":null}`)
	*at = round(35)
	f(mutate(h, "", `mutation { setMetadata(node: "topic:west/orders", expected: 1, changes: [{field: OWNER, values: null}]) { version changed } }`), `"version":2,"changed":true`)
	f(says(h, `last: "1m"`), `"owner":"team-shop"`, `"version":2,"editCount":2`)
	_, body := ask(h, `{ node(id: "topic:west/orders") { metadata { edits(first: 1) { number at by changes { field before after } } } } }`, "")
	f(string(body), `{"number":2,"at":"`+round(35).Format(time.RFC3339)+`","by":null,"changes":[{"field":"OWNER","before":["team-new"],"after":null}]}`)
	_, body = ask(h, `{ editing { enabled by trouble } }`, "")
	f(string(body), `"editing":{"enabled":true,"by":null,"trouble":null}`)
}

func TestDerivedTagsHaveTheirWay(t *testing.T) {
	h, _ := editShop(t, true)
	if got := mutate(h, "", `mutation { setMetadata(node: "topic:west/orders", expected: 0, changes: [{field: TAGS, values: ["pii"]}]) { version } }`); !strings.Contains(got, `"version":1`) {
		t.Fatal(got)
	}
	var got struct {
		Data struct {
			All, Said struct {
				Edges []struct {
					Node struct {
						ID       string
						Metadata struct {
							DerivedTags struct {
								Count  int
								Doubts []string
								Tags   []struct {
									Tag  string
									From struct{ ID string }
									Way  []struct {
										From, To struct{ ID string }
										Evidence []struct{ Kind string }
									}
								}
							}
						}
					}
				}
			}
		}
	}
	_, body := ask(h, `{
		said: nodes(tag: "pii", first: 50) { edges { node { id } } }
		all: nodes(tag: "pii", derived: true, first: 50) { edges { node { id metadata { derivedTags { count doubts tags { tag from { id } way { from { id } to { id } evidence { kind } } } } } } } }
	}`, "")
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	said := map[string]bool{}
	for _, e := range got.Data.Said.Edges {
		said[e.Node.ID] = true
	}
	if len(said) != 3 || len(got.Data.All.Edges) < 6 {
		t.Errorf("%d nodes are said to have the tag, and %d have it: %.500s", len(said), len(got.Data.All.Edges), body)
	}
	for _, e := range got.Data.All.Edges {
		derived := false
		for _, d := range e.Node.Metadata.DerivedTags.Tags {
			if len(d.Way) == 0 || d.Way[0].From.ID != d.From.ID || d.Way[len(d.Way)-1].To.ID != e.Node.ID || len(d.Way[0].Evidence) == 0 {
				t.Errorf("%s: %s comes by %+v", e.Node.ID, d.Tag, d.Way)
			}
			if d.Tag == "pii" {
				if derived = true; !said[d.From.ID] {
					t.Errorf("%s: it is said to come from %s", e.Node.ID, d.From.ID)
				}
			}
		}
		if derived == said[e.Node.ID] {
			t.Errorf("%s is said to have it: %t, and has it derived: %t", e.Node.ID, said[e.Node.ID], derived)
		}
	}
	// A report of the tag has the same topics, those that do not bear it with their way.
	report := answerOf[struct {
		UsageReport struct {
			Total        struct{ Derived bool }
			DerivedTotal *struct {
				Topics  int
				Derived bool
			}
			Uses struct {
				Edges []struct {
					Node struct {
						Derived bool
						Topic   struct {
							ID         string
							DerivedWay []string
						}
					}
				}
			}
		}
		Borne struct{ DerivedTotal *struct{ Topics int } }
	}](t, h, `{usageReport(scope: {tag: "pii"}, window: {last: "10m"}) {total {derived} derivedTotal {topics derived} uses {edges {node {derived topic {id derivedWay}}}}}
		borne: usageReport(scope: {tag: "pii"}, window: {last: "10m"}, derived: false) {derivedTotal {topics}}}`, "")
	r := report.UsageReport
	if r.Total.Derived || r.DerivedTotal == nil || !r.DerivedTotal.Derived || r.DerivedTotal.Topics == 0 || report.Borne.DerivedTotal != nil {
		t.Errorf("%+v", report)
	}
	for _, e := range r.Uses.Edges {
		way := e.Node.Topic.DerivedWay
		if said[e.Node.Topic.ID] != (way == nil) || way != nil && (!said[way[0]] || way[len(way)-1] != e.Node.Topic.ID) {
			t.Errorf("%+v", e.Node)
		}
	}
}

func TestEditsAreRefused(t *testing.T) {
	h, _ := editShop(t, true)
	off, _ := editShop(t, false)
	const good = `mutation { setMetadata(node: "topic:west/orders", expected: 0, changes: [{field: OWNER, values: ["x"]}]) { version } }`
	f := func(got string, want ...string) {
		t.Helper()
		for _, w := range want {
			if !strings.Contains(got, w) {
				t.Errorf("got %s, want %s in it", got, w)
			}
		}
	}
	f(mutate(off, "", good), `catalog.edit is off`, `"code":"FORBIDDEN"`)
	_, body := ask(off, `{ editing { enabled by } }`, "")
	f(string(body), `"enabled":false`)
	set := func(node, changes string) string {
		return mutate(h, "", `mutation { setMetadata(node: "`+node+`", expected: 0, changes: [`+changes+`]) { version } }`)
	}
	f(set("topic:west/ordres", `{field: OWNER, values: ["x"]}`), `"code":"NOT_FOUND"`)
	f(set("orders", `{field: OWNER, values: ["x"]}`), `"code":"BAD_USER_INPUT"`)
	f(set("topic:west/orders", `{field: OWNER, values: ["x", "y"]}`), `owner is one text, and not 2`, `"code":"BAD_USER_INPUT"`)
	f(set("topic:west/orders", `{field: PROPERTY, values: ["x"]}`), `is no key`)
	f(set("topic:west/orders", strings.Repeat(`{field: OWNER, values: ["x"]} `, 61)), `61 changes, at most 60`)
	// A page elsewhere can have a browser send neither JSON nor from here.
	f(mutate(h, "", good, "Content-Type", "text/plain"), `application/json`)
	f(mutate(h, "", good, "Content-Type", "application/x-www-form-urlencoded"), `application/json`)
	f(mutate(h, "", good, "Sec-Fetch-Site", "cross-site"), `cross-origin requests are refused`)
	f(mutate(h, "", good, "Origin", "https://evil.example"), `cross-origin requests are refused`)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost/graphql?query=mutation", nil)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", w.Code)
	}
	f(says(h, `last: "1m"`), `"version":0`)
	f(mutate(h, "", good), `"version":1`)
}
