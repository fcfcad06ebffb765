package otlp

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	logs "go.opentelemetry.io/proto/otlp/logs/v1"
	metrics "go.opentelemetry.io/proto/otlp/metrics/v1"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// post is a receiver under test, and what it took.
type post struct {
	*Receiver
	mu      sync.Mutex
	metrics []*metrics.MetricsData
	logs    []*logs.LogsData
	from    []Sender
	answer  Taken
	err     error
}

func newPost(maxBody int64) *post {
	p := &post{}
	p.Receiver = New(Options{
		Tokens: func() []Token {
			return []Token{{"west-token", Sender{"west"}}, {"any-token", Sender{}}, {"", Sender{"nobody"}}}
		},
		MaxBody: maxBody,
		Metrics: func(from Sender, m *metrics.MetricsData) (Taken, error) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.metrics, p.from = append(p.metrics, m), append(p.from, from)
			return p.answer, p.err
		},
		Logs: func(from Sender, m *logs.LogsData) (Taken, error) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.logs, p.from = append(p.logs, m), append(p.from, from)
			return p.answer, p.err
		},
	})
	return p
}

func (p *post) send(path, token, media, encoding string, body []byte) *httptest.ResponseRecorder {
	req := httptest.NewRequestWithContext(context.Background(), http.MethodPost, path, bytes.NewReader(body))
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	req.Header.Set("Content-Type", media)
	if encoding != "" {
		req.Header.Set("Content-Encoding", encoding)
	}
	w := httptest.NewRecorder()
	p.Handlers()[path].ServeHTTP(w, req)
	return w
}

// counted returns the figure of all of some labels.
func counted(t *testing.T, c prometheus.Collector, labels ...string) (n float64) {
	t.Helper()
	r := prometheus.NewRegistry()
	r.MustRegister(c)
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.Metric {
			var values []string
			for _, l := range m.Label {
				values = append(values, l.GetValue())
			}
			if slices.Equal(values, labels) {
				n += m.Counter.GetValue()
			}
		}
	}
	return n
}

func packed(b []byte) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, _ = z.Write(b)
	_ = z.Close()
	return out.Bytes()
}

func marshal(t testing.TB, m proto.Message) []byte {
	t.Helper()
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// sample is a push as a broker forwards it.
func sample() *metrics.MetricsData {
	text := func(k, v string) *common.KeyValue {
		return &common.KeyValue{Key: k, Value: &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: v}}}
	}
	return &metrics.MetricsData{ResourceMetrics: []*metrics.ResourceMetrics{{
		ScopeMetrics: []*metrics.ScopeMetrics{{Metrics: []*metrics.Metric{{
			Name: "org.apache.kafka.producer.topic.record.send.total",
			Data: &metrics.Metric_Sum{Sum: &metrics.Sum{
				AggregationTemporality: metrics.AggregationTemporality_AGGREGATION_TEMPORALITY_DELTA,
				DataPoints: []*metrics.NumberDataPoint{{
					Attributes: []*common.KeyValue{text("topic", "orders")}, Value: &metrics.NumberDataPoint_AsDouble{AsDouble: 97},
				}},
			}},
		}}}},
	}}}
}

const sampleJSON = `{"resourceMetrics":[{"resource":{},"scopeMetrics":[{"metrics":[{"name":"org.apache.kafka.producer.topic.record.send.total","unknown":[{"a":"{"}],
"sum":{"aggregationTemporality":1,"dataPoints":[{"attributes":[{"key":"topic","value":{"stringValue":"orders"}}],"asDouble":97,
"exemplars":[{"traceId":"5B8EFFF798038103D269B633813FC60C","spanId":"EEE19B7EC3C1B174","asInt":"3"}]}]}}]}]}]}`

const logsJSON = `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"1544712660300000000","severityNumber":10,
"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","body":{"stringValue":"Principal = User:alice"}}]}]}]}`

func TestTakes(t *testing.T) {
	b := marshal(t, sample())
	f := func(what, path, token, media, encoding string, body []byte, cluster string) *post {
		t.Helper()
		p := newPost(0)
		if w := p.send(path, token, media, encoding, body); w.Code != http.StatusOK {
			t.Fatalf("%s: %d %s", what, w.Code, w.Body)
		} else if got := w.Header().Get("Content-Type"); !strings.HasPrefix(media, got) {
			t.Errorf("%s is answered in %s", what, got)
		}
		if len(p.from) != 1 || p.from[0].Cluster != cluster {
			t.Errorf("%s: from %v", what, p.from)
		}
		if n := counted(t, p.taken, path); n != 1 {
			t.Errorf("%s: %v are counted", what, n)
		}
		return p
	}
	for _, p := range []*post{
		f("protobuf", MetricsPath, "any-token", mediaProtobuf, "", b, ""),
		f("gzip", MetricsPath, "west-token", mediaProtobuf, "gzip", packed(b), "west"),
		f("JSON", MetricsPath, "any-token", "application/json; charset=utf-8", "identity", []byte(sampleJSON), ""),
	} {
		point := p.metrics[0].ResourceMetrics[0].ScopeMetrics[0].Metrics[0].GetSum().DataPoints[0]
		if point.GetAsDouble() != 97 || point.Attributes[0].Value.GetStringValue() != "orders" {
			t.Errorf("taken: %v", point)
		}
		if len(point.Exemplars) > 0 {
			if id := hex.EncodeToString(point.Exemplars[0].TraceId); id != "5b8efff798038103d269b633813fc60c" {
				t.Errorf("an id in hex is read as %s", id)
			}
		}
	}
	line := f("logs", LogsPath, "any-token", mediaJSON, "", []byte(logsJSON), "").logs[0].ResourceLogs[0].ScopeLogs[0].LogRecords[0]
	if hex.EncodeToString(line.TraceId) != "5b8efff798038103d269b633813fc60c" || hex.EncodeToString(line.SpanId) != "eee19b7ec3c1b174" || line.TimeUnixNano != 1544712660300000000 {
		t.Errorf("taken: %v", line)
	}
	f("nothing at all", MetricsPath, "any-token", mediaProtobuf, "", nil, "")
}

// bomb is small packed, and larger unpacked than anybody may send.
func bomb(n int) []byte { return packed(make([]byte, n)) }

// many is a request of so many messages of two bytes each.
func many(n int) []byte { return bytes.Repeat([]byte{1<<3 | 2, 0}, n) }

// deep is a log record whose value is nested so deep.
func deep(n int) []byte {
	b := []byte{}
	wrap := func(number protowire.Number) {
		b = protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), b)
	}
	for range n {
		wrap(1) // ArrayValue.values
		wrap(5) // AnyValue.array_value
	}
	for _, number := range []protowire.Number{5, 2, 2, 1} {
		wrap(number)
	}
	return b
}

func TestRefuses(t *testing.T) {
	b := marshal(t, sample())
	f := func(what, path, token, media, encoding string, body []byte, status int, why string) {
		t.Helper()
		p := newPost(1 << 20)
		w := p.send(path, token, media, encoding, body)
		if w.Code != status || !strings.Contains(w.Body.String(), why) {
			t.Errorf("%s: %d %q, want %d and %q", what, w.Code, w.Body, status, why)
		}
		if len(p.from) > 0 {
			t.Errorf("%s: it is taken", what)
		}
		if n := counted(t, p.refused, path, fmt.Sprint(status)); n != 1 {
			t.Errorf("%s: %v are counted", what, n)
		}
		if strings.Contains(w.Body.String()+fmt.Sprint(w.Header()), "token-of-mine") {
			t.Errorf("%s: the token is shown", what)
		}
	}
	f("no token", MetricsPath, "", mediaProtobuf, "", b, 401, "bearer token")
	f("a wrong token", MetricsPath, "token-of-mine", mediaProtobuf, "", b, 401, "bearer token")
	f("a token's beginning", MetricsPath, "any-toke", mediaProtobuf, "", b, 401, "bearer token")
	f("a wrong token and type", MetricsPath, "token-of-mine", "text/plain", "", b, 401, "bearer token")
	f("another type", MetricsPath, "any-token", "text/plain", "", b, 415, "Content-Type")
	f("no type", MetricsPath, "any-token", "", "", b, 415, "Content-Type")
	f("another encoding", MetricsPath, "any-token", mediaProtobuf, "zstd", b, 415, "Content-Encoding")
	f("10 MiB", MetricsPath, "any-token", mediaProtobuf, "", make([]byte, 10<<20), 413, "more than 1048576 bytes")
	f("10 MiB packed", MetricsPath, "any-token", mediaProtobuf, "gzip", bomb(10<<20), 413, "packed or unpacked")
	f("not gzip", MetricsPath, "any-token", mediaProtobuf, "gzip", b, 400, "can't be read")
	f("half of a gzip", MetricsPath, "any-token", mediaProtobuf, "gzip", packed(b)[:20], 400, "can't be read")
	f("garbage", MetricsPath, "any-token", mediaProtobuf, "", []byte("garbage"), 400, "not OTLP in protobuf")
	f("garbage in JSON", MetricsPath, "any-token", mediaJSON, "", []byte("garbage"), 400, "not OTLP in JSON")
	f("protobuf as JSON", LogsPath, "any-token", mediaJSON, "", b, 400, "not OTLP in JSON")
	f("many small parts", MetricsPath, "any-token", mediaProtobuf, "", many(maxMessages+1), 400, "more than 262144 parts")
	f("many small objects", LogsPath, "any-token", mediaJSON, "", []byte(`{"resourceLogs":[{}`+strings.Repeat(",{}", maxMessages)+"]}"), 400, "more than 262144 parts")
	f("deep", LogsPath, "any-token", mediaProtobuf, "", deep(100), 400, "nested")
	f("deep in JSON", LogsPath, "any-token", mediaJSON, "",
		[]byte(`{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":`+strings.Repeat(`{"arrayValue":{"values":[`, 1000)), 400, "not OTLP")
	f("ids that are no hex", LogsPath, "any-token", mediaJSON, "", []byte(strings.Replace(logsJSON, "5b8e", "zzzz", 1)), 400, "not hex")
}

func TestOnlyPOST(t *testing.T) {
	p := newPost(0)
	for _, contentType := range []string{mediaJSON, ""} {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, MetricsPath, nil)
		req.Header.Set("Authorization", "bearer any-token")
		req.Header.Set("Content-Type", contentType)
		w := httptest.NewRecorder()
		p.Handlers()[MetricsPath].ServeHTTP(w, req)
		if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != http.MethodPost {
			t.Errorf("GET of %q: %d %v", contentType, w.Code, w.Header())
		}
	}
}

// What its owner answers, the sender hears.
func TestAnswers(t *testing.T) {
	fails := func(err error) Taken {
		return Taken{Deliver: func(context.Context) error { return err }}
	}
	f := func(what string, answer Taken, err error, status int, again bool, inJSON, inProtobuf string) {
		t.Helper()
		p := newPost(0)
		p.answer, p.err = answer, err
		for media, want := range map[string]string{mediaJSON: inJSON, mediaProtobuf: inProtobuf} {
			body := []byte(sampleJSON)
			if media == mediaProtobuf {
				body = marshal(t, sample())
			}
			w := p.send(MetricsPath, "any-token", media, "", body)
			if got := strings.TrimSuffix(w.Body.String(), "\n"); w.Code != status || got != want {
				t.Errorf("%s: %d %q, want %d %q", what, w.Code, got, status, want)
			}
			if retry := w.Header().Get("Retry-After"); (retry == "10") != again {
				t.Errorf("%s: Retry-After %q", what, retry)
			}
		}
	}
	status := func(code byte, why string) string {
		return string([]byte{1 << 3, code, 2<<3 | 2, byte(len(why))}) + why
	}
	f("all of it", Taken{}, nil, 200, false, "{}", "")
	f("stored", fails(nil), nil, 200, false, "{}", "")
	f("but some", Taken{Rejected: 3, Why: "no topic"}, nil, 200, false,
		`{"partialSuccess":{"errorMessage":"no topic","rejectedDataPoints":"3"}}`, "\n\x0c\x08\x03\x12\x08no topic")
	full := fmt.Errorf("%w (5 bytes wait)", ErrFull)
	f("full", fails(full), nil, 429, true, `{"code":8,"message":"more waits to be stored than may (5 bytes wait)"}`, status(8, full.Error()))
	f("refused", Taken{}, fmt.Errorf("%w: which cluster?", ErrRefused), 400, false, `{"code":3,"message":"refused: which cluster?"}`, status(3, "refused: which cluster?"))
	f("the disk is full", fails(errors.New("/data: no space")), nil, 503, true, `{"code":14,"message":"it could not be stored now"}`, status(14, "it could not be stored now"))
}

// Who sends slowly takes up one of few places, and no more.
func TestFewAtOnce(t *testing.T) {
	p := newPost(0)
	var wg sync.WaitGroup
	var slow []*io.PipeWriter
	for range maxReading {
		out, in := io.Pipe()
		slow = append(slow, in)
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, MetricsPath, out)
		req.Header.Set("Authorization", "Bearer any-token")
		req.Header.Set("Content-Type", mediaProtobuf)
		wg.Go(func() { p.Handlers()[MetricsPath].ServeHTTP(httptest.NewRecorder(), req) })
		if _, err := in.Write([]byte{1<<3 | 2}); err != nil { // it is being read
			t.Fatal(err)
		}
	}
	if w := p.send(MetricsPath, "any-token", mediaProtobuf, "", nil); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("one more than may: %d", w.Code)
	}
	for _, in := range slow {
		_ = in.Close()
	}
	wg.Wait()
	if w := p.send(MetricsPath, "any-token", mediaProtobuf, "", nil); w.Code != http.StatusOK {
		t.Errorf("after that: %d", w.Code)
	}
}

func FuzzMetrics(f *testing.F) {
	f.Add(marshal(f, sample()), false)
	f.Add([]byte(sampleJSON), true)
	f.Add(deep(3), false)
	f.Fuzz(func(t *testing.T, b []byte, json bool) {
		m, err := decodeMetrics(b, form(json))
		if err == nil {
			again(t, m, &metrics.MetricsData{})
		}
	})
}

func FuzzLogs(f *testing.F) {
	f.Add([]byte(logsJSON), true)
	f.Add(deep(3), false)
	f.Add(deep(100), false)
	f.Fuzz(func(t *testing.T, b []byte, json bool) {
		m, err := decodeLogs(b, form(json))
		if err == nil {
			again(t, m, &logs.LogsData{})
		}
	})
}

// again holds that what was decoded is a message that others can decode.
func again(t *testing.T, m, same proto.Message) {
	t.Helper()
	if err := proto.Unmarshal(marshal(t, m), same); err != nil || !proto.Equal(m, same) {
		t.Errorf("decoded: %v, again: %v: %v", m, same, err)
	}
}
