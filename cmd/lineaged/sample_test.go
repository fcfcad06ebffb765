package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lineaged/lineaged/internal/config"
)

// TestSampledRequestLog has lineaged sample the request log of a cluster whose brokers log only while they are told to:
// who wrote in a sample is named, and counted with no more than was written in samples; between two samples nobody is
// said not to write; and at the end the loggers stand where they stood.
func TestSampledRequestLog(t *testing.T) {
	fake, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.ClusterID("kfake-west"), kfake.SeedTopics(1, "orders"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	var level atomic.Value
	level.Store("WARN")
	fake.ControlKey(44, func(req kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		r := req.(*kmsg.IncrementalAlterConfigsRequest)
		level.Store(*r.Resources[0].Configs[0].Value)
		resp := r.ResponseKind().(*kmsg.IncrementalAlterConfigsResponse)
		resp.Resources = append(resp.Resources, kmsg.IncrementalAlterConfigsResponseResource{ResourceType: r.Resources[0].ResourceType, ResourceName: r.Resources[0].ResourceName})
		return resp, nil, true
	})
	fake.ControlKey(32, func(req kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		r := req.(*kmsg.DescribeConfigsRequest)
		if r.Resources[0].ResourceType != kmsg.ConfigResourceTypeBrokerLogger {
			return nil, nil, false
		}
		is, root := level.Load().(string), "INFO"
		resp := r.ResponseKind().(*kmsg.DescribeConfigsResponse)
		resp.Resources = append(resp.Resources, kmsg.DescribeConfigsResponseResource{
			ResourceType: r.Resources[0].ResourceType, ResourceName: r.Resources[0].ResourceName,
			Configs: []kmsg.DescribeConfigsResponseResourceConfig{{Name: "kafka.request.logger", Value: &is}, {Name: "root", Value: &root}},
		})
		return resp, nil, true
	})
	path := filepath.Join(t.TempDir(), "kafka-request.log")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := testConfig(t, fake.ListenAddrs()[0])
	cfg.Clusters[0].Logs = config.Logs{Files: []string{path}, SampleRequestLog: config.Sample{Every: config.Duration(4 * time.Second), For: config.Duration(time.Second)}}
	s := start(t, func(ctx context.Context, stdout io.Writer) error {
		return serve(ctx, cfg, reloader{}, slog.New(slog.DiscardHandler), stdout)
	})
	ask := func(query string) string {
		t.Helper()
		body, err := json.Marshal(map[string]string{"query": query})
		if err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/graphql", strings.NewReader(string(body)))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(fake.ListenAddrs()...), kgo.DefaultProduceTopic("orders"), kgo.DisableIdempotentWrite())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	topics, err := kadm.NewClient(client).ListTopics(t.Context(), "orders")
	if err != nil {
		t.Fatal(err)
	}
	id := topics["orders"].ID
	log, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	written, logged := int64(0), int64(0)
	write := func() {
		t.Helper()
		r := &kgo.Record{Value: []byte("x")}
		if err := client.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
		if written++; level.Load() != "DEBUG" {
			return
		}
		logged++
		encoded := base64.RawURLEncoding.EncodeToString(id[:])
		fmt.Fprintf(log, `[%s] DEBUG Completed request:{"isForwarded":false,"requestHeader":{"requestApiKey":0,"requestApiVersion":13,"correlationId":1,"clientId":"app","requestApiKeyName":"PRODUCE"},`+
			`"request":{"transactionalId":null,"acks":-1,"topicData":[{"topicId":%q,"partitionData":[{"index":0,"recordsSizeInBytes":1}]}]},`+
			`"response":{"responses":[{"topicId":%q,"partitionResponses":[{"index":0,"errorCode":0,"baseOffset":%d}]}]},"connection":"10.0.0.1:9092-10.0.0.7:5-2-3","principal":"User:app"} (kafka.request.logger)`+"\n",
			time.Now().UTC().Format("2006-01-02 15:04:05,000"), encoded, encoded, r.Offset)
	}
	const usage = `{ topicUsage(topic: "topic:west/orders", window: {last: "%s"}) { writers { from { id } active records evidence { kind detail } } coverage { gaps { reason } blindSpots { what } } } }`
	var text string
	var got struct {
		Data struct {
			TopicUsage struct {
				Writers []struct {
					From    struct{ ID string }
					Active  *bool
					Records *string
				}
			}
		}
	}
	writer := func(window string) (active *bool, records string) {
		t.Helper()
		text = ask(fmt.Sprintf(usage, window))
		if err := json.Unmarshal([]byte(text), &got); err != nil {
			t.Fatal(text, err)
		}
		for _, w := range got.Data.TopicUsage.Writers {
			if w.From.ID == "application:west/app" {
				if w.Records != nil {
					records = *w.Records
				}
				return w.Active, records
			}
		}
		return nil, "not named"
	}
	eventually(t, 40*time.Second, func() string {
		for range 20 {
			write()
			time.Sleep(10 * time.Millisecond)
		}
		active, records := writer("1h")
		n := int64(0)
		if _, err := fmt.Sscan(records, &n); err != nil || active == nil || !*active || n == 0 {
			return text
		}
		if n > logged {
			t.Fatalf("%d records are counted, %d were written in samples, %d in all: %s", n, logged, written, text)
		}
		if !strings.Contains(text, "the request log is sampled: it is on for 1s every 4s") {
			t.Fatalf("that it is sampled is not said: %s", text)
		}
		if !strings.Contains(text, "of the times alone in which that was read, as in samples") {
			t.Fatalf("that the count is of samples is not said: %s", text)
		}
		if logged == written {
			return "no sample has ended"
		}
		return ""
	})
	// Nobody writes any more, and nobody can say so: the log is off most of the time.
	time.Sleep(6 * time.Second)
	active, records := writer("3s")
	if active != nil || records == "not named" {
		t.Errorf("of who wrote in a sample, where nobody looked all the time: %s", text)
	}
	s.end()
	if l := level.Load(); l != "WARN" {
		t.Errorf("the logger stands at %s", l)
	}
	if left, _ := os.ReadDir(filepath.Join(cfg.Data, "loggers")); len(left) > 0 {
		t.Errorf("remembered: %v", left)
	}
}
