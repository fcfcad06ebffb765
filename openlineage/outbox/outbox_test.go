package outbox_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/lineaged/lineaged/internal/receiver"
	"github.com/lineaged/lineaged/openlineage/outbox"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("net/http.(*persistConn).writeLoop"), goleak.IgnoreTopFunction("internal/poll.runtime_pollWait"))
}

// taker takes what it is sent, unless it has something else to say.
type taker struct {
	got  []string
	fail error
}

func (r *taker) Send(_ context.Context, e outbox.Event) error {
	if r.fail != nil {
		return r.fail
	}
	r.got = append(r.got, e.Key+"="+string(e.Body))
	return nil
}

func open(t *testing.T, folder string, most int64, to outbox.Sender, log io.Writer) *outbox.Queue {
	t.Helper()
	q, err := outbox.New(outbox.Options{Name: "to", Folder: folder, Most: most, Sender: to, Log: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func put(t *testing.T, q *outbox.Queue, bodies ...string) {
	t.Helper()
	var all []outbox.Event
	for i, b := range bodies {
		all = append(all, outbox.Event{Key: fmt.Sprintf("k\t%d", i), Body: []byte(b)})
	}
	if err := q.Put(all); err != nil {
		t.Fatal(err)
	}
}

var now = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func TestWhatIsPutSurvivesAndIsSentInOrder(t *testing.T) {
	folder, r := filepath.Join(t.TempDir(), "to"), &taker{fail: errors.New("connection refused")}
	q := open(t, folder, 1<<20, r, io.Discard)
	put(t, q, `{"a":1}`, `{"a":2}`)
	q.Step(context.Background(), now)
	put(t, q, `{"a":3}`)
	if err := os.WriteFile(filepath.Join(folder, "9.events.tmp"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	q = open(t, folder, 1<<20, r, io.Discard) // as after a crash
	r.fail = nil
	put(t, q, `{"a":4}`)
	q.Step(context.Background(), now)
	want := []string{"k\t0={\"a\":1}", "k\t1={\"a\":2}", "k\t0={\"a\":3}", "k\t0={\"a\":4}"}
	if !slices.Equal(r.got, want) {
		t.Errorf("sent %q, not %q", r.got, want)
	}
	if f := q.Figures(); f.Sent != 4 || f.Waiting != 0 || f.Bytes != 0 || f.Trouble != "" {
		t.Errorf("%+v", f)
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) != 0 {
		t.Errorf("%v are left, %v", left, err)
	}
}

func TestFailuresWaitLongerAndAreSaidOnce(t *testing.T) {
	var log bytes.Buffer
	r := &taker{fail: errors.New("down")}
	q := open(t, t.TempDir(), 1<<20, r, &log)
	put(t, q, "{}")
	attempts := func(within time.Duration) int64 {
		before := q.Figures().Failures
		for end := now.Add(within); now.Before(end); now = now.Add(time.Second) {
			q.Step(context.Background(), now)
		}
		return q.Figures().Failures - before
	}
	if n := attempts(40 * time.Second); n != 4 { // at 0, 5, 15 and 35 s
		t.Errorf("%d attempts in 40 s", n)
	}
	if n := attempts(time.Hour); n < 6 || n > 14 {
		t.Errorf("%d attempts in an hour", n)
	}
	if n := strings.Count(log.String(), "not taken"); n != 1 || q.Figures().Trouble != "down" {
		t.Errorf("said %d times: %s", n, log.String())
	}
	r.fail = nil
	attempts(10 * time.Minute)
	if q.Figures().Trouble != "" || len(r.got) != 1 || strings.Count(log.String(), "taken again") != 1 {
		t.Errorf("%+v, %q: %s", q.Figures(), r.got, log.String())
	}
	r.fail = &receiver.RetryError{After: time.Minute, Err: errors.New("busy")}
	put(t, q, "{}")
	if n := attempts(50 * time.Second); n != 1 {
		t.Errorf("%d attempts where it asked for a minute", n)
	}
}

func TestTheOldestGiveWay(t *testing.T) {
	r := &taker{fail: errors.New("down")}
	q := open(t, t.TempDir(), 45, r, io.Discard)
	for i := range 5 {
		put(t, q, fmt.Sprintf("{%d}", i), "{}") // 21 bytes
	}
	if f := q.Figures(); f.Dropped != 6 || f.Waiting != 2 || f.Bytes > 45 {
		t.Errorf("%+v", f)
	}
	if err := q.Put([]outbox.Event{{Body: bytes.Repeat([]byte("x"), 60)}}); err == nil || q.Figures().Waiting != 2 {
		t.Error("more than may wait is put")
	}
	r.fail = nil
	q.Step(context.Background(), now)
	if len(r.got) != 4 || r.got[0] != "k\t0={3}" {
		t.Errorf("sent %q", r.got)
	}
}

func TestWhatIsRefusedKeepsNobodyWaiting(t *testing.T) {
	r := &taker{fail: fmt.Errorf("%w: 422", receiver.ErrRefused)}
	q := open(t, t.TempDir(), 1<<20, r, io.Discard)
	put(t, q, "{}", "{}")
	q.Step(context.Background(), now)
	if f := q.Figures(); f.Refused != 2 || f.Waiting != 0 || f.Trouble != "" {
		t.Errorf("%+v", f)
	}
}

func TestADamagedFileIsMovedAside(t *testing.T) {
	folder, r := t.TempDir(), &taker{}
	if err := os.WriteFile(filepath.Join(folder, "00000000000000000001.events"), []byte("no event\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	q := open(t, folder, 1<<20, r, io.Discard)
	put(t, q, "{}")
	q.Step(context.Background(), now)
	q.Step(context.Background(), now.Add(time.Minute))
	if f := q.Figures(); f.Sent != 1 || f.Waiting != 0 || f.Failures != 1 {
		t.Errorf("%+v", f)
	}
}

func TestServersThatDoNotTakeIt(t *testing.T) {
	const token = "geheim-0123456789"
	f := func(want string, refused bool, answer http.HandlerFunc) {
		t.Helper()
		var asked *http.Request
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked = r
			answer(w, r)
		}))
		defer s.Close()
		err := outbox.NewHTTP(s.URL+"/api/v1/lineage", func() string { return token }, nil).Send(context.Background(), outbox.Event{Body: []byte("{}")})
		switch {
		case want == "" && err != nil, want != "" && (err == nil || !strings.Contains(err.Error(), want)), errors.Is(err, receiver.ErrRefused) != refused:
			t.Errorf("%v, not %s", err, want)
		case err != nil && (strings.Contains(err.Error(), token) || strings.Contains(err.Error(), "said by the server")):
			t.Errorf("%v repeats what is not to be repeated", err)
		}
		if asked.Header.Get("Authorization") != "Bearer "+token || asked.Header.Get("Content-Type") != "application/json" || asked.Method != http.MethodPost {
			t.Errorf("asked by %s with %v", asked.Method, asked.Header)
		}
	}
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", "7")
			http.Error(w, "said by the server: "+r.Header.Get("Authorization"), code)
		}
	}
	f("", false, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusCreated) })
	f("", false, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") })
	f("a web page", false, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, "<html>said by the server</html>")
	})
	f("see the token", false, status(http.StatusUnauthorized))
	f("see the token", false, status(http.StatusForbidden))
	f("path", false, status(http.StatusNotFound))
	f("Unprocessable", true, status(http.StatusUnprocessableEntity))
	f("Bad Request", true, status(http.StatusBadRequest))
	f("Internal Server Error", false, status(http.StatusInternalServerError))
	f("Too Many Requests", false, status(http.StatusTooManyRequests))
	f("not followed", false, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "http://127.0.0.1:1/elsewhere")
		w.WriteHeader(http.StatusTemporaryRedirect)
	})
	// an answer without an end is not read to its end
	f("", false, func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				return
			}
		}
	})
	var retry *receiver.RetryError
	s := httptest.NewServer(status(http.StatusServiceUnavailable))
	defer s.Close()
	err := outbox.NewHTTP(s.URL, func() string { return "" }, nil).Send(context.Background(), outbox.Event{})
	if !errors.As(err, &retry) || retry.After != 7*time.Second {
		t.Errorf("%v, after %v", err, retry)
	}
	s.Close()
	if err := outbox.NewHTTP(s.URL, func() string { return token }, nil).Send(context.Background(), outbox.Event{}); err == nil || strings.Contains(err.Error(), s.URL+"/") || errors.Is(err, receiver.ErrRefused) {
		t.Errorf("nobody is there: %v", err)
	}
}
