package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/lineaged/lineaged/internal/config"
)

// declaredAnswer is what a test asks of declarations.
type declaredAnswer struct {
	Declarations struct {
		WrongFiles int
		Edges      []struct {
			Node struct {
				Application, Topic, File string
				Line                     int
				Unresolved               []string
				Pairs                    []struct{ From, To struct{ ID, Owner string } }
			}
		}
	}
}

// declared writes a server's declarations, one a line.
func (s *server) declared() (lines string, wrong int) {
	var out declaredAnswer
	if problem := s.query(`{ declarations(window: {last: "1m"}) { wrongFiles edges { node { application topic file line unresolved pairs { from { id owner } to { id owner } } } } } }`, &out); problem != "" {
		return problem, 0
	}
	for _, e := range out.Declarations.Edges {
		lines += fmt.Sprintf("%s:%d", e.Node.File, e.Node.Line)
		for _, p := range e.Node.Pairs {
			lines += fmt.Sprintf(" %s(%s)->%s", p.From.ID, p.From.Owner, p.To.ID)
		}
		lines += strings.Join(e.Node.Unresolved, ";") + "\n"
	}
	return lines, out.Declarations.WrongFiles
}

// A changed document, and a changed configuration, hold without a restart; of a document that is wrong what it said
// before holds, and everybody is told. Which cluster is meant is told by the addresses of its brokers.
func TestDeclarationsChangeWithoutARestart(t *testing.T) {
	dir := t.TempDir()
	file, api := filepath.Join(dir, "lineaged.yaml"), filepath.Join(dir, "apis", "shop.yaml")
	k, err := kfake.NewCluster(kfake.NumBrokers(2), kfake.SeedTopics(2, "orders"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	write := func(path, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	base := "clusters: [{name: west, brokers: ['" + k.ListenAddrs()[0] + "']}]\ninterval: 1s\nlisten: 127.0.0.1:0\ndata: " + t.TempDir() + "\n"
	document := func(owner, topic string) string { // of the broker that the configuration does not name
		return fmt.Sprintf("asyncapi: 3.0.0\ninfo: {title: shop, contact: {name: %s}}\nservers: {production: {host: '%s', protocol: kafka}}\noperations: {o: {action: send, channel: {address: %s}}}\n",
			owner, k.ListenAddrs()[1], topic)
	}
	write(file, base+"declared: {asyncapi: [apis/*.yaml]}\n")
	write(api, document("team-a", "orders"))
	load := func() (config.Config, error) { return config.Load(config.Input{File: file}) }
	again := newReloader(file, load)
	cfg, err := load()
	if err != nil {
		t.Fatal(err)
	}
	var log buffer
	logger := slog.New(slog.NewTextHandler(&log, nil))
	s := start(t, func(ctx context.Context, stdout io.Writer) error { return serve(ctx, cfg, again, logger, stdout) })
	defer s.end()
	wants := func(want string, wrong int) {
		t.Helper()
		eventually(t, 15*time.Second, func() string {
			got, n := s.declared()
			return unless(got == want && n == wrong, fmt.Sprintf("%s%d wrong, want\n%s%d", got, n, want, wrong))
		})
	}
	wants("apis/shop.yaml:4 application:west/shop(team-a)->topic:west/orders\n", 0)
	write(api, document("team-bb", "refunds"))
	wants("apis/shop.yaml:4 application:west/shop(team-bb)->topic:west/refunds\n", 0)
	write(api, "asyncapi: 2.0.0\n")
	wants("apis/shop.yaml:4 application:west/shop(team-bb)->topic:west/refunds\n", 1)
	if _, ready := s.get("/readyz"); !strings.Contains(ready, "1 of the files with declarations are wrong") {
		t.Errorf("/readyz: %s", ready)
	}
	if n := strings.Count(log.String(), "AsyncAPI 2 is refused"); n != 1 {
		t.Errorf("said %d times:\n%s", n, log.String())
	}
	write(file, base+"declared: {flows: [{from: 'application:west/a', to: 'topic:north/b'}]}\n")
	wants("lineaged.yaml:5no watched cluster is called \"north\"\n", 0)
	if strings.Contains(log.String(), "need a restart") {
		t.Errorf("a restart is asked for:\n%s", log.String())
	}
}

// What a declared flow can't be is said with its key and where it stands.
func TestBadDeclaredFlow(t *testing.T) {
	for text, want := range map[string]string{
		"{from: 'application:a/b', to: 'application:a/c'}": `declared.flows[0].to: "application:a/c": one of from and to must be a topic`,
		"{from: orders, to: 'topic:a/c'}":                  `declared.flows[0].from: "orders": is not a node's id`,
	} {
		cfg, err := config.Load(config.Input{Content: []byte("clusters: [{brokers: ['127.0.0.1:9092']}]\ndeclared: {flows: [" + text + "]}\n"), File: "x.yaml"})
		if err != nil {
			t.Fatal(err)
		}
		if err := badFlow(cfg); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "x.yaml:2") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// Of files that are wrong each is named, and of very many how many there are.
func TestAllBadDeclaredFiles(t *testing.T) {
	dir := t.TempDir()
	f := func(files int, want ...string) {
		t.Helper()
		for n := range files {
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("api-%02d.yaml", n)), []byte("asyncapi: 2.0.0\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		file := filepath.Join(dir, "lineaged.yaml")
		text := "clusters: [{brokers: ['127.0.0.1:9092']}]\ndeclared: {asyncapi: [api-*.yaml]}\n"
		cfg, err := config.Load(config.Input{Content: []byte(text), File: file})
		if err != nil {
			t.Fatal(err)
		}
		err = badDeclared(cfg, file)
		for _, w := range want {
			if err == nil || !strings.Contains(err.Error(), w) {
				t.Errorf("%d files: %v, want %q", files, err, w)
			}
		}
	}
	f(2, "api-00.yaml", "api-01.yaml", "lineaged.yaml:2")
	f(23, "api-00.yaml", "api-19.yaml", "and of 3 more something is wrong")
}
