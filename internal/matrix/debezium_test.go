//go:build matrix

package matrix

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/internal/kafkatest"
)

// tellers are two connectors of Debezium on one PostgreSQL, each of which tells of itself by OpenLineage.
type tellers struct {
	s       server
	pg      postgres
	connect *kafkatest.Connect
}

const (
	debeziumBegin = "<!-- made by `make matrix, Debezium`: begin -->"
	debeziumEnd   = "<!-- made by `make matrix, Debezium`: end -->"

	toldInventory, toldBilling = "connector:connect-west/inventory", "connector:connect-west/billing"
)

// startTellers has inventory send by HTTP and know its Kafka, and unwrap, rename and drop; billing send into a topic,
// not know its Kafka, and call itself by another namespace.
func startTellers(t *testing.T) (x tellers, version string) {
	t.Helper()
	plugin := jars(t, "debezium-3.4.0-openlineage", "debezium/openlineage/pom.xml")
	x.pg = startPostgres(t)
	for _, table := range []string{"orders", "customers", "payments"} {
		x.pg.sql(t, "create table "+table+" (id serial primary key, v text, email text, secret text)")
	}
	c := kafkatest.Start(t, kafkatest.Options{})
	c.CreateTopic(t, events, 1)
	x.connect = c.StartConnect(t, kafkatest.ConnectOptions{Group: "connect-west", Properties: map[string]string{
		"plugin.path": plugin, "key.converter": "org.apache.kafka.connect.json.JsonConverter", "value.converter": "org.apache.kafka.connect.json.JsonConverter",
	}})
	x.s = serve(t, fmt.Sprintf("interval: %ds\nclusters: [{name: west, brokers: [%q]}]\nconnect: [{name: connect-west, url: %q}]\nopenlineage: {topics: [{cluster: west, topic: %s}]}\n",
		tick, c.Brokers()[0], x.connect.URL, events))
	const strings = "org.apache.kafka.common.serialization.StringSerializer"
	x.put(t, "inventory", "shop", "public.orders,public.customers", fmt.Sprintf("transport: {type: http, url: %q, compression: gzip}\n", x.s.url), map[string]string{
		"openlineage.integration.dataset.kafka.bootstrap.servers": c.Bootstrap(), "openlineage.integration.job.owners": "Alice Smith=maintainer",
		"transforms": "unwrap,shape,openlineage", "transforms.unwrap.type": "io.debezium.transforms.ExtractNewRecordState",
		"transforms.shape.type": "org.apache.kafka.connect.transforms.ReplaceField$Value", "transforms.shape.renames": "email:contact", "transforms.shape.exclude": "secret",
	})
	x.put(t, "billing", "bill", "public.payments", fmt.Sprintf("transport:\n  type: kafka\n  topicName: %s\n  properties: {bootstrap.servers: %q, key.serializer: %s, value.serializer: %s, acks: all}\n", events, c.Bootstrap(), strings, strings),
		map[string]string{"openlineage.integration.job.namespace": "cdc", "transforms": "openlineage"})
	return x, c.Version()
}

// put starts a connector whose OpenLineage client is configured by a file.
func (x tellers) put(t *testing.T, name, prefix, tables, client string, more map[string]string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "openlineage.yml")
	if err := os.WriteFile(file, []byte(client), 0o644); err != nil {
		t.Fatal(err)
	}
	config := map[string]string{
		"connector.class": "io.debezium.connector.postgresql.PostgresConnector", "database.hostname": "127.0.0.1", "database.port": strconv.Itoa(x.pg.port), "database.user": "postgres", "database.password": "none",
		"database.dbname": "postgres", "topic.prefix": prefix, "table.include.list": tables, "plugin.name": "pgoutput", "slot.name": prefix, "publication.name": prefix, "publication.autocreate.mode": "filtered",
		"retriable.restart.connector.wait.ms":       "30000", // how long a failure is there to be seen
		"topic.creation.default.replication.factor": "1", "topic.creation.default.partitions": "1",
		"openlineage.integration.enabled": "true", "openlineage.integration.config.file.path": file, "transforms.openlineage.type": "io.debezium.transforms.openlineage.OpenLineage",
	}
	maps.Copy(config, more)
	x.connect.Put(t, name, config)
}

// fill writes rows, which the connectors copy.
func (x tellers) fill(t *testing.T) {
	t.Helper()
	for _, table := range []string{"orders", "customers", "payments"} {
		x.pg.sql(t, "insert into "+table+" (v) select 'x' from generate_series(1, 20)")
	}
	time.Sleep((tick + 1) * time.Second)
}

func (x tellers) table(name string) string {
	return fmt.Sprintf("dataset:postgres%%3A%%2F%%2F127.0.0.1%%3A%d/postgres.public.%s", x.pg.port, name)
}

// flows are those that there are by all that is known.
func (x tellers) flows() []string {
	return []string{
		x.table("orders") + " -> " + toldInventory, toldInventory + " -> topic:west/shop.public.orders", x.table("customers") + " -> " + toldInventory,
		toldInventory + " -> topic:west/shop.public.customers", x.table("payments") + " -> " + toldBilling, toldBilling + " -> topic:west/bill.public.payments",
	}
}

// graph holds that both connectors are one node each, which reads its tables and writes their topics by Connect's and
// by its own word, and that nothing else is there that anybody told of: no job, no other dataset, no other writer.
func (x tellers) graph(t *testing.T) error {
	var d struct {
		Flows struct{ Flows []flow }
		Nodes struct {
			Edges []struct {
				Node struct{ ID string }
			}
		}
	}
	const query = `{ flows(window: {last: "30m"}, includeInactive: true, includeInternal: true) { flows { from { id } to { id } evidence { kind detail } } } nodes(window: {last: "30m"}, first: 500) { edges { node { id } } } }`
	if err := x.s.ask(t, query, nil, &d); err != nil {
		return err
	}
	var errs []error
	var got []string
	for _, f := range d.Flows.Flows {
		ends := f.From.ID + " " + f.To.ID
		if !strings.Contains(ends, "/shop.") && !strings.Contains(ends, "/bill.") && !strings.Contains(ends, "dataset:") && !strings.Contains(ends, "job:") && !strings.Contains(ends, toldInventory) && !strings.Contains(ends, toldBilling) {
			continue // Connect's own topics
		}
		got = append(got, f.From.ID+" -> "+f.To.ID)
		var kinds []string
		for _, e := range f.Evidence {
			kinds = append(kinds, e.Kind)
		}
		if !slices.Contains(kinds, "CONNECT") || !slices.Contains(kinds, "OPENLINEAGE") {
			errs = append(errs, fmt.Errorf("%s -> %s is known by %q", f.From.ID, f.To.ID, kinds))
		}
	}
	if !same(got, x.flows()) {
		errs = append(errs, fmt.Errorf("the flows are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(x.flows(), "\n")))
	}
	var nodes []string
	for _, e := range d.Nodes.Edges {
		if id := e.Node.ID; strings.HasPrefix(id, "dataset:") || strings.HasPrefix(id, "streamjob:") || strings.HasPrefix(id, "job:") || strings.HasPrefix(id, "unidentified:") && !strings.Contains(id, events) || strings.HasPrefix(id, "connector:") {
			nodes = append(nodes, id)
		}
	}
	nodes = slices.DeleteFunc(nodes, func(id string) bool { return strings.HasPrefix(id, "unidentified:west/connect-west-") })
	if want := []string{toldInventory, toldBilling, x.table("orders"), x.table("customers"), x.table("payments")}; !same(nodes, want) {
		errs = append(errs, fmt.Errorf("the nodes are %q, want %q", nodes, want))
	}
	for _, n := range [][2]string{{"orders", "shop"}, {"customers", "shop"}, {"payments", "bill"}} {
		topic := "topic:west/" + n[1] + ".public." + n[0]
		want := []string{x.table(n[0]), topic, toldInventory}
		if n[1] == "bill" {
			want[2] = toldBilling
		}
		up, uerr := x.s.walk(t, topic, "UPSTREAM")
		down, derr := x.s.walk(t, x.table(n[0]), "DOWNSTREAM")
		if errs = append(errs, uerr, derr); uerr == nil && derr == nil && (!same(up, want) || !same(down, want)) {
			errs = append(errs, fmt.Errorf("%s: up %q, down %q, want %q", n[0], up, down, want))
		}
	}
	return errors.Join(errs...)
}

// columns holds that what the connectors say of columns is there, and that a column's way leads across the
// transformations, of which one is OpenLineage's own.
func (x tellers) columns(t *testing.T, orders ...string) error {
	var errs []error
	for node, want := range map[string][]string{
		x.table("orders"): orders, x.table("customers"): {"id", "v", "email", "secret"}, "topic:west/shop.public.customers": {"id", "v", "contact"}, x.table("payments"): {"id", "v", "email", "secret"},
	} {
		var d struct {
			Schemas *struct {
				Schemas []struct {
					Origin  string
					Columns []struct{ Path string }
				}
			}
		}
		if err := x.s.ask(t, `query($n: ID!) { schemas(node: $n, window: {last: "30m"}) { schemas { origin columns { path } } } }`, map[string]any{"n": node}, &d); err != nil {
			return err
		}
		var got []string
		if d.Schemas != nil {
			for _, s := range d.Schemas.Schemas {
				got = append(got, s.Origin)
				for _, c := range s.Columns {
					got = append(got, c.Path)
				}
			}
		}
		if want = append([]string{"OPENLINEAGE"}, want...); !slices.Equal(got, want) {
			errs = append(errs, fmt.Errorf("the columns of %s are %q, want %q", node, got, want))
		}
	}
	from := x.table("customers")
	errs = append(errs, x.s.wantColumns(t, from+"#email", "0 "+from+"#email true", "1 topic:west/shop.public.customers#value.contact true"))
	return errors.Join(errs...)
}

// runs returns how the runs of a connector go, the newest first.
func (x tellers) runs(t *testing.T, connector string) (states []string, err error) {
	var d struct {
		Node *struct {
			Runs *struct {
				Integration string
				Owners      []struct{ Name string }
				Nodes       []struct{ State string }
			}
		}
	}
	err = x.s.ask(t, `query($n: ID!) { node(id: $n) { ... on Connector { runs(first: 30) { integration owners { name } nodes { state } } } } }`, map[string]any{"n": connector}, &d)
	if err != nil || d.Node == nil || d.Node.Runs == nil {
		return nil, errors.Join(err, fmt.Errorf("%s has no runs", connector))
	}
	if r := d.Node.Runs; r.Integration != "DEBEZIUM" || connector == toldInventory && (len(r.Owners) != 1 || r.Owners[0].Name != "Alice Smith") {
		err = fmt.Errorf("%s is told of as %+v", connector, *r)
	}
	for _, r := range d.Node.Runs.Nodes {
		states = append(states, r.State)
	}
	return states, err
}

// wantRuns holds how the newest run of a connector goes, and that there are others that went otherwise.
func (x tellers) wantRuns(t *testing.T, connector string, newest string, has ...string) error {
	states, err := x.runs(t, connector)
	if err != nil {
		return err
	}
	if states[0] != newest {
		err = fmt.Errorf("the newest run of %s is %s: %q", connector, states[0], states)
	}
	for _, s := range has {
		if !slices.Contains(states, s) {
			err = errors.Join(err, fmt.Errorf("%s has no run that is %s: %q", connector, s, states))
		}
	}
	return err
}

// restart starts a connector anew with its tasks.
func (x tellers) restart(t *testing.T, connector string) {
	t.Helper()
	resp, err := http.Post(x.connect.URL+"/connectors/"+connector+"/restart?includeTasks=true", "application/json", http.NoBody) //nolint:noctx // answered at once
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, _ := io.ReadAll(resp.Body); resp.StatusCode >= http.StatusMultipleChoices {
		t.Fatalf("restart: %s: %s", resp.Status, text)
	}
}

// marquez holds that Marquez's read API has the connector as a job of its tables and topics.
func (x tellers) marquez(t *testing.T) {
	t.Helper()
	for _, path := range []string{"/api/v1/namespaces", "/api/v1/jobs?limit=100", "/api/v1/search?q=orders"} {
		resp, err := http.Get(x.s.url + path) //nolint:noctx // answered at once
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %s, %v: %s", path, resp.Status, err, text)
		}
		if strings.HasPrefix(path, "/api/v1/jobs") && (strings.Contains(string(text), "shop.0") || !strings.Contains(string(text), "inventory")) {
			t.Errorf("its jobs are %s", text)
		}
	}
}

// TestDebeziumTells has Debezium's own OpenLineage emitter send unchanged, by HTTP and into a topic, while Connect is
// watched: each connector is one node by both, through its START, RUNNING, COMPLETE and FAIL, a restart and a column
// that is added, and all can be read after it.
func TestDebeziumTells(t *testing.T) {
	x, version := startTellers(t)
	for range 3 {
		x.fill(t)
	}
	rows := []string{}
	phase := func(what string, looks ...func() error) {
		settled(t, func() error {
			errs := []error{x.graph(t)}
			for _, look := range looks {
				errs = append(errs, look())
			}
			return errors.Join(errs...)
		})
		x.s.readable(t, what)
		x.marquez(t)
		rows = append(rows, fmt.Sprintf("| %s | ✓ %d | ✓ |", what, len(x.flows())))
	}
	phase("START and RUNNING", func() error { return x.columns(t, "id", "v", "email", "secret") },
		func() error { return x.wantRuns(t, toldInventory, "GOES_ON") }, func() error { return x.wantRuns(t, toldBilling, "GOES_ON") })
	x.restart(t, "inventory")
	x.fill(t)
	phase("COMPLETE and a new run, as the connector is restarted", func() error { return x.wantRuns(t, toldInventory, "GOES_ON", "COMPLETED") })
	x.pg.sql(t, "select pg_terminate_backend(pid) from pg_stat_replication")
	phase("FAIL, as the database ends its connection", func() error { return x.wantRuns(t, toldInventory, "FAILED", "COMPLETED") }, func() error { return x.wantRuns(t, toldBilling, "FAILED") })
	phase("RUNNING of the same run, as it tries again", func() error { return x.wantRuns(t, toldInventory, "GOES_ON", "COMPLETED") }, func() error { return x.wantRuns(t, toldBilling, "GOES_ON") })
	x.pg.sql(t, "alter table orders add column coupon text")
	x.fill(t)
	phase("a column is added to a table", func() error { return x.columns(t, "id", "v", "email", "secret", "coupon") })
	head := fmt.Sprintf("Made %s with a Kafka %s, its Connect, and Debezium 3.4.0.Final for PostgreSQL.\n\n| its events | flows of two connectors | all can be read |\n|---|---|---|\n", time.Now().UTC().Format(time.DateOnly), version)
	writeBetween(t, debeziumBegin, debeziumEnd, head+strings.Join(rows, "\n")+"\n")
}
