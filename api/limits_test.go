package api_test

import (
	"context"
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
)

// from makes a GraphQL request that comes from an address.
func from(ctx context.Context, address string, body io.Reader) *http.Request {
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "http://localhost/graphql", body)
	r.Header.Set("Content-Type", "application/json")
	r.RemoteAddr = address
	return r
}

// stuck is a reader that takes nothing of its answer until it may.
type stuck struct {
	*httptest.ResponseRecorder
	may chan struct{}
}

func (s stuck) Write(b []byte) (int, error) {
	<-s.may
	return s.ResponseRecorder.Write(b)
}

// TestAnswersThatNobodyFetches lets one asker leave his answers lying about: what they hold is bounded, he is told so,
// and another one is answered. When they are fetched there is room again.
func TestAnswersThatNobodyFetches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		h := serve(served{History: w.store, Identity: everybody, Log: quiet(), Limits: api.Limits{Memory: 1000}})
		// an answer of more than a kilobyte
		question := func() io.Reader { return strings.NewReader(`{"query":"{__schema{types{name}}}"}`) }
		may := make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() { h.ServeHTTP(stuck{httptest.NewRecorder(), may}, from(t.Context(), "10.0.0.1:1", question())) })
		synctest.Wait()
		ask := func(address string) int {
			rec := httptest.NewRecorder()
			h.ServeHTTP(rec, from(t.Context(), address, question()))
			return rec.Code
		}
		for range 3 {
			if code := ask("10.0.0.1:2"); code != http.StatusTooManyRequests {
				t.Errorf("while his answer waits to be fetched the asker gets another: %d", code)
			}
		}
		if code := ask("10.0.0.2:1"); code != http.StatusOK {
			t.Errorf("and another asker gets none: %d", code)
		}
		close(may)
		wg.Wait()
		if code := ask("10.0.0.1:2"); code != http.StatusOK {
			t.Errorf("afterwards: %d", code)
		}
	})
}

// TestBodiesThatAreNeverWhole keeps a body open: what half-sent bodies may come to hold is bounded.
func TestBodiesThatAreNeverWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := serve(served{History: newWorld(t).store, Identity: everybody, Log: quiet(), Limits: api.Limits{Memory: 2000, Body: 1000}})
		half, never := io.Pipe()
		var wg sync.WaitGroup
		wg.Go(func() { h.ServeHTTP(httptest.NewRecorder(), from(t.Context(), "10.0.0.1:1", half)) })
		synctest.Wait()
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, from(t.Context(), "10.0.0.1:2", strings.NewReader(`{"query":"{clusters{id}}"}`)))
		if rec.Code != http.StatusTooManyRequests {
			t.Errorf("a body whose room is taken: %d", rec.Code)
		}
		_ = never.Close()
		wg.Wait()
	})
}

// TestHalfForOne fills all places that one asker may have: another one finds some.
func TestHalfForOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := shop(t, 30).store
		time.Sleep(time.Until(round(30)) + time.Second)
		h := serve(served{History: failing{Store: store, slow: true}, Identity: everybody, Log: quiet(), Limits: api.Limits{Concurrent: 6}})
		ask := func(address, query string) int {
			rec := httptest.NewRecorder()
			h.ServeHTTP(rec, from(t.Context(), address, strings.NewReader(`{"query":"`+query+`"}`)))
			return rec.Code
		}
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() { ask("10.0.0.1:1", `{events(window:{last:\"1m\"}){totalCount}}`) })
		}
		synctest.Wait()
		if code := ask("10.0.0.1:2", "{clusters{id}}"); code != http.StatusTooManyRequests {
			t.Errorf("a fourth of the same: %d", code)
		}
		if code := ask("10.0.0.2:1", "{clusters{id}}"); code != http.StatusOK {
			t.Errorf("one of another: %d", code)
		}
		wg.Wait()
	})
}

// TestLargestAnswer refuses an answer that is too large, and says so shortly.
func TestLargestAnswer(t *testing.T) {
	h := serve(served{History: newWorld(t).store, Identity: everybody, Log: quiet(), Limits: api.Limits{Answer: 500}})
	status, body := ask(h, "{__schema{types{name}}}", "")
	if code := codeOf(t, body); status != http.StatusBadRequest || code != "LIMIT_EXCEEDED" {
		t.Errorf("%d %.300s", status, body)
	}
}

// TestErrorsQuoteLittle puts 900 KB where an error may quote it: no error repeats it, nor does the log.
func TestErrorsQuoteLittle(t *testing.T) {
	var log strings.Builder
	h := serve(served{
		History: newWorld(t).store, Identity: everybody, Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	long := strings.Repeat("x", 900_000)
	for _, c := range [][2]string{
		{`{nodes(first:"` + long + `"){totalCount}}`, ""},
		{`{nodes(kinds:` + long + `){totalCount}}`, ""},
		{`{nodes(after:"` + long + `"){totalCount}}`, ""},
		{`{node(id:"` + long + `"){id}}`, ""},
		{`{` + long + `}`, ""},
		{`{` + long + `:node(id:"x"){id}}`, ""},
		{`query ` + long + `{` + `nothing}`, ""},
		{`{coverage(window:{last:"` + long + `"}){complete}}`, ""},
		{`{coverage(window:{at:"` + long + `"}){complete}}`, ""},
		{`{clusters @` + long + `{id}}`, ""},
		{`{clusters{...` + long + `}}`, ""},
		{`{clusters{id} "` + long, ""},
		{`query($v:` + long + `){clusters{id}}`, ""},
		{`query($v:Int!){nodes(first:$v){totalCount}}`, `{"v":"` + long + `"}`},
		{`query($v:NodeOrder){nodes(orderBy:$v){totalCount}}`, `{"v":"` + long + `"}`},
		{`query($v:ID!){flow(id:$v,window:{last:"1m"}){id}}`, `{"v":"` + long + `"}`},
		{`query($v:Window!){coverage(window:$v){complete}}`, `{"v":{"` + long + `":1}}`},
	} {
		_, body := ask(h, c[0], c[1])
		if !strings.Contains(string(body), `"errors"`) || len(body) > 4096 {
			t.Errorf("%.60s %.60s: %d bytes: %.300s", c[0], c[1], len(body), body)
		}
	}
	if log.Len() > 64<<10 {
		t.Errorf("%d bytes in the log", log.Len())
	}
}
