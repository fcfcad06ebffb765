package connect

import (
	"strings"
	"testing"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/lineage"
)

// A connector whose tasks failed at once is shown with what it is configured to do, and why it does not: else its topic
// would look unread.
func TestFailedConnectorsAreShown(t *testing.T) {
	w := newWorker(t)
	out := running("sink", nil, map[string]any{"connector.class": "FileStreamSink", "file": "/out", "topics": "orders", "password": canary})
	out.tasks = []string{"FAILED"}
	mm := running("source", nil, map[string]any{"connector.class": "MirrorSourceConnector", "source.cluster.alias": "east", "target.cluster.alias": "west", "topics": "orders"})
	mm.tasks, mm.topics = []string{"FAILED", "UNASSIGNED"}, []string{"east.orders"}
	mm.copied("east", "orders", 99)
	w.connectors["out"], w.connectors["mm"] = out, mm
	r := newRig(t, w, nil)
	wants := func(name, detail string) {
		t.Helper()
		if got := r.details(name); !strings.HasSuffix(got, detail) {
			t.Errorf("%s: details %q, want %q", name, got, detail)
		}
	}
	r.take()
	r.want("out", "read west-id/orders", "write file /out")
	wants("out", "configured, and not moving: task 0 FAILED since 2026-11-23T00:00:10Z at the latest")
	r.want("east->west", "read east-id/orders", "write west-id/east.orders")
	wants("east->west", "configured, and not moving: task 0 FAILED, task 1 UNASSIGNED since 2026-11-23T00:00:10Z at the latest")
	if got, _ := r.board.Writers(kafka).Of("east.orders"); len(got) > 0 {
		t.Errorf("the board has %v, which does not run", got)
	}
	out.tasks = []string{"RUNNING"}
	r.take()
	wants("out", "class FileStreamSink")
	out.tasks = []string{"RUNNING", "FAILED"}
	r.take()
	wants("out", "class FileStreamSink; task 1 FAILED since 2026-11-23T00:00:30Z")
	out.tasks = []string{"FAILED", "FAILED"}
	r.take()
	wants("out", "configured, and not moving: tasks 0, 1 FAILED since 2026-11-23T00:00:40Z")
	for _, o := range r.last {
		for _, s := range o.Sightings {
			if s.Moved {
				t.Errorf("it moved: %+v", s)
			}
		}
	}
}

// Inside a connector a dataset is joined with the topic that it is of, and with all of them where it is of no single
// one.
func TestDatasetsAreJoinedWithTopics(t *testing.T) {
	w := newWorker(t)
	debezium := map[string]any{
		"connector.class": "io.debezium.connector.postgresql.PostgresConnector", "database.hostname": "db", "database.dbname": "shop", "topic.prefix": "cdc",
		"table.include.list": `public.customers, public\.orders`,
	}
	routed := map[string]any{"transforms": "route", "transforms.route.type": "org.apache.kafka.connect.transforms.RegexRouter", "transforms.route.regex": `cdc\.public\.(.*)`, "transforms.route.replacement": "t_$1"}
	for k, v := range debezium {
		if _, own := routed[k]; !own {
			routed[k] = v
		}
	}
	w.connectors["plain"] = running("source", []string{"cdc.public.customers", "cdc"}, debezium)
	w.connectors["failed"] = running("source", nil, debezium)
	w.connectors["failed"].tasks = []string{"FAILED"}
	w.connectors["routed"] = running("source", nil, routed)
	w.connectors["jdbc"] = running("source", nil, map[string]any{"connector.class": "io.confluent.connect.jdbc.JdbcSourceConnector", "connection.url": "jdbc:mysql://db/shop", "topic.prefix": "my_", "table.whitelist": "a,b"})
	w.connectors["sink"] = running("sink", nil, map[string]any{"connector.class": "io.confluent.connect.jdbc.JdbcSinkConnector", "connection.url": "jdbc:mysql://db/shop", "topics": "a,b", "table.name.format": "x_${topic}"})
	w.connectors["all"] = running("sink", nil, map[string]any{"connector.class": "FileStreamSink", "file": "/out", "topics": "a,b"})
	r := newRig(t, w, nil)
	r.board.SetCluster(collector.Watched{Source: "west", ID: kafka, Topics: []string{"cdc.public.orders", "t_customers", "t_orders"}})
	r.take()
	joined := func(name string) (all []string) {
		for _, o := range r.last {
			for _, s := range o.Sightings {
				if d := s.Access.Dataset; s.Access.Client.Mover.Name == name && d != (lineage.Dataset{}) {
					all = append(all, d.Name+" "+s.Access.Topic.Name)
				}
			}
		}
		return all
	}
	for name, want := range map[string]string{
		"plain":  "shop.public.customers cdc.public.customers, shop.public.orders cdc.public.orders",
		"failed": "shop.public.customers cdc.public.customers, shop.public.orders cdc.public.orders",
		"routed": "shop.public.customers t_customers, shop.public.orders t_orders",
		"jdbc":   "shop.a my_a, shop.b my_b",
		"sink":   "shop.x_a a, shop.x_b b",
		"all":    "/out ",
	} {
		if got := strings.Join(joined(name), ", "); got != want {
			t.Errorf("%s joins %q, want %q", name, got, want)
		}
	}
	r.want("failed", "read postgres://db:5432 shop.public.customers", "read postgres://db:5432 shop.public.orders", "write west-id/cdc.public.customers", "write west-id/cdc.public.orders")
	r.want("routed", "read postgres://db:5432 shop.public.customers", "read postgres://db:5432 shop.public.orders", "write west-id/t_customers", "write west-id/t_orders")
}
