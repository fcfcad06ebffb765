package acceptance

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Queries that are made to hurt are refused before they execute, with an error that says why.
func TestAttacksAreRefused(t *testing.T) {
	t.Parallel()
	// No Kafka is needed, and its absence is no reason not to start.
	s := serve(t, "--brokers", "127.0.0.1:1", "--cluster-name", "west")
	attack := func(name, query string) {
		t.Helper()
		body, err := json.Marshal(map[string]any{"query": query})
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		status, b, err := s.post(t, body)
		if err != nil {
			// The server may close the connection on a body that is too long.
			t.Errorf("%s: %v", name, err)
			return
		}
		if took := time.Since(begin); took > 2*time.Second {
			t.Errorf("%s: refused only after %s", name, took)
		}
		var answer struct {
			Data   json.RawMessage
			Errors []graphQLError
		}
		if err := json.Unmarshal(b, &answer); err != nil {
			t.Errorf("%s: status %d, not JSON: %.200s", name, status, b)
			return
		}
		if len(answer.Errors) == 0 || answer.Errors[0].Message == "" || answer.Errors[0].Extensions.Code == "" {
			t.Errorf("%s: status %d, no error with a message and a code: %.300s", name, status, b)
			return
		}
		if len(answer.Data) > 0 && string(answer.Data) != "null" {
			t.Errorf("%s: executed: %.200s", name, answer.Data)
		}
		t.Logf("%s: status %d, %s: %.120s", name, status, answer.Errors[0].Extensions.Code, answer.Errors[0].Message)
	}

	// A fragment on Node leads from a topic back to Unidentified, whose topic is a topic: valid to any depth.
	attack("depth 50", `{node(id:"unidentified:west/x"){... on Unidentified{`+
		strings.Repeat(`topic{... on Node{... on Unidentified{`, 50)+`id`+strings.Repeat(`}}}`, 50)+`}}}`)
	attack("depth 50 of introspection", `{__schema{types{fields{type{`+strings.Repeat(`ofType{`, 50)+`name`+strings.Repeat(`}`, 50)+`}}}}}`)
	var aliases strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&aliases, "a%d: clusters { id } ", i)
	}
	attack("1,000 aliases", "{"+aliases.String()+"}")
	attack("10^5 tokens", "{clusters{"+strings.Repeat("id ", 100_000)+"}}")
	attack("a body of 2 MiB", "{clusters{id}} #"+strings.Repeat("x", 2<<20))
	attack("2 MiB of variables' worth of text in an argument", `{nodes(text:"`+strings.Repeat("x", 2<<20)+`"){totalCount}}`)

	// And it still answers everybody else.
	var d struct{ Clusters []struct{ Name string } }
	s.mustAsk(t, `{clusters{name}}`, nil, &d)
	if len(d.Clusters) != 1 || d.Clusters[0].Name != "west" {
		t.Errorf("clusters: %+v", d.Clusters)
	}
	if status := s.askAs(t, "evil.example", ""); status < 400 {
		t.Errorf("a foreign Host header: status %d", status)
	}
	if status := s.askAs(t, "", "https://evil.example"); status < 400 {
		t.Errorf("a foreign Origin header: status %d", status)
	}
}

// askAs sends a harmless query with a Host or an Origin header and returns the status.
func (s *server) askAs(t testing.TB, host, origin string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/graphql", strings.NewReader(`{"query":"{clusters{name}}"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if host != "" {
		req.Host = host
	}
	if origin != "" {
		req.Header.Set("Origin", origin)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}
