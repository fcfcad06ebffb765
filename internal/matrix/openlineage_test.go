//go:build matrix

package matrix

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/internal/child"
	"github.com/lineaged/lineaged/internal/kafkatest"
)

const (
	openLineageBegin = "<!-- made by `make matrix, OpenLineage`: begin -->"
	openLineageEnd   = "<!-- made by `make matrix, OpenLineage`: end -->"

	// events is the topic that clients send to.
	events = "openlineage.events"
)

// sender is a client that sends unchanged, and what it says.
type sender struct {
	said, way string
	job       string   // of whose flows those are all
	flows     []string // "<" what is read, ">" what is written, as namespace|name
	send      func(t testing.TB, url string)
}

// TestOpenLineageClients has clients from their registries send to lineaged, unchanged: what they say is in the graph
// and no more, and after each all can still be read.
func TestOpenLineageClients(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Options{})
	c.CreateTopic(t, events, 1)
	s := serve(t, fmt.Sprintf("interval: %ds\nclusters: [{name: west, brokers: [%q]}]\nopenlineage: {topics: [{cluster: west, topic: %s}]}\n", tick, c.Brokers()[0], events))
	table := "| client | sends | flows of its job |\n|---|---|---|\n"
	for _, x := range senders(t, c) {
		x.send(t, s.url)
		want := x.wants()
		eventually(t, time.Minute, x.said+", "+x.way, func() error {
			flows, err := s.around(t, x.job)
			if err != nil {
				return err
			}
			var got []string
			for _, f := range flows {
				got = append(got, f.From.ID+" -> "+f.To.ID)
				if len(f.Evidence) != 1 || f.Evidence[0].Kind != "OPENLINEAGE" {
					return fmt.Errorf("%s is known otherwise", f)
				}
			}
			slices.Sort(got)
			if !slices.Equal(got, want) {
				return fmt.Errorf("the flows are %q, want %q", got, want)
			}
			return nil
		})
		s.readable(t, x.said)
		table += fmt.Sprintf("| %s | %s | ✓ %d |\n", x.said, x.way, len(want))
	}
	head := fmt.Sprintf("Made %s with a Kafka %s.\n\n", time.Now().UTC().Format(time.DateOnly), c.Version())
	writeBetween(t, openLineageBegin, openLineageEnd, head+table)
}

// writeBetween puts a table into docs/evidence.md, unless the test has failed.
func writeBetween(t *testing.T, begin, end, text string) {
	t.Helper()
	t.Log("\n" + text)
	const file = "../../docs/evidence.md"
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(page), begin)
	_, after, also := strings.Cut(rest, end)
	if !ok || !also {
		t.Fatalf("%s has no place for the table", file)
	}
	if t.Failed() {
		return
	}
	if err := os.WriteFile(file, []byte(before+begin+"\n"+text+end+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (x *sender) wants() (out []string) {
	for _, f := range x.flows {
		namespace, name, _ := strings.Cut(f[1:], "|")
		set := "dataset:" + urlEscaped(namespace) + "/" + urlEscaped(name)
		if f[0] == '<' {
			out = append(out, set+" -> "+x.job)
		} else {
			out = append(out, x.job+" -> "+set)
		}
	}
	slices.Sort(out)
	return out
}

// readable holds that all can be read, whatever was sent.
func (s server) readable(t *testing.T, after string) {
	t.Helper()
	for _, query := range []string{
		`{clusters {id} nodes(window: {last: "1h"}, first: 500) {edges {node {id name owner tags flowStates {state count} coverage {complete}}}}}`,
		`{events(window: {last: "1h"}) {totalCount} coverage(window: {last: "1h"}) {blindSpots {what}} flows(window: {last: "1h"}, includeInactive: true) {flows {id}}}`,
	} {
		var all map[string]any
		if err := s.ask(t, query, nil, &all); err != nil {
			t.Errorf("after %s: %v", after, err)
		}
	}
}

// sends runs a client to its end.
func sends(dir string, env []string, args ...string) func(t testing.TB, url string) {
	return func(t testing.TB, url string) {
		t.Helper()
		all := slices.Clone(args)
		for i, a := range all {
			all[i] = strings.ReplaceAll(a, "{url}", url)
		}
		cmd := exec.CommandContext(t.Context(), all[0], all[1:]...)
		cmd.Dir, cmd.Env = dir, child.Environ()
		for _, e := range env {
			cmd.Env = append(cmd.Env, strings.ReplaceAll(e, "{url}", url))
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatal(errors.Join(err, errors.New(child.Tail(string(out), 20))))
		}
	}
}

// senders are all, installed.
func senders(t *testing.T, c *kafkatest.Cluster) (all []sender) {
	t.Helper()
	abs := func(path string) string {
		path, err := filepath.Abs(path)
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
	const postgres = "postgres://db:5432|"
	interpreter := python(t, "openlineage-1.54.0-dbt-1.10.23", "openlineage-python[kafka]==1.54.0", "dbt-core==1.10.23", "dbt-duckdb==1.11.1", "openlineage-dbt==1.54.0")
	for _, transport := range []string{"http", "gzip", "async", "kafka"} {
		job, to, said := "py-"+transport, "{url}", transport
		switch transport {
		case "gzip":
			said = "http, gzip, with a key"
		case "async":
			said = "async_http"
		case "kafka":
			to = c.Bootstrap()
		}
		all = append(all, sender{
			said: "openlineage-python 1.54.0", way: said, job: "job:matrix-python/" + job, flows: []string{"<" + postgres + job + ".source", ">" + postgres + job + ".target"},
			send: sends(".", nil, interpreter, abs("openlineage/send.py"), transport, job, to, events),
		})
	}
	classpath := filepath.Join(jars(t, "openlineage-java-1.54.0", "openlineage/pom.xml"), "jars", "*")
	classes := filepath.Join(cache(), "openlineage-classes")
	run(t, ".", "javac", "-d", classes, "-cp", classpath, abs("openlineage/Send.java"))
	for _, packed := range []string{"none", "gzip"} {
		job, said := "java-"+packed, map[string]string{"none": "http", "gzip": "http, gzip"}[packed]
		all = append(all, sender{
			said: "openlineage-java 1.54.0", way: said, job: "streamjob:matrix-java/" + job, flows: []string{"<" + postgres + job + ".source", ">" + postgres + job + ".target"},
			send: sends(".", nil, "java", "-Xmx96m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", classes+":"+classpath, "Send", job, "{url}", packed),
		})
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"dbt_project.yml":   "name: shop\nversion: '1.0'\nprofile: shop\nmodel-paths: [models]\n",
		"profiles.yml":      "shop: {target: dev, outputs: {dev: {type: duckdb, path: shop.duckdb, threads: 1}}}\n",
		"models/orders.sql": "select 1 as id, 10 as amount",
		"models/totals.sql": "select sum(amount) as total from {{ ref('orders') }}",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	const duck = "duckdb://shop.duckdb|shop.main."
	bin := filepath.Dir(interpreter)
	return append(all, sender{
		said: "dbt-core 1.10.23, dbt-duckdb 1.11.1, openlineage-dbt 1.54.0", way: "`dbt-ol run` of two models", job: "job:matrix-dbt/shop.main.shop.totals",
		flows: []string{"<" + duck + "orders", ">" + duck + "totals"},
		send: sends(dir, []string{
			"OPENLINEAGE_URL={url}", "OPENLINEAGE_NAMESPACE=matrix-dbt", "DBT_PROFILES_DIR=.", "DBT_SEND_ANONYMOUS_USAGE_STATS=false", "PATH=" + bin + ":" + os.Getenv("PATH"),
		}, filepath.Join(bin, "dbt-ol"), "run"),
	})
}
