package connect

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/lineage"
)

const (
	tick   = 10 * time.Second
	canary = "hunter2-canary"
	kafka  = lineage.ClusterID("west-id")
)

var t0 = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)

// worker is a Connect worker that answers what the test says.
type worker struct {
	t *testing.T
	*httptest.Server
	mu         sync.Mutex // guards the fields below
	connectors map[string]*fake
	answer     http.HandlerFunc // instead of all, when set
	refuse     map[string]int   // status by path
	hang       string           // path without an answer
	asked      []string
}

// fake is one connector.
type fake struct {
	config  map[string]any
	kind    string
	state   string
	tasks   []string // states
	topics  []string
	offsets []map[string]any
}

func newWorker(t *testing.T) *worker {
	w := &worker{t: t, connectors: map[string]*fake{}, refuse: map[string]int{}}
	w.Server = httptest.NewServer(http.HandlerFunc(w.serve))
	t.Cleanup(w.Close)
	return w
}

func (w *worker) serve(rw http.ResponseWriter, r *http.Request) {
	if w.note(r.URL.Path) {
		<-r.Context().Done()
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if r.Method != http.MethodGet {
		w.t.Errorf("a %s request", r.Method)
	}
	if w.answer != nil {
		w.answer(rw, r)
		return
	}
	if status := w.refuse[r.URL.Path]; status != 0 {
		http.Error(rw, `{"error_code":`+fmt.Sprint(status)+`,"message":"`+canary+`"}`, status)
		return
	}
	rw.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(rw).Encode(w.body(r.URL.Path)); err != nil {
		w.t.Error(err)
	}
}

// forgotten returns the paths that were asked for since the last call.
func (w *worker) forgotten() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	asked := w.asked
	w.asked = nil
	return asked
}

// note reports whether a path is not answered.
func (w *worker) note(path string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = append(w.asked, path)
	return path == w.hang
}

func (w *worker) body(path string) any {
	switch part := strings.Split(strings.Trim(path, "/"), "/"); {
	case path == "/":
		return map[string]any{"version": "4.3.1", "commit": "x", "kafka_cluster_id": string(kafka)}
	case path == "/connectors":
		all := map[string]any{}
		for name, c := range w.connectors {
			tasks := []any{}
			for i, s := range c.tasks {
				tasks = append(tasks, map[string]any{"id": i, "state": s, "worker_id": "127.0.0.1:8083", "trace": canary})
			}
			all[name] = map[string]any{
				"info":   map[string]any{"name": name, "config": c.config, "tasks": []any{}, "type": c.kind},
				"status": map[string]any{"name": name, "connector": map[string]any{"state": c.state, "worker_id": "127.0.0.1:8083"}, "tasks": tasks, "type": c.kind},
			}
		}
		return all
	case len(part) == 3 && part[2] == "topics":
		return map[string]any{part[1]: map[string]any{"topics": w.connectors[part[1]].topics}}
	default:
		return map[string]any{"offsets": w.connectors[part[1]].offsets}
	}
}

// rig is a source over a worker whose rounds the test takes.
type rig struct {
	t         *testing.T
	w         *worker
	board     *collector.Board
	source    *source
	log       bytes.Buffer
	at        map[lineage.ClusterID]map[string]collector.Ends // on the board in each round
	round     time.Time
	last      []lineage.Observation
	positions map[string][]byte
}

func newRig(t *testing.T, w *worker, with func(*Config)) *rig {
	r := &rig{t: t, w: w, board: &collector.Board{}, round: t0, at: map[lineage.ClusterID]map[string]collector.Ends{}, positions: map[string][]byte{}}
	r.board.SetCluster(collector.Watched{Source: "west", ID: kafka, Topics: []string{"__secret", "lines", "orders", "orders-eu", "words"}})
	r.board.SetCluster(collector.Watched{Source: "east", ID: "east-id", Brokers: []string{"10.0.0.2:9092"}, Topics: []string{"heartbeats", "lines", "old", "orders"}})
	r.start(with)
	return r
}

func (r *rig) start(with func(*Config)) {
	cfg := Config{Name: "connect-west", URLs: []string{r.w.URL}, Interval: tick, Board: r.board, Log: slog.New(slog.NewTextHandler(&r.log, nil))}
	if with != nil {
		with(&cfg)
	}
	c, err := New(cfg, r)
	if err != nil {
		r.t.Fatal(err)
	}
	if err := c.source.Restore(r.t.Context(), r); err != nil {
		r.t.Fatal(err)
	}
	r.source = c.source
}

func (r *rig) Append(context.Context, ...lineage.Observation) error { return nil }

func (r *rig) Positions(context.Context, lineage.Source) (map[string][]byte, error) {
	return r.positions, nil
}

// ends says where a topic ends, from the next round on.
func (r *rig) ends(cluster lineage.ClusterID, topic string, offsets ...int64) {
	if r.at[cluster] == nil {
		r.at[cluster] = map[string]collector.Ends{}
	}
	r.at[cluster][topic] = collector.Ends{Offsets: offsets}
}

func (r *rig) take() {
	r.t.Helper()
	r.round = r.round.Add(tick)
	for cluster, topics := range r.at {
		r.board.WantEnds(cluster, slices.Collect(maps.Keys(topics))...)
		r.board.SetEnds(cluster, r.round, func(topic string) collector.Ends { return topics[topic] })
	}
	ctx, cancel := context.WithTimeout(r.t.Context(), 2*time.Second)
	defer cancel()
	r.last = r.source.Observe(ctx, r.round)
	for _, o := range r.last {
		for _, p := range o.Positions {
			if p.Value == nil {
				delete(r.positions, p.Key)
			} else {
				r.positions[p.Key] = p.Value
			}
		}
	}
	if shown := fmt.Sprintf("%+v %s", r.last, r.log.String()); strings.Contains(shown, canary) {
		r.t.Errorf("a secret is shown: %s", shown)
	}
	for key, v := range r.positions {
		if strings.Contains(key+string(v), canary) {
			r.t.Errorf("a secret is stored under %q", key)
		}
	}
}

// does describes the last round's sightings, sorted: "read orders", "write postgres://…  …*" with a star where something moved.
func (r *rig) does(name string) (all []string) {
	for _, o := range r.last {
		for _, s := range o.Sightings {
			if s.Access.Client.Mover.Name != name || s.Evidence != lineage.Connect {
				continue
			}
			text := s.Access.Op.String() + " " + string(s.Access.Topic.Cluster) + "/" + s.Access.Topic.Name
			if s.Access.Dataset != (lineage.Dataset{}) {
				text = s.Access.Op.String() + " " + s.Access.Dataset.Namespace + " " + s.Access.Dataset.Name
			}
			if s.Moved {
				text += "*"
			}
			all = append(all, text)
		}
	}
	slices.Sort(all)
	return all
}

func (r *rig) want(name string, want ...string) {
	r.t.Helper()
	if got := r.does(name); !slices.Equal(got, want) {
		r.t.Errorf("%s does\n%s\nwant\n%s", name, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func (r *rig) facts(kind lineage.FactKind) map[string]lineage.Fact {
	out := map[string]lineage.Fact{}
	for _, o := range r.last {
		for _, f := range o.Facts {
			if f.Key.Kind == kind {
				out[f.Key.Name] = f
			}
		}
	}
	return out
}

func (r *rig) missing() (all []string) {
	for _, o := range r.last {
		for _, m := range o.Missing {
			all = append(all, m.Reason)
		}
	}
	return all
}

func (r *rig) spots() string {
	var all []string
	for _, f := range r.facts(lineage.BlindSpotFacts) {
		for _, b := range f.BlindSpots {
			all = append(all, b.What)
		}
	}
	return strings.Join(all, "; ")
}

func running(kind string, topics []string, config map[string]any) *fake {
	config["password"], config["connection.password"] = canary, canary
	return &fake{config: config, kind: kind, state: "RUNNING", tasks: []string{"RUNNING"}, topics: topics}
}

func TestSourceAndSink(t *testing.T) {
	w := newWorker(t)
	w.connectors["file-in"] = running("source", []string{"lines"}, map[string]any{"connector.class": "FileStreamSource", "file": "/in.txt", "topic": "lines"})
	w.connectors["jdbc-out"] = running("sink", []string{"orders"}, map[string]any{
		"connector.class": "io.confluent.connect.jdbc.JdbcSinkConnector", "topics": "orders, returns", "table.name.format": "shop.${topic}",
		"connection.url": "jdbc:postgresql://db:5433/warehouse?user=me&password=" + canary, "errors.deadletterqueue.topic.name": "dead",
	})
	w.connectors["file-in"].offsets = []map[string]any{{"partition": map[string]any{"filename": "/in.txt"}, "offset": map[string]any{"position": 6, "secret": canary}}}
	w.connectors["jdbc-out"].offsets = []map[string]any{{"partition": map[string]any{"kafka_topic": "orders", "kafka_partition": 0}, "offset": map[string]any{"kafka_offset": 3}}}
	w.connectors["file-out"] = running("sink", []string{"orders"}, map[string]any{"connector.class": "FileStreamSink", "file": "/out.txt", "topics": "orders"})
	w.connectors["file-out"].offsets = []map[string]any{{"partition": map[string]any{"kafka_topic": "orders", "kafka_partition": 0}, "offset": map[string]any{"kafka_offset": 3}}}
	r := newRig(t, w, nil)
	r.take()
	r.want("file-in", "read file /in.txt", "write west-id/lines")
	r.want("file-out", "read west-id/orders", "write file /out.txt")
	r.want("jdbc-out", "read west-id/orders", "read west-id/returns", "write postgres://db:5433 warehouse.shop.orders", "write postgres://db:5433 warehouse.shop.returns", "write west-id/dead")
	facts := r.facts(lineage.ConnectorFacts)
	if f := facts["jdbc-out"].Connector; f == nil || f.Group != "connect-jdbc-out" || f.Type != "sink" || f.State != "RUNNING" || len(f.Tasks) != 1 || f.Kafka != kafka {
		t.Errorf("the sink's fact is %+v", f)
	}
	if f := r.facts(lineage.ConnectFacts)[""].Connect; f == nil || *f != (lineage.ConnectFact{Kafka: kafka, Version: "4.3.1"}) {
		t.Errorf("the Connect cluster's fact is %+v", f)
	}
	writers := r.board.Writers(kafka)
	if got, sure := writers.Of("lines"); !sure || len(got) != 1 || got[0].Name != "file-in" || !writers.AsOf.Equal(r.round) {
		t.Errorf("the board has %v as of %v", got, writers.AsOf)
	}
	if len(r.missing()) > 0 {
		t.Errorf("missing: %v", r.missing())
	}
	// What moves is told of where it moves.
	w.connectors["file-in"].offsets[0]["offset"] = map[string]any{"position": 12}
	w.connectors["jdbc-out"].offsets[0]["offset"] = map[string]any{"kafka_offset": 4}
	w.connectors["file-out"].offsets[0]["offset"] = map[string]any{"kafka_offset": 4}
	whole := false // a file that takes all topics is moved by each
	for range detailsEvery {
		r.take()
		whole = whole || slices.Contains(r.does("file-out"), "write file /out.txt*")
		if slices.Contains(r.does("jdbc-out"), "write postgres://db:5433 warehouse.shop.orders*") {
			break
		}
	}
	if !whole {
		t.Error("the file did not move with its topic")
	}
	r.want("jdbc-out", "read west-id/orders", "read west-id/returns", "write postgres://db:5433 warehouse.shop.orders*", "write postgres://db:5433 warehouse.shop.returns", "write west-id/dead")
	if len(r.facts(lineage.ConnectorFacts)) > 0 {
		t.Error("facts are told again although nothing changed")
	}
	// One that is paused, or has no task, does nothing.
	w.connectors["file-in"].state = "PAUSED"
	w.connectors["jdbc-out"].tasks = nil
	r.take()
	r.want("file-in")
	r.want("jdbc-out")
	if !strings.Contains(r.spots(), "jdbc-out moves: it runs without tasks") {
		t.Errorf("blind spots: %s", r.spots())
	}
	if f := r.facts(lineage.ConnectorFacts)["file-in"].Connector; f == nil || f.State != "PAUSED" {
		t.Errorf("the paused connector is %+v", f)
	}
	delete(w.connectors, "file-in")
	r.take()
	if f, ok := r.facts(lineage.ConnectorFacts)["file-in"]; !ok || !f.Gone {
		t.Errorf("a deleted connector is %+v", f)
	}
	// Deleted while nobody watched.
	delete(w.connectors, "jdbc-out")
	r.start(nil)
	r.take()
	if f, ok := r.facts(lineage.ConnectorFacts)["jdbc-out"]; !ok || !f.Gone {
		t.Errorf("a connector deleted meanwhile is %+v", f)
	}
}

// Tasks run although their connector failed or is on no worker; where all of them failed, so has the replication.
func TestStates(t *testing.T) {
	w := newWorker(t)
	for _, state := range []string{"RUNNING", "FAILED", "UNASSIGNED", "RESTARTING", "PAUSED", "STOPPED", "DESTROYED"} {
		c := running("source", []string{state}, map[string]any{"connector.class": "FileStreamSource", "file": "/in"})
		c.state = state
		w.connectors[state] = c
	}
	mm := running("source", nil, map[string]any{"connector.class": "MirrorSourceConnector", "source.cluster.alias": "e", "target.cluster.alias": "w"})
	mm.tasks = []string{"FAILED", "FAILED"}
	w.connectors["mm"] = mm
	r := newRig(t, w, nil)
	r.take()
	for _, state := range []string{"RUNNING", "FAILED", "UNASSIGNED", "RESTARTING"} {
		r.want(state, "read file /in", "write west-id/"+state)
		if got, _ := r.board.Writers(kafka).Of(state); len(got) != 1 {
			t.Errorf("%s: the board has %v", state, got)
		}
	}
	for _, state := range []string{"PAUSED", "STOPPED", "DESTROYED"} {
		r.want(state)
	}
	if f := r.facts(lineage.ReplicatorFacts)["replicator:west/e-%3Ew"].Replicator; f == nil || f.State != "FAILED" {
		t.Errorf("a replicator whose tasks failed is %+v", f)
	}
	mm.state, mm.tasks = "FAILED", []string{"RUNNING"}
	r.take()
	if f := r.facts(lineage.ReplicatorFacts)["replicator:west/e-%3Ew"].Replicator; f == nil || f.State != "RUNNING" {
		t.Errorf("a replicator that copies is %+v", f)
	}
}

// A worker that lacks a plugin does not know a sink from a source.
func TestUnknownPlugin(t *testing.T) {
	w := newWorker(t)
	w.connectors["out"] = running("unknown", []string{"orders"}, map[string]any{"connector.class": "com.acme.Out", "topics": "orders"})
	w.connectors["in"] = running("unknown", []string{"lines"}, map[string]any{"connector.class": "com.acme.In"})
	r := newRig(t, w, nil)
	r.take()
	r.want("out", "read west-id/orders")
	r.want("in")
	for _, topic := range []string{"orders", "lines"} {
		if got, _ := r.board.Writers(kafka).Of(topic); len(got) > 0 {
			t.Errorf("%s is written by %v", topic, got)
		}
	}
	facts := r.facts(lineage.ConnectorFacts)
	if f := facts["out"].Connector; f.Type != "sink" || f.Group != "connect-out" {
		t.Errorf("the sink is %+v", f)
	}
	if f := facts["in"].Connector; f.Type != "unknown" || !strings.Contains(r.spots(), "what connector in moves") {
		t.Errorf("the other is %+v; blind spots: %s", f, r.spots())
	}
}

// Until its topics are known, a source may write any; a sink writes what it is configured to. What is not seen any more is what was told last.
func TestWritersThatAreNotKnownYet(t *testing.T) {
	w := newWorker(t)
	for i := range 2 * detailsARound {
		w.connectors[fmt.Sprintf("in%02d", i)] = running("source", []string{fmt.Sprintf("t%02d", i)}, map[string]any{"connector.class": "com.acme.In"})
		w.connectors[fmt.Sprintf("out%02d", i)] = running("sink", nil, map[string]any{"connector.class": "FileStreamSink", "file": "/out", "topics": "lines", "errors.deadletterqueue.topic.name": "dead"})
	}
	w.connectors["plain"] = running("source", nil, map[string]any{"connector.class": "FileStreamSource", "file": "/in", "topic": "plain"})
	w.connectors["counted"] = running("source", nil, map[string]any{"connector.class": "com.acme.In", "producer.override.enable.idempotence": "true"})
	r := newRig(t, w, nil)
	for i := range 4*detailsARound/(detailsARound/2) + 1 {
		r.take()
		looked := detailsARound / 2 * (i + 1)
		got, sure := r.board.Writers(kafka).Of("plain")
		if len(got) != 1 || sure != (looked > 2*detailsARound) {
			t.Errorf("after %d connectors: %v, sure %v", looked, got, sure)
		}
	}
	w.answer = func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusInternalServerError) }
	r.take()
	for _, topic := range []string{"t00", "plain", "dead"} {
		if got, sure := r.board.Writers(kafka).Of(topic); len(got) == 0 || sure {
			t.Errorf("%s: %v, sure %v", topic, got, sure)
		}
	}
}

// A dead letter queue is written by a producer of the workers, wherever the sink reads.
func TestDeadLetterQueueOfAFarSink(t *testing.T) {
	w := newWorker(t)
	w.connectors["far"] = running("sink", nil, map[string]any{"connector.class": "FileStreamSink", "file": "/out", "topics": "lines", "errors.deadletterqueue.topic.name": "dead", "consumer.override.bootstrap.servers": "10.0.0.2:9092"})
	r := newRig(t, w, nil)
	r.take()
	r.want("far", "read east-id/lines", "write file /out", "write west-id/dead")
	for _, o := range r.last {
		for _, s := range o.Sightings {
			if s.Access.Dataset.Name != "" && s.Access.Topic.Cluster != "east-id" {
				t.Errorf("what it writes outside is of %s", s.Access.Topic.Cluster)
			}
		}
	}
	if got, _ := r.board.Writers(kafka).Of("dead"); len(got) != 1 {
		t.Errorf("the queue is written by %v", got)
	}
	w.connectors["far"].config["producer.override.bootstrap.servers"] = "10.0.0.2:9092"
	r.take()
	r.want("far", "read east-id/lines", "write east-id/dead", "write file /out")
	w.connectors["far"].config["consumer.override.bootstrap.servers"] = "nowhere:1"
	r.take()
	r.want("far", "write east-id/dead", "write file /out")
}

// What a connector has used stays when it is configured anew: where its configuration tells, that alone does.
func TestTopicsOfAnEarlierConfiguration(t *testing.T) {
	w := newWorker(t)
	w.connectors["list"] = running("sink", []string{"old", "orders"}, map[string]any{"connector.class": "FileStreamSink", "file": "/out", "topics": "orders"})
	w.connectors["regex"] = running("sink", []string{"old", "orders"}, map[string]any{"connector.class": "FileStreamSink", "file": "/out", "topics.regex": "orders"})
	w.connectors["far"] = running("sink", []string{"old"}, map[string]any{"connector.class": "FileStreamSink", "file": "/out", "topics.regex": "lines", "consumer.override.bootstrap.servers": "x:1"})
	w.connectors["file"] = running("source", []string{"old", "lines"}, map[string]any{"connector.class": "FileStreamSource", "file": "/in", "topic": "lines"})
	w.connectors["other"] = running("source", []string{"old"}, map[string]any{"connector.class": "FileStreamSource", "file": "/in", "topic": "lines", "transforms": "r"})
	r := newRig(t, w, nil)
	r.take()
	r.want("list", "read west-id/orders", "write file /out")
	r.want("regex", "read west-id/orders", "write file /out")
	r.want("far", "write file /out")
	r.want("file", "read file /in", "write west-id/lines")
	r.want("other", "read file /in", "write west-id/old")
}

// What can't be named outside is said, and nothing is named after a placeholder.
func TestOutsideThatDoesNotTell(t *testing.T) {
	w := newWorker(t)
	const router = "org.apache.kafka.connect.transforms.RegexRouter"
	elastic := func(more ...string) map[string]any {
		c := map[string]any{"connector.class": "io.confluent.connect.elasticsearch.ElasticsearchSinkConnector", "connection.url": "http://es:9200", "topics": "orders", "transforms": "t"}
		for i := 0; i < len(more); i += 2 {
			c[more[i]] = more[i+1]
		}
		return c
	}
	jdbc := func(key, value string) map[string]any {
		return map[string]any{"connector.class": "io.confluent.connect.jdbc.JdbcSinkConnector", "connection.url": "jdbc:postgresql://db/shop", "topics": "orders", key: value}
	}
	silent := map[string]map[string]any{
		"time":      elastic("transforms.t.type", "org.apache.kafka.connect.transforms.TimestampRouter"),
		"regex":     elastic("transforms.t.type", router, "transforms.t.regex", "(", "transforms.t.replacement", "x"),
		"predicate": elastic("transforms.t.type", router, "transforms.t.regex", ".*", "transforms.t.replacement", "x", "transforms.t.predicate", "p"),
		"url":       jdbc("connection.url", "${file:/etc/s.properties:url}"),
		"format":    jdbc("table.name.format", "${env:SCHEMA}.${topic}"),
		"bucket":    {"connector.class": "io.confluent.connect.s3.S3SinkConnector", "s3.bucket.name": "${env:BUCKET}", "topics": "orders"},
		"file":      {"connector.class": "FileStreamSink", "topics": "orders"},
	}
	for name, config := range silent {
		w.connectors[name] = running("sink", nil, config)
	}
	w.connectors["debezium"] = running("source", []string{"customers"}, map[string]any{
		"connector.class": "io.debezium.connector.postgresql.PostgresConnector", "database.hostname": "db", "database.dbname": "shop", "topic.prefix": "t",
		"transforms": "t", "transforms.t.type": router, "transforms.t.regex": `.*\.([^.]+)`, "transforms.t.replacement": "$1",
	})
	w.connectors["paused"] = running("sink", nil, map[string]any{"connector.class": "FileStreamSink", "topics": "orders"})
	w.connectors["paused"].state = "PAUSED"
	w.connectors["told"] = running("sink", nil, jdbc("table.name.format", "other.${topic}"))
	w.connectors["where"] = running("sink", nil, map[string]any{"connector.class": "FileStreamSink", "file": "/out", "topics": "${env:TOPICS}"})
	r := newRig(t, w, nil)
	r.take()
	for name := range silent {
		r.want(name, "read west-id/orders")
		if !strings.Contains(r.spots(), "what connector "+name+" reads or writes outside Kafka: its settings do not tell") {
			t.Errorf("nothing is said of %s", name)
		}
	}
	r.want("debezium", "write west-id/customers")
	r.want("told", "read west-id/orders", "write postgres://db:5432 shop.other.orders")
	r.want("where", "write file /out")
	if spots := r.spots(); !strings.Contains(spots, "what connector debezium reads") || strings.Contains(spots, "paused") || strings.Contains(spots, "told") {
		t.Errorf("blind spots: %s", spots)
	}
}

// A cluster that is not watched is said, but not before its own source has had its time.
func TestClusterThatIsNotWatched(t *testing.T) {
	w := newWorker(t)
	w.connectors["re"] = running("sink", []string{"words"}, map[string]any{"connector.class": "FileStreamSink", "file": "/out", "topics.regex": "wor.*"})
	r := newRig(t, w, nil)
	r.board = &collector.Board{}
	r.board.Await("north")
	r.start(func(c *Config) { c.Interval = time.Second })
	for i := range 8 {
		r.take()
		r.want("re", "read west-id/words", "write file /out")
		late := i >= 6
		if said := r.spots(); said != "" && strings.Contains(said, "Kafka cluster, west-id, is not watched") != late && strings.Contains(said, "topics.regex is for") != late {
			t.Errorf("round %d: %s", i, said)
		} else if i == 6 && said == "" {
			t.Error("nothing is said")
		}
	}
}

// Where offsets are named by tables, those of one table say nothing of another.
func TestOneTableMoves(t *testing.T) {
	w := newWorker(t)
	jdbc := running("source", []string{"pre-a", "pre-b"}, map[string]any{
		"connector.class": "io.confluent.connect.jdbc.JdbcSourceConnector", "connection.url": "jdbc:postgresql://db/shop", "topic.prefix": "pre-", "table.whitelist": "a,b",
	})
	w.connectors["jdbc"] = jdbc
	at := func(a, b int) {
		jdbc.offsets = nil
		for table, n := range map[string]int{"a": a, "b": b} {
			jdbc.offsets = append(jdbc.offsets, map[string]any{"partition": map[string]any{"protocol": "1", "table": "shop.public." + table}, "offset": map[string]any{"incrementing": n}})
		}
	}
	at(1, 1)
	r := newRig(t, w, nil)
	r.take()
	at(2, 1)
	r.take()
	r.want("jdbc", "read postgres://db:5432 shop.public.a*", "read postgres://db:5432 shop.public.b", "write west-id/pre-a", "write west-id/pre-b")
}

// A source that stores no offsets does not say by it that nothing moves.
func TestNoOffsetsAreNoRest(t *testing.T) {
	w := newWorker(t)
	f := running("source", []string{"lines"}, map[string]any{"connector.class": "FileStreamSource", "file": "/in", "topic": "lines"})
	w.connectors["f"] = f
	r := newRig(t, w, nil)
	pending := func() (said []int64) {
		r.take()
		for _, o := range r.last {
			for _, s := range o.Samples {
				said = append(said, s.Value)
			}
		}
		return said
	}
	if said := pending(); len(said) > 0 {
		t.Errorf("without offsets it is said %v", said)
	}
	f.offsets = []map[string]any{{"partition": map[string]any{"filename": "/in"}, "offset": map[string]any{"position": 1}}}
	if said := pending(); !slices.Equal(said, []int64{0}) {
		t.Errorf("with offsets it is said %v", said)
	}
	f.offsets = nil // reset
	if said := pending(); !slices.Equal(said, []int64{1}) {
		t.Errorf("without them again it is said %v", said)
	}
}

func TestTopicsOfSinks(t *testing.T) {
	w := newWorker(t)
	w.connectors["re"] = running("sink", nil, map[string]any{
		"connector.class": "FileStreamSink", "file": "/out", "topics.regex": "orders.*|__secret",
		"transforms": "r", "transforms.r.type": "org.apache.kafka.connect.transforms.RegexRouter", "transforms.r.regex": "(.*)", "transforms.r.replacement": "x",
	})
	w.connectors["java"] = running("sink", []string{"words"}, map[string]any{"connector.class": "FileStreamSink", "file": "/out", "topics.regex": "(?!x)or.*"})
	w.connectors["es"] = running("sink", nil, map[string]any{
		"connector.class": "io.confluent.connect.elasticsearch.ElasticsearchSinkConnector", "connection.url": "http://me:" + canary + "@es:9201,http://es2", "topics": "Orders",
		"transforms": "a,b", "transforms.a.type": "org.apache.kafka.connect.transforms.InsertField$Value",
		"transforms.b.type": "org.apache.kafka.connect.transforms.RegexRouter", "transforms.b.regex": "(Ord)(.*)", "transforms.b.replacement": "$2_$1x",
	})
	w.connectors["odd"] = running("sink", nil, map[string]any{"connector.class": "com.acme.Sink", "topics": "words", "nothing": nil, "number": 3})
	r := newRig(t, w, nil)
	r.take()
	r.want("re", "read west-id/orders", "read west-id/orders-eu", "write file /out")
	r.want("java", "read west-id/words", "write file /out")
	r.want("es", "read west-id/Orders", "write elasticsearch://es:9201 ers_ordx")
	r.want("odd", "read west-id/words")
	for _, want := range []string{"topics.regex can't be read", "the class com.acme.Sink is not known"} {
		if !strings.Contains(r.spots(), want) {
			t.Errorf("no word of %q in %q", want, r.spots())
		}
	}
}

func TestBadAnswers(t *testing.T) {
	w := newWorker(t)
	w.connectors["file-in"] = running("source", []string{"lines"}, map[string]any{"connector.class": "FileStreamSource", "file": "/in.txt"})
	r := newRig(t, w, nil)
	r.take()
	for what, c := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"HTML": {func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprint(rw, "<html>"+canary)
		}, `answers "text/html" and not JSON`},
		"a redirect loop": {func(rw http.ResponseWriter, r *http.Request) {
			http.Redirect(rw, r, r.URL.Path+"?"+canary, http.StatusFound)
		}, "redirects in a loop"},
		"a redirect to others": {func(rw http.ResponseWriter, r *http.Request) {
			http.Redirect(rw, r, "http://"+canary+".example/", http.StatusFound)
		}, "redirects to another server"},
		"a redirect to nowhere": {func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Location", "http://me:"+canary+"@%zz/")
			rw.WriteHeader(http.StatusFound)
		}, "is not HTTP that can be read"},
		"unauthorized": {func(rw http.ResponseWriter, _ *http.Request) { http.Error(rw, canary, http.StatusUnauthorized) }, "basic_auth is not configured"},
		"an error":     {func(rw http.ResponseWriter, _ *http.Request) { http.Error(rw, canary, http.StatusInternalServerError) }, "status 500"},
		"a rebalance":  {func(rw http.ResponseWriter, _ *http.Request) { http.Error(rw, canary, http.StatusConflict) }, "the workers are rebalancing"},
		"not found":    {func(rw http.ResponseWriter, _ *http.Request) { http.Error(rw, canary, http.StatusNotFound) }, "answers with 404"},
		"half a JSON": {func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", "application/json")
			fmt.Fprint(rw, `{"a": "`+canary)
		}, "not the JSON of a Connect worker"},
		"another JSON": {func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", "application/json")
			fmt.Fprint(rw, `["`+canary+`"]`)
		}, "not the JSON of a Connect worker"},
		"too much": {func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", "application/json")
			_, _ = rw.Write(bytes.Repeat([]byte(" "), mostBytes+10))
		}, "is larger than"},
		"nothing": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "EOF"},
	} {
		w.mu.Lock()
		w.answer = c.answer
		w.mu.Unlock()
		r.take()
		if got := r.missing(); len(got) != 2 || !strings.Contains(got[0], c.want) {
			t.Errorf("%s: missing is %q, want %q", what, got, c.want)
		}
		if _, sure := r.board.Writers(kafka).Of("lines"); sure {
			t.Errorf("%s: the board is sure of what was not seen", what)
		}
	}
	if n := strings.Count(r.log.String(), "source lost"); n != 1 {
		t.Errorf("the loss is logged %d times, want once", n)
	}
	w.mu.Lock()
	w.answer = nil
	w.mu.Unlock()
	r.take()
	r.want("file-in", "read file /in.txt", "write west-id/lines")
	if len(r.missing()) > 0 || !strings.Contains(r.log.String(), "source is back") {
		t.Errorf("after it came back: %q", r.missing())
	}
	// One connector's trouble is its own.
	w.connectors["other"] = running("source", []string{"words"}, map[string]any{"connector.class": "FileStreamSource", "file": "/b.txt"})
	w.refuse["/connectors/file-in/topics"] = http.StatusInternalServerError
	w.refuse["/connectors/other/offsets"] = http.StatusNotFound // an older Connect
	for range detailsEvery {
		r.take()
	}
	if got := r.missing(); len(got) != 1 || !strings.Contains(got[0], "topics and offsets of file-in") || !strings.Contains(got[0], "status 500") {
		t.Errorf("missing is %q", got)
	}
	r.want("other", "read file /b.txt", "write west-id/words")
}

func TestSlowWorkerAndOthers(t *testing.T) {
	slow, w := newWorker(t), newWorker(t)
	slow.answer = func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	dead := httptest.NewServer(nil)
	dead.Close()
	r := newRig(t, w, func(c *Config) { c.URLs = []string{dead.URL, w.URL} })
	r.take()
	if len(r.missing()) > 0 {
		t.Errorf("with one worker down: %q", r.missing())
	}
	r = newRig(t, slow, nil)
	begin := time.Now()
	r.take()
	if got := r.missing(); len(got) != 2 || !strings.Contains(got[0], "no answer in time") {
		t.Errorf("a worker that does not answer: %q", got)
	}
	if took := time.Since(begin); took > 4*time.Second {
		t.Errorf("the round took %s", took)
	}
}

// A worker that hangs, rebalances or lacks a connector does not hide the others, however short the round is.
func TestOneBadWorkerOfTwo(t *testing.T) {
	for what, answer := range map[string]http.HandlerFunc{
		"hangs":      func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"rebalances": func(rw http.ResponseWriter, _ *http.Request) { http.Error(rw, "", http.StatusConflict) },
		"is another": func(rw http.ResponseWriter, _ *http.Request) { http.Error(rw, "", http.StatusNotFound) },
	} {
		bad, w := newWorker(t), newWorker(t)
		bad.answer = answer
		w.connectors["f"] = running("source", []string{"lines"}, map[string]any{"connector.class": "FileStreamSource", "file": "/in"})
		r := newRig(t, w, func(c *Config) { c.URLs = []string{bad.URL, w.URL} })
		for range 2 {
			r.take()
			r.want("f", "read file /in", "write west-id/lines")
			if len(r.missing()) > 0 {
				t.Errorf("a worker that %s: %q", what, r.missing())
			}
		}
		if n := len(bad.forgotten()); n != 1 {
			t.Errorf("a worker that %s was asked %d times", what, n)
		}
	}
}

// A connector whose offsets hang takes a part of the round, and waits for the others after that.
func TestOneHangingConnector(t *testing.T) {
	w := newWorker(t)
	for _, name := range []string{"a", "b", "c"} {
		w.connectors[name] = running("source", []string{name}, map[string]any{"connector.class": "FileStreamSource", "file": "/" + name})
	}
	w.hang = "/connectors/a/offsets"
	r := newRig(t, w, nil)
	for range 2 {
		w.forgotten()
		r.take()
		r.want("b", "read file /b", "write west-id/b")
		r.want("c", "read file /c", "write west-id/c")
		if got := r.missing(); len(got) != 1 || !strings.Contains(got[0], "topics and offsets of a: ") || !strings.Contains(got[0], "no answer in time") {
			t.Errorf("missing: %q", got)
		}
	}
	if asked := w.forgotten(); asked[len(asked)-1] != w.hang {
		t.Errorf("after it failed it is not the last: %q", asked)
	}
}

// Offsets that were told once and are not found any more are missing, and come back; those that never were are asked for again and again.
func TestOffsetsNotFound(t *testing.T) {
	w := newWorker(t)
	f := running("source", []string{"lines"}, map[string]any{"connector.class": "FileStreamSource", "file": "/in"})
	w.connectors["f"] = f
	at := func(n int) {
		f.offsets = []map[string]any{{"partition": map[string]any{"filename": "/in"}, "offset": map[string]any{"position": n}}}
	}
	const path = "/connectors/f/offsets"
	w.refuse[path] = http.StatusNotFound
	at(1)
	r := newRig(t, w, nil)
	for range 3 {
		r.take()
	}
	if n := len(slices.DeleteFunc(slices.Clone(w.asked), func(p string) bool { return p != path })); n != 1 || len(r.missing()) > 0 {
		t.Errorf("what is not told was asked for %d times in three rounds; missing: %q", n, r.missing())
	}
	delete(w.refuse, path)
	for range 7 {
		r.take()
	}
	at(2)
	r.take()
	r.want("f", "read file /in*", "write west-id/lines")
	w.refuse[path] = http.StatusNotFound
	r.take()
	if got := r.missing(); len(got) != 1 || !strings.Contains(got[0], "topics and offsets of f") {
		t.Errorf("missing: %q", got)
	}
	delete(w.refuse, path)
	at(3)
	r.take()
	r.want("f", "read file /in*", "write west-id/lines")
	// Topic tracking that is switched off says nothing of the connector.
	w.refuse["/connectors/f/topics"] = http.StatusForbidden
	r.take()
	if len(r.missing()) > 0 || !strings.Contains(r.spots(), "all topics that connector f writes") {
		t.Errorf("missing: %q; blind spots: %s", r.missing(), r.spots())
	}
}

func TestAnotherCluster(t *testing.T) {
	r := newRig(t, newWorker(t), func(c *Config) { c.Cluster = "east" })
	r.take()
	if got := r.missing(); len(got) != 2 || !strings.Contains(got[0], `the configured cluster "east" is east-id`) {
		t.Errorf("missing is %q", got)
	}
}

func TestAuthentication(t *testing.T) {
	w := newWorker(t)
	w.answer = func(rw http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "me" || password != canary {
			http.Error(rw, "who?", http.StatusUnauthorized)
			return
		}
		rw.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(rw).Encode(w.body(r.URL.Path))
	}
	r := newRig(t, w, func(c *Config) { c.Username, c.Password = "me", canary })
	r.take()
	if len(r.missing()) > 0 {
		t.Errorf("missing: %q", r.missing())
	}
	r = newRig(t, w, func(c *Config) { c.Username, c.Password = "me", canary+"x" })
	r.take()
	if got := r.missing(); len(got) != 2 || !strings.Contains(got[0], "it refuses the configured basic_auth") {
		t.Errorf("missing: %q", got)
	}
}

func TestReplicationOnConnect(t *testing.T) {
	w := newWorker(t)
	config := map[string]any{
		"connector.class": "org.apache.kafka.connect.mirror.MirrorSourceConnector", "source.cluster.alias": "e", "target.cluster.alias": "w",
		"source.cluster.bootstrap.servers": "10.0.0.2:9092", "source.cluster.sasl.jaas.config": canary, "topics": ".*",
	}
	w.connectors["mm"] = running("source", []string{"e.orders"}, config)
	at := func(offsets ...int) {
		w.connectors["mm"].offsets = nil
		for p, o := range offsets {
			w.connectors["mm"].offsets = append(w.connectors["mm"].offsets, map[string]any{
				"partition": map[string]any{"cluster": "e", "topic": "orders", "partition": p}, "offset": map[string]any{"offset": o},
			})
		}
	}
	at(9, 4)
	r := newRig(t, w, nil)
	r.ends("east-id", "orders", 20, 5)
	r.take()
	r.want("e->w", "read east-id/orders", "write west-id/e.orders")
	want := lineage.ReplicatorFact{
		Node: lineage.Node{Scope: "west", Kind: lineage.ReplicatorNode, Name: "e->w"}, SourceAlias: "e", TargetAlias: "w", Source: "east-id", Target: kafka,
		Policy: "org.apache.kafka.connect.mirror.DefaultReplicationPolicy", Separator: ".", State: "RUNNING", Connect: "connect-west",
	}
	if f := r.facts(lineage.ReplicatorFacts)["replicator:west/e-%3Ew"].Replicator; f == nil || *f != want {
		t.Errorf("the replicator is %+v", f)
	}
	if f := r.facts(lineage.ConnectorFacts)["mm"].Connector; f == nil || f.Replicator != want.Node {
		t.Errorf("the connector is %+v", f)
	}
	samples := func() map[lineage.Metric]int64 {
		out := map[lineage.Metric]int64{}
		for _, o := range r.last {
			for _, s := range o.Samples {
				out[s.Metric] = s.Value
			}
		}
		return out
	}
	if s := samples(); s[lineage.Records] != 0 || s[lineage.Lag] != 10 || s[lineage.Pending] != 1 {
		t.Errorf("at first: %v", s)
	}
	at(19, 4)
	total := map[lineage.Metric]int64{}
	for range detailsEvery {
		r.take()
		maps.Copy(total, samples())
	}
	if total[lineage.Records] != 10 || total[lineage.Lag] != 0 {
		t.Errorf("after ten records: %v", total)
	}
	r.start(nil) // the books go on
	at(19, 7)
	r.ends("east-id", "orders", 20, 8)
	r.take()
	if s := samples(); s[lineage.Records] != 13 {
		t.Errorf("after a restart: %v", s)
	}
	if got, _ := r.board.Writers(kafka).Of("e.orders"); len(got) != 1 || got[0] != want.Node {
		t.Errorf("the board has %v", got)
	}
	delete(w.connectors, "mm")
	r.take()
	if f, ok := r.facts(lineage.ReplicatorFacts)["replicator:west/e-%3Ew"]; !ok || !f.Gone {
		t.Errorf("a deleted replicator is %+v", f)
	}
}

// copying is a MirrorSourceConnector from e to w with further settings.
func copying(more ...string) *fake {
	config := map[string]any{
		"connector.class": "MirrorSourceConnector", "source.cluster.alias": "e", "target.cluster.alias": "w", "source.cluster.bootstrap.servers": "10.0.0.2:9092", "topics": "orders,lines",
	}
	for i := 0; i < len(more); i += 2 {
		config[more[i]] = more[i+1]
	}
	return running("source", []string{"e.orders"}, config)
}

// copied sets how far a topic's partitions are copied, beside what was said of others.
func (f *fake) copied(cluster, topic string, offsets ...any) {
	f.offsets = slices.DeleteFunc(f.offsets, func(o map[string]any) bool {
		p := o["partition"].(map[string]any)
		return p["cluster"] == cluster && p["topic"] == topic
	})
	for p, o := range offsets {
		f.offsets = append(f.offsets, map[string]any{"partition": map[string]any{"cluster": cluster, "topic": topic, "partition": p}, "offset": map[string]any{"offset": o}})
	}
}

// samples are the newest values of the last round of what is read of a topic.
func (r *rig) samples(topic string) map[lineage.Metric]lineage.Sample {
	out := map[lineage.Metric]lineage.Sample{}
	for _, o := range r.last {
		for _, s := range o.Samples {
			if s.Subject.Topic.Name == topic {
				out[s.Metric] = s
			}
		}
	}
	return out
}

// gone reports which replicators the last round said to be gone, and which to be there.
func (r *rig) replicators() (gone, there []string) {
	for name, f := range r.facts(lineage.ReplicatorFacts) {
		if f.Gone {
			gone = append(gone, name)
		} else {
			there = append(there, name)
		}
	}
	return gone, there
}

// A replicator is named after the cluster that it copies to, which shows only once that cluster's own source has seen it: nothing is told under another name until then.
func TestReplicatorWaitsForItsCluster(t *testing.T) {
	w := newWorker(t)
	w.connectors["mm"] = copying()
	w.connectors["mm"].copied("e", "orders", 5)
	r := newRig(t, w, nil)
	r.board = &collector.Board{}
	r.board.Await("west")
	r.start(func(c *Config) { c.Interval = time.Second })
	begun := time.Now()
	r.take()
	if _, there := r.replicators(); len(there) > 0 || len(r.does("e->w")) > 0 || len(r.facts(lineage.ConnectorFacts)) > 0 || !strings.Contains(r.spots(), "what connector mm copies") {
		t.Errorf("too early: %v, %v, blind spots %q", there, r.does("e->w"), r.spots())
	}
	if took := time.Since(begun); took < 400*time.Millisecond || took > time.Second {
		t.Errorf("it waited for %s", took)
	}
	r.board.SetCluster(collector.Watched{Source: "west", ID: kafka})
	r.take()
	if _, there := r.replicators(); !slices.Equal(there, []string{"replicator:west/e-%3Ew"}) {
		t.Errorf("replicators %v", there)
	}
	// The position of before is no sign that it is gone while its name is not known.
	r.board = &collector.Board{}
	r.board.Await("west")
	r.start(func(c *Config) { c.Interval = time.Second })
	r.take()
	if gone, _ := r.replicators(); len(gone) > 0 {
		t.Errorf("%v gone", gone)
	}
	// Where nobody is expected any more, its alias names the target.
	r.board = &collector.Board{}
	r.start(nil)
	r.take()
	if gone, there := r.replicators(); !slices.Equal(there, []string{"replicator:w/e-%3Ew"}) || len(gone) != 1 {
		t.Errorf("%v gone, %v there", gone, there)
	}
}

// An alias is what it is said to be for the cluster that is copied to, and the target's has a default.
func TestAliases(t *testing.T) {
	w := newWorker(t)
	w.connectors["mm"] = copying("source.cluster.bootstrap.servers", "10.9.9.9:9092")
	delete(w.connectors["mm"].config, "target.cluster.alias")
	r := newRig(t, w, func(c *Config) {
		c.Aliases = map[string]map[string]string{"west": {"e": "east"}, "east": {"e": "west"}}
	})
	r.take()
	if f := r.facts(lineage.ReplicatorFacts)["replicator:west/e-%3Etarget"].Replicator; f == nil || f.Source != "east-id" || f.Target != kafka {
		t.Errorf("replicators: %+v, blind spots %s", f, r.spots())
	}
}

// A replicator is gone when no connector tells of it any more, whatever the reason.
func TestReplicatorsThatGo(t *testing.T) {
	const id = "replicator:west/e-%3Ew"
	for what, change := range map[string]func(w *worker){
		"another alias": func(w *worker) { w.connectors["mm"].config["source.cluster.alias"] = "e2" },
		"another class": func(w *worker) { w.connectors["mm"].config["connector.class"] = "FileStreamSource" },
		"deleted":       func(w *worker) { delete(w.connectors, "mm") },
	} {
		for _, down := range []bool{false, true} { // lineaged, meanwhile
			w := newWorker(t)
			w.connectors["mm"] = copying()
			w.connectors["cp"] = copying("connector.class", "MirrorCheckpointConnector")
			r := newRig(t, w, nil)
			r.take()
			change(w)
			if down {
				r.start(nil)
			}
			r.take()
			if gone, _ := r.replicators(); !slices.Equal(gone, []string{id}) {
				t.Errorf("%s, down %v: gone are %v", what, down, gone)
			}
			r.take()
			if gone, _ := r.replicators(); len(gone) > 0 {
				t.Errorf("%s, down %v: it goes twice", what, down)
			}
		}
	}
	w := newWorker(t)
	w.connectors["mm"], w.connectors["more"] = copying(), copying("topics", "lines")
	r := newRig(t, w, nil)
	r.take()
	delete(w.connectors, "mm")
	r.take()
	if gone, _ := r.replicators(); len(gone) > 0 {
		t.Errorf("another connector is a part of it, and gone are %v", gone)
	}
}

// Offsets and topics in use stay for ever: what an earlier configuration copied, and what the source does not have any more, is no copy.
func TestOnlyWhatIsCopied(t *testing.T) {
	w := newWorker(t)
	mm := copying("topics", "orders,gone")
	mm.topics = []string{"e.gone", "e.old", "e.orders", "heartbeats", "x.orders"}
	w.connectors["mm"] = mm
	mm.copied("e", "orders", 5)
	mm.copied("e", "old", 7)
	mm.copied("e", "gone", 7)
	mm.copied("formerly", "orders", 100_000)
	r := newRig(t, w, nil)
	r.ends("east-id", "orders", 6)
	for i := range 4 {
		mm.copied([]string{"e", "formerly"}[i%2], "orders", []any{5, 100_000}[i%2]) // in another order
		r.take()
		r.want("e->w", "read east-id/orders", "write west-id/e.orders")
		if s := r.samples("orders"); s[lineage.Records].Value > 0 || s[lineage.Lag].Value > 0 {
			t.Errorf("round %d: %v", i, s)
		}
	}
	// A book that is closed goes from the positions, and what was copied before it is opened again is not counted again.
	mm.config["topics"] = "orders,old"
	for range 2 {
		r.take()
	}
	r.want("e->w", "read east-id/old", "read east-id/orders", "write west-id/e.old", "write west-id/e.orders")
	const book = "book/west/e-%3Ew/east-id/old"
	if r.positions[book] == nil {
		t.Errorf("positions are %v", slices.Sorted(maps.Keys(r.positions)))
	}
	mm.config["topics"] = "orders"
	r.take()
	if r.positions[book] != nil || r.positions["book/west/e-%3Ew/east-id/orders"] == nil {
		t.Error("a closed account is still stored")
	}
	mm.config["topics"] = "orders,old"
	r.take()
	if n := r.samples("old")[lineage.Records].Value; n != 0 {
		t.Errorf("%d records of before are counted", n)
	}
}

// What a topic's first offset stands for was copied while we looked, if an earlier look did not show it: it counts from the topic's first record.
func TestFirstCopyOnConnect(t *testing.T) {
	w := newWorker(t)
	mm := copying()
	w.connectors["mm"] = mm
	mm.copied("e", "lines", 99)
	r := newRig(t, w, nil)
	r.ends("east-id", "orders", 10_000)
	r.ends("east-id", "lines", 100)
	r.ends(kafka, "e.orders", 10_000)
	for range 14 { // two usual commits: it can't have been copying before
		r.take()
	}
	mm.copied("e", "orders", 9_999)
	r.take()
	if s := r.samples("orders")[lineage.Records]; s.Value != 10_000 || s.Estimated {
		t.Errorf("the first copy is %+v", s)
	}
	if s := r.samples("lines")[lineage.Records]; s.Value != 0 {
		t.Errorf("what was there at the first look counts: %+v", s)
	}
	r.start(nil)
	mm.copied("e", "orders", 10_009)
	r.take()
	if s := r.samples("orders")[lineage.Records]; s.Value != 10_010 {
		t.Errorf("after a restart %+v", s)
	}
}

// An account is kept when offsets are read: old ones beside new ends would look like a lag.
func TestNoLagBetweenLooks(t *testing.T) {
	w := newWorker(t)
	mm := copying()
	w.connectors["mm"] = mm
	for i := range detailsARound {
		w.connectors[fmt.Sprint("other", i)] = running("sink", nil, map[string]any{"connector.class": "FileStreamSink", "file": "/out", "topics": "lines"})
	}
	r := newRig(t, w, nil)
	seen := 0
	for i := range 12 {
		mm.copied("e", "orders", 100*i)
		r.ends("east-id", "orders", int64(100*i+1))
		r.take()
		if s, told := r.samples("orders")[lineage.Lag]; told && s.Value != 0 {
			t.Errorf("round %d: a lag of %d", i, s.Value)
		} else if told || r.samples("orders")[lineage.Records].Value > 0 {
			seen++
		}
		if len(r.does("e->w")) > 0 {
			r.want("e->w", append(map[bool][]string{true: {"read east-id/orders*"}, false: {"read east-id/orders"}}[r.samples("orders")[lineage.Records].Value > 0], "write west-id/e.orders")...)
		}
	}
	if seen < 2 || seen > 6 {
		t.Errorf("its offsets were seen in %d rounds of 12", seen)
	}
}

// Partitions that can't be are left out.
func TestOddPartitions(t *testing.T) {
	w := newWorker(t)
	mm := copying()
	w.connectors["mm"] = mm
	mm.copied("e", "orders", 5)
	r := newRig(t, w, nil)
	r.ends(kafka, "e.orders", 6)
	r.take()
	for _, part := range []any{-1, 0.5, 1 << 31, "0", nil} {
		mm.offsets = append(mm.offsets, map[string]any{"partition": map[string]any{"cluster": "e", "topic": "orders", "partition": part}, "offset": map[string]any{"offset": 50}})
	}
	for range 4 {
		r.take()
		if n := r.samples("orders")[lineage.Records].Value; n != 0 {
			t.Errorf("%d records", n)
		}
	}
}

// A connector may be told brokers of its own (KIP-458): then its topics are in their cluster, and it is still one node.
func TestTopicsInAnotherCluster(t *testing.T) {
	w := newWorker(t)
	w.connectors["far-in"] = running("source", []string{"lines"}, map[string]any{"connector.class": "FileStreamSource", "file": "/in", "producer.override.bootstrap.servers": "x:1, 10.0.0.2:9092"})
	w.connectors["far-out"] = running("sink", nil, map[string]any{"connector.class": "FileStreamSink", "file": "/out", "topics.regex": "or.*", "consumer.override.bootstrap.servers": "10.0.0.2:9092"})
	w.connectors["lost"] = running("source", []string{"lines"}, map[string]any{"connector.class": "FileStreamSource", "file": "/lost", "producer.override.bootstrap.servers": "nowhere:9092"})
	w.connectors["mm"] = running("source", []string{"e.orders"}, map[string]any{
		"connector.class": "MirrorSourceConnector", "source.cluster.alias": "west", "target.cluster.alias": "e", "producer.override.bootstrap.servers": "10.0.0.2:9092",
	})
	w.connectors["mm"].offsets = []map[string]any{{"partition": map[string]any{"cluster": "west", "topic": "orders", "partition": 0}, "offset": map[string]any{"offset": 5}}}
	r := newRig(t, w, nil)
	r.board.SetCluster(collector.Watched{Source: "east", ID: "east-id", Brokers: []string{"10.0.0.2:9092"}, Topics: []string{"orders-east"}})
	r.take()
	r.want("far-in", "read file /in", "write east-id/lines")
	r.want("far-out", "read east-id/orders-east", "write file /out")
	r.want("lost", "read file /lost")
	r.want("west->e", "read west-id/orders", "write east-id/west.orders")
	if spots := r.spots(); !strings.Contains(spots, "the topics of connector lost: its producer.override.bootstrap.servers lead to a Kafka cluster that is not watched") {
		t.Errorf("blind spots: %s", spots)
	}
	if f := r.facts(lineage.ConnectorFacts)["far-out"].Connector; f.Kafka != "east-id" || f.Group != "connect-far-out" {
		t.Errorf("the far sink is %+v", f)
	}
	node := lineage.Node{Scope: "east", Kind: lineage.ReplicatorNode, Name: "west->e"}
	if f := r.facts(lineage.ReplicatorFacts)[node.ID()].Replicator; f == nil || f.Source != kafka || f.Target != "east-id" || f.Node != node {
		t.Errorf("the replicator is %+v", f)
	}
	if got, sure := r.board.Writers("east-id").Of("lines"); len(got) != 1 || got[0].Name != "far-in" || !sure {
		t.Errorf("lines of east is written by %v", got)
	}
	if got, _ := r.board.Writers(kafka).Of("lines"); len(got) > 0 || !r.board.Writers(kafka).Told {
		t.Errorf("lines of west is written by %v", got)
	}
	w.answer = func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusInternalServerError) }
	r.take()
	if _, sure := r.board.Writers("east-id").Of("lines"); sure {
		t.Error("sure of a writer that could not be seen")
	}
}

// A round costs a bounded number of requests, and every connector has its turn.
func TestBudget(t *testing.T) {
	w := newWorker(t)
	for i := range 40 {
		w.connectors[fmt.Sprintf("c%02d", i)] = running("source", nil, map[string]any{"connector.class": "FileStreamSource", "file": "/in"})
	}
	r := newRig(t, w, nil)
	asked := map[string]bool{}
	for range 6 {
		w.asked = nil
		r.take()
		if len(w.asked) > detailsARound+2 {
			t.Errorf("a round took %d requests", len(w.asked))
		}
		for _, path := range w.asked {
			asked[path] = true
		}
	}
	for name := range w.connectors {
		if !asked["/connectors/"+name+"/topics"] {
			t.Errorf("%s had no turn", name)
		}
	}
}

func TestDatasets(t *testing.T) {
	mapping := []Mapping{
		{Class: regexp.MustCompile(`^com\.acme\.`), Namespace: "acme://${host}", Name: "${bucket}/${topic}"},
		{Class: regexp.MustCompile(`^com\.partly\.`), Namespace: "acme", Name: "${not.there}"},
		{Class: regexp.MustCompile(`^com\.url\.`), Namespace: "${address}", Name: "x"},
	}
	for _, c := range []struct {
		class  string
		config string // key=value;…
		want   string
	}{
		{"FileStreamSink", "file=/tmp/x", "file /tmp/x"},
		{"org.apache.kafka.connect.file.FileStreamSourceConnector", "file=/tmp/x", "file /tmp/x"},
		{"FileStreamSource", "", ""},
		{"io.aiven.connect.jdbc.JdbcSinkConnector", "connection.url=jdbc:mysql://db/shop", "mysql://db:3306 shop.t"},
		{"io.confluent.connect.jdbc.JdbcSinkConnector", "connection.url=jdbc:sqlserver://db:1433;databaseName=shop;user=a;password=" + canary, "mssql://db:1433 shop.dbo.t"},
		{"io.confluent.connect.jdbc.JdbcSinkConnector", "connection.url=jdbc:oracle:thin:me/" + canary + "@//db:1522/orcl", "oracle://db:1522 orcl.t"},
		{"io.confluent.connect.jdbc.JdbcSinkConnector", "connection.url=jdbc:postgresql://me:" + canary + "@h1:1,h2:2/db?currentSchema=s", "postgres://h1:1 db.s.t"},
		{"io.confluent.connect.jdbc.JdbcSinkConnector", "connection.url=jdbc:sqlite:/a.db", "sqlite /a.db.t"},
		{"io.confluent.connect.jdbc.JdbcSinkConnector", "connection.url=nonsense", ""},
		{"io.confluent.connect.jdbc.JdbcSourceConnector", "connection.url=jdbc:postgresql://db/shop;;topic.prefix=pre-", ""},
		{"io.debezium.connector.postgresql.PostgresConnector", "database.hostname=db;;database.dbname=shop;;topic.prefix=t", ""},
		{"io.debezium.connector.jdbc.JdbcSinkConnector", "connection.url=jdbc:postgresql://db/shop", "postgres://db:5432 shop.public.t"},
		{"io.confluent.connect.s3.S3SinkConnector", "s3.bucket.name=b;;topics.dir=raw", "s3://b raw/t"},
		{"io.aiven.kafka.connect.s3.AivenKafkaConnectS3SinkConnector", "aws.s3.bucket.name=b", "s3://b t"},
		{"io.aiven.kafka.connect.opensearch.OpensearchSinkConnector", "connection.url=https://me:" + canary + "@os", "elasticsearch://os:9200 t"},
		{"com.mongodb.kafka.connect.MongoSinkConnector", "connection.uri=mongodb://me:" + canary + "@m1:27018,m2/?x=y;;database=shop", "mongodb://m1:27018 shop.t"},
		{"com.wepay.kafka.connect.bigquery.BigQuerySinkConnector", "project=p;;defaultDataset=d", "bigquery p.d.t"},
		{"com.snowflake.kafka.connector.SnowflakeSinkConnector", "snowflake.url.name=acc.snowflakecomputing.com:443;;snowflake.database.name=D;;snowflake.schema.name=S", "snowflake://acc D.S.t"},
		{"io.confluent.connect.hdfs3.Hdfs3SinkConnector", "hdfs.url=hdfs://nn:9000/base", "hdfs://nn:9000 /base/topics/t"},
		{"io.confluent.connect.s3.S3SinkConnector", "s3.bucket.name=b", "s3://b topics/t"},
		{"io.confluent.connect.gcs.GcsSinkConnector", "gcs.bucket.name=b", "gs://b topics/t"},
		{"io.aiven.kafka.connect.gcs.GcsSinkConnector", "gcs.bucket.name=b;;file.name.prefix=raw/", "gs://b raw/t"},
		{"io.aiven.kafka.connect.s3.AivenKafkaConnectS3SinkConnector", "aws.s3.bucket.name=b;;aws.s3.prefix.template=raw/{{ utc_date }}/", "s3://b raw"},
		{"io.aiven.kafka.connect.s3.AivenKafkaConnectS3SinkConnector", "aws.s3.bucket.name=b;;file.name.template=x/{{ topic }}/{{partition}}", "s3://b x/t"},
		{"io.aiven.kafka.connect.s3.AivenKafkaConnectS3SinkConnector", "aws.s3.bucket.name=b;;file.name.template={{key}}", "s3://b /"},
		{"io.confluent.connect.jdbc.JdbcSinkConnector", "connection.url=jdbc:mysql://db/shop;;table.name.format=other.${topic}", "mysql://db:3306 other.t"},
		{"io.confluent.connect.jdbc.JdbcSinkConnector", "connection.url=jdbc:postgresql://db/shop;;table.name.format=other.${topic}", "postgres://db:5432 shop.other.t"},
		{"io.confluent.connect.jdbc.JdbcSinkConnector", `connection.url=jdbc:sqlserver://db\inst:1444;databaseName=shop`, "mssql://db:1444 shop.dbo.t"},
		{"io.confluent.connect.jdbc.JdbcSinkConnector", `connection.url=jdbc:sqlserver://db\inst;databaseName=shop`, "mssql://db:1433 shop.dbo.t"},
		{"io.aiven.connect.jdbc.JdbcSinkConnector", "connection.url=jdbc:redshift://cluster.abc.eu-west-1.redshift.amazonaws.com:5440/shop", "redshift://cluster.eu-west-1:5440 shop.public.t"},
		{"io.aiven.connect.jdbc.JdbcSinkConnector", "connection.url=jdbc:redshift://group.123.eu-west-1.redshift-serverless.amazonaws.com/shop", "redshift://group.eu-west-1:5439 shop.public.t"},
		{"io.debezium.connector.mongodb.MongoDbSinkConnector", "mongodb.connection.string=mongodb://me:" + canary + "@m/;;sink.database=shop;;collection.name.format=x_${topic}", "mongodb://m:27017 shop.x_t"},
		{"com.acme.Sink", "host=h;;bucket=b", "acme://h b/t"},
		{"com.acme.Sink", "host=h", ""},
		{"com.partly.Sink", "", ""},
		{"com.url.Sink", "address=http://me:" + canary + "@h:1/p?password=" + canary, "http://h:1/p x"},
	} {
		settings := map[string]string{"connector.class": c.class}
		for pair := range strings.SplitSeq(c.config, ";;") {
			if k, v, ok := strings.Cut(pair, "="); ok {
				settings[k] = v
			}
		}
		found, known := datasetsOf(mapping, func(k string) string { return settings[k] }, []string{"t"})
		var all []string
		for _, ds := range found {
			for _, d := range ds {
				all = append(all, d.Namespace+" "+d.Name)
			}
		}
		if got := strings.Join(all, ", "); got != c.want || !known {
			t.Errorf("%s %s: got %q (known %v), want %q", c.class, c.config, got, known, c.want)
		}
	}
}

// What a mapping takes of a connector's settings shows no user and no password, however odd it is.
func TestAddressesWithoutSecrets(t *testing.T) {
	for in, want := range map[string]string{
		"plain":     "plain",
		"host:1521": "host:1521",
		"http://me:" + canary + "@h:1/p?password=" + canary:                   "http://h:1/p",
		"https://scott:" + canary + "/x@db/y":                                 "https://db/y",
		"scott:" + canary + "@db:1521":                                        "db:1521",
		"scott/" + canary + "@//db:1521/orcl":                                 "//db:1521/orcl",
		"https://scott:" + canary + "?x@db/y":                                 "",
		"https://db/y?mail=me@acme":                                           "",
		"jdbc:oracle:thin:scott/" + canary + "@//db:1521/orcl":                "oracle://db:1521/orcl",
		"jdbc:postgresql://scott:" + canary + "/x@db/shop?password=" + canary: "postgres://db:5432/shop",
		"jdbc:acme:" + canary:                                                 "",
		"mongodb://me:12/" + canary + "@m1,m2/x":                              "mongodb://m1,m2/x",
	} {
		m := Mapping{Namespace: "acme://${address}", Name: "x"}
		found := m.datasets(func(string) string { return in }, nil)[""]
		if want == "" && len(found) == 0 {
			continue
		}
		if len(found) != 1 || found[0].Namespace != "acme://"+want {
			t.Errorf("%q is named %v, want %q", in, found, want)
		}
	}
	if got := mongoHost("mongodb://me:12/" + canary + "@m1:1,m2/x"); got != "mongodb://m1:1" {
		t.Errorf("a MongoDB is named %q", got)
	}
}

func TestSourcesNameTheirTables(t *testing.T) {
	get := func(m map[string]string) func(string) string { return func(k string) string { return m[k] } }
	found, _ := datasetsOf(nil, get(map[string]string{
		"connector.class": "io.debezium.connector.postgresql.PostgresConnector", "database.hostname": "db", "database.dbname": "shop", "topic.prefix": "t",
	}), []string{"t.public.customers", "t.heartbeat", "schema-changes"})
	if len(found) != 1 || found["t.public.customers"][0] != (lineage.Dataset{Namespace: "postgres://db:5432", Name: "shop.public.customers"}) {
		t.Errorf("Debezium reads %v", found)
	}
	found, _ = datasetsOf(nil, get(map[string]string{
		"connector.class": "io.confluent.connect.jdbc.JdbcSourceConnector", "connection.url": "jdbc:postgresql://db/shop", "topic.prefix": "pre-",
	}), []string{"pre-orders"})
	if len(found) != 1 || found["pre-orders"][0] != (lineage.Dataset{Namespace: "postgres://db:5432", Name: "shop.public.orders"}) {
		t.Errorf("JDBC reads %v", found)
	}
}

func TestDotsInTopics(t *testing.T) {
	name := func(topic string, settings ...string) string {
		get := func(k string) string {
			for i := 0; i < len(settings); i += 2 {
				if settings[i] == k {
					return settings[i+1]
				}
			}
			return ""
		}
		found, _ := datasetsOf(nil, get, []string{topic})
		for _, d := range found[topic] {
			return d.Name
		}
		return ""
	}
	const class, sink, source = "connector.class", "io.debezium.connector.jdbc.JdbcSinkConnector", "com.mongodb.kafka.connect.MongoSourceConnector"
	for _, c := range []struct{ got, want string }{
		{name("t.public.a", class, sink, "connection.url", "jdbc:postgresql://db/shop"), "shop.public.t_public_a"},
		{name("t.public.a", class, sink, "connection.url", "jdbc:postgresql://db/shop", "collection.name.format", "s.x_${topic}"), "shop.s.x_t_public_a"},
		{name("t.public.a", class, sink, "connection.url", "jdbc:postgresql://db/shop", "collection.naming.strategy", "com.acme.Names"), ""},
		{name("pre.shop.orders", class, source, "connection.uri", "mongodb://m", "topic.prefix", "pre"), "shop.orders"},
		{name("pre-shop-orders.eu-post", class, source, "connection.uri", "mongodb://m", "topic.prefix", "pre", "topic.separator", "-", "topic.suffix", "post"), "shop.orders.eu"},
		{name("orders", class, source, "connection.uri", "mongodb://m", "topic.namespace.map", `{"*":"orders"}`), ""},
		{name("orders", class, source, "connection.uri", "mongodb://m"), ""},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}

func TestUnusableConfigurations(t *testing.T) {
	ok := func() Config {
		return Config{Name: "c", URLs: []string{"http://a:8083"}, Interval: tick}
	}
	for want, change := range map[string]func(*Config){
		"the name is empty":  func(c *Config) { c.Name = "" },
		"no address":         func(c *Config) { c.URLs = nil },
		"less than a second": func(c *Config) { c.Interval = 1 },
		"not a plain http":   func(c *Config) { c.URLs = []string{"http://me:" + canary + "@a"} },
		"${db.password} looks like a secret": func(c *Config) {
			c.Datasets = []Mapping{{Class: regexp.MustCompile("x"), Namespace: "n", Name: "${db.password}"}}
		},
	} {
		cfg := ok()
		change(&cfg)
		if _, err := New(cfg, nil); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), canary) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	if _, err := New(ok(), nil); err != nil {
		t.Error(err)
	}
}
