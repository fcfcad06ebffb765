package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lineaged/lineaged/internal/config"
)

// written is a log that is kept.
type written struct {
	mu   sync.Mutex // guards text
	text strings.Builder
}

func (w *written) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(b)
}

// TestTracesThroughAnApplication has an application between two topics that hands on the traces of what it reads, 40 ms
// later by its clock. That is the answer, and no id of a trace is in it, in a file, or in the log.
func TestTracesThroughAnApplication(t *testing.T) {
	fake, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, "orders", "paid"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	cfg := testConfig(t, fake.ListenAddrs()[0])
	patterns := []config.Pattern{{Regexp: regexp.MustCompile("^(orders|paid)$")}}
	cfg.Clusters[0].Headers = config.Headers{Topics: patterns, Records: config.RecordHeaders{Topics: patterns, Traces: []config.Traced{{From: "orders", To: "paid"}}}}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	var log written
	s := start(t, func(ctx context.Context, stdout io.Writer) error {
		return serve(ctx, cfg, reloader{}, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})), stdout)
	})
	client, err := kgo.NewClient(
		kgo.SeedBrokers(fake.ListenAddrs()...), kgo.ConsumerGroup("billing"), kgo.ConsumeTopics("orders"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.ProducerLinger(0),
	)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var app sync.WaitGroup
	app.Go(func() {
		for ctx.Err() == nil {
			client.PollFetches(ctx).EachRecord(func(r *kgo.Record) {
				client.Produce(ctx, &kgo.Record{Topic: "paid", Headers: r.Headers, Timestamp: r.Timestamp.Add(40 * time.Millisecond)}, nil)
			})
		}
	})
	const canary = "feedfacecafebeef"
	n, answers := 0, ""
	eventually(t, 40*time.Second, func() string {
		n++
		trace := fmt.Sprintf("00-%s%016x-00f067aa0ba902b7-01", canary, n)
		if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: "orders", Headers: []kgo.RecordHeader{{Key: "traceparent", Value: []byte(trace)}}}).FirstErr(); err != nil {
			t.Fatal(err)
		}
		type series struct {
			Detail string
			Unit   string
			Points []struct{ Value *float64 }
		}
		var got struct {
			Paid, Orders struct{ Series *series }
			Top          struct {
				Ranked []struct {
					Value  float64
					Detail string
				}
			}
		}
		const asked = `series(metric: END_TO_END_SECONDS, window: {last: "10m"}) { unit detail points { value } }`
		problem := s.query(`{ paid: node(id: "topic:west/paid") { `+asked+` } orders: node(id: "topic:west/orders") { `+asked+` } top(metric: END_TO_END_SECONDS, by: TOPIC, window: {last: "10m"}) { ranked { value detail } } }`, &got)
		answers += fmt.Sprintf("%+v", got)
		if problem != "" || got.Paid.Series == nil || len(got.Top.Ranked) == 0 {
			return fmt.Sprintf("%s, %+v", problem, got)
		}
		if got.Orders.Series != nil || got.Paid.Series.Unit != "seconds" || !strings.Contains(got.Paid.Series.Detail, "traces sampled since topic orders") || got.Top.Ranked[0].Detail == "" {
			t.Fatalf("%+v", got)
		}
		known := 0
		for _, p := range got.Paid.Series.Points {
			if p.Value == nil {
				continue
			}
			if known++; math.Abs(*p.Value-0.04) > 1e-9 {
				t.Fatalf("%g s", *p.Value)
			}
		}
		if known == 0 || math.Abs(got.Top.Ranked[0].Value-0.04) > 1e-9 {
			t.Fatalf("%+v", got)
		}
		return ""
	})
	cancel()
	app.Wait()
	client.Close()
	_, metrics := s.get("/metrics")
	s.end()
	raw, err := hex.DecodeString(canary)
	if err != nil {
		t.Fatal(err)
	}
	clean := func(where, text string) {
		t.Helper()
		if strings.Contains(text, canary) || strings.Contains(text, string(raw)) || strings.Contains(text, "00f067aa0ba902b7") {
			t.Errorf("a trace is in %s", where)
		}
	}
	clean("the log", log.text.String())
	clean("answers", answers+metrics)
	files := 0
	if err := filepath.WalkDir(cfg.Data, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		b, err := os.ReadFile(path)
		clean(path, string(b))
		return err
	}); err != nil || files == 0 {
		t.Errorf("%d files, %v", files, err)
	}
}
