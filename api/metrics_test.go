package api_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/lineaged/lineaged/api"
	"github.com/lineaged/lineaged/lineage"
)

// scraped asks for metrics with headers, given as Name: value.
func scraped(t *testing.T, h http.Handler, query string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost/metrics"+query, nil)
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return w
}

// families reads what was scraped by the official parser.
func families(t *testing.T, text io.Reader) map[string]*dto.MetricFamily {
	t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	out, err := parser.TextToMetricFamilies(text)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// value returns the value of a family's series with these values of labels, NaN-free; ok is false where it has none.
func value(f *dto.MetricFamily, labels ...string) (x float64, ok bool) {
	for _, m := range f.GetMetric() {
		got := make([]string, 0, len(labels))
		for _, l := range m.GetLabel() {
			got = append(got, l.GetValue())
		}
		if slices.Equal(got, labels) {
			return m.GetGauge().GetValue() + m.GetCounter().GetValue(), true
		}
	}
	return 0, false
}

// bounded are the metrics of which there are as many series as there are topics and groups, details last.
var bounded = []string{
	"lineaged_kafka_topic_records_appended_total", "lineaged_kafka_topic_log_bytes", "lineaged_kafka_consumer_group_lag", "lineaged_kafka_consumer_group_lag_seconds",
	"lineaged_kafka_consumer_group_info", "lineaged_kafka_replication_lag", "lineaged_kafka_replication_lag_seconds", "lineaged_kafka_consumer_group_topic_lag", "lineaged_kafka_consumer_group_topic_lag_seconds",
}

// strange are names that a text format has to escape, and one that is no text.
var strange = []string{`quo"ted`, `back\slash`, "line\nfeed", `\"`, "\\\n\"", "ünïcödé", "tab\tbed", "\xff\xfe"}

// strangers is a cluster whose groups have strange names.
func strangers(t *testing.T) http.Handler {
	w := newWorld(t)
	fill := []func(*lineage.Observation){facts(clusterFact("west", west, 2, len(strange))), facts(topicFact("west", orders), topicFact("west", payments))}
	for i, name := range strange {
		for _, topic := range []lineage.Topic{payments, orders} {
			x := reads(topic, group(name))
			fill = append(fill, w.moved(x, lineage.GroupOffsets, 1), level(x, lineage.Lag, int64(i)), level(x, lineage.LagMillis, int64(i*i)))
		}
	}
	w.observe("west", "groups", 1, fill...)
	return serve(served{History: w.store, Identity: everybody, Clusters: shopConfig, Log: quiet(), Now: func() time.Time { return round(1).Add(time.Second) }})
}

// TestExpositionIsTheLibrarys holds that what is written piece by piece is, to the byte, what the client library writes
// of the same figures, as they come in the format that it still writes itself; and that names come back as they are.
func TestExpositionIsTheLibrarys(t *testing.T) {
	h := strangers(t)
	query := "?name[]=" + strings.Join(append(bounded, "lineaged_history_up", "lineaged_observed_ratio", "lineaged_last_round_timestamp_seconds"), "&name[]=")
	text := scraped(t, h, query)
	if got := text.Header().Get("Content-Type"); got != "text/plain; version=0.0.4; charset=utf-8; escaping=underscores" {
		t.Errorf("it is %s", got)
	}
	binary := scraped(t, h, query, "Accept: application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited")
	decoder := expfmt.NewDecoder(binary.Body, expfmt.ResponseFormat(binary.Header()))
	var want bytes.Buffer
	encoder := expfmt.NewEncoder(&want, expfmt.NewFormat(expfmt.TypeTextPlain))
	for {
		var f dto.MetricFamily
		if err := decoder.Decode(&f); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if err := encoder.Encode(&f); err != nil {
			t.Fatal(err)
		}
	}
	if want.Len() < 2000 || text.Body.String() != want.String() {
		t.Errorf("got\n%s\nwant\n%s", text.Body, &want)
	}
	all := families(t, text.Body)
	for i, name := range strange {
		name = strings.ToValidUTF8(name, "\uFFFD")
		if x, ok := value(all["lineaged_kafka_consumer_group_topic_lag"], "west", name, "orders"); !ok || x != float64(i) {
			t.Errorf("%q is behind by %v, %v", name, x, ok)
		}
		if x, ok := value(all["lineaged_kafka_consumer_group_lag"], "west", name); !ok || x != float64(2*i) {
			t.Errorf("%q is behind by %v in all, %v", name, x, ok)
		}
		if x, ok := value(all["lineaged_kafka_consumer_group_lag_seconds"], "west", name); !ok || x != float64(i*i)/1000 {
			t.Errorf("%q is behind by %v s, %v", name, x, ok)
		}
	}
}

// TestSeriesAreBounded scrapes with limits from none to enough: never are more series told, what is left out is said,
// each that is told is what it is without a limit, the same ones are told again, and details go first.
func TestSeriesAreBounded(t *testing.T) {
	w, _ := crowd(t, 40, 30)
	now := func() time.Time { return round(60).Add(time.Second) }
	all := families(t, scraped(t, serve(served{History: w.store, Identity: everybody, Clusters: shopConfig, Log: quiet(), Now: now}), "").Body)
	total := 0
	for _, name := range bounded {
		total += len(all[name].GetMetric())
		if left, ok := value(all["lineaged_metrics_series_left_out"], name); !ok || left != 0 {
			t.Errorf("without a limit %v of %s are left out", left, name)
		}
	}
	if total != 40+40+30+30+30+150+150 {
		t.Fatalf("there are %d series", total)
	}
	for _, most := range []int{1, 2, 7, 40, 80, 81, 110, 140, 141, 169, 170, 171, 200, 300, total - 1, total, total + 1} {
		h := serve(served{History: w.store, Identity: everybody, Clusters: shopConfig, Log: quiet(), Now: now, Metrics: api.Metrics{Series: most}})
		body := scraped(t, h, "").Body.String()
		got, told := families(t, strings.NewReader(body)), 0
		if limit, ok := value(got["lineaged_metrics_series_limit"]); !ok || limit != float64(most) {
			t.Errorf("%d: the limit is said to be %v", most, limit)
		}
		cut := false
		for _, name := range bounded {
			n := len(got[name].GetMetric())
			told += n
			left, _ := value(got["lineaged_metrics_series_left_out"], name)
			if n+int(left) != len(all[name].GetMetric()) {
				t.Errorf("%d: %d of %s are told and %v left out, of %d", most, n, name, left, len(all[name].GetMetric()))
			}
			if cut && n > 0 && !strings.HasSuffix(name, "_seconds") && !strings.HasSuffix(name, "_bytes") {
				t.Errorf("%d: %s is told, and what comes before it is cut", most, name)
			}
			cut = cut || left > 0
			for _, m := range got[name].GetMetric() {
				labels := make([]string, 0, 3)
				for _, l := range m.GetLabel() {
					labels = append(labels, l.GetValue())
				}
				want, ok := value(all[name], labels...)
				if is, _ := value(got[name], labels...); !ok || is != want {
					t.Errorf("%d: %s of %q is %v, want %v", most, name, labels, is, want)
				}
			}
		}
		if told != min(most, total) {
			t.Errorf("%d: %d series are told", most, told)
		}
		if again := scraped(t, h, "?name[]="+strings.Join(bounded, "&name[]=")).Body.String(); !strings.Contains(body, again[:strings.Index(again, "\n# HELP lineaged_kafka_t")+1]) {
			t.Errorf("%d: other series are told when asked again", most)
		}
	}
}

// TestFamilies holds what is handed over to who sends it elsewhere against a scrape: the same series with the same
// values, whatever the size of the pieces, and no more in one piece than is asked for.
func TestFamilies(t *testing.T) {
	w, _ := crowd(t, 40, 30)
	now := func() time.Time { return round(60).Add(time.Second) }
	for _, series := range []int{1, 7, 30, 80, 100_000} {
		s := serve(served{History: w.store, Identity: everybody, Clusters: shopConfig, Log: quiet(), Now: now, Metrics: api.Metrics{Series: 300}})
		all := families(t, scraped(t, s, "").Body)
		got, told := map[string]*dto.MetricFamily{}, 0
		err := s.Families(t.Context(), series, func(some []*dto.MetricFamily) error {
			n := 0
			for _, f := range some {
				n += len(f.GetMetric())
				if have := got[f.GetName()]; have != nil {
					have.Metric = append(have.Metric, f.GetMetric()...)
					continue
				}
				got[f.GetName()] = f
			}
			if own := got["lineaged_build_info"] != nil; !own || told > 0 && n > series {
				t.Errorf("a piece has %d series and not %d, the program's own among them or before: %t", n, series, own)
			}
			told++
			return nil
		})
		if err != nil || len(got) != len(all) {
			t.Errorf("%d metrics and not %d, %v", len(got), len(all), err)
		}
		for name, want := range all {
			if !strings.HasPrefix(name, "lineaged_kafka_") && !strings.HasPrefix(name, "lineaged_metrics_") {
				continue
			}
			if !slices.EqualFunc(got[name].GetMetric(), want.GetMetric(), func(a, b *dto.Metric) bool { return a.String() == b.String() }) {
				t.Errorf("by %d %s is another", series, name)
			}
		}
	}
	s, asked := serve(served{History: w.store, Identity: everybody, Clusters: shopConfig, Log: quiet(), Now: now}), 0
	err := s.Families(t.Context(), 10, func([]*dto.MetricFamily) error { asked++; return io.EOF })
	if !errors.Is(err, io.EOF) || asked != 1 {
		t.Errorf("%d pieces and %v after the first was not taken", asked, err)
	}
}

// TestLagByGroup leaves out what a group lags on each topic, and nothing else.
func TestLagByGroup(t *testing.T) {
	w, _ := crowd(t, 10, 6)
	now := func() time.Time { return round(60).Add(time.Second) }
	all := families(t, scraped(t, serve(served{History: w.store, Identity: everybody, Clusters: shopConfig, Log: quiet(), Now: now}), "").Body)
	got := families(t, scraped(t, serve(served{History: w.store, Identity: everybody, Clusters: shopConfig, Log: quiet(), Now: now, Metrics: api.Metrics{ByGroup: true}}), "").Body)
	for name := range maps.Keys(all) {
		want := len(all[name].GetMetric())
		if strings.HasPrefix(name, "lineaged_kafka_consumer_group_topic_") {
			want = 0
		}
		if n := len(got[name].GetMetric()); n != want {
			t.Errorf("%d of %s, want %d", n, name, want)
		}
	}
}

// TestScrapeEndsWithItsAsker lets scrapers leave: one that has left is asked nothing for, and to one that leaves while
// it is written to nothing more is written.
func TestScrapeEndsWithItsAsker(t *testing.T) {
	w, _ := crowd(t, 1000, 300)
	h := serve(served{History: w.store, Identity: everybody, Clusters: shopConfig, Log: quiet(), Now: func() time.Time { return round(60).Add(time.Second) }})
	to := &leaving{header: http.Header{}}
	h.ServeHTTP(to, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost/metrics", nil))
	if all := scraped(t, h, "").Body.Len(); to.pieces != 1 || to.bytes > all/2 {
		t.Errorf("%d pieces of %d bytes were written, of %d", to.pieces, to.bytes, all)
	}
	ctx, leave := context.WithCancel(t.Context())
	leave()
	gone := httptest.NewRecorder()
	h.ServeHTTP(gone, httptest.NewRequestWithContext(ctx, http.MethodGet, "http://localhost/metrics", nil))
	if n := gone.Body.Len(); n != 0 {
		t.Errorf("%d bytes are written to who has left", n)
	}
	for range 9 { // its place is free again
		scraped(t, h, "")
	}
}

// leaving is a client that leaves after the first piece of its answer.
type leaving struct {
	header        http.Header
	pieces, bytes int
}

func (l *leaving) Header() http.Header { return l.header }

func (l *leaving) WriteHeader(int) {}

func (l *leaving) Write(b []byte) (int, error) {
	l.pieces++
	l.bytes += len(b)
	return 0, fmt.Errorf("connection reset by peer")
}

// TestHeadOfMetrics asks for the head only: nothing is read for it.
func TestHeadOfMetrics(t *testing.T) {
	w, _ := crowd(t, 10, 6)
	s := &standing{Store: w.store}
	h := serve(served{History: s, Identity: everybody, Clusters: shopConfig, Log: quiet()})
	r := httptest.NewRequestWithContext(t.Context(), http.MethodHead, "http://localhost/metrics", nil)
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	if rec.Code != http.StatusOK || rec.Body.Len() != 0 || !strings.HasPrefix(rec.Header().Get("Content-Type"), "text/plain; version=0.0.4") {
		t.Errorf("%d %v", rec.Code, rec.Header())
	}
}
