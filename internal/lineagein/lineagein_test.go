package lineagein_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lineaged/lineaged/internal/deadletter"
	"github.com/lineaged/lineaged/internal/lineagein"
	"github.com/lineaged/lineaged/internal/runevent"
)

const event = `{"eventType":"START","eventTime":"2026-11-28T01:30:00Z","run":{"runId":"r"},"job":{"namespace":"a","name":"b"}}`

// server answers with a receiver, and keeps what it took.
type server struct {
	*testing.T
	options lineagein.Options
	refuse  error
	events  []runevent.Event
	refused []string
	letters []deadletter.Letter
}

func newServer(t *testing.T) *server {
	s := &server{T: t}
	s.options = lineagein.Options{
		Open: true, MaxBody: 64 << 10,
		Refused: func(l deadletter.Letter) {
			s.refused, s.letters = append(s.refused, l.Reason()), append(s.letters, l)
		},
		Take: func(_ context.Context, all []runevent.Event) error {
			if s.refuse == nil {
				s.events = append(s.events, all...)
			}
			return s.refuse
		},
	}
	return s
}

// post sends a body and wants a status, and words of the answer.
func (s *server) post(what, path, body string, want int, words string, headers ...string) http.Header {
	s.Helper()
	// of a length that is not known, as Java sends it
	req := httptest.NewRequestWithContext(s.Context(), http.MethodPost, path, io.NopCloser(strings.NewReader(body)))
	req.Header.Set("Content-Type", "application/json; charset=UTF-8")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	lineagein.New(s.options).Handlers()[path].ServeHTTP(w, req)
	if text := w.Body.String(); w.Code != want || !strings.Contains(text, words) || words == "" && text != "" {
		s.Errorf("%s: %d %q, want %d %q", what, w.Code, text, want, words)
	}
	return w.Header()
}

func packed(t *testing.T, text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestCases holds that each odd body has its answer: Marquez' own is beside it in the file, and where this is
// another one docs/openlineage.md says why.
func TestCases(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "runevent", "testdata", "cases.json"))
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Case string
		Body json.RawMessage
		Raw  *string
	}
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	want := map[string]int{
		"no run.runId": 422, "runId not a uuid": 201, "unknown eventType": 201, "no eventTime": 422, "eventTime without zone": 201, "no schemaURL": 201,
		"no producer": 201, "inputs null": 201, "no job.name": 422, "truncated JSON": 400, "empty body": 400, "array body on /lineage": 400,
	}
	if len(cases) != len(want) {
		t.Fatalf("there are %d cases, want %d", len(cases), len(want))
	}
	for _, c := range cases {
		body := string(c.Body)
		if c.Raw != nil {
			body = *c.Raw
		}
		s := newServer(t)
		words := ""
		if want[c.Case] >= 400 {
			words = `"message":`
		}
		s.post(c.Case, lineagein.Path, body, want[c.Case], words)
		if taken, refused := len(s.events) == 1, len(s.refused) == 1; taken == (want[c.Case] != 201) || refused != (want[c.Case] != 201) {
			t.Errorf("%s: %d events are taken, and %q is refused", c.Case, len(s.events), s.refused)
		}
	}
}

func TestBodies(t *testing.T) {
	s := newServer(t)
	s.post("plain", lineagein.Path, event, 201, "")
	s.post("packed", lineagein.Path, packed(t, event), 201, "", "Content-Encoding", "gzip")
	s.post("without a type", lineagein.Path, event, 201, "", "Content-Type", "")
	s.post("a form", lineagein.Path, event, 415, "application/json", "Content-Type", "text/plain")
	s.post("packed in another way", lineagein.Path, event, 415, "gzip", "Content-Encoding", "br")
	s.post("not packed", lineagein.Path, event, 400, "can't be read", "Content-Encoding", "gzip")
	s.post("cut short", lineagein.Path, packed(t, event)[:40], 400, "can't be read", "Content-Encoding", "gzip")
	s.post("large", lineagein.Path, strings.Repeat(" ", 100<<10), 413, "more than 65536 bytes")
	s.post("large once unpacked", lineagein.Path, packed(t, strings.Repeat(" ", 4<<20)), 413, "more than 65536 bytes", "Content-Encoding", "gzip")
	if len(s.events) != 3 {
		t.Errorf("%d events are taken", len(s.events))
	}
	s.refuse = lineagein.ErrFull
	if h := s.post("no room", lineagein.Path, event, 503, "more waits"); h.Get("Retry-After") == "" {
		t.Error("it is not said when to try again")
	}
	s.refuse = errors.New("/secret/path is full")
	s.post("no disk", lineagein.Path, event, 503, "could not be stored now")
}

func TestBatches(t *testing.T) {
	s := newServer(t)
	s.post("none", lineagein.BatchPath, `[]`, 204, "")
	s.post("two", lineagein.BatchPath, `[`+event+`,`+event+`]`, 204, "")
	s.post("one is of no use", lineagein.BatchPath, `[`+event+`,{},`+event+`,7]`, 200,
		`{"status":"partial_success","summary":{"received":4,"successful":2,"failed":2,"retriable":0,"non_retriable":2},"failed_events":[{"index":1,"reason":"it has none of run, job and dataset","retriable":false},{"index":3,`)
	s.post("no array", lineagein.BatchPath, event, 400, "no JSON array")
	s.post("empty", lineagein.BatchPath, ``, 400, "empty")
	if len(s.events) != 4 {
		t.Errorf("%d events are taken", len(s.events))
	}
	s.refuse = lineagein.ErrFull
	s.post("no room", lineagein.BatchPath, `[`+event+`,{}]`, 503, "more waits")
}

// What is of no use is told with what its sender can be found by, and with nothing that may be a secret.
func TestLetters(t *testing.T) {
	s := newServer(t)
	const agent = "openlineage-test/1 token=hunter2"
	s.post("no time", lineagein.Path, `{"producer":"https://u:hunter2@p/x","run":{"runId":"9c66b278-db60-4da4-a9df-d3deeb7064e0"},"job":{"namespace":"pg://u:hunter2@db","name":"j;password=hunter2","facets":{"sql":{"query":"hunter2"}}}}`,
		422, "/eventTime", "User-Agent", agent)
	s.post("not JSON", lineagein.Path, `{"hunter2`, 400, "not JSON")
	s.post("of a batch", lineagein.BatchPath, `[`+event+`,{"dataset":{"namespace":"a","name":"d"},"eventTime":"hunter2"}]`, 200, "partial_success")
	s.post("too large", lineagein.Path, `{"a":"`+strings.Repeat("x", 65<<10)+`"}`, 413, "more than 65536 bytes")
	want := []string{
		"/eventTime index=-1 pg://db j;password=[redacted] 9c66b278-db60-4da4-a9df-d3deeb7064e0 https://p/x byte=0 agent=openlineage-test/1 token=[redacted]",
		" index=-1     byte=9 agent=", "/eventTime index=1 a d   byte=0 agent=", " index=-1     byte=0 agent=",
	}
	for i, l := range s.letters {
		got := fmt.Sprintf("%s index=%d %s %s %s %s byte=%d agent=%s", l.Pointer, l.Index, l.Namespace, l.Job, l.Run, l.Producer, l.Byte, l.Agent)
		if i >= len(want) || got != want[i] || l.Address != "192.0.2.1" || l.Bytes == 0 || (l.Sum == "") != (i == 3) || l.Larger != (i == 3) || strings.Contains(fmt.Sprintf("%+v", l), "hunter2") {
			t.Errorf("letter %d: %s: %+v", i, got, l)
		}
	}
	if len(s.letters) != len(want) {
		t.Errorf("%d letters, want %d", len(s.letters), len(want))
	}
}

func TestWhoMaySend(t *testing.T) {
	s := newServer(t)
	s.options.Open = false
	s.post("beyond loopback without a token", lineagein.Path, event, 403, "openlineage.token_file")
	for _, open := range []bool{true, false} {
		s.options.Open, s.options.Token = open, func() string { return "0123456789abcdef" }
		s.post("no token", lineagein.Path, event, 401, "bearer token")
		s.post("another", lineagein.Path, event, 401, "bearer token", "Authorization", "Bearer 0123456789abcdeg")
		s.post("another scheme", lineagein.Path, event, 401, "bearer token", "Authorization", "Basic 0123456789abcdef")
		s.post("the token", lineagein.Path, event, 201, "", "Authorization", "Bearer 0123456789abcdef")
	}
	if len(s.events) != 2 {
		t.Errorf("%d events are taken", len(s.events))
	}
}
