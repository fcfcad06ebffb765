package flink

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/lineage"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const tick = 10 * time.Second

var t0 = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

const (
	leastJob   = "06f01e83971932057a100d4c9b1f3a98" // copy fl.orders, at least once
	onceJob    = "8cb3c338d5b461c94ea08a9b9b3d4016" // copy payments, exactly once
	patternJob = "4cd7c05d6a31a567998a9aa470345aea" // copy (fl.orders|payments), by a pattern
	sqlJob     = "3195fcb3c32d40c24464e0fe2bc8d2b0" // clicks, without checkpoints
	sqlName    = "insert-into_default_catalog.default_database.clicks.up"
)

// jobManager answers as a real one of Flink 2.3.0 did that ran four jobs.
type jobManager struct {
	*httptest.Server
	mu      sync.Mutex // guards the fields below
	answers map[string]json.RawMessage
	values  map[string]map[string]float64
	lazy    map[string]bool // paths of metrics that were asked for: the first answer is empty
	asked   []string
	elapsed time.Duration    // by how much its clock has gone on
	answer  http.HandlerFunc // instead; nil: as recorded
	user    string           // nobody else is let in; empty: all are
	failing string           // part of the addresses whose request fails; empty: none does
	subtask float64          // how many of them tell their counts; 0: the only one
}

func newJobManager(t *testing.T) *jobManager {
	t.Helper()
	m := &jobManager{lazy: map[string]bool{}}
	text, err := os.ReadFile("testdata/flink-2.3.0.json")
	if err != nil {
		t.Fatal(err)
	}
	var recorded struct {
		Answers map[string]json.RawMessage    `json:"answers"`
		Values  map[string]map[string]float64 `json:"values"`
	}
	if err := json.Unmarshal(text, &recorded); err != nil {
		t.Fatal(err)
	}
	m.answers, m.values = recorded.Answers, recorded.Values
	m.Server = httptest.NewServer(m)
	t.Cleanup(m.Close)
	return m
}

func (m *jobManager) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	path := r.URL.RequestURI()
	m.asked = append(m.asked, path)
	if answer := m.answer; answer != nil {
		m.mu.Unlock()
		answer(w, r)
		m.mu.Lock()
		return
	}
	if user, password, _ := r.BasicAuth(); m.user != "" && (user != m.user || password != "secret") {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	put := func(v any) {
		if err := json.NewEncoder(w).Encode(v); err != nil {
			panic(err)
		}
	}
	switch {
	case m.failing != "" && strings.Contains(path, m.failing):
		w.WriteHeader(http.StatusInternalServerError)
	case strings.HasSuffix(r.URL.Path, "/subtasks/metrics") && !m.lazy[r.URL.Path]:
		m.lazy[r.URL.Path] = true
		put([]metric{})
	case r.URL.Query().Has("agg"):
		all := []map[string]any{}
		for id := range strings.SplitSeq(r.URL.Query().Get("get"), ",") {
			if v, ok := m.values[r.URL.Path][id]; ok {
				all = append(all, map[string]any{"id": id, "max": v, "sum": v, "avg": v / max(m.subtask, 1)})
			}
		}
		put(all)
	case m.answers[path] != nil:
		put(m.timed(m.answers[path]))
	default:
		w.WriteHeader(http.StatusNotFound)
		put(map[string]any{"errors": []string{"not found"}})
	}
}

// timed is an answer with the clock as it is now.
func (m *jobManager) timed(answer json.RawMessage) any {
	var is map[string]any
	if json.Unmarshal(answer, &is) != nil || is["now"] == nil {
		return answer
	}
	is["now"] = m.now(is)
	return is
}

// now is the time, in ms.
func (m *jobManager) now(is map[string]any) float64 {
	now, ok := is["now"].(float64)
	if !ok {
		panic("it has no clock")
	}
	return now + float64(m.elapsed.Milliseconds())
}

func (m *jobManager) instead(h http.HandlerFunc) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.answer = h
}

// advance lets a job read and commit n more in each partition.
func (m *jobManager) advance(id string, n float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for path, values := range m.values {
		for name := range values {
			if strings.Contains(path, id) && strings.HasSuffix(name, "Offset") && values[name] >= 0 {
				values[name] += n
			}
		}
	}
}

// list changes the list of all runs.
func (m *jobManager) list(change func(all []map[string]any) []map[string]any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var is struct {
		Jobs []map[string]any `json:"jobs"`
	}
	if err := json.Unmarshal(m.answers["/jobs/overview"], &is); err != nil {
		panic(err)
	}
	is.Jobs = change(is.Jobs)
	text, err := json.Marshal(is)
	if err != nil {
		panic(err)
	}
	m.answers["/jobs/overview"] = text
}

const west lineage.ClusterID = "id-west"

// world is the source with a sink in memory and a cluster on the board. Its rounds are taken by hand.
type world struct {
	*testing.T
	m             *jobManager
	cfg           Config
	board         *collector.Board
	take          func(context.Context, time.Time)
	at            time.Time
	ends          map[string][]int64
	transactional string // a topic with transactions
	commits       []collector.GroupCommits
	obs           []lineage.Observation // of the newest rounds call
	facts         map[string]lineage.Fact
	told          int // facts of jobs
	spots         []lineage.BlindSpot
	positions     map[string][]byte
}

func newWorld(t *testing.T, change func(*Config)) *world {
	t.Helper()
	w := &world{
		T: t, m: newJobManager(t), board: &collector.Board{}, at: t0, facts: map[string]lineage.Fact{}, positions: map[string][]byte{},
		ends: map[string][]int64{"fl.orders": {900, 900}, "payments": {900, 900}, "clicks": {900, 900}, "other": {5}},
	}
	w.board.SetCluster(collector.Watched{Source: "west", ID: west, Topics: slices.Sorted(maps.Keys(w.ends))})
	w.cfg = Config{Name: "flink-west", URLs: []string{w.m.URL}, Interval: tick, Board: w.board, Log: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&w.cfg)
	}
	w.start()
	return w
}

// start starts the source, as after a kill where there was one.
func (w *world) start() {
	w.Helper()
	c, err := New(w.cfg, w)
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(c.source.client.Close)
	w.take = collector.Runner{Interval: tick, Log: w.cfg.Log}.ByHand(c.source, w)
}

func (w *world) Positions(context.Context, lineage.Source) (map[string][]byte, error) {
	return maps.Clone(w.positions), nil
}

func (w *world) Append(_ context.Context, obs ...lineage.Observation) error {
	for _, o := range obs {
		w.obs = append(w.obs, o)
		for _, f := range o.Facts {
			switch f.Key.Kind {
			case lineage.JobFacts:
				w.facts[f.Key.Name] = f
				w.told++
			case lineage.RunFacts:
				w.facts[f.Key.Name] = f
			case lineage.BlindSpotFacts:
				w.spots = f.BlindSpots
			default:
			}
		}
		for _, p := range o.Positions {
			if w.positions[p.Key] = p.Value; p.Value == nil {
				delete(w.positions, p.Key)
			}
		}
	}
	return nil
}

// rounds takes n rounds; what the cluster's source sees is told after each.
func (w *world) rounds(n int) {
	w.Helper()
	w.obs, w.told = nil, 0
	for range n {
		w.at = w.at.Add(tick)
		w.m.elapsed += tick
		w.take(w.Context(), w.at)
		w.board.SetEnds(west, w.at, func(topic string) collector.Ends {
			return collector.Ends{Offsets: w.ends[topic], Transactional: topic == w.transactional}
		})
		w.board.SetCommits(west, w.at, slices.Clone(w.commits))
	}
}

// reads are what was sighted in the newest rounds, in words.
func (w *world) reads() (all []string) {
	seen := map[string]bool{}
	for _, o := range w.obs {
		for _, s := range o.Sightings {
			seen[fmt.Sprintf("%s %s moved=%v", s.Access.Client.Mover.Name, s.Access.Topic.Name, s.Moved)] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

func (w *world) wants(what string, got, want []string) {
	w.Helper()
	if !slices.Equal(got, want) {
		w.Errorf("%s:\n got %q\nwant %q", what, got, want)
	}
}

func (w *world) spotted(words string) bool {
	return slices.ContainsFunc(w.spots, func(b lineage.BlindSpot) bool { return strings.Contains(b.What, words) })
}

// What a real Flink said becomes jobs with what they are made of and the topics that they read, and what it did not say
// is a blind spot.
func TestRecorded(t *testing.T) {
	w := newWorld(t, nil)
	w.rounds(1)
	if got := w.reads(); len(got) > 0 {
		t.Errorf("the first answer of metrics is empty, and these are read: %q", got)
	}
	w.rounds(5)
	w.wants("what jobs read", w.reads(), []string{
		"copy (fl.orders|payments) fl.orders moved=false", "copy (fl.orders|payments) payments moved=false", "copy fl.orders fl.orders moved=false",
		"copy payments payments moved=false", sqlName + " clicks moved=false",
	})
	f := w.facts["copy payments"].Job
	if f == nil || f.Engine != Engine || f.Version != "2.3.0" || f.ID != onceJob || f.State != "RUNNING" || f.Restarts != 0 || len(f.Vertices) != 1 ||
		f.Vertices[0].Name != "Source: source -> Sink: Writer -> Sink: Committer" || f.Vertices[0].Parallelism != 1 {
		t.Errorf("the fact is %+v", f)
	}
	if c := f.Checkpoints; c == nil || *c != (lineage.Checkpoints{Mode: "exactly_once", Every: 3 * time.Second, Completed: 13}) {
		t.Errorf("checkpoints are %+v", f.Checkpoints)
	}
	if f := w.facts[sqlName].Job; f == nil || f.Checkpoints != nil {
		t.Errorf("a job without checkpoints: %+v", f)
	}
	for _, name := range []string{"copy payments", "copy fl.orders", sqlName, "copy (fl.orders|payments)"} {
		if !w.spotted("what job " + name + " writes: Flink does not name") {
			t.Errorf("it is not said that nobody knows what %s writes: %v", name, w.spots)
		}
	}
	w.rounds(6)
	if got := w.reads(); len(got) > 0 || w.told > 0 {
		t.Errorf("nothing moves, and told are %q and %d facts", got, w.told)
	}
	w.m.advance(leastJob, 3)
	w.rounds(3)
	w.wants("what moves", w.reads(), []string{"copy fl.orders fl.orders moved=true"})
	if n := len(w.m.asked) / 15; n > asksARound+2 {
		t.Errorf("%d requests a round", n)
	}
}

// A job that is stopped with a savepoint and started again is one job, and one that Flink has forgotten is gone.
func TestOneJobOfSeveralRuns(t *testing.T) {
	w := newWorld(t, nil)
	w.rounds(4)
	set := func(id, key string, v any) {
		w.m.list(func(all []map[string]any) []map[string]any {
			for _, j := range all {
				if j["jid"] == id {
					j[key] = v
				}
			}
			return all
		})
	}
	set(onceJob, "state", "FINISHED")
	w.rounds(3)
	if f := w.facts["copy payments"].Job; f == nil || f.State != "FINISHED" {
		t.Errorf("stopped, the job is %+v", f)
	}
	if w.spotted("what job copy payments writes") {
		t.Error("what a job writes that is over is nobody's question")
	}
	set(sqlJob, "name", "copy payments") // which began later
	w.rounds(3)
	if f := w.facts["copy payments"].Job; f == nil || f.ID != sqlJob || f.State != "RUNNING" || f.Vertices == nil {
		t.Errorf("started again, the job is %+v", f)
	}
	if f := w.facts[sqlName]; !f.Gone {
		t.Errorf("the job that is there no more: %+v", f)
	}
	if w.spotted("runs called copy payments") {
		t.Error("of two runs one is over")
	}
	set(onceJob, "state", "RUNNING")
	w.rounds(1)
	if !w.spotted("which of 2 runs called copy payments does what") {
		t.Errorf("two jobs of one name are not said: %v", w.spots)
	}
	w.start() // and meanwhile all but one are forgotten
	w.m.list(func(all []map[string]any) []map[string]any {
		return slices.DeleteFunc(all, func(j map[string]any) bool { return j["jid"] != leastJob })
	})
	w.rounds(1)
	if w.facts["copy payments"].Gone {
		t.Error("another JobManager that answers after a start need not list it yet")
	}
	w.rounds(3)
	// of the positions one says which runs vanished
	if !w.facts["copy payments"].Gone || w.facts["copy fl.orders"].Gone || len(w.positions) != 3 {
		t.Errorf("after a start: %+v, %d positions", w.facts, len(w.positions))
	}
}

// A topic is Flink's spelling's only where nothing else can be meant, and only of a cluster that is known.
func TestWhichTopic(t *testing.T) {
	t.Run("alike", func(t *testing.T) {
		w := newWorld(t, nil)
		w.ends["fl_orders"] = []int64{900, 900}
		w.board.SetCluster(collector.Watched{Source: "west", ID: west, Topics: slices.Sorted(maps.Keys(w.ends))})
		w.rounds(6)
		w.wants("reads", w.reads(), []string{"copy (fl.orders|payments) payments moved=false", "copy payments payments moved=false", sqlName + " clicks moved=false"})
		if !w.spotted("Flink spells fl.orders and fl_orders alike") {
			t.Errorf("%v", w.spots)
		}
		w.ends["fl_orders"] = []int64{10, 10} // it can't be this one
		w.rounds(6)
		w.wants("reads", w.reads(), []string{"copy (fl.orders|payments) fl.orders moved=false", "copy fl.orders fl.orders moved=false"})
	})
	t.Run("another", func(t *testing.T) {
		w := newWorld(t, nil)
		w.ends["payments"], w.ends["clicks"] = []int64{900}, []int64{900, 399}
		delete(w.ends, "fl.orders")
		w.board.SetCluster(collector.Watched{Source: "west", ID: west, Topics: slices.Sorted(maps.Keys(w.ends))})
		w.rounds(6)
		w.wants("reads", w.reads(), nil)
		for _, words := range []string{"job copy payments reads and Flink spells payments: that of cluster west", "Flink spells clicks: that of", "Flink spells fl_orders: cluster west has none"} {
			if !w.spotted(words) {
				t.Errorf("%q is not said: %v", words, w.spots)
			}
		}
	})
	t.Run("two clusters", func(t *testing.T) {
		w := newWorld(t, nil)
		w.board.SetCluster(collector.Watched{Source: "east", ID: "id-east"})
		w.rounds(6)
		w.wants("reads", w.reads(), nil)
		if !w.spotted("it does not say of which Kafka cluster they are") {
			t.Errorf("%v", w.spots)
		}
		w.cfg.Cluster = "west"
		w.start()
		w.rounds(6)
		if len(w.reads()) != 5 {
			t.Errorf("of a configured cluster: %q", w.reads())
		}
	})
}

// A job's group is the only one without members that its commits fit, once they went on. Two that fit are none.
func TestGroup(t *testing.T) {
	group := func(name string, offsets map[string][]int64) collector.GroupCommits {
		return collector.GroupCommits{Group: name, Offsets: offsets}
	}
	reads := func(w *world, name string) (all []string) {
		if f := w.facts[name].Job; f != nil {
			for _, g := range f.Reads {
				all = append(all, g.Group)
			}
		}
		return all
	}
	// step lets the job and some groups commit more.
	step := func(w *world, names ...string) {
		w.m.advance(onceJob, 5)
		for i := range w.commits {
			if g := &w.commits[i]; slices.Contains(names, g.Group) {
				offsets := slices.Clone(g.Offsets["payments"])
				for p := range offsets {
					offsets[p] += 5
				}
				*g = group(g.Group, map[string][]int64{"payments": offsets})
			}
		}
		w.rounds(2)
	}
	at := func(n int64) map[string][]int64 { return map[string][]int64{"payments": {n, n}} }
	t.Run("found", func(t *testing.T) {
		w := newWorld(t, nil)
		w.commits = []collector.GroupCommits{group("settle", at(400)), group("behind", at(380)), group("ahead", at(500)), group("elsewhere", map[string][]int64{"fl.orders": {1, 1}})}
		w.rounds(6)
		w.wants("at rest nothing is told", reads(w, "copy payments"), nil)
		for range 6 {
			step(w, "settle", "behind", "ahead")
		}
		w.wants("group", reads(w, "copy payments"), []string{"settle"})
		w.start()
		w.rounds(3)
		w.wants("group after a start", reads(w, "copy payments"), []string{"settle"})
		for range 8 { // it was given another
			step(w, "behind", "ahead")
		}
		w.wants("a group that stands while the job commits", reads(w, "copy payments"), nil)
	})
	t.Run("two", func(t *testing.T) {
		w := newWorld(t, nil)
		w.commits = []collector.GroupCommits{group("settle", at(400)), group("twin", at(400))}
		for range 16 {
			step(w, "settle", "twin")
		}
		w.wants("group", reads(w, "copy payments"), nil)
		if !w.spotted("with which consumer group job copy payments reads") {
			t.Errorf("%v", w.spots)
		}
	})
	t.Run("said", func(t *testing.T) {
		w := newWorld(t, func(c *Config) { c.Rules = []Rule{{Groups: []string{"settle"}, Prefixes: []string{"pay"}}} })
		w.rounds(4)
		w.wants("group", reads(w, "copy payments"), []string{"settle"})
		if f := w.facts["copy payments"].Job; len(f.Writes) != 1 || f.Writes[0] != (lineage.IDPrefix{Cluster: west, Prefix: "pay"}) || w.spotted("what job copy payments writes") {
			t.Errorf("its transactional.ids are %v; %v", f.Writes, w.spots)
		}
	})
}

// OpenLineage's job is Flink's by the id of its run, and by no name.
func TestToldByOthers(t *testing.T) {
	w := newWorld(t, nil)
	told := lineage.Node{Scope: "jobs", Kind: lineage.StreamJobNode, Name: "Payments"}
	w.board.SetJobRun(onceJob, collector.JobRun{Node: told, Writes: true})
	w.board.SetJobRun("another", collector.JobRun{Node: lineage.Node{Scope: "jobs", Kind: lineage.StreamJobNode, Name: "copy fl.orders"}, Writes: true})
	w.rounds(4)
	if f := w.facts["copy payments"].Job; !slices.Equal(f.Also, []lineage.Node{told}) || w.spotted("what job copy payments writes") {
		t.Errorf("it is also %v; %v", f.Also, w.spots)
	}
	if f := w.facts["copy fl.orders"].Job; len(f.Also) > 0 || !w.spotted("what job copy fl.orders writes") {
		t.Errorf("another is also %v; %v", f.Also, w.spots)
	}
	const zero = "00000000000000000000000000000000"
	w.m.clone(leastJob, zero, 1)
	w.m.list(func(all []map[string]any) []map[string]any { all[len(all)-1]["name"] = "its own cluster's"; return all })
	w.board.SetJobRun(zero, collector.JobRun{Node: lineage.Node{Scope: "jobs", Kind: lineage.StreamJobNode, Name: "of another cluster"}, Writes: true})
	w.rounds(4)
	if f := w.facts["its own cluster's"].Job; f == nil || len(f.Also) > 0 || !w.spotted("which OpenLineage events job its own cluster's sends") || !w.spotted("what job its own cluster's writes") {
		t.Errorf("by the id that all application clusters' jobs may have it is %+v; %v", f, w.spots)
	}
	w.board = &collector.Board{} // which knows no event after a start
	w.board.SetCluster(collector.Watched{Source: "west", ID: west, Topics: slices.Sorted(maps.Keys(w.ends))})
	w.cfg.Board = w.board
	w.start()
	w.rounds(2)
	if f := w.facts["copy payments"].Job; !slices.Equal(f.Also, []lineage.Node{told}) || w.spotted("what job copy payments writes") {
		t.Errorf("after a start it is also %v", f.Also)
	}
}

// Whatever answers is bounded, said once, and holds no secret.
func TestOddAnswers(t *testing.T) {
	f := func(name, want string, change func(*world)) {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			change(w)
			w.rounds(2)
			lost, reason := 0, ""
			for _, o := range w.obs {
				for _, e := range o.Events {
					if e.Type == lineage.SourceLost {
						lost++
					}
				}
				for _, m := range o.Missing {
					if m.All && o.Source.Name == partJobs {
						reason = m.Reason
					}
				}
			}
			if lost != 1 || !strings.Contains(reason, want) || strings.Contains(reason, "secret") {
				t.Errorf("lost %d times, for %q, want %q", lost, reason, want)
			}
		})
	}
	body := func(kind, text string) func(*world) {
		return func(w *world) {
			w.m.instead(func(rw http.ResponseWriter, _ *http.Request) {
				rw.Header().Set("Content-Type", kind)
				_, _ = rw.Write([]byte(text))
			})
		}
	}
	f("a page", `answers "text/html" and not JSON`, body("text/html", "<html>secret"))
	f("no JSON", "not the JSON of a Flink JobManager", body("application/json", "secret{"))
	f("something else", "names no jobs", body("application/json", `{"version":"secret"}`))
	f("too much", "larger than 8 MiB", func(w *world) {
		w.m.instead(func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", "application/json")
			for range 1 << 14 { // a gigabyte, of which it takes what it may
				if _, err := rw.Write(make([]byte, 1<<16)); err != nil {
					return
				}
			}
		})
	})
	f("no credentials", "basic_auth is not configured", func(w *world) { w.m.user = "lineaged" })
	f("wrong credentials", "refuses the configured basic_auth", func(w *world) {
		w.m.user, w.cfg.Username, w.cfg.Password = "lineaged", "lineaged", func() string { return "other" }
		w.start()
	})
	f("another server", "redirects to another server", func(w *world) {
		w.m.instead(func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Location", "http://secret.example/")
			rw.WriteHeader(http.StatusFound)
		})
	})
	f("down", "connection refused", func(w *world) { w.m.Close() })
	t.Run("let in", func(t *testing.T) {
		w := newWorld(t, func(c *Config) { c.Username, c.Password = "lineaged", func() string { return "secret" } })
		w.m.user = "lineaged"
		w.rounds(2)
		if len(w.facts) != 4 {
			t.Errorf("%d jobs are told", len(w.facts))
		}
	})
}
