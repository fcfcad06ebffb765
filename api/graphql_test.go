package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/api"
	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
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

// TestPages walks lists by pages of random sizes, in every order and with every filter: all pages together are the
// whole list, each node once.

// TestPagesSurviveNewRounds goes on after a round that changed every node's place but those by name.

// TestEventPages walks the events by pages of one.

// fan is a topic with many readers.

// TestCallsDoNotGrow asks the same of ten readers and of a hundred: the history is called equally often.

// TestOneBuild asks one window from many at once: the view is built once, and again when a round has come.

// TestLateObservationsShow asks for a fixed window before and after an observation of it has come.

func TestLateObservationsShow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := shop(t, 29)
		time.Sleep(time.Until(round(30)) + time.Second)
		h := serve(served{History: w.store, Identity: everybody, Clusters: shopConfig, Log: quiet()})
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
			h := serve(served{History: w.store, Identity: everybody, Log: quiet()})
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

func (f failing) Events(ctx context.Context, _ store.EventFilter) (store.Events, error) {
	if f.panic {
		panic("secret cause")
	}
	if f.slow {
		<-ctx.Done()
		return store.Events{}, ctx.Err()
	}
	return store.Events{}, f.err
}

// TestOthersStand lets one root field fail: the others answer, whose windows need no events, and the cause is in the
// log only.

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
				h := serve(served{History: c.f, Identity: everybody, Clusters: shopConfig, Log: slog.New(slog.NewTextHandler(&log, nil))})
				status, body := ask(h, `query($t:String){events(window:{last:"1m"}){totalCount} clusters{name} nodes(text:$t,window:{last:"20s"}){totalCount}}`, `{"t":"personal data"}`)
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
		h := serve(served{History: failing{Store: store, slow: true}, Identity: everybody, Log: quiet(), Limits: api.Limits{Concurrent: 2}})
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

// TestIntrospection lets tools read the schema, unless that is switched off: then a guess is not helped either.

// TestSchemaSnapshot compares the schema as it is served with the one that clients were promised. A change that takes
// something away needs more than -update.

// write writes a type in one line for each field.

// TestOverHTTP holds the basics of GraphQL over HTTP, over a real connection.

func TestOverHTTP(t *testing.T) {
	server := httptest.NewServer(serve(served{History: newWorld(t).store, Identity: everybody, Log: quiet()}))
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

// TestOneInstant lets a round come while a request is answered: all its fields answer for the instant at which it came.

func TestOneInstant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := shop(t, 29)
		time.Sleep(time.Until(round(29)) + time.Second)
		slow := &rounding{Store: w.store, between: func() {
			w.observe("west", "end-offsets", 30, w.moved(self(orders), lineage.NoEvidence, 1500))
			time.Sleep(tick - time.Second) // the timeout of a request is no longer
		}}
		h := serve(served{History: slow, Identity: everybody, Clusters: shopConfig, Log: quiet()})
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

func (r *rounding) Window(ctx context.Context, ask store.Ask) (*store.Window, error) {
	if !r.done {
		r.done = true
		r.between()
	}
	return r.Store.Window(ctx, ask)
}

// TestWrongVariables sends what the schema does not allow in variables: the sender's mistake, never an internal error.

func TestWrongVariables(t *testing.T) {
	h := serve(served{History: newWorld(t).store, Identity: everybody, Log: quiet()})
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

// TestManyReaders adds up a hundred readers at every tick of a day: the stored series are loaded some at a time, the
// sum is of all.

// TestUIPassesTheLimits sends all that the UI asks, at its largest: none may be refused.
