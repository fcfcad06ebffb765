package openlineage

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/internal/deadletter"
	"github.com/lineaged/lineaged/internal/rhythm"
	"github.com/lineaged/lineaged/internal/runevent"
	"github.com/lineaged/lineaged/lineage"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const tick = 10 * time.Second

var t0 = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

// world is the source with a sink in memory and a journal on disk. Its rounds are taken by hand.
type world struct {
	*testing.T
	folder    string
	every     time.Duration // between two rounds; 0: a tick
	ttl       time.Duration
	board     *collector.Board
	c         *Collector
	take      func(context.Context, time.Time)
	at        time.Time
	refuse    error // what an append says
	obs       []lineage.Observation
	positions map[string][]byte
}

func (w *world) Positions(ctx context.Context, _ lineage.Source) (map[string][]byte, error) {
	return maps.Clone(w.positions), ctx.Err()
}

func (w *world) Append(_ context.Context, obs ...lineage.Observation) error {
	if w.refuse != nil {
		return w.refuse
	}
	for _, o := range obs {
		w.obs = append(w.obs, o)
		for _, p := range o.Positions {
			if w.positions[p.Key] = p.Value; p.Value == nil {
				delete(w.positions, p.Key)
			}
		}
	}
	return nil
}

var orders = lineage.TopicID{1}

func newWorld(t *testing.T) *world {
	w := &world{T: t, folder: t.TempDir(), board: &collector.Board{}, at: t0, positions: map[string][]byte{}}
	w.board.SetCluster(collector.Watched{
		Source: "west", ID: "id-west", Bootstrap: []string{"b1:9092", "b2:9092"}, Topics: []string{"orders"}, IDs: map[string]lineage.TopicID{"orders": orders},
	})
	w.start()
	return w
}

// start starts the source, as after a kill where there was one.
func (w *world) start() {
	w.Helper()
	c, err := New(Config{Folder: w.folder, Interval: cmp.Or(w.every, tick), Board: w.board, TimeToLive: w.ttl, Log: slog.New(slog.DiscardHandler)}, w)
	if err != nil {
		w.Fatal(err)
	}
	c.journal.now = func() time.Time { return w.at }
	w.Cleanup(func() { _ = c.journal.close() })
	w.c, w.take = c, collector.Runner{Interval: cmp.Or(w.every, tick), Log: slog.New(slog.DiscardHandler)}.ByHand(c.source, w)
}

// send posts events, each of which must be taken.
func (w *world) send(events ...string) {
	w.Helper()
	for _, text := range events {
		e, _, err := runevent.Parse([]byte(text))
		if err == nil {
			err = w.c.Take(w.Context(), []runevent.Event{e})
		}
		if err != nil {
			w.Fatalf("%s: %v", text, err)
		}
	}
}

// round takes a round and returns what it sighted, and what goes on since or no more, in words.
func (w *world) round() (said []string) {
	w.Helper()
	w.at = w.at.Add(cmp.Or(w.every, tick))
	n := len(w.obs)
	w.take(w.Context(), w.at)
	for _, o := range w.obs[n:] {
		for _, s := range o.Sightings {
			said = append(said, fmt.Sprintf("%s moved=%v", words(s.Access), s.Moved))
		}
		for _, s := range o.Samples {
			said = append(said, fmt.Sprintf("%s pending=%d", words(s.Subject), s.Value))
		}
	}
	slices.Sort(said)
	return said
}

func (w *world) wants(what string, want ...string) {
	w.Helper()
	if got := w.round(); !slices.Equal(got, want) {
		w.Errorf("%s:\ngot  %s\nwant %s", what, strings.Join(got, "\n     "), strings.Join(want, "\n     "))
	}
}

func words(a lineage.Access) string {
	far := a.Dataset.Namespace + "/" + a.Dataset.Name
	if a.Dataset == (lineage.Dataset{}) {
		far = "topic " + string(a.Topic.Cluster) + "/" + a.Topic.Name
	}
	return a.Client.Mover.ID() + " " + a.Op.String() + " " + far
}

func (w *world) now() string { return w.at.Format(time.RFC3339Nano) }

// event makes an event of run N of job j.
func (w *world) event(run int, kind, job, in, out string) string {
	list := func(names string) string {
		var all []string
		for n := range strings.FieldsSeq(names) {
			at := strings.LastIndexByte(n, '/')
			all = append(all, fmt.Sprintf(`{"namespace":%q,"name":%q}`, n[:at], n[at+1:]))
		}
		return "[" + strings.Join(all, ",") + "]"
	}
	return fmt.Sprintf(`{"eventType":%q,"eventTime":%q,"producer":"p","schemaURL":"s","run":{"runId":"9c66b278-db60-4da4-a9df-%012d"},"job":{"namespace":"ns","name":"j","facets":{%s}},"inputs":%s,"outputs":%s}`,
		kind, w.now(), run, job, list(in), list(out))
}

const (
	streaming = `"jobType":{"processingType":"STREAMING","integration":"FLINK"}`
	snapshots = `"jobType":{"processingType":"STREAMING","integration":"KAFKA","emissionPattern":{"eventTrigger":"PERIODIC","eventContentMode":"COMPLETE_SNAPSHOT","windowDuration":60}}`
)

func TestAStreamingJob(t *testing.T) {
	w := newWorld(t)
	w.wants("before any event")
	if len(w.obs) > 0 {
		t.Error("it is observed before anybody sent anything")
	}
	w.send(w.event(1, "START", streaming, "kafka://b2:9092/orders", "pg://db:5432/t"))
	w.wants("a start", "streamjob:ns/j read topic id-west/orders moved=false", "streamjob:ns/j read topic id-west/orders pending=1",
		"streamjob:ns/j write pg://db:5432/t moved=false", "streamjob:ns/j write pg://db:5432/t pending=1")
	w.wants("nothing new")
	w.send(w.event(1, "RUNNING", "", "", ""))
	w.wants("it goes on, and names nothing", "streamjob:ns/j read topic id-west/orders moved=true", "streamjob:ns/j write pg://db:5432/t moved=true")
	w.send(w.event(1, "COMPLETE", "", "", ""))
	w.wants("the end", "streamjob:ns/j read topic id-west/orders moved=true", "streamjob:ns/j read topic id-west/orders pending=0",
		"streamjob:ns/j write pg://db:5432/t moved=true", "streamjob:ns/j write pg://db:5432/t pending=0")
	w.wants("nothing after it")
}

func TestWhatIsNoTopicIsADataset(t *testing.T) {
	w := newWorld(t)
	w.send(w.event(1, "COMPLETE", streaming, "kafka://unknown:unknown/orders kafka://b1:9092/absent kafka://west/orders", ""))
	w.wants("three spellings",
		"streamjob:ns/j read kafka://unknown:unknown/orders moved=true", "streamjob:ns/j read kafka://unknown:unknown/orders pending=0",
		"streamjob:ns/j read topic id-west/orders moved=true", "streamjob:ns/j read topic id-west/orders pending=0")
	w.wants("a topic may be made a moment later")
	w.wants("or one more")
	w.wants("it is none", "streamjob:ns/j read kafka://b1:9092/absent moved=true", "streamjob:ns/j read kafka://b1:9092/absent pending=0")
	var spots []string
	for _, o := range w.obs {
		for _, f := range o.Facts {
			for _, s := range f.BlindSpots {
				spots = append(spots, s.What)
			}
		}
	}
	for _, want := range []string{"kafka://unknown:unknown (", "not one of the topics"} {
		if all := strings.Join(spots, "\n"); !strings.Contains(all, want) {
			t.Errorf("%q is not among the blind spots:\n%s", want, all)
		}
	}
}

func TestAClusterThatWasNotReachedYet(t *testing.T) {
	w := newWorld(t)
	w.board.Await("east")
	w.send(w.event(1, "START", streaming, "kafka://e1:9092/orders", "pg://db/t"))
	w.wants("only what needs no cluster", "streamjob:ns/j write pg://db/t moved=false", "streamjob:ns/j write pg://db/t pending=1")
	w.start()
	w.board.SetCluster(collector.Watched{Source: "east", ID: "id-east", Bootstrap: []string{"e1:9092"}, IDs: map[string]lineage.TopicID{"orders": orders}})
	got := w.round()
	if !slices.Contains(got, "streamjob:ns/j read topic id-east/orders pending=1") || strings.Contains(strings.Join(got, " "), "kafka://") {
		t.Errorf("got %q", got)
	}
}

func TestEnds(t *testing.T) {
	w := newWorld(t)
	w.ttl = time.Minute
	w.start()
	w.send(w.event(1, "START", streaming, "a/b", ""))
	w.round()
	for range 4 {
		w.wants("it lives")
	}
	w.wants("its time is over", "streamjob:ns/j read a/b moved=false", "streamjob:ns/j read a/b pending=0")
	w.send(w.event(1, "RUNNING", "", "", ""))
	w.wants("it was there all the time", "streamjob:ns/j read a/b moved=true", "streamjob:ns/j read a/b pending=1")

	w = newWorld(t)
	w.send(w.event(1, "RUNNING", snapshots, "a/b a/c", ""))
	w.round()
	w.send(w.event(1, "RUNNING", snapshots, "a/c", ""))
	w.wants("what a snapshot leaves out has ended", "streamjob:ns/j read a/b moved=false", "streamjob:ns/j read a/b pending=0", "streamjob:ns/j read a/c moved=true")
	for range 16 {
		w.wants("it lives for three of its windows")
	}
	w.wants("and no longer", "streamjob:ns/j read a/c moved=false", "streamjob:ns/j read a/c pending=0")
}

func TestABatchJobRunsAgain(t *testing.T) {
	w := newWorld(t)
	w.send(w.event(1, "COMPLETE", "", "a/b", ""), w.event(2, "START", "", "a/b", ""))
	w.wants("one over, one goes on", "job:ns/j read a/b moved=true", "job:ns/j read a/b pending=1")
	w.send(w.event(2, "FAIL", "", "", ""))
	w.wants("over", "job:ns/j read a/b moved=false", "job:ns/j read a/b pending=0")
	w.send(w.event(3, "START", streaming, "a/b", ""))
	w.wants("it turns out to stream", "streamjob:ns/j read a/b moved=false", "streamjob:ns/j read a/b pending=1")
}

func TestLateEventsMoveNothing(t *testing.T) {
	w := newWorld(t)
	old := w.event(1, "COMPLETE", "", "a/b", "")
	w.at = w.at.Add(time.Hour)
	w.send(old)
	w.wants("of an hour ago", "job:ns/j read a/b moved=false", "job:ns/j read a/b pending=0")
}

func TestAJobThatIsDeclared(t *testing.T) {
	w := newWorld(t)
	w.send(fmt.Sprintf(`{"eventTime":%q,"job":{"namespace":"ns","name":"j"},"inputs":[{"namespace":"a","name":"b"}]}`, w.now()))
	w.wants("without a run", "job:ns/j read a/b moved=false", "job:ns/j read a/b pending=0")
	w.at = w.at.Add(25 * time.Hour)
	w.wants("it is told again each day", "job:ns/j read a/b moved=false", "job:ns/j read a/b pending=0")
	w.at = w.at.Add(time.Minute)
	w.send(fmt.Sprintf(`{"eventTime":%q,"job":{"namespace":"ns","name":"j"},"inputs":[{"namespace":"a","name":"c"}]}`, w.now()))
	w.wants("the newer one holds", "job:ns/j read a/c moved=false", "job:ns/j read a/c pending=0")
}

// TestOrder holds that whatever the order in which events come, and in whichever rounds, what is known at the end is
// the same, also where some come twice, and lineaged is killed and the sink refuses now and then.
func TestOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	base := newWorld(t)
	var events []string
	for run := range 4 {
		job := []string{streaming, "", snapshots, ""}[run]
		for i, kind := range []string{"START", "RUNNING", "RUNNING", "OTHER", "COMPLETE"}[:3+run%3] {
			base.at = t0.Add(time.Duration(run*10+i) * time.Second)
			in, out := "", ""
			if r.IntN(2) == 0 {
				in = fmt.Sprintf("a/in%d", r.IntN(3))
			}
			if r.IntN(2) == 0 {
				out = "kafka://b1:9092/orders"
			}
			events = append(events, base.event(run, kind, job, in, out))
		}
	}
	final := func(seed uint64) string {
		r := rand.New(rand.NewPCG(seed, 0))
		w := newWorld(t)
		w.at = t0.Add(2 * time.Minute)
		mixed := slices.Clone(events)
		if seed > 0 {
			mixed = append(mixed, events[r.IntN(len(events))])
			r.Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
		}
		for _, e := range mixed {
			w.send(e)
			switch r.IntN(4) {
			case 0:
				w.round()
			case 1:
				w.refuse = errors.New("the disk is full")
				w.round()
				w.refuse = nil
			case 2:
				w.start()
			}
		}
		w.round()
		w.round()
		known, moved := map[string]bool{}, map[string]bool{}
		pending := map[string]int64{}
		for _, o := range w.obs {
			for _, s := range o.Sightings {
				known[words(s.Access)] = true
				moved[words(s.Access)] = moved[words(s.Access)] || s.Moved
			}
			for _, s := range o.Samples {
				pending[words(s.Subject)] = s.Value
			}
		}
		var out []string
		for k := range known {
			if strings.HasPrefix(k, "job:") { // it was told before it was known to stream; answers make them one
				k = "streamjob" + strings.TrimPrefix(k, "job")
			}
			out = append(out, fmt.Sprintf("%s moved=%v goes on=%d", k, moved[k], pending[k]))
		}
		slices.Sort(out)
		fact, err := json.Marshal(w.runs())
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(slices.Compact(out), "\n") + "\n" + string(fact)
	}
	want := final(0)
	for seed := range uint64(12) {
		if got := final(seed + 1); got != want {
			t.Fatalf("in order %d it is\n%s\nand in another\n%s", seed+1, got, want)
		}
	}
}

// TestJournal holds that what was taken is observed after a kill, once, and that a last line that was cut short and one
// that is damaged cost nothing else.
func TestJournal(t *testing.T) {
	w := newWorld(t)
	w.send(w.event(1, "START", "", "a/b", ""), w.event(2, "START", "", "a/c", ""), w.event(3, "START", "", "a/d", ""))
	path := filepath.Join(w.folder, journalName)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(text), "\n")
	lines[2] = strings.Replace(lines[2], `"c"`, `"x"`, 1)
	if err := os.WriteFile(path, []byte(strings.Join(lines[:3], "")+lines[3]+lines[3][:20]), 0o600); err != nil {
		t.Fatal(err)
	}
	w.start()
	if w.c.journal.damaged != 1 {
		t.Errorf("%d lines are damaged, want 1", w.c.journal.damaged)
	}
	w.wants("after a kill", "job:ns/j read a/b moved=false", "job:ns/j read a/b pending=1", "job:ns/j read a/d moved=false", "job:ns/j read a/d pending=1")
	w.start()
	w.wants("it is not observed twice")
	w.send(w.event(1, "COMPLETE", "", "", ""))
	w.wants("and goes on where it was", "job:ns/j read a/b moved=true", "job:ns/j read a/b pending=0")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	w.start()
	w.send(w.event(3, "COMPLETE", "", "", ""))
	w.wants("without a journal too", "job:ns/j read a/d moved=true", "job:ns/j read a/d pending=0")
}

// Half a line that the disk would not take back costs nothing of what comes after it.
func TestHalfALineStandsAlone(t *testing.T) {
	folder := t.TempDir()
	j, err := openJournal(folder, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	full := j.file
	if j.file, err = os.Open(filepath.Join(folder, journalName)); err != nil { // it can be neither written to nor cut
		t.Fatal(err)
	}
	event := []runevent.Event{{Kind: runevent.OfRun, Job: runevent.Name{Namespace: "ns", Name: "j"}, Run: "1"}}
	if err := j.append(t.Context(), event); err == nil {
		t.Fatal("it is said to be taken")
	}
	_ = j.file.Close()
	if j.file = full; !j.torn {
		t.Fatal("nobody knows")
	}
	if _, err := full.WriteString("0badc0de {"); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(j.append(t.Context(), event), j.append(t.Context(), event), j.close()); err != nil {
		t.Fatal(err)
	}
	again, err := openJournal(folder, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer again.close()
	if n := len(again.due(10)); n != 2 || again.damaged != 1 {
		t.Errorf("%d events are found and %d lines damaged, want 2 and 1", n, again.damaged)
	}
}

func TestAnotherVersionsJournal(t *testing.T) {
	w := newWorld(t)
	if err := os.WriteFile(filepath.Join(w.folder, journalName), []byte("lineaged openlineage 2 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openJournal(w.folder, time.Now); err == nil || !strings.Contains(err.Error(), "another version") {
		t.Errorf("got %v", err)
	}
}

// TestNoSecretReachesTheDisk sends secrets wherever an event has a place for words, and looks for them in all that is
// kept.
func TestNoSecretReachesTheDisk(t *testing.T) {
	w := newWorld(t)
	const secret = "hunter2"
	w.send(`{"eventType":"START","eventTime":"` + w.now() + `","producer":"https://u:hunter2@p","run":{"runId":"hunter2","facets":{"debezium_config":{"configs":["database.password=hunter2"]},"environmentVariables":{"environmentVariables":[{"name":"A","value":"hunter2"}]},"errorMessage":{"message":"java.lang.RuntimeException: hunter2","stackTrace":"hunter2"},
		"parent":{"run":{"runId":"hunter2"},"job":{"namespace":"x://u:hunter2@h","name":"p;token=hunter2"}},"processing_engine":{"name":"spark","version":"3;password=hunter2"}}},
		"job":{"namespace":"x://u:hunter2@h","name":"j;password=hunter2","facets":{"sql":{"query":"hunter2"},"documentation":{"description":"see https://u:hunter2@h and password: hunter2"},"ownership":{"owners":[{"name":"x://hunter2:hunter2@h"}]},"sourceCode":{"sourceCode":"hunter2"},"jobType":{"processingType":"BATCH","integration":"token=hunter2"}}},
		"inputs":[{"namespace":"mongodb://u:hunter2@h:1,u:hunter2@g:2","name":"c?password=hunter2","facets":{"dataSource":{"uri":"hunter2"}}}]}`)
	w.c.Refused(func() (l deadletter.Letter) {
		body := []byte(`{"producer":"x://u:hunter2@h","job":{"namespace":"x://u:hunter2@h","name":"token=hunter2"},"run":{"runId":"hunter2"}}`)
		_, _, err := runevent.Parse(body)
		l.Describe(body, err)
		return l
	}())
	text := func() (all string) {
		err := fs.WalkDir(os.DirFS(w.folder), ".", func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			b, err := os.ReadFile(filepath.Join(w.folder, path))
			all += string(b)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	if disk := text(); strings.Contains(disk, secret) || !strings.Contains(disk, "mongodb://h:1,g:2") {
		t.Errorf("on disk: %s", disk)
	}
	w.round()
	for _, o := range w.obs {
		for _, f := range o.Facts {
			if f.Runs != nil && strings.Contains(fmt.Sprintf("%+v", *f.Runs), secret) {
				t.Errorf("listed: %+v", *f.Runs)
			}
		}
		if said := fmt.Sprintf("%+v", o); strings.Contains(said, secret) {
			t.Errorf("observed: %s", said)
		}
	}
	for key, value := range w.positions {
		if strings.Contains(string(value), secret) {
			t.Errorf("in position %s: %q", key, value)
		}
	}
	if f := w.runs(); f == nil || f.Runs[0].Failure != "java.lang.RuntimeException" || f.Runs[0].Engine != "spark" || f.Description != "see https://h and password: [redacted]" {
		t.Errorf("of the facets there is %+v", f)
	}
	if len(w.obs) == 0 || len(w.obs[0].Sightings) != 1 {
		t.Errorf("observed: %+v", w.obs)
	}
}

func TestDamagedPositions(t *testing.T) {
	w := newWorld(t)
	w.send(w.event(1, "START", "", "a/b", ""))
	w.round()
	for key, value := range w.positions {
		w.positions[key] = value[:len(value)-1]
	}
	w.start()
	w.round()
	if o := w.obs[len(w.obs)-1]; len(o.Missing) == 0 || len(o.Positions) < 2 {
		t.Errorf("got %+v", o)
	}
}

// Who is told to end before it has begun ends without an error, as at any other time.
func TestEndsBeforeItBegan(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.c.Run(ctx); err != nil {
		t.Errorf("got %v, want nothing", err)
	}
}

func TestRunsAreForgotten(t *testing.T) {
	w := newWorld(t)
	w.c.source.cfg.MaxRuns = 2
	w.send(w.event(1, "COMPLETE", "", "a/b", ""))
	w.at = w.at.Add(tick)
	w.send(w.event(2, "COMPLETE", "", "a/b", ""), w.event(3, "COMPLETE", "", "a/b", ""))
	w.round()
	if n := len(w.c.source.runs); n != 2 || w.c.source.dropped != 1 {
		t.Errorf("%d runs are kept, %d dropped", n, w.c.source.dropped)
	}
	w.at = w.at.Add(25 * time.Hour)
	w.round()
	if n := len(w.c.source.runs); n != 0 {
		t.Errorf("%d runs are kept after a day", n)
	}
	left := slices.DeleteFunc(slices.Sorted(maps.Keys(w.positions)), func(key string) bool { return strings.HasPrefix(key, rhythm.Prefix) })
	if !slices.Equal(left, []string{keptKey(runevent.Name{Namespace: "ns", Name: "j"}), journalKey, roundKey}) {
		t.Errorf("positions are left: %q", left)
	}
}

// A run that Flink knows by an id is told at the board under it, whatever event said so, and what the run writes.
func TestFlinkKnowsTheRun(t *testing.T) {
	w := newWorld(t)
	const id = "06f01e83971932057a100d4c9b1f3a98"
	name := runevent.Name{Namespace: "jobs", Name: "copy"}
	set := runevent.Name{Namespace: "kafka://b1:9092", Name: "orders"}
	send := func(e runevent.Event) {
		t.Helper()
		e.Kind, e.Job, e.Run, e.Time = runevent.OfRun, name, "r", w.at
		if err := w.c.Take(t.Context(), []runevent.Event{e}); err != nil {
			t.Fatal(err)
		}
		w.round()
	}
	send(runevent.Event{Type: runevent.Start, EngineID: id})
	want := collector.JobRun{Node: lineage.Node{Scope: "jobs", Kind: lineage.StreamJobNode, Name: "copy"}}
	if is, ok := w.board.JobRun(id); !ok || is != want {
		t.Errorf("told is %+v, %v", is, ok)
	}
	send(runevent.Event{Type: runevent.Running, Writes: []runevent.Name{set}})
	want.Writes = true
	if is, _ := w.board.JobRun(id); is != want {
		t.Errorf("told is %+v once it writes", is)
	}
	if _, ok := w.board.JobRun(""); ok {
		t.Error("a run without an id of Flink's is told")
	}
}
