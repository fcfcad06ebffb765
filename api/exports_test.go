package api_test

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/api"
)

// exported serves one exporter at /export/it.
func exported(limits api.Limits, make api.Exporter) http.Handler {
	return serve(served{Identity: everybody, Log: quiet(), Limits: limits, Exports: map[string]api.Exporter{"/export/it": make}})
}

func svgFile(text string) *api.Export {
	return &api.Export{MediaType: "image/svg+xml", FileName: "lineage-orders.svg", Size: int64(len(text)), Write: func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	}}
}

// fetch asks for an export; header is a list of names and values.
func fetch(h http.Handler, method, target string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(context.Background(), method, "http://localhost"+target, http.NoBody)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	if host := r.Header.Get("Host"); host != "" {
		r.Host = host
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// TestExports fetches a file, and tries what is refused to who asks GraphQL.
func TestExports(t *testing.T) {
	var got url.Values
	h := exported(api.Limits{}, func(_ context.Context, params url.Values) (*api.Export, error) {
		got = params
		return svgFile("<svg/>"), nil
	})
	w := fetch(h, http.MethodGet, "/export/it?root=topic:west/a%2Bb&root=x+y&format=svg")
	if w.Code != http.StatusOK || w.Body.String() != "<svg/>" || len(got["root"]) != 2 || got["root"][0] != "topic:west/a+b" || got["root"][1] != "x y" {
		t.Errorf("HTTP %d, %s, asked for %v", w.Code, w.Body, got)
	}
	for name, want := range map[string]string{
		"Content-Type": "image/svg+xml", "Content-Disposition": `attachment; filename="lineage-orders.svg"`, "Cache-Control": "no-store",
		"X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "same-origin",
		"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
	} {
		if w.Header().Get(name) != want {
			t.Errorf("%s: %q, want %q", name, w.Header().Get(name), want)
		}
	}
	if w := fetch(h, http.MethodHead, "/export/it"); w.Code != http.StatusOK || w.Body.Len() > 0 || w.Header().Get("Content-Type") != "image/svg+xml" {
		t.Errorf("HEAD: HTTP %d, %q", w.Code, w.Body)
	}
	for _, x := range []struct {
		method, target string
		header         []string
		status         int
		code           string
	}{
		{http.MethodPost, "/export/it", nil, http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED"},
		{http.MethodGet, "/export/it", []string{"Host", "evil.example"}, http.StatusForbidden, "FORBIDDEN"},
		{http.MethodGet, "/export/it", []string{"Sec-Fetch-Site", "cross-site"}, http.StatusForbidden, "FORBIDDEN"},
		{http.MethodGet, "/export/it", []string{"Sec-Fetch-Site", "same-site"}, http.StatusForbidden, "FORBIDDEN"},
		{http.MethodGet, "/export/it", []string{"Origin", "http://evil.example"}, http.StatusForbidden, "FORBIDDEN"},
		{http.MethodGet, "/export/it?root=%zz", nil, http.StatusBadRequest, "BAD_REQUEST"},
		{http.MethodGet, "/export/it?root=" + strings.Repeat("x", 300<<10), nil, http.StatusRequestURITooLong, "LIMIT_EXCEEDED"},
		{http.MethodGet, "/export/other", nil, http.StatusNotFound, ""},
	} {
		w := fetch(h, x.method, x.target, x.header...)
		if w.Code != x.status || !strings.Contains(w.Body.String(), x.code) || strings.Contains(w.Body.String(), "<svg") {
			t.Errorf("%s %.40s %v: HTTP %d %s, want %d %s", x.method, x.target, x.header, w.Code, w.Body, x.status, x.code)
		}
	}
	for _, same := range []string{"same-origin", "none"} {
		if w := fetch(h, http.MethodGet, "/export/it", "Sec-Fetch-Site", same); w.Code != http.StatusOK {
			t.Errorf("%s: HTTP %d", same, w.Code)
		}
	}
}

// TestExportErrors has an exporter fail in each way.
func TestExportErrors(t *testing.T) {
	for _, x := range []struct {
		make   func(context.Context) error
		status int
		want   string
	}{
		{func(context.Context) error {
			return &answer.RefusedError{Reason: answer.Senseless, Sentence: `depth: "99" is no whole number`}
		}, http.StatusBadRequest, `{"errors":[{"extensions":{"code":"BAD_USER_INPUT"},"message":"depth: \"99\" is no whole number"}]}`},
		{func(context.Context) error {
			return &answer.RefusedError{Reason: answer.Missing, Sentence: "no node x"}
		}, http.StatusNotFound, `"code":"NOT_FOUND"`},
		{func(context.Context) error {
			return &answer.RefusedError{Reason: answer.Unobserved, Sentence: "not known", Observed: &answer.Observed{}}
		}, http.StatusNotFound, `"coverage":{"complete":false,"gapCount":0`},
		{func(context.Context) error { return &answer.RefusedError{Reason: answer.TooMuch, Sentence: "too much"} }, http.StatusBadRequest, `"code":"LIMIT_EXCEEDED"`},
		{func(context.Context) error { return errors.New("the disk says secret") }, http.StatusInternalServerError, "its cause is in the server's log"},
		{func(context.Context) error { panic("secret") }, http.StatusInternalServerError, "its cause is in the server's log"},
		{func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, http.StatusServiceUnavailable, "the export took longer than 10s"},
	} {
		synctest.Test(t, func(t *testing.T) {
			h := exported(api.Limits{}, func(ctx context.Context, _ url.Values) (*api.Export, error) { return nil, x.make(ctx) })
			w := fetch(h, http.MethodGet, "/export/it")
			if body := w.Body.String(); w.Code != x.status || !strings.Contains(body, x.want) || strings.Contains(body, "secret") || !strings.HasPrefix(w.Header().Get("Content-Type"), "application/json") {
				t.Errorf("HTTP %d %s, want %d %s", w.Code, body, x.status, x.want)
			}
			if w.Header().Get("Content-Disposition") != "" {
				t.Error("an error is offered as a file")
			}
		})
	}
}

// TestExportShares holds all places of one asker: he is refused after a moment, others are answered, and when his
// exports end he is too.
func TestExportShares(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		held := make(chan struct{})
		h := exported(api.Limits{Concurrent: 4}, func(_ context.Context, params url.Values) (*api.Export, error) {
			if params.Has("hold") {
				<-held
			}
			return svgFile("x"), nil
		})
		from := func(address, target string) int {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost"+target, http.NoBody)
			r.RemoteAddr = address
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			return w.Code
		}
		done := make(chan int, 2)
		for range 2 {
			go func() { done <- from("10.0.0.1:1", "/export/it?hold=1") }()
		}
		synctest.Wait()
		if got := from("10.0.0.1:2", "/export/it"); got != http.StatusTooManyRequests {
			t.Errorf("a third of one asker: HTTP %d, want %d", got, http.StatusTooManyRequests)
		}
		if got := from("10.0.0.2:1", "/export/it"); got != http.StatusOK {
			t.Errorf("another asker: HTTP %d", got)
		}
		close(held)
		for range 2 {
			if got := <-done; got != http.StatusOK {
				t.Errorf("held: HTTP %d", got)
			}
		}
		if got := from("10.0.0.1:2", "/export/it"); got != http.StatusOK {
			t.Errorf("afterwards: HTTP %d", got)
		}
	})
}

// TestExportAbandoned leaves in the middle of a file: its making ends, and what came does not look whole.
func TestExportAbandoned(t *testing.T) {
	ctx, leave := context.WithCancel(t.Context())
	pieces := 0
	h := exported(api.Limits{}, func(context.Context, url.Values) (*api.Export, error) {
		return &api.Export{MediaType: "text/csv", FileName: "x.csv", Write: func(w io.Writer) error {
			for ; pieces < 1000; pieces++ {
				if pieces == 3 {
					leave()
				}
				if _, err := io.WriteString(w, "row\r\n"); err != nil {
					return err
				}
			}
			return nil
		}}, nil
	})
	var aborted error
	func() {
		defer func() { aborted, _ = recover().(error) }()
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, http.MethodGet, "http://localhost/export/it", http.NoBody))
	}()
	if pieces > 4 || !errors.Is(aborted, http.ErrAbortHandler) {
		t.Errorf("%d pieces were made for nobody, and the handler ended with %v", pieces, aborted)
	}
}

// TestExportCompressed asks for a long file as browsers do.
func TestExportCompressed(t *testing.T) {
	text := strings.Repeat("<text>orders</text>", 1000)
	h := exported(api.Limits{}, func(context.Context, url.Values) (*api.Export, error) { return svgFile(text), nil })
	w := fetch(h, http.MethodGet, "/export/it", "Accept-Encoding", "gzip")
	z, err := gzip.NewReader(w.Body)
	if w.Header().Get("Content-Encoding") != "gzip" || err != nil {
		t.Fatalf("it came as %q: %v", w.Header().Get("Content-Encoding"), err)
	}
	if got, err := io.ReadAll(z); err != nil || string(got) != text {
		t.Errorf("%d bytes came, want %d: %v", len(got), len(text), err)
	}
}
