package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lineaged/lineaged/internal/config"
	"github.com/lineaged/lineaged/ledger"
	"github.com/lineaged/lineaged/ledger/anchor"
)

// hours is a ledger under test.
type hours struct {
	*testing.T
	home string
	n    int
	*ledger.Log
}

func newHours(t *testing.T) *hours {
	t.Helper()
	h := &hours{T: t, home: t.TempDir()}
	h.open()
	t.Cleanup(func() { _ = h.Close() })
	return h
}

func (h *hours) open() {
	h.Helper()
	key, err := ledger.OpenKey(filepath.Join(h.home, ledgerKey), true)
	if err == nil {
		h.Log, err = ledger.Open(filepath.Join(h.home, ledgerFolder), key)
	}
	if err != nil {
		h.Fatal(err)
	}
}

func (h *hours) add() {
	h.Helper()
	appendHour(h.T, h.Log, h.n, "test")
	h.n++
}

func appendHour(t *testing.T, l *ledger.Log, n int, program string) {
	t.Helper()
	start := time.Date(2026, 11, 1, n, 0, 0, 0, time.UTC)
	p := ledger.Period{Start: ledger.At(start), End: ledger.At(start.Add(time.Hour))}
	_, err := l.Append(ledger.Batch{
		Period: p, Closed: p.End.Add(2 * time.Minute), Final: p.End.Add(48 * time.Hour), Program: program,
		Coverage: []ledger.Coverage{{Cluster: "west", Complete: true, Observed: 1e6}},
	})
	if err == nil {
		err = l.Publish()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// copied copies the ledger's folder, and returns what puts it back.
func copied(t *testing.T, home string) (putBack func()) {
	t.Helper()
	at := t.TempDir()
	if err := os.CopyFS(at, os.DirFS(filepath.Join(home, ledgerFolder))); err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		if err := os.RemoveAll(filepath.Join(home, ledgerFolder)); err != nil {
			t.Fatal(err)
		}
		if err := os.CopyFS(filepath.Join(home, ledgerFolder), os.DirFS(at)); err != nil {
			t.Fatal(err)
		}
	}
}

func topicOf(t *testing.T, brokers []string) anchor.Anchor {
	t.Helper()
	cfg := config.Default()
	cfg.Clusters = []config.Cluster{{Name: "east", Brokers: brokers}}
	cfg.Ledger.Anchors = []config.Anchor{{Cluster: "east", Topic: "checkpoints"}}
	all, err := anchors(cfg)
	if err != nil || len(all) != 1 || all[0].Name() != "cluster:east/checkpoints" {
		t.Fatal(all, err)
	}
	return all[0]
}

func TestATopicHasEachCheckpoint(t *testing.T) {
	k, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(3, "checkpoints"))
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	a := topicOf(t, k.ListenAddrs())
	tell := func(h *hours) anchor.Held {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		held, err := a.Tell(ctx, h.Reader())
		if err != nil || held.Checkpoint.Size != h.Published().Size || held.At.IsZero() != (held.Checkpoint.Size == 0) {
			t.Fatalf("%+v, %v", held, err)
		}
		return held
	}
	h, other := newHours(t), newHours(t)
	first := tell(h)
	if first.Checkpoint.Size != 0 {
		t.Errorf("%+v", first)
	}
	for range 3 {
		h.add()
		other.add()
		other.add()
		tell(h)
		tell(other)
	}
	putBack := copied(t, h.home)
	h.add()
	told := tell(h)
	if again := tell(h); !again.At.Equal(told.At) {
		t.Errorf("what is held is written again: %s, then %s", told.At, again.At)
	}
	// Anybody may write what looks like it.
	c, err := kgo.NewClient(kgo.SeedBrokers(k.ListenAddrs()...))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	forged := strings.Replace(string(told.Checkpoint.Text), fmt.Sprintf("\n%d\n", told.Checkpoint.Size), "\n99\n", 1)
	for _, value := range []string{forged, "", string(other.Published().Text)} {
		if err := c.ProduceSync(t.Context(), &kgo.Record{Topic: "checkpoints", Key: []byte(told.Checkpoint.Origin), Value: []byte(value)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	if again := tell(h); !again.At.Equal(told.At) {
		t.Errorf("what others wrote counts: %+v", again)
	}
	written := endsOf(t, k.ListenAddrs())
	if written != 4+3+3 {
		t.Errorf("there are %d records", written)
	}

	_ = h.Close()
	putBack()
	h.open()
	for k := range 3 { // shorter than it was, as long and otherwise, longer and otherwise
		_, err := a.Tell(t.Context(), h.Reader())
		if fork, ok := errors.AsType[*anchor.ForkError](err); !ok || fork.Held != told.Checkpoint.Size {
			t.Errorf("with %d entries: %v", h.Published().Size, err)
		}
		appendHour(t, h.Log, 3+k, "other")
	}
	if n := endsOf(t, k.ListenAddrs()); n != written {
		t.Errorf("there are %d records, and were %d", n, written)
	}
}

// endsOf returns how many records the topic has.
func endsOf(t *testing.T, brokers []string) (n int64) {
	t.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(brokers...))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ends, err := kadm.NewClient(c).ListEndOffsets(t.Context(), "checkpoints")
	if err != nil {
		t.Fatal(err)
	}
	ends.Each(func(o kadm.ListedOffset) { n += o.Offset })
	return n
}

func TestATopicThatIsNotThereIsNoFork(t *testing.T) {
	k, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	a := topicOf(t, k.ListenAddrs())
	h := newHours(t)
	h.add()
	for _, want := range []string{"UNKNOWN_TOPIC_OR_PARTITION", "read where the topic begins"} {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		_, err := a.Tell(ctx, h.Reader())
		cancel()
		if _, fork := errors.AsType[*anchor.ForkError](err); fork || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
		k.Close() // and then nobody is there
	}
}

func TestALedgerThatAnAnchorHasMoreOfIsNotWritten(t *testing.T) {
	cfg := config.Default()
	cfg.Data = t.TempDir()
	at := filepath.Join(t.TempDir(), "checkpoint")
	cfg.Ledger.Anchors = []config.Anchor{{File: config.File(at)}}
	open := func() *book { return openBook(cfg, nil, nil, nil, time.Now, slog.New(slog.DiscardHandler)) }
	b := open()
	if told := b.state().Anchors; len(told) != 1 || told[0].Entries != nil || told[0].At != nil {
		t.Errorf("before it is told of anything, the API says %+v", told)
	}
	appendHour(t, b.log, 0, "test")
	putBack := copied(t, cfg.Data)
	appendHour(t, b.log, 1, "test")
	held := b.log.Published()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.keeper.Run(ctx) }()
	b.keeper.Await(ctx)
	cancel()
	if err := <-ended; err != nil || b.trouble() != nil {
		t.Fatal(err, b.trouble())
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(b.figures()...)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	is := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				is[f.GetName()+" "+l.GetName()+"="+l.GetValue()] = m.GetGauge().GetValue()
			}
		}
	}
	now, since := float64(time.Now().Unix()), is["lineaged_ledger_anchored_timestamp_seconds anchor=file:"+at]
	if size := is["lineaged_ledger_anchor_size anchor=file:"+at]; size != float64(held.Size) || since < now-60 || since > now+1 {
		t.Errorf("/metrics has %v", is)
	}
	if told := b.state().Anchors; len(told) != 1 || told[0].Name != "file:"+at || told[0].Entries == nil || *told[0].Entries != held.Size || told[0].At == nil {
		t.Errorf("the API is told of %+v", told)
	}
	if err := b.close(); err != nil {
		t.Fatal(err)
	}

	putBack()
	b = open()
	ctx, cancel = context.WithCancel(t.Context())
	go func() { ended <- b.run(ctx) }()
	eventually(t, 10*time.Second, func() string {
		for _, says := range b.trouble() {
			if strings.Contains(says, "file:"+at+" holds a checkpoint of") && strings.Contains(says, "the ledger is not written") {
				return ""
			}
		}
		return "it is no trouble"
	})
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if text, err := os.ReadFile(at); err != nil || string(text) != string(held.Text) {
		t.Errorf("the anchor holds %s, %v", text, err)
	}
	if err := b.close(); err != nil {
		t.Error(err)
	}
}

func TestKeysOfWitnessesAreChecked(t *testing.T) {
	file := filepath.Join(t.TempDir(), "lineaged.yaml")
	text := "clusters: [{brokers: ['a:1']}]\nledger:\n  anchors: [{witness: 'https://witness.example', key: witness+00000000+AAAA}]\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs := ran(t, "config", "check", "--config", file)
	if code == exitOK || !strings.Contains(errs, `ledger.anchors[0].key: "witness+00000000+AAAA": is no verifier key of Ed25519, NAME+HASH+KEY (from `+file+":3)") {
		t.Errorf("exit code %d: %s%s", code, out, errs)
	}
}
