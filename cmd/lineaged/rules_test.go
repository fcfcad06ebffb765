package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/lineaged/lineaged/identity"
	"github.com/lineaged/lineaged/internal/config"
	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// buffer is a log that several goroutines write.
type buffer struct {
	mu sync.Mutex // guards b
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// unless returns a problem where something does not hold.
func unless(holds bool, problem string) string {
	if holds {
		return ""
	}
	return problem
}

// TestACopiedRuleIsRead holds that the rule which is offered with a candidate, as it is copied into the file, names it.
func TestACopiedRuleIsRead(t *testing.T) {
	none, err := identity.New(identity.Rules{})
	if err != nil {
		t.Fatal(err)
	}
	c := lineage.Cluster{ID: "mFq2n0aG", Name: "west", Environment: "shop"}
	for _, n := range []lineage.Node{
		{Scope: "shop", Kind: lineage.ApplicationNode, Name: "it's $1"},
		{Scope: "west", Kind: lineage.StreamJobNode, Name: "baskets"},
	} {
		file := filepath.Join(t.TempDir(), "lineaged.yaml")
		text := "clusters: [{name: west, environment: shop, brokers: ['127.0.0.1:9092']}]\n" + none.Declaring(c, "orders.v1", n)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		cfg, err := config.Load(config.Input{File: file})
		if err != nil {
			t.Fatal(err)
		}
		r, err := identity.New(identityRules(cfg))
		if err != nil {
			t.Fatal(err)
		}
		for topic, want := range map[string]string{"orders.v1": n.ID(), "orders-v1": "unidentified:west/orders-v1"} {
			a := lineage.Access{Topic: lineage.Topic{Cluster: c.ID, Name: topic}, Op: lineage.Write, Client: lineage.Client{Producer: lineage.KnownProducer(7)}}
			if got, by := r.Resolve(c, a, lineage.Known{}); got.ID() != want {
				t.Errorf("%s is written by %s (%s), want %s", topic, got.ID(), by, want)
			}
		}
	}
}

// A changed rule takes effect while the program runs, for windows of the past as well; what is wrong changes nothing.
func TestRulesChangeWithoutARestart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "lineaged.yaml")
	k, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, "orders"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	base := "clusters: [{name: west, brokers: ['" + k.ListenAddrs()[0] + "']}]\ninterval: 1s\nlisten: 127.0.0.1:0\ndata: " + t.TempDir() + "\n"
	write := func(rules string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(base+rules), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("")
	load := func() (config.Config, error) { return config.Load(config.Input{File: file}) }
	again := newReloader(file, load)
	cfg, err := load()
	if err != nil {
		t.Fatal(err)
	}
	var log buffer
	logger := slog.New(slog.NewTextHandler(&log, nil))
	s := start(t, func(ctx context.Context, stdout io.Writer) error {
		return serve(ctx, cfg, again, logger, stdout)
	})
	defer s.end()
	owner := func() string {
		var out struct {
			Nodes struct {
				Edges []struct {
					Node struct {
						ID    string
						Owner string
						Tags  []string
					}
				}
			}
		}
		problem := s.query(`{ nodes(kinds: [TOPIC], first: 100) { edges { node { id owner tags } } } }`, &out)
		if problem != "" {
			return problem
		}
		for _, e := range out.Nodes.Edges {
			if e.Node.ID == "topic:west/orders" {
				return e.Node.Owner + strings.Join(e.Node.Tags, "")
			}
		}
		return "no topic"
	}
	eventually(t, 15*time.Second, func() string { return unless(owner() == "", "not: the topic is seen") })
	write("topics: [{match: ^orders$, owner: team-a}]\n")
	eventually(t, 15*time.Second, func() string { return unless(owner() == "team-a", "not: the new rule holds") })
	write("topics: [{match: ^orders$, owner: team-b, colour: red}]\n")
	eventually(t, 15*time.Second, func() string {
		return unless(strings.Contains(log.String(), "colour"), "not: the log says what is wrong")
	})
	if got := owner(); got != "team-a" {
		t.Errorf("a wrong file changed the rules: %q", got)
	}
	write("nodes: [{match: '^topic:west/orders$', tags: [pii]}]\nlog: {level: debug}\n")
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	eventually(t, 15*time.Second, func() string { return unless(owner() == "pii", "not: SIGHUP has them read again") })
	if !strings.Contains(log.String(), "need a restart") || !strings.Contains(log.String(), "keys=log") {
		t.Errorf("the log does not say that log needs a restart:\n%s", log.String())
	}
}

// fullStore is a store without room for an identity while it is full.
type fullStore struct {
	store.Records
	full   bool
	stored []byte
}

func (s *fullStore) PutRecord(_ context.Context, _ store.RecordKind, record []byte) (int, error) {
	if s.full {
		return 0, fmt.Errorf("put a record: %w", store.ErrNoSpace)
	}
	s.stored = record
	return 1, nil
}

// On a full disk the rules hold, at the start and when they change, and their record is stored once there is room.
func TestRulesHoldOnAFullDisk(t *testing.T) {
	var log buffer
	records := &fullStore{full: true}
	cfg, err := config.Load(config.Input{Content: []byte("clusters: [{brokers: ['127.0.0.1:9092']}]")})
	if err != nil {
		t.Fatal(err)
	}
	r, err := newRules(t.Context(), cfg, records, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	rule := config.Topic{Owner: "team-a"}
	rule.Match.Regexp = regexp.MustCompile("^orders$")
	cfg.Topics = append(cfg.Topics, rule)
	if err := r.set(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	if owner, _ := r.identity().Describe(lineage.Node{Scope: "west", Kind: lineage.TopicNode, Name: "orders"}); owner != "team-a" {
		t.Errorf("the owner is %q", owner)
	}
	if n := strings.Count(log.String(), "no room"); n != 1 {
		t.Errorf("it is said %d times:\n%s", n, log.String())
	}
	records.full = false
	if err := r.put(t.Context(), r.owed); err != nil || r.owed != nil || !bytes.Contains(records.stored, []byte("team-a")) {
		t.Errorf("stored %q, owed %q, %v", records.stored, r.owed, err)
	}
}
