package acceptance

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lineaged/lineaged/internal/cast"
	"github.com/lineaged/lineaged/internal/child"
	"github.com/lineaged/lineaged/internal/kafkatest"
)

// This file has the programs of the world of names and what stands around them: who writes and reads, who carries the
// brokers' logs on, where the table is.

var update = flag.Bool("update", false, "write the table of names in docs/evidence.md")

// act has everybody do what they do, to its end.
func act(t *testing.T, c *kafkatest.Cluster, canary string) {
	t.Helper()
	as := func(user, id string, more ...string) []string {
		return append(append(c.As(user), "client.id="+id), more...)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	billing := c.ConsoleConsumer(t, "billing", "consumer", "orders", as("bob", "billing-1", "auto.commit.interval.ms=500")...)
	share := c.ShareConsumer(t, "fraud", "clicks", as("heidi", "fraud-1")...)
	auditor := c.LoneReader(t, "ruth", "prices", "client.id=auditor")
	seen := make(chan int64, 1)
	go func() { seen <- readAll(ctx, t, c, "grace", "dashboard", "clicks", 2*wrote) }()
	c.WaitMembers(t, "billing", "fraud")
	time.Sleep(4 * time.Second) // all lineageds have seen them

	producers := []*kafkatest.Producer{
		c.StartProducerPerf(t, kafkatest.Perf{Topic: "orders", Records: wrote, PerSecond: aSecond, User: "alice", Props: []string{"client.id=checkout"}}),
		c.StartProducerPerf(t, kafkatest.Perf{Topic: "orders", Records: imported, PerSecond: 150, User: "alice", Props: []string{"client.id=importer", "enable.idempotence=false", "acks=1"}}),
		c.StartProducerPerf(t, kafkatest.Perf{Topic: "payments", Records: wrote, PerSecond: aSecond, TransactionalID: "ledger", User: "carol", Props: []string{"client.id=ledger"}}),
	}
	done := make(chan error, 2)
	go func() { done <- writeAll(ctx, c, canary, "erin", "tracker", "clicks") }()
	go func() {
		done <- writeAll(ctx, c, canary, "frank", "price-feed", "prices", kgo.DisableIdempotentWrite(), kgo.RequiredAcks(kgo.LeaderAck()))
	}()
	for _, text := range []string{canary, `{"specversion": "1.0", "type": "io.confluent.kafka.server/authorization", "data": {"methodName": "` + canary + `"}}`} {
		if err := c.Client(t).ProduceSync(ctx, &kgo.Record{Topic: "audited", Value: []byte(text)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	for range 4 {
		c.Kcat(t, "clicks", wrote/4, "security.protocol=SASL_PLAINTEXT", "sasl.mechanism=PLAIN", "sasl.username=dave", "sasl.password="+kafkatest.Password("dave"), "client.id=web-clicks")
		time.Sleep(1500 * time.Millisecond)
	}
	for range 2 {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range producers {
		p.Wait(t)
	}
	c.WaitGroup(t, "billing", "orders", wrote+imported)
	c.WaitShareGroup(t, "fraud", "clicks")
	for _, r := range []struct {
		*kafkatest.Consumer
		want int64
	}{{billing, wrote + imported}, {share, 2 * wrote}, {auditor, wrote}} {
		if n := r.Stop(t); n != r.want {
			t.Fatalf("a reader read %d records, want %d", n, r.want)
		}
	}
	if n := <-seen; n != 2*wrote {
		t.Fatalf("the dashboard read %d records", n)
	}
}

// writeAll writes an actor's records at its pace.
func writeAll(ctx context.Context, c *kafkatest.Cluster, canary, user, id, topic string, opts ...kgo.Opt) error {
	client, err := kgo.NewClient(append(append(c.ClientOpts(user), kgo.ClientID(id), kgo.DefaultProduceTopic(topic)), opts...)...)
	if err != nil {
		return err
	}
	defer client.Close()
	const batch = 20
	for range wrote / batch {
		rs := make([]*kgo.Record, batch)
		for i := range rs {
			rs[i] = &kgo.Record{
				Key: []byte(canary + "-key"), Value: []byte(canary + "-value"),
				Headers: []kgo.RecordHeader{{Key: canary + "-header", Value: []byte(canary + "-content")}},
			}
		}
		if err := client.ProduceSync(ctx, rs...).FirstErr(); err != nil {
			return fmt.Errorf("%s: %w", id, err)
		}
		time.Sleep(batch * time.Second / aSecond)
	}
	return nil
}

// readAll reads without a group until it has read as many records, and returns how many.
func readAll(ctx context.Context, t *testing.T, c *kafkatest.Cluster, user, id, topic string, records int64) (n int64) {
	t.Helper()
	client, err := kgo.NewClient(append(c.ClientOpts(user), kgo.ClientID(id), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))...)
	if err != nil {
		t.Error(err)
		return 0
	}
	defer client.Close()
	for n < records && ctx.Err() == nil {
		n += int64(client.PollFetches(ctx).NumRecords())
	}
	return n
}

// sender is OpenTelemetry's own exporter at work, behind a gate of its own, which is shut until it has turned a request
// away.
type sender struct {
	in   *relay
	p    *child.Process
	pipe io.Closer
	gate *cast.Gate
}

// relay writes what comes to a program, from its own line on: none is left after it has ended.
type relay struct {
	mu sync.Mutex // guards to
	to io.Writer
}

func (r *relay) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.to == nil {
		return len(b), nil
	}
	return r.to.Write(b)
}

// startSender starts the exporter, which sends what is written to it. Its first record has no line, and is refused as a
// part of its request.
func startSender(t *testing.T, url, cluster string) *sender {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "sender")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", bin, ".")
	build.Dir = "sender"
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	s := &sender{gate: cast.NewGate()}
	t.Cleanup(s.gate.Close)
	cmd := exec.Command(bin, s.gate.URL, tellingToken, cluster) //nolint:noctx // child ends it
	pipe, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	s.in, s.pipe = &relay{to: pipe}, pipe
	if s.p, err = child.Start(filepath.Join(filepath.Dir(bin), "sender.log"), cmd); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.p.Kill)
	if _, err := s.in.Write([]byte("\n")); err != nil {
		t.Fatal(err)
	}
	eventually(t, 30*time.Second, "the exporter is turned away", func() error {
		if s.gate.TurnedAway() == 0 {
			return errors.New("nothing has come")
		}
		return nil
	})
	s.gate.Open(url)
	return s
}

// end has the exporter send what it has and end: what was turned away was sent again, and what was refused it has
// heard.
func (s *sender) end(t *testing.T) {
	t.Helper()
	s.in.mu.Lock()
	s.in.to = nil
	err := s.pipe.Close()
	s.in.mu.Unlock()
	if err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := s.p.Wait(ctx); err != nil {
		t.Errorf("the exporter: %v\n%s", err, child.Tail(s.p.Output(), 10))
	}
	if said := s.p.Output(); !strings.Contains(said, "1 log") || !strings.Contains(said, "no line") || strings.Count(said, "\n") > 1 {
		t.Errorf("the exporter should have heard that one record was refused, and nothing else: %s", said)
	}
	if s.gate.Zipped() == 0 {
		t.Error("the exporter sent nothing with gzip")
	}
}
