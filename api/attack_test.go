package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/lineaged/lineaged/timeseries"
)

// untouched is a history that must not be asked: every call would be of a nil store and panic, which shows as an
// internal error.
type untouched struct{ timeseries.Store }

// attack is a request that must be refused before anything of it is executed.
type attack struct {
	name   string
	query  string
	vars   string
	status int
	code   string
	edit   func(*http.Request)
	body   string // instead of query
}

const inWindow = `window: {last: "1m"}`

func repeat(n int, format string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.ReplaceAll(format, "%", fmt.Sprint(i)))
	}
	return b.String()
}

// deep nests a field n times.
func deep(n int, open, inner string) string {
	return strings.Repeat(open+"{", n) + inner + strings.Repeat("}", n)
}

// doubling makes fragments that each spread the next one twice: 2^n fields from a few lines.
func doubling(n int) string {
	var b strings.Builder
	b.WriteString("{coverage(" + inWindow + "){...f0}}")
	for i := range n {
		fmt.Fprintf(&b, " fragment f%d on Coverage{...f%d ...f%d}", i, i+1, i+1)
	}
	fmt.Fprintf(&b, " fragment f%d on Coverage{complete}", n)
	return b.String()
}

func header(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

// all asks for everything of the largest graph.
const all = `{lineage(roots:["topic:west/orders"],` + inWindow + `,limit:1000){nodes{id name tags}flows{id from{id name owner tags}to{id name owner tags}` +
	`clients(first:1000){kind clientId group member host producerId recordsPerSecond lag firstSeen lastSeen}}}}`

var attacks = []attack{
	{name: "depth 50", query: "{" + deep(50, "clusters", "id") + "}", code: "LIMIT_EXCEEDED"},
	{name: "depth 16", query: "{" + deep(15, "clusters", "id") + "}", code: "LIMIT_EXCEEDED"},
	{name: "depth 5,000", query: "{" + deep(5000, "a", "b") + "}", code: "GRAPHQL_PARSE_FAILED"},
	{name: "depth 50 in inline fragments", query: "{" + deep(50, "...on Query", "clusters{id}") + strings.Repeat(" ", 1) + deep(50, "clusters", "id") + "}", code: "LIMIT_EXCEEDED"},
	{name: "depth through fragments", query: "{clusters{...a}} fragment a on Cluster{" + deep(8, "x", "...b") + "} fragment b on Cluster{" + deep(8, "y", "z") + "}", code: "LIMIT_EXCEEDED"},
	{name: "1,000 aliases", query: "{" + repeat(1000, "a%:clusters{id} ") + "}", code: "LIMIT_EXCEEDED"},
	{name: "an alias of 900 KB", query: "{nodes(first:1000){edges{node{" + strings.Repeat("x", 900_000) + ":id}}}}", code: "LIMIT_EXCEEDED"},
	{name: "a text of 900 KB", query: "query($t:String){nodes(text:$t){totalCount}}", vars: `{"t":"` + strings.Repeat("x", 900_000) + `"}`, code: "BAD_USER_INPUT"},
	{name: "31 aliases", query: "{" + repeat(31, "a%:clusters{id} ") + "}", code: "LIMIT_EXCEEDED"},
	{name: "1,000 aliases of __typename", query: "{" + repeat(1000, "a%:__typename ") + "}", code: "LIMIT_EXCEEDED"},
	{name: "aliases through a fragment", query: "{" + repeat(4, "a%:clusters{...f} ") + "} fragment f on Cluster{" + repeat(10, "b%:id ") + "}", code: "LIMIT_EXCEEDED"},
	{name: "1,000 repeated fields", query: "{" + strings.Repeat("clusters{id} ", 1000) + "}", code: "LIMIT_EXCEEDED"},
	{name: "5,000 fields that are not there", query: "{" + repeat(5000, "f% ") + "}", code: "LIMIT_EXCEEDED"},
	{name: "2 MiB body", query: "{clusters{id}} #" + strings.Repeat("x", 2<<20), status: http.StatusRequestEntityTooLarge, code: "LIMIT_EXCEEDED"},
	{
		name: "2 MiB body without a length", query: "{clusters{id}} #" + strings.Repeat("x", 2<<20), status: http.StatusRequestEntityTooLarge, code: "LIMIT_EXCEEDED",
		edit: func(r *http.Request) { r.ContentLength = -1 },
	},
	{name: "2 MiB of variables", query: "query($t:String){nodes(text:$t){totalCount}}", vars: `{"t":"` + strings.Repeat("x", 2<<20) + `"}`, status: http.StatusRequestEntityTooLarge, code: "LIMIT_EXCEEDED"},
	{name: "100,000 tokens", query: "{" + strings.Repeat("a ", 100_000) + "}", code: "GRAPHQL_PARSE_FAILED"},
	{name: "100,000 tokens in a list", query: "{lineage(roots:[" + strings.Repeat(`"" `, 100_000) + "]," + inWindow + "){totalNodes}}", code: "GRAPHQL_PARSE_FAILED"},
	{name: "100,000 brackets", query: "{lineage(roots:" + strings.Repeat("[", 100_000) + "}", code: "GRAPHQL_PARSE_FAILED"},
	{name: "7,000 nested lists", query: "{lineage(roots:" + strings.Repeat("[", 7000) + strings.Repeat("]", 7000) + "," + inWindow + "){totalNodes}}", code: "GRAPHQL_PARSE_FAILED"},
	{name: "7,000 nested objects", query: "{lineage(roots:" + strings.Repeat("{a:", 3000) + "1" + strings.Repeat("}", 3000) + "," + inWindow + "){totalNodes}}", code: "GRAPHQL_PARSE_FAILED"},
	{name: "500 nested lists", query: "{lineage(roots:" + strings.Repeat("[", 500) + strings.Repeat("]", 500) + "," + inWindow + "){totalNodes}}", code: "GRAPHQL_VALIDATION_FAILED"},
	{name: "a fragment that spreads itself", query: "{clusters{...a}} fragment a on Cluster{id ...a}", code: "GRAPHQL_VALIDATION_FAILED"},
	{name: "a circle of fragments", query: "{clusters{...a}} fragment a on Cluster{...b} fragment b on Cluster{...c} fragment c on Cluster{...a}", code: "GRAPHQL_VALIDATION_FAILED"},
	{name: "an unused circle", query: "{clusters{id}} fragment a on Cluster{...b} fragment b on Cluster{...a}", code: "GRAPHQL_VALIDATION_FAILED"},
	{name: "2^30 fields by fragments", query: doubling(30), code: "LIMIT_EXCEEDED"},
	{name: "2^1000 fields by fragments", query: doubling(1000), code: "LIMIT_EXCEEDED"},
	{name: "1,000 directives", query: "{clusters " + strings.Repeat("@include(if:true) ", 1000) + "{id}}", code: "LIMIT_EXCEEDED"},
	{name: "1,000 unknown directives", query: "{clusters " + repeat(1000, "@a% ") + "{id}}", code: "LIMIT_EXCEEDED"},
	{name: "1,000 directives on the operation", query: "query " + repeat(1000, "@a% ") + "{clusters{id}}", code: "LIMIT_EXCEEDED"},
	{name: "1,000 directives on fragments", query: "{clusters{" + repeat(1000, "...@include(if:true){id}") + "}}", code: "LIMIT_EXCEEDED"},
	{name: "a costly answer", query: all, code: "COMPLEXITY_LIMIT_EXCEEDED"},
	{name: "a costly answer by variables", query: strings.Replace(strings.Replace(all, "{", "query($n:Int!){", 1), "limit:1000", "limit:$n", 1), vars: `{"n":1000}`, code: "COMPLEXITY_LIMIT_EXCEEDED"},
	{name: "a cost that overflows", query: `{nodes(first:2147483647){edges{node{id}}}}`, code: "COMPLEXITY_LIMIT_EXCEEDED"},
	{name: "a list too many times", query: "{" + repeat(30, `a%:nodes(first:1000){edges{node{id name owner tags cluster{id name brokers}}}} `) + "}", code: "COMPLEXITY_LIMIT_EXCEEDED"},
	{name: "a huge int", query: "{nodes(first:99999999999999999999999){totalCount}}"},
	{name: "a huge int by variable", query: "query($n:Int!){nodes(first:$n){totalCount}}", vars: `{"n":99999999999999999999999}`},
	{name: "a huge float for an int", query: "{nodes(first:1e999){totalCount}}"},
	{name: "batch", body: `[{"query":"{clusters{id}}"},{"query":"{clusters{id}}"}]`, code: "BAD_REQUEST"},
	{name: "1,000 batched", body: "[" + strings.Repeat(`{"query":"{clusters{id}}"},`, 999) + `{"query":"{clusters{id}}"}]`, code: "BAD_REQUEST"},
	{name: "empty batch", body: " \n[]", code: "BAD_REQUEST"},
	{name: "two values", body: `{"query":"{clusters{id}}"}{"query":"{clusters{id}}"}`, code: "BAD_REQUEST"},
	{name: "not JSON", body: "query={clusters{id}}", code: "BAD_REQUEST"},
	{name: "deeply nested JSON", body: `{"query":"{clusters{id}}","variables":` + strings.Repeat("[", 200_000), code: "BAD_REQUEST"},
	{name: "no query", body: `{"variables":{}}`, code: "BAD_REQUEST"},
	{name: "a query that is no string", body: `{"query":{"a":1}}`, code: "BAD_REQUEST"},
	{name: "variables that are no object", body: `{"query":"{clusters{id}}","variables":[1]}`, code: "BAD_REQUEST"},
	{name: "an empty document", query: " ", code: "GRAPHQL_VALIDATION_FAILED"},
	{name: "a document of zero bytes", query: "\x00\x00", code: "GRAPHQL_PARSE_FAILED"},
	{name: "an open string", query: `{nodes(text:"` + strings.Repeat("a", 1000), code: "GRAPHQL_PARSE_FAILED"},
	{name: "a mutation", query: "mutation{clusters{id}}", code: "GRAPHQL_VALIDATION_FAILED"},
	{name: "a subscription", query: "subscription{clusters{id}}", code: "GRAPHQL_VALIDATION_FAILED"},
	{name: "10,000 operations", query: repeat(3000, "query q%{clusters{id}} "), code: "GRAPHQL_PARSE_FAILED"},
	{name: "an answer in pieces", query: "{clusters{...@defer{id}}}", code: "GRAPHQL_VALIDATION_FAILED"},
	{name: "nested introspection", query: "{__schema{types{fields{type{fields{type{fields{type{fields{name}}}}}}}}}}", code: "GRAPHQL_VALIDATION_FAILED"},
	{
		name: "GET mutation", status: http.StatusMethodNotAllowed, code: "METHOD_NOT_ALLOWED",
		edit: func(r *http.Request) { r.Method, r.URL.RawQuery = http.MethodGet, "query=mutation{clusters{id}}" },
	},
	{
		name: "GET query", status: http.StatusMethodNotAllowed, code: "METHOD_NOT_ALLOWED",
		edit: func(r *http.Request) { r.Method, r.URL.RawQuery = http.MethodGet, "query={clusters{id}}" },
	},
	{name: "a form", query: "{clusters{id}}", edit: header("Content-Type", "application/x-www-form-urlencoded"), status: http.StatusUnsupportedMediaType, code: "UNSUPPORTED_MEDIA_TYPE"},
	{name: "plain text, which needs no preflight", query: "{clusters{id}}", edit: header("Content-Type", "text/plain"), status: http.StatusUnsupportedMediaType, code: "UNSUPPORTED_MEDIA_TYPE"},
	{name: "multipart", query: "{clusters{id}}", edit: header("Content-Type", "multipart/form-data; boundary=a"), status: http.StatusUnsupportedMediaType, code: "UNSUPPORTED_MEDIA_TYPE"},
	{name: "no content type", query: "{clusters{id}}", edit: func(r *http.Request) { r.Header.Del("Content-Type") }, status: http.StatusUnsupportedMediaType, code: "UNSUPPORTED_MEDIA_TYPE"},
	{name: "another charset", query: "{clusters{id}}", edit: header("Content-Type", "application/json; charset=utf-7"), status: http.StatusUnsupportedMediaType, code: "UNSUPPORTED_MEDIA_TYPE"},
	{name: "cross-origin", query: "{clusters{id}}", edit: header("Origin", "https://evil.example"), status: http.StatusForbidden, code: "FORBIDDEN"},
	{name: "cross-site by fetch metadata", query: "{clusters{id}}", edit: header("Sec-Fetch-Site", "cross-site"), status: http.StatusForbidden, code: "FORBIDDEN"},
	{name: "null origin", query: "{clusters{id}}", edit: header("Origin", "null"), status: http.StatusForbidden, code: "FORBIDDEN"},
	{name: "a rebound Host", query: "{clusters{id}}", edit: func(r *http.Request) { r.Host = "evil.example" }, status: http.StatusForbidden, code: "FORBIDDEN"},
	{name: "a Host that only looks like loopback", query: "{clusters{id}}", edit: func(r *http.Request) { r.Host = "localhost.evil.example:8420" }, status: http.StatusForbidden, code: "FORBIDDEN"},
	{name: "an address within a name", query: "{clusters{id}}", edit: func(r *http.Request) { r.Host = "127.0.0.1.evil.example" }, status: http.StatusForbidden, code: "FORBIDDEN"},
	{name: "no Host", query: "{clusters{id}}", edit: func(r *http.Request) { r.Host = "" }, status: http.StatusForbidden, code: "FORBIDDEN"},
}

func TestAttacks(t *testing.T) {
	h := serve(served{History: untouched{}, Identity: everybody, Log: quiet()})
	for _, a := range attacks {
		t.Run(a.name, func(t *testing.T) {
			body := a.body
			if body == "" {
				in := map[string]any{"query": a.query}
				if a.vars != "" {
					in["variables"] = json.RawMessage(a.vars)
				}
				b, err := json.Marshal(in)
				if err != nil {
					t.Fatal(err)
				}
				body = string(b)
			}
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://localhost/graphql", strings.NewReader(body))
			r.Header.Set("Content-Type", "application/json")
			if a.edit != nil {
				a.edit(r)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			want := a.status
			if want == 0 {
				want = http.StatusBadRequest
			}
			var got struct {
				Data   json.RawMessage
				Errors []struct {
					Message    string
					Extensions struct{ Code string }
				}
			}
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
				t.Fatalf("%v in %.300s", err, w.Body)
			}
			if w.Code != want || got.Data != nil || len(got.Errors) == 0 || a.code != "" && got.Errors[0].Extensions.Code != a.code {
				t.Fatalf("got %d %.500s, want %d %s", w.Code, w.Body, want, a.code)
			}
			if e := got.Errors[0]; e.Message == "" || e.Extensions.Code == "" || e.Extensions.Code == "INTERNAL" || w.Body.Len() > 8<<10 {
				t.Errorf("the refusal is not clear and short: %d bytes, %.500s", w.Body.Len(), w.Body)
			}
		})
	}
	if n := len(attacks); n < 40 {
		t.Errorf("only %d attacks", n)
	}
}
