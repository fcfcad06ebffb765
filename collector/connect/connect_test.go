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
	r.board.SetCluster(collector.Watched{Source: "east", ID: "east-id", Bootstrap: []string{"10.0.0.2:9092"}, Topics: []string{"heartbeats", "lines", "old", "orders"}})
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

// does describes the last round's sightings, sorted: "read orders", "write postgres://… …*" with a star where something
// moved.
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

// details are those of a connector's sightings in the last round, each once.
func (r *rig) details(name string) string {
	var all []string
	for _, o := range r.last {
		for _, s := range o.Sightings {
			if s.Access.Client.Mover.Name == name && !slices.Contains(all, s.Detail) {
				all = append(all, s.Detail)
			}
		}
	}
	return strings.Join(all, "\n")
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
	// One that is paused, or has no task, is told as what it is configured to do, and writes nothing.
	w.connectors["file-in"].state = "PAUSED"
	w.connectors["jdbc-out"].tasks = nil
	r.take()
	r.want("file-in", "read file /in.txt", "write west-id/lines")
	r.want("jdbc-out", "read west-id/orders", "read west-id/returns", "write postgres://db:5433 warehouse.shop.orders", "write postgres://db:5433 warehouse.shop.returns", "write west-id/dead")
	for name, want := range map[string]string{"file-in": "configured, and not moving: PAUSED since ", "jdbc-out": "configured, and not moving: it has no tasks since "} {
		if got := r.details(name); !strings.Contains(got, want+r.round.Format(time.RFC3339)) || strings.Contains(got, "at the latest") {
			t.Errorf("%s: details %q, want %q", name, got, want)
		}
	}
	if got, _ := r.board.Writers(kafka).Of("lines"); len(got) > 0 {
		t.Errorf("the board has the paused writers %v", got)
	}
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
		r.want(state, "read file /in", "write west-id/"+state)
		if got, _ := r.board.Writers(kafka).Of(state); len(got) > 0 || !strings.Contains(r.details(state), "not moving: "+state+" since 2026-11-23T00:00:10Z at the latest") {
			t.Errorf("%s: the board has %v, details %q", state, got, r.details(state))
		}
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

// Offsets that were told once and are not found any more are missing, and come back; those that never were are asked
// for again and again.
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
	password := canary
	r := newRig(t, w, func(c *Config) { c.Username, c.Password = "me", func() string { return password } })
	r.take()
	if len(r.missing()) > 0 {
		t.Errorf("missing: %q", r.missing())
	}
	password += "x"
	r.take()
	if got := r.missing(); len(got) != 2 || !strings.Contains(got[0], "it refuses the configured basic_auth") {
		t.Errorf("missing: %q", got)
	}
	password = canary // it is asked for as it is now
	r.take()
	if len(r.missing()) > 0 {
		t.Errorf("missing after the password was mended: %q", r.missing())
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
		left := 0
		for name := range w.connectors {
			if !asked["/connectors/"+name+"/topics"] {
				left++
			}
		}
		if got := strings.Join(r.missing(), "; "); (left > 0) != strings.Contains(got, "not asked yet") {
			t.Errorf("%d had no turn yet, and missing is %q", left, got)
		}
	}
	for name := range w.connectors {
		if !asked["/connectors/"+name+"/topics"] {
			t.Errorf("%s had no turn", name)
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
		`datasets[0].name: "${db.password}": ${db.password} looks like a secret`: func(c *Config) {
			c.Datasets = []Mapping{{Class: regexp.MustCompile("x"), Namespace: "n", Name: "${db.password}"}}
		},
		`datasets[1].namespace: "a://${b": a ${ is not closed`: func(c *Config) {
			x := regexp.MustCompile("x")
			c.Datasets = []Mapping{{Class: x, Namespace: "${a}://b", Name: "$c}"}, {Class: x, Namespace: "a://${b", Name: "c"}}
		},
		`datasets[0].name: "${}": ${} names no setting`: func(c *Config) {
			c.Datasets = []Mapping{{Class: regexp.MustCompile("x"), Namespace: "n", Name: "${}"}}
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
