package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/99designs/gqlgen/graphql/introspection"
	"github.com/RoaringBitmap/roaring/v2"

	"github.com/lineaged/lineaged/api"
	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/timeseries"
)

// answerOf decodes an answer that must have neither errors nor another status than 200.
func answerOf[T any](t *testing.T, h http.Handler, query, variables string) (data T) {
	t.Helper()
	status, body := ask(h, query, variables)
	var got struct {
		Data   *T
		Errors json.RawMessage
	}
	got.Data = &data
	if err := json.Unmarshal(body, &got); err != nil || status != http.StatusOK || got.Errors != nil {
		t.Fatalf("%d %v %.2000s", status, err, body)
	}
	return data
}

// codeOf returns the code of the only error of an answer.
func codeOf(t *testing.T, body []byte) string {
	t.Helper()
	var got struct {
		Errors []struct {
			Extensions struct{ Code string }
		}
	}
	if err := json.Unmarshal(body, &got); err != nil || len(got.Errors) != 1 {
		t.Fatalf("%v %.2000s", err, body)
	}
	return got.Errors[0].Extensions.Code
}

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

// TestPages walks lists by pages of random sizes, in every order and with every filter: all pages together are the whole list, each node once.
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
		h := api.New(api.Options{History: w.store, Identity: people{}, Clusters: shopConfig, Log: quiet()})
		for _, args := range []string{
			"", "orderBy: RATE", "orderBy: LAG", "orderBy: LAST_MOVED", "orderBy: NAME", `text: "c1"`, `text: "1", orderBy: RATE`, "kinds: [APPLICATION, UNIDENTIFIED]",
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

// TestPagesSurviveNewRounds goes on after a round that changed every node's place but those by name.
func TestPagesSurviveNewRounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := shop(t, 20)
		time.Sleep(time.Until(round(20)) + time.Second)
		h := api.New(api.Options{History: w.store, Identity: people{}, Clusters: shopConfig, Log: quiet()})
		first := answerOf[nodePage](t, h, "{nodes(first:3){pageInfo{endCursor} edges{node{id}}}}", "").Nodes
		extra := topic(west, "a new topic that comes first", 77)
		w.observe("west", "end-offsets", 21, facts(topicFact("west", extra)), w.moved(self(extra), lineage.NoEvidence, 1))
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

// TestEventPages walks the events by pages of one.
func TestEventPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := shop(t, 30)
		time.Sleep(time.Until(round(30)) + time.Second)
		h := api.New(api.Options{History: w.store, Identity: people{}, Clusters: shopConfig, Log: quiet()})
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

// fan is a topic with many readers.
func fan(t testing.TB, readers int) *world {
	w := newWorld(t)
	for n := 1; n <= 6; n++ {
		fill := []func(*lineage.Observation){w.moved(self(orders), lineage.NoEvidence, 100), w.moved(writes(orders, producer(1)), lineage.ProducerState, 100)}
		if n == 1 {
			fill = append(fill, facts(clusterFact("west", west, 1, readers), topicFact("west", orders)), level(self(orders), lineage.LogBytes, 20000), level(self(orders), lineage.Retained, 100))
		}
		for i := range readers {
			g := reads(orders, group(fmt.Sprintf("g%03d", i)))
			fill = append(fill, w.moved(g, lineage.GroupOffsets, 100), level(g, lineage.Lag, int64(i)), level(g, lineage.LagMillis, 10))
		}
		w.observe("west", "all", n, fill...)
	}
	return w
}

const everything = `{
  lineage(roots: ["topic:west/orders"], window: {last: "1m"}, limit: 1000) {
    nodes { id name firstSeen lastSeen cluster { name error } series(metric: RECORDS_PER_SECOND, window: {last: "1m"}) { points { value } }
      in: series(metric: RECORDS_IN_PER_SECOND, window: {last: "30s"}) { points { value } } ... on Topic { retainedBytes } }
    flows { id active records bytes lag lagSeconds evidence { kind } clients(first: 5) { group lag } clientCount firstSeen
      from { id series(metric: RECORDS_PER_SECOND, window: {last: "1m"}) { step } } to { id lastSeen }
      series(metric: RECORDS_PER_SECOND) { points { value } } lags: series(metric: LAG) { points { value } } bytes2: series(metric: BYTES_PER_SECOND) { points { value } } }
    coverage { complete }
    positions { x }
  }
}`

// TestCallsDoNotGrow asks the same of ten readers and of a hundred: the history is called equally often.
func TestCallsDoNotGrow(t *testing.T) {
	calls := func(readers int) (n int, of map[string]int) {
		synctest.Test(t, func(t *testing.T) {
			w := fan(t, readers)
			time.Sleep(time.Until(round(6)) + time.Second)
			h := counted(w.store)
			server := api.New(api.Options{History: h, Identity: people{}, Clusters: shopConfig, Log: quiet(), Limits: api.Limits{Complexity: 1 << 29}})
			type answer struct {
				Lineage struct{ Flows []struct{ Records string } }
			}
			got := answerOf[answer](t, server, everything, "")
			if len(got.Lineage.Flows) != readers+1 {
				t.Errorf("%d flows", len(got.Lineage.Flows))
			}
			n, of = h.total(), h.calls
		})
		return n, of
	}
	few, fewOf := calls(10)
	many, manyOf := calls(100)
	if few != many || few > 40 {
		t.Errorf("%d calls for 10 readers %v, %d for 100 %v", few, fewOf, many, manyOf)
	}
	// Three of flows; of nodes two metrics, one for all three kinds, one that unidentified writers do not have.
	if n := manyOf["Series"]; n != 8 {
		t.Errorf("Series was called %d times, want once a metric, window and kind: 8", n)
	}
}

// TestOneBuild asks one window from many at once: the view is built once, and again when a round has come.
func TestOneBuild(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := shop(t, 30)
		time.Sleep(time.Until(round(30)) + time.Second)
		h := counted(w.store)
		server := api.New(api.Options{History: h, Identity: people{}, Clusters: shopConfig, Log: quiet()})
		ask16 := func() {
			var wg sync.WaitGroup
			for range 16 {
				wg.Go(func() { ask(server, `{lineage(roots:["topic:west/orders"],window:{last:"1m"}){totalNodes}}`, "") })
			}
			wg.Wait()
		}
		ask16()
		if n := h.calls["Amounts"]; n != 1 {
			t.Errorf("16 at once built %d views", n)
		}
		w.observe("west", "end-offsets", 31, w.moved(self(orders), lineage.NoEvidence, 1))
		ask16()
		if n := h.calls["Amounts"]; n != 2 {
			t.Errorf("a late round made %d views, want 2", n)
		}
	})
}

// TestLateObservationsShow asks for a fixed window before and after an observation of it has come.
func TestLateObservationsShow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := shop(t, 29)
		time.Sleep(time.Until(round(30)) + time.Second)
		h := api.New(api.Options{History: w.store, Identity: people{}, Clusters: shopConfig, Log: quiet()})
		const query = `{flow(id:"unidentified:west/orders->topic:west/orders",window:{start:"2000-01-01T00:04:00Z",end:"2000-01-01T00:05:00Z"}){records}}`
		type answer struct{ Flow struct{ Records string } }
		if got := answerOf[answer](t, h, query, "").Flow.Records; got != "7500" {
			t.Errorf("before: %s", got)
		}
		w.observe("west", "producers", 30, w.moved(writes(orders, producer(1001)), lineage.ProducerState, 1000))
		if got := answerOf[answer](t, h, query, "").Flow.Records; got != "8500" {
			t.Errorf("after: %s", got)
		}
	})
}

// TestLast holds where a window of the last minute ends: with the newest round that every live cluster has.
func TestLast(t *testing.T) {
	end := func(t *testing.T, now time.Duration, rounds map[string]int) time.Duration {
		t.Helper()
		var got time.Duration
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			for cluster, n := range rounds {
				for i := max(1, n-3); i <= n; i++ {
					w.observe(cluster, "end-offsets", i)
				}
			}
			time.Sleep(now)
			h := api.New(api.Options{History: w.store, Identity: people{}, Log: quiet()})
			type answer struct {
				Flows struct{ Window struct{ End time.Time } }
			}
			got = answerOf[answer](t, h, `{flows(window:{last:"1m"}){window{end}}}`, "").Flows.Window.End.Sub(midnight)
		})
		return got
	}
	for _, c := range []struct {
		now    time.Duration
		rounds map[string]int
		want   time.Duration
	}{
		{103 * time.Second, map[string]int{"west": 10}, 100 * time.Second},
		{101 * time.Second, map[string]int{"west": 9}, 90 * time.Second},             // round 10 is under way
		{101 * time.Second, map[string]int{"west": 10, "east": 9}, 90 * time.Second}, // in east
		{101 * time.Second, map[string]int{"west": 10, "east": 5}, 100 * time.Second},
		{101 * time.Second, map[string]int{"west": 5, "east": 5}, 90 * time.Second}, // all have stopped
		{100 * time.Second, map[string]int{"west": 10}, 100 * time.Second},
		{101 * time.Second, nil, 90 * time.Second},
	} {
		if got := end(t, c.now, c.rounds); got != c.want {
			t.Errorf("now %v, rounds %v: ends at %v, want %v", c.now, c.rounds, got, c.want)
		}
	}
}

// failing is a history whose events cannot be read.
type failing struct {
	timeseries.Store
	err   error
	panic bool
	slow  bool
}

func (f failing) Events(ctx context.Context, _ lineage.Window, _ func(lineage.Event) bool, _ int) ([]lineage.Event, error) {
	if f.panic {
		panic("secret cause")
	}
	if f.slow {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return nil, f.err
}

// TestOthersStand lets one root field fail: the other answers, and the cause is in the log only.
func TestOthersStand(t *testing.T) {
	for name, c := range map[string]struct {
		f    failing
		code string
	}{
		"error":   {failing{err: errors.New("secret cause")}, "INTERNAL"},
		"panic":   {failing{panic: true}, "INTERNAL"},
		"timeout": {failing{slow: true}, "TIMEOUT"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c.f.Store = shop(t, 30).store
				time.Sleep(time.Until(round(30)) + time.Second)
				var log strings.Builder
				h := api.New(api.Options{History: c.f, Identity: people{}, Clusters: shopConfig, Log: slog.New(slog.NewTextHandler(&log, nil))})
				status, body := ask(h, `query($t:String){events(window:{last:"1m"}){totalCount} clusters{name} nodes(text:$t){totalCount}}`, `{"t":"personal data"}`)
				code := codeOf(t, body)
				if status != http.StatusOK || code != c.code || !strings.Contains(string(body), `"clusters":[{"name":"west"}]`) {
					t.Errorf("%d %s", status, body)
				}
				if strings.Contains(string(body), "secret") || c.code == "INTERNAL" && !strings.Contains(log.String(), "secret cause") {
					t.Errorf("body %s, log %s", body, &log)
				}
				if strings.Contains(log.String(), "personal") {
					t.Errorf("a variable is in the log: %s", &log)
				}
			})
		})
	}
}

// TestBusy fills all places: who comes then is told so, and nothing is kept waiting for ever.
func TestBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := shop(t, 30).store
		time.Sleep(time.Until(round(30)) + time.Second)
		h := api.New(api.Options{History: failing{Store: store, slow: true}, Identity: people{}, Log: quiet(), Limits: api.Limits{Concurrent: 2}})
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() { ask(h, `{events(window:{last:"1m"}){totalCount}}`, "") })
		}
		synctest.Wait()
		status, body := ask(h, "{clusters{id}}", "")
		if code := codeOf(t, body); status != http.StatusTooManyRequests || code != "TOO_MANY_REQUESTS" {
			t.Errorf("%d %s", status, body)
		}
		wg.Wait()
		if status, body = ask(h, "{clusters{id}}", ""); status != http.StatusOK {
			t.Errorf("afterwards: %d %s", status, body)
		}
	})
}

// TestTooManyPoints asks for more points than a request may hold.
func TestTooManyPoints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := fan(t, 200)
		time.Sleep(time.Until(round(6)) + time.Second)
		h := api.New(api.Options{History: w.store, Identity: people{}, Clusters: shopConfig, Log: quiet()})
		_, body := ask(h, `{lineage(roots:["topic:west/orders"],window:{last:"1d"}){flows{series(metric:LAG,step:"10s"){unit}}}}`, "")
		if !strings.Contains(string(body), `"LIMIT_EXCEEDED"`) || !strings.Contains(string(body), "ask for a longer step") {
			t.Errorf("%.500s", body)
		}
	})
}

// TestIntrospection lets tools read the schema, unless that is switched off: then a guess is not helped either.
func TestIntrospection(t *testing.T) {
	store := newWorld(t).store
	open := api.New(api.Options{History: store, Identity: people{}, Log: quiet()})
	if status, body := ask(open, introspection.Query, ""); status != http.StatusOK || !strings.Contains(string(body), "TopicUsage") {
		t.Errorf("%d %.500s", status, body)
	}
	if _, body := ask(open, "{cluster{id}}", ""); !strings.Contains(string(body), "Did you mean") {
		t.Errorf("%s", body)
	}
	shut := api.New(api.Options{History: store, Identity: people{}, Log: quiet(), NoIntrospection: true})
	for _, q := range []string{introspection.Query, `{__type(name:"Topic"){name}}`, "{...f} fragment f on Query{__schema{types{name}}}", "{...{__schema{types{name}}}}"} {
		if status, body := ask(shut, q, ""); status != http.StatusBadRequest || strings.Contains(string(body), "TopicUsage") {
			t.Errorf("%s: %d %.500s", q, status, body)
		}
	}
	for _, q := range []string{
		"{cluster{id}}", "{clusters{i}}", "{nodes(txt:1){totalCount}}", "{clusters}", "{nodes(kinds:[TOPICS]){totalCount}}", "{clusters{...on Topics{id}}}",
		"query($a:Strin){nodes(text:$a){totalCount}}",
	} {
		if status, body := ask(shut, q, ""); status != http.StatusBadRequest || strings.Contains(string(body), "Did you mean") {
			t.Errorf("%s: %d %s", q, status, body)
		}
	}
	if status, body := ask(shut, "{__typename clusters{id __typename}}", ""); status != http.StatusOK {
		t.Errorf("%d %s", status, body)
	}
}

// TestSchemaSnapshot compares the schema as it is served with the one that clients were promised. A change that takes something away needs more than -update.
func TestSchemaSnapshot(t *testing.T) {
	h := api.New(api.Options{History: newWorld(t).store, Identity: people{}, Log: quiet()})
	_, body := ask(h, `{__schema{types{name kind enumValues{name} inputFields{name type{...t}} fields{name args{name defaultValue type{...t}} type{...t}} possibleTypes{name}}}}
		fragment t on __Type{kind name ofType{kind name ofType{kind name ofType{kind name}}}}`, "")
	var got struct {
		Data struct {
			Schema struct{ Types []schemaType } `json:"__schema"`
		}
	}
	if err := json.Unmarshal(body, &got); err != nil || len(got.Data.Schema.Types) == 0 {
		t.Fatalf("%v %.500s", err, body)
	}
	var b strings.Builder
	slices.SortFunc(got.Data.Schema.Types, func(a, b schemaType) int { return strings.Compare(a.Name, b.Name) })
	for _, x := range got.Data.Schema.Types {
		if !strings.HasPrefix(x.Name, "__") {
			x.write(&b)
		}
	}
	const file = "testdata/schema.txt"
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil || string(want) != b.String() {
		t.Errorf("%v: the schema is\n%s", err, &b)
	}
}

type typeRef struct {
	Kind, Name string
	OfType     *typeRef
}

func (r typeRef) String() string {
	switch r.Kind {
	case "NON_NULL":
		return r.OfType.String() + "!"
	case "LIST":
		return "[" + r.OfType.String() + "]"
	}
	return r.Name
}

type schemaField struct {
	Name string
	Args []struct {
		Name         string
		DefaultValue *string
		Type         typeRef
	}
	Type typeRef
}

type schemaType struct {
	Name, Kind    string
	EnumValues    []struct{ Name string }
	PossibleTypes []struct{ Name string }
	InputFields   []schemaField
	Fields        []schemaField
}

// write writes a type in one line for each field.
func (x schemaType) write(b *strings.Builder) {
	fmt.Fprintf(b, "%s %s\n", strings.ToLower(x.Kind), x.Name)
	for _, e := range x.EnumValues {
		fmt.Fprintf(b, "  %s\n", e.Name)
	}
	for _, p := range x.PossibleTypes {
		fmt.Fprintf(b, "  is %s\n", p.Name)
	}
	for _, f := range append(x.InputFields, x.Fields...) {
		var args []string
		for _, a := range f.Args {
			s := a.Name + ": " + a.Type.String()
			if a.DefaultValue != nil {
				s += " = " + *a.DefaultValue
			}
			args = append(args, s)
		}
		list := ""
		if len(args) > 0 {
			list = "(" + strings.Join(args, ", ") + ")"
		}
		fmt.Fprintf(b, "  %s%s: %s\n", f.Name, list, f.Type)
	}
}

// TestOverHTTP holds the basics of GraphQL over HTTP, over a real connection.
func TestOverHTTP(t *testing.T) {
	server := httptest.NewServer(api.New(api.Options{History: newWorld(t).store, Identity: people{}, Log: quiet()}))
	defer server.Close()
	post := func(accept, contentType, body string) (status int, header http.Header, answer string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/graphql", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", contentType)
		if accept != "" {
			r.Header.Set("Accept", accept)
		}
		resp, err := server.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, resp.Header, string(b)
	}
	const modern, legacy = "application/graphql-response+json", "application/json"
	for _, c := range []struct {
		accept, contentType, body string
		media                     string
		status                    int
	}{
		{"", legacy, `{"query":"{__typename}"}`, legacy, 200},
		{"*/*", legacy, `{"query":"{__typename}"}`, legacy, 200},
		{legacy, legacy + "; charset=UTF-8", `{"query":"{__typename}"}`, legacy, 200},
		{modern, legacy, `{"query":"{__typename}"}`, modern, 200},
		{modern + ", " + legacy + ";q=0.9", legacy, `{"query":"{__typename}"}`, modern, 200},
		{modern, legacy, `{"query":"{__typename}","operationName":null,"variables":null,"extensions":null}`, modern, 200},
		{modern, legacy, `{"query":"query a{__typename} query b{__typename}","operationName":"b","variables":{},"extensions":{"x":1}}`, modern, 200},
		{modern, legacy, `{"query":"query a{__typename} query b{__typename}","operationName":"c"}`, modern, 400},
		{modern, legacy, `{"query":"query a{__typename} query b{__typename}"}`, modern, 400},
		{modern, legacy, `{"query":"{"}`, modern, 400},
		{legacy, legacy, `{"query":"{nothing}"}`, legacy, 400},
		{modern, legacy, `{"query":"query($a:Int!){nodes(first:$a){totalCount}}"}`, modern, 400},
		{modern, legacy, `{"query":"query($w:Window!){coverage(window:$w){complete}}","variables":{"w":{"last":"1m","first":1}}}`, modern, 400},
		{modern, "text/plain", `{"query":"{__typename}"}`, modern, 415},
	} {
		status, header, body := post(c.accept, c.contentType, c.body)
		media, _, _ := strings.Cut(header.Get("Content-Type"), ";")
		if status != c.status || media != c.media || strings.Contains(body, `"data"`) != (c.status == 200) {
			t.Errorf("%+v: %d %s %s", c, status, media, body)
		}
		for _, h := range []string{"X-Content-Type-Options", "Content-Security-Policy", "Referrer-Policy"} {
			if header.Get(h) == "" {
				t.Errorf("no %s", h)
			}
		}
		if got := header.Get("Access-Control-Allow-Origin"); got != "" {
			t.Errorf("open to %s", got)
		}
	}
}

// TestScalars holds what the scalars read and write.
func TestScalars(t *testing.T) {
	for in, want := range map[string]time.Duration{
		"30s": 30 * time.Second, "10m": 10 * time.Minute, "4h": 4 * time.Hour, "7d": 168 * time.Hour, "1h30m": 90 * time.Minute, "2w": 336 * time.Hour,
		"1y": 8760 * time.Hour, "1d12h": 36 * time.Hour, "250ms": 250 * time.Millisecond, "1m500ms": time.Minute + 500*time.Millisecond, "0s": 0,
	} {
		if got, err := api.UnmarshalDuration(in); err != nil || got != want {
			t.Errorf("%s: %v %v", in, got, err)
		}
	}
	for _, in := range []any{"", "5", "s", "5 m", "-5m", "1.5h", "5m1h", "5m5m", "1000000y", "99999999999999999999s", 5, nil, "5M"} {
		if got, err := api.UnmarshalDuration(in); err == nil {
			t.Errorf("%v: %v", in, got)
		}
	}
	for _, d := range []time.Duration{time.Second, 90 * time.Second, 36 * time.Hour, 400 * 24 * time.Hour, time.Minute + 3*time.Millisecond} {
		var b strings.Builder
		api.MarshalDuration(d).MarshalGQL(&b)
		if back, err := api.UnmarshalDuration(strings.Trim(b.String(), `"`)); err != nil || back != d {
			t.Errorf("%v is written %s and read %v, %v", d, &b, back, err)
		}
	}
	if got, err := api.UnmarshalTime("2026-11-22T21:00:00.5+01:00"); err != nil || !got.Equal(time.Date(2026, 11, 22, 20, 0, 0, 5e8, time.UTC)) || got.Location() != time.UTC {
		t.Errorf("%v %v", got, err)
	}
	for _, in := range []any{"2026-11-22", "2026-11-22T20:00:00", "0001-01-01T00:00:00Z", "9999-01-01T00:00:00Z", "now", 5, nil} {
		if got, err := api.UnmarshalTime(in); err == nil {
			t.Errorf("%v: %v", in, got)
		}
	}
	var b strings.Builder
	api.MarshalInt64(1<<62 + 1).MarshalGQL(&b)
	if b.String() != `"4611686018427387905"` {
		t.Error(b.String())
	}
}

// TestOneInstant lets a round come while a request is answered: all its fields answer for the instant at which it came.
func TestOneInstant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := shop(t, 29)
		time.Sleep(time.Until(round(29)) + time.Second)
		slow := &rounding{Store: w.store, between: func() {
			w.observe("west", "end-offsets", 30, w.moved(self(orders), lineage.NoEvidence, 1500))
			time.Sleep(tick - time.Second) // the timeout of a request is no longer
		}}
		h := api.New(api.Options{History: slow, Identity: people{}, Clusters: shopConfig, Log: quiet()})
		type window struct{ Window struct{ End time.Time } }
		// The series is resolved after the flows, and so after the round.
		got := answerOf[struct {
			Flows struct {
				window
				Nodes []struct {
					Series *struct{ Points []struct{ At time.Time } }
				}
			}
		}](t, h, `{flows(window:{last:"10s"}){window{end} nodes{... on Topic{series(metric:RECORDS_IN_PER_SECOND,window:{last:"10s"}){points{at}}}}}}`, "")
		if !slow.done || !got.Flows.Window.End.Equal(round(29)) {
			t.Fatalf("%v, ends at %v", slow.done, got.Flows.Window.End)
		}
		for _, n := range got.Flows.Nodes {
			if n.Series != nil && !n.Series.Points[0].At.Equal(round(28)) {
				t.Errorf("a series begins at %v", n.Series.Points[0].At)
			}
		}
	})
}

// rounding is a history in which a round comes while the first window is read.
type rounding struct {
	timeseries.Store
	between func()
	done    bool
}

func (r *rounding) Moved(ctx context.Context, w lineage.Window) (*roaring.Bitmap, error) {
	if !r.done {
		r.done = true
		r.between()
	}
	return r.Store.Moved(ctx, w)
}

// TestWrongVariables sends what the schema does not allow in variables: the sender's mistake, never an internal error.
func TestWrongVariables(t *testing.T) {
	h := api.New(api.Options{History: newWorld(t).store, Identity: people{}, Log: quiet()})
	for _, c := range [][2]string{
		{"query($v:[NodeKind!]){nodes(kinds:$v){totalCount}}", `{"v":["TOPICS"]}`},
		{"query($v:[NodeKind!]){nodes(kinds:$v){totalCount}}", `{"v":[null]}`},
		{"query($v:[NodeKind!]){nodes(kinds:$v){totalCount}}", `{"v":7}`},
		{"query($v:NodeOrder){nodes(orderBy:$v){totalCount}}", `{"v":"SIZE"}`},
		{"query($v:Int!){nodes(first:$v){totalCount}}", `{"v":1.5}`},
		{"query($v:Int!){nodes(first:$v){totalCount}}", `{"v":4294967297}`},
		{"query($v:Int!){nodes(first:$v){totalCount}}", `{"v":null}`},
		{"query($v:Boolean!){nodes(includeInternal:$v){totalCount}}", `{"v":"yes"}`},
		{"query($v:String){nodes(text:$v){totalCount}}", `{"v":{"a":1}}`},
		{"query($v:Duration){coverage(window:{last:$v}){complete}}", `{"v":7}`},
		{"query($v:Duration){coverage(window:{last:$v}){complete}}", `{"v":["7d"]}`},
		{"query($v:Time){coverage(window:{at:$v}){complete}}", `{"v":"never"}`},
		{"query($v:Time){coverage(window:{at:$v}){complete}}", `{"v":{}}`},
		{"query($v:Window!){coverage(window:$v){complete}}", `{"v":"1m"}`},
		{"query($v:Window!){coverage(window:$v){complete}}", `{}`},
		{"query($v:Window!){coverage(window:$v){complete}}", `{"v":{"last":"1m","at":"2026-11-22T20:00:00Z"}}`},
		{"query($v:[EventType!]){events(window:{last:\"1m\"},types:$v){totalCount}}", `{"v":["NOTHING"]}`},
		{"query($v:[EvidenceKind!]){lineage(roots:[\"a\"],window:{last:\"1m\"},evidence:$v){totalNodes}}", `{"v":["HEARSAY"]}`},
	} {
		status, body := ask(h, c[0], c[1])
		if s := string(body); strings.Contains(s, "INTERNAL") || !strings.Contains(s, `"errors"`) || !strings.Contains(s, `"code"`) || status >= 500 {
			t.Errorf("%s %s: %d %s", c[0], c[1], status, body)
		}
	}
}
