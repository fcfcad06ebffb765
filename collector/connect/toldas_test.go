package connect

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/lineage"
)

// Debezium's connectors send OpenLineage events of their own, as jobs that are named by what they are configured to:
// each is the connector, and where its topics are is known to who hears it. What does not tell its name names nothing.
func TestConnectorsThatTellOfThemselves(t *testing.T) {
	w := newWorker(t)
	postgres := func(more ...string) map[string]any {
		c := map[string]any{
			"connector.class": "io.debezium.connector.postgresql.PostgresConnector", "database.hostname": "db", "database.dbname": "shop", "topic.prefix": "shop", "openlineage.integration.enabled": "true",
		}
		for i := 0; i < len(more); i += 2 {
			c[more[i]] = more[i+1]
		}
		return c
	}
	source := func(c map[string]any) *fake { return running("source", []string{"orders"}, c) }
	w.connectors["plain"] = source(postgres())
	w.connectors["named"] = source(postgres("topic.prefix", "bill", "openlineage.integration.job.namespace", "cdc"))
	w.connectors["many"] = source(postgres("topic.prefix", "many"))
	w.connectors["many"].tasks = []string{"RUNNING", "RUNNING", "FAILED"}
	w.connectors["elsewhere"] = source(postgres("topic.prefix", "east", "producer.override.bootstrap.servers", "10.0.0.2:9092"))
	w.connectors["off"] = source(postgres("topic.prefix", "off", "openlineage.integration.enabled", "false"))
	w.connectors["secret"] = source(postgres("topic.prefix", "${env:PREFIX}"))
	w.connectors["other"] = source(map[string]any{"connector.class": "org.example.Source", "topic.prefix": "other", "openlineage.integration.enabled": "true"})
	w.connectors["sink"] = running("sink", nil, map[string]any{"connector.class": "io.debezium.connector.jdbc.JdbcSinkConnector", "connection.url": "jdbc:postgresql://db/shop", "topics": "orders", "openlineage.integration.enabled": "true"})
	r := newRig(t, w, nil)
	since := r.round
	if _, _, awaited := r.board.HomeOf(lineage.Node{Scope: "shop", Kind: lineage.StreamJobNode, Name: "shop.0"}, since); !awaited {
		t.Error("nobody waits for a Connect that was not asked yet")
	}
	r.take()
	if got := r.facts(lineage.ConnectorFacts)["plain"].Connector.Also; got != nil {
		t.Errorf("it is %v, of which nobody has told", got)
	}
	heard := map[lineage.Node][]string{}
	for n := range r.board.Unsure() {
		heard[n] = []string{"db:5432"}
	}
	r.board.SetHeard(heard)
	r.take()
	for name, want := range map[string][]string{
		"plain": {"streamjob:shop/shop.0"}, "named": {"streamjob:cdc/bill.0"}, "many": {"streamjob:many/many.0", "streamjob:many/many.1", "streamjob:many/many.2"},
		"elsewhere": {"streamjob:east/east.0"}, "off": nil, "secret": nil, "other": nil, "sink": {"streamjob:sink/sink.0"},
	} {
		var got []string
		for _, n := range r.source.known[name].fact.Also {
			got = append(got, n.ID())
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s is also %q, want %q", name, got, want)
		}
	}
	home := func(namespace, name string) string {
		w, ok, awaited := r.board.HomeOf(lineage.Node{Scope: namespace, Kind: lineage.StreamJobNode, Name: name}, since)
		if awaited {
			t.Errorf("%s is waited for after Connect has told", name)
		}
		if !ok {
			return ""
		}
		return w.Source
	}
	for name, want := range map[string]string{"shop": "west", "many": "west", "east": "east", "sink": "west", "off": ""} {
		if got := home(name, name+".0"); got != want {
			t.Errorf("the topics of %s are in %q, want %q", name, got, want)
		}
	}
	if _, _, awaited := r.board.HomeOf(lineage.Node{Scope: "x", Kind: lineage.StreamJobNode, Name: "x.0"}, r.round.Add(time.Second)); !awaited {
		t.Error("what came after the newest look is not waited for")
	}
}

// tells are the nodes as which connectors were told of last, and known.
func (r *rig) tells(name string) (all []string) {
	r.take()
	for _, n := range r.source.known[name].fact.Also {
		all = append(all, n.ID())
	}
	return all
}

// Tasks that a connector has had are its own when it is stopped or has fewer, over a restart too, and until Connect
// answers then. Another name begins anew.
func TestTasksThatAConnectorHadStayItsOwn(t *testing.T) {
	w := newWorker(t)
	config := map[string]any{"connector.class": "io.debezium.connector.sqlserver.SqlServerConnector", "topic.prefix": "p", "openlineage.integration.enabled": "true", "openlineage.integration.job.namespace": "ns"}
	c := running("source", nil, config)
	c.tasks = []string{"RUNNING", "RUNNING", "RUNNING"}
	w.connectors["many"] = c
	r := newRig(t, w, nil)
	all := []string{"streamjob:ns/p.0", "streamjob:ns/p.1", "streamjob:ns/p.2"}
	f := func(what string, want ...string) {
		t.Helper()
		if got := r.tells("many"); !slices.Equal(got, want) {
			t.Errorf("%s: it is %q, want %q", what, got, want)
		}
	}
	f("it runs", all...)
	c.tasks = []string{"RUNNING"}
	f("it has fewer", all...)
	c.state, c.tasks = "STOPPED", nil
	f("it is stopped", all...)
	r.board = &collector.Board{}
	r.board.SetCluster(collector.Watched{Source: "west", ID: kafka})
	r.start(nil)
	if home, ok, _ := r.board.HomeOf(lineage.Node{Scope: "ns", Kind: lineage.StreamJobNode, Name: "p.2"}, r.round); !ok || home.Source != "west" {
		t.Errorf("until Connect answers after a restart its topics are in %q", home.Source)
	}
	if _, _, awaited := r.board.HomeOf(lineage.Node{Scope: "ns", Kind: lineage.StreamJobNode, Name: "x.0"}, time.Time{}); !awaited {
		t.Error("others are not waited for after a restart")
	}
	f("it is stopped, after a restart", all...)
	config["topic.prefix"] = "q"
	f("it has another name", "streamjob:ns/q.0")
	delete(w.connectors, "many")
	r.take()
	if v, kept := r.positions[selfPrefix+"many"]; kept {
		t.Errorf("of one that is deleted is kept %q", v)
	}
}

// A name that anybody's connector with the same topic.prefix has is the connector's where events under it tell of its
// database and of no other; once some told of another it is not, over a restart too, until the configuration says the
// namespace. A database that it was moved to is its own.
func TestWhoseTheDefaultNameIs(t *testing.T) {
	w := newWorker(t)
	config := map[string]any{"connector.class": "io.debezium.connector.postgresql.PostgresConnector", "database.hostname": "DB1", "topic.prefix": "shop", "openlineage.integration.enabled": "true"}
	w.connectors["inventory"] = running("source", nil, config)
	r := newRig(t, w, nil)
	node := lineage.Node{Scope: "shop", Kind: lineage.StreamJobNode, Name: "shop.0"}
	const its = "streamjob:shop/shop.0"
	f := func(what, want string, heard ...string) {
		t.Helper()
		r.board.SetHeard(map[lineage.Node][]string{node: heard})
		if got := strings.Join(r.tells("inventory"), " "); got != want {
			t.Errorf("%s: it is %q, want %q", what, got, want)
		}
	}
	doubt := func(want bool) {
		t.Helper()
		if is := strings.Contains(r.spots(), "says of itself by OpenLineage"); is != want {
			t.Errorf("the doubt is said: %v, want %v", is, want)
		}
	}
	f("nothing was told yet", "")
	f("its own", its, "db1:5432")
	doubt(false)
	f("it is forgotten what was told", its)
	config["database.hostname"] = "db2"
	f("it has moved", its, "db1:5432", "db2:5432")
	r.start(nil)
	f("after a restart", its)
	f("somebody else", "", "db2:5432", "10.0.0.1:5432")
	f("still", "", "db2:5432", "10.0.0.1:5432")
	doubt(true)
	r.start(nil)
	f("after a restart, and he is gone", "", "db2:5432")
	if _, ok, _ := r.board.HomeOf(node, r.round); ok {
		t.Error("it is said where the topics are of a name that somebody else had")
	}
	config["openlineage.integration.job.namespace"] = "shop"
	f("it is named", its, "10.0.0.1:5432")
	delete(config, "openlineage.integration.job.namespace")
	config["topic.prefix"], config["database.hostname"] = "bill", "${env:HOST}"
	f("its settings do not tell the database", "", "db2:5432")
	doubt(true)
}
