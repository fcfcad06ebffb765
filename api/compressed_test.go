package api_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/lineaged/lineaged/api"
)

// TestCompressed asks with and without gzip: what is compressed is what it would be, and nobody gets it who does not
// take it.
func TestCompressed(t *testing.T) {
	w := fan(t, 98)
	h := serve(served{History: w.store, Identity: everybody, Clusters: shopConfig, Log: quiet(), Now: func() time.Time { return round(6).Add(time.Second) }})
	small, err := json.Marshal(map[string]string{"query": "{clusters{id}}"})
	if err != nil {
		t.Fatal(err)
	}
	const figures = "http://localhost/metrics?name[]=lineaged_kafka_consumer_group_topic_lag&name[]=lineaged_kafka_topic_records_appended_total&name[]=lineaged_history_up" +
		"&name[]=lineaged_metrics_series_left_out&name[]=go_gc_duration_seconds&name[]=lineaged_metrics_series_limit&name[]=lineaged_observed_ratio"
	for name, c := range map[string]struct {
		method, url, body, accept string
		want                      bool
	}{
		"graph":                  {http.MethodPost, "http://localhost/graphql", graphQuery, "gzip", true},
		"graph, as browsers ask": {http.MethodPost, "http://localhost/graphql", graphQuery, "gzip, deflate, br, zstd", true},
		"graph, half-hearted":    {http.MethodPost, "http://localhost/graphql", graphQuery, "br;q=1, gzip;q=0.1", true},
		"graph, refused":         {http.MethodPost, "http://localhost/graphql", graphQuery, "gzip;q=0", false},
		"graph, refused twice":   {http.MethodPost, "http://localhost/graphql", graphQuery, "identity, gzip;q=0.0", false},
		"graph, another":         {http.MethodPost, "http://localhost/graphql", graphQuery, "br, zstd", false},
		"graph, none":            {http.MethodPost, "http://localhost/graphql", graphQuery, "", false},
		"small":                  {http.MethodPost, "http://localhost/graphql", string(small), "gzip", false},
		"refusal":                {http.MethodPost, "http://localhost/graphql", "{", "gzip", false},
		"metrics":                {http.MethodGet, figures, "", "gzip", true},
		"metrics, refused":       {http.MethodGet, figures, "", "gzip;q=0", false},
		"head":                   {http.MethodHead, figures, "", "gzip", false},
	} {
		ask := func(accept string) *httptest.ResponseRecorder {
			r := httptest.NewRequestWithContext(t.Context(), c.method, c.url, bytes.NewReader([]byte(c.body)))
			r.Header.Set("Content-Type", "application/json")
			if accept != "" {
				r.Header.Set("Accept-Encoding", accept)
			}
			rec := httptest.NewRecorder()
			h.ServeHTTP(rec, r)
			return rec
		}
		plain, got := ask(""), ask(c.accept)
		if !bytes.Contains([]byte(got.Header().Get("Vary")), []byte("Accept-Encoding")) && got.Header().Values("Vary")[0] != "Accept-Encoding" {
			t.Errorf("%s: varies with %q", name, got.Header().Values("Vary"))
		}
		body := got.Body.Bytes()
		if is := got.Header().Get("Content-Encoding") == "gzip"; is != c.want || got.Code != plain.Code {
			t.Errorf("%s: %d, compressed %v, want %d, %v", name, got.Code, is, plain.Code, c.want)
		} else if is {
			if len(body) > plain.Body.Len()/2 {
				t.Errorf("%s: %d of %d bytes", name, len(body), plain.Body.Len())
			}
			unpacked, err := gzip.NewReader(bytes.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			if body, err = io.ReadAll(unpacked); err != nil {
				t.Fatal(err)
			}
		}
		if c.url == figures {
			body, plain.Body = stable(body), bytes.NewBuffer(stable(plain.Body.Bytes()))
		}
		if !bytes.Equal(body, plain.Body.Bytes()) {
			t.Errorf("%s:\n%s\nwant\n%s", name, body, plain.Body)
		}
	}
}

// stable leaves out what differs from scrape to scrape.
func stable(text []byte) (out []byte) {
	for line := range bytes.Lines(text) {
		if !bytes.HasPrefix(line, []byte("go_")) {
			out = append(out, line...)
		}
	}
	return out
}

// TestCompressingTakesRoom holds that what compressing takes counts among what answers hold while they are fetched.
func TestCompressingTakesRoom(t *testing.T) {
	h := serve(served{
		History: fan(t, 98).store, Identity: everybody, Clusters: shopConfig, Log: quiet(), Limits: api.Limits{Memory: 3 << 20},
		Now: func() time.Time { return round(6).Add(time.Second) },
	})
	stays, went := make(chan struct{}), make(chan struct{})
	slow := &holding{ResponseRecorder: httptest.NewRecorder(), writes: make(chan struct{}), until: stays}
	go func() {
		defer close(went)
		h.ServeHTTP(slow, packedAsk(t, "gzip"))
	}()
	<-slow.writes
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, packedAsk(t, "gzip"))
	if rec.Code != http.StatusTooManyRequests {
		t.Errorf("a second answer while the first is fetched: %d", rec.Code)
	}
	rec = httptest.NewRecorder()
	h.ServeHTTP(rec, packedAsk(t, ""))
	if rec.Code != http.StatusOK {
		t.Errorf("one that is not compressed: %d", rec.Code)
	}
	close(stays)
	<-went
	rec = httptest.NewRecorder()
	h.ServeHTTP(rec, packedAsk(t, "gzip"))
	if rec.Code != http.StatusOK {
		t.Errorf("when it was fetched: %d", rec.Code)
	}
}

func packedAsk(t *testing.T, accept string) *http.Request {
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://localhost/graphql", bytes.NewReader([]byte(graphQuery)))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept-Encoding", accept)
	return r
}

// holding is a client that takes nothing of its answer for a while.
type holding struct {
	*httptest.ResponseRecorder
	writes chan struct{} // closed with the first piece
	until  chan struct{}
	began  bool
}

func (h *holding) Write(b []byte) (int, error) {
	if !h.began {
		h.began = true
		close(h.writes)
		<-h.until
	}
	return h.ResponseRecorder.Write(b)
}
