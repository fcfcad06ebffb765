package timeseries

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// The rich folder holds all that a folder can: blocks of all tiers, silent subjects and groups that are gone, facts,
// events, sightings, levels, positions, small records and an open head.
const (
	richTick   = 10 * time.Minute
	richRounds = 5*144 + 30
)

func richAt(n int) time.Time { return testStart.Add(time.Duration(n) * richTick) }

func richOptions() Options {
	o := testOpts
	o.Tick = richTick
	o.Retention = Retention{Raw: 3 * day, Minute: 8 * day, Hour: 400 * day}
	o.silentFor, o.recent = day, 2
	return o
}

// richWriter are who write: the first three all the time, the others for a day each.
func richWriter(i int) lineage.Access {
	return lineage.Access{
		Topic: lineage.Topic{Cluster: "c", Name: fmt.Sprint("topic-", i%2)}, Op: lineage.Write,
		Client: lineage.Client{Producer: lineage.KnownProducer(int64(i))},
	}
}

const richWriters = 8

func richWrites(i, n int) bool { return i < 3 || n/144 == i-3 }

func richRound(n int) lineage.Observation {
	o := lineage.Observation{Source: testSource, Round: richAt(n), Interval: richTick}
	for i := range richWriters {
		if richWrites(i, n) {
			o.Samples = append(o.Samples, lineage.Sample{
				Subject: richWriter(i), Metric: lineage.Records, Evidence: lineage.ProducerState, Value: int64(1000*i + n*(i+1)),
			})
		}
	}
	reader := lineage.Access{Topic: richWriter(0).Topic, Op: lineage.Read, Client: lineage.Client{Group: "readers"}}
	o.Samples = append(o.Samples, lineage.Sample{Subject: reader, Metric: lineage.Lag, Evidence: lineage.NoEvidence, Value: int64(n % 7)})
	o.Sightings = []lineage.Sighting{{Access: reader, Evidence: lineage.GroupMembership, Detail: fmt.Sprint("since ", n/100)}}
	if n%40 == 0 {
		o.Events = []lineage.Event{{At: o.Round, Type: lineage.FlowStarted, Access: reader, Detail: fmt.Sprint(n)}}
		key := lineage.FactKey{Source: "c", Kind: lineage.GroupFacts, Name: fmt.Sprint("run-", n/40)}
		before := key
		before.Name = fmt.Sprint("run-", n/40-1)
		o.Facts = []lineage.Fact{
			{Key: key, Group: &lineage.GroupFact{Ref: lineage.GroupRef{Cluster: "c", Group: key.Name}, State: "Stable"}},
			{Key: before, Gone: true},
			{Key: lineage.FactKey{Source: "c", Kind: lineage.TopicFacts, Name: "topic-0"}, Topic: &lineage.TopicFact{Topic: reader.Topic, Partitions: n}},
		}
	}
	if n%3 == 0 {
		o.Positions = []lineage.Position{{Key: fmt.Sprint(n % 5), Value: bytes.Repeat([]byte{byte(n)}, 20)}}
	}
	return o
}

var rich struct {
	once  sync.Once
	files fstest.MapFS
}

// richFolder returns a copy of the folder as a kill leaves it. It is made once.
func richFolder(t *testing.T) string {
	t.Helper()
	rich.once.Do(func() {
		rich.files = fstest.MapFS{}
		from := os.DirFS(makeRich(t))
		must(t, fs.WalkDir(from, ".", func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			b, err := fs.ReadFile(from, path)
			rich.files[path] = &fstest.MapFile{Data: b, Mode: 0o600}
			return err
		}))
	})
	dir := t.TempDir()
	must(t, os.CopyFS(dir, rich.files))
	return dir
}

func makeRich(t *testing.T) string {
	t.Helper()
	ctx := context.Background()
	dir := t.TempDir()
	s, err := Open(dir, richOptions())
	must(t, err)
	var some []lineage.Observation
	for n := 1; n <= richRounds; n++ {
		if some = append(some, richRound(n)); n%12 == 0 || n > richRounds-60 {
			must(t, s.Append(ctx, some...))
			some = nil
		}
		if n%200 == 0 {
			_, err := s.PutRecord(ctx, store.IdentityRecord, []byte(fmt.Sprint(n)))
			must(t, err)
		}
		if n%36 == 0 {
			must(t, s.Maintain(ctx, richAt(n)))
		}
	}
	for tier := range s.tiers {
		if tier < hourTier && len(s.tiers[tier].blocks) == 0 {
			t.Fatalf("no block of tier %d", tier)
		}
	}
	if len(s.dead) == 0 || s.dead[len(s.dead)-1].factLast == 0 {
		t.Fatalf("%d files of who is silent", len(s.dead))
	}
	t.Cleanup(func() { must(t, s.Close()) })
	return dir
}

// richAnswer is what is told of a window, in a form in which answers can be held against one another.
type richAnswer struct {
	whole   bool // nothing of the window is said to be lost
	Amounts map[string]lineage.Amount
	Seen    map[string]store.Kinds
	Facts   []lineage.DatedFact
	Events  []lineage.Event
}

func richAnswers(t *testing.T, s *Disk) (out []richAnswer) {
	t.Helper()
	ctx := context.Background()
	var windows []lineage.Window
	for d := range 5 {
		windows = append(windows, lineage.Window{Start: richAt(144 * d), End: richAt(144 * (d + 1))})
	}
	windows = append(windows, lineage.Window{Start: testStart, End: richAt(richRounds)}, lineage.Window{Start: richAt(richRounds - 11), End: richAt(richRounds)})
	for _, w := range windows {
		got, err := s.Window(ctx, store.Ask{Window: w, Accesses: true, Coverage: true, Facts: []lineage.FactKind{lineage.GroupFacts, lineage.TopicFacts}})
		must(t, err)
		x := richAnswer{Amounts: map[string]lineage.Amount{}, Seen: map[string]store.Kinds{}, Facts: got.Facts}
		for i := range got.Rows.Len() {
			name := fmt.Sprint(got.Rows.Access[i])
			x.Seen[name] = got.Rows.Seen[i]
			from, to := got.Series.Of(int32(i))
			for j := from; j < to; j++ {
				x.Amounts[fmt.Sprint(name, got.Series.Metric[j])] = got.Series.Amount[j]
			}
		}
		events, err := s.Events(ctx, store.EventFilter{Window: w})
		must(t, err)
		x.Events = events.List
		s.mu.RLock()
		x.whole = len(s.lostIn(s.floor(w.Start), s.floor(w.End))) == 0
		s.mu.RUnlock()
		out = append(out, x)
	}
	return out
}

// hurts damages a file in some way, and says how.
func hurts(t *testing.T, r *rand.Rand, path string, others []string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	how, at := "", 0
	if len(b) > 0 {
		at = r.IntN(len(b))
	}
	switch k := r.IntN(12); {
	case k == 0:
		must(t, os.Remove(path))
		return "gone"
	case k == 1:
		how, b = "cut off", b[:at]
	case k == 2:
		how, b = "longer", append(b, randomBytes(r, 1+r.IntN(40))...)
	case k == 3:
		other := others[r.IntN(len(others))]
		if b, err = os.ReadFile(other); err != nil {
			t.Fatal(err)
		}
		how = "as " + filepath.Base(other)
	case k == 4 && len(b) > 0:
		how = "zeros"
		clear(b[at:min(at+1+r.IntN(64), len(b))])
	case len(b) > 0:
		how = "a bit"
		b[at] ^= 1 << r.IntN(8)
	}
	must(t, os.WriteFile(path, b, 0o600))
	return fmt.Sprintf("%s at %d", how, at)
}

// TestDamageOfAnything damages files of a folder that holds all there is. It opens; where nothing is said nothing has
// changed; and whatever is lost, no number that is not said to be estimated is another than it was, also when all who
// ever wrote write on.
func TestDamageOfAnything(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	from := richFolder(t)
	times := 40
	if os.Getenv("LINEAGED_LONG") != "" {
		times = 1500
	}
	s, err := Open(copied(t, from), richOptions())
	must(t, err)
	want := richAnswers(t, s)
	must(t, s.Close())
	quiet, said, on := 0, 0, 0
	for seed := range times {
		r := rand.New(rand.NewPCG(uint64(seed), 90))
		dir := copied(t, from)
		paths, err := filepath.Glob(filepath.Join(dir, "*", "*"))
		must(t, err)
		what := fmt.Sprintf("seed %d:", seed)
		logs, err := filepath.Glob(filepath.Join(dir, "log", "*.log"))
		must(t, err)
		for range 1 + r.IntN(3)/2 {
			p := paths[r.IntN(len(paths))]
			if p == logs[len(logs)-1] {
				continue // whose end may be missing as after a kill
			}
			paths = slices.DeleteFunc(paths, func(x string) bool { return x == p })
			what += fmt.Sprintf(" %s %s", filepath.Base(p), hurts(t, r, p, paths))
		}
		s, err := Open(dir, richOptions())
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		richAnswers(t, s) // what was not read at opening turns out now
		got := richAnswers(t, s)
		s.mu.RLock()
		silent := len(s.lost) == 0
		s.mu.RUnlock()
		if silent {
			quiet++
		} else if said++; len(s.Health()) == 0 {
			t.Errorf("%s: lost are %v, and health is silent", what, s.lost)
		}
		for i := range want {
			compareRich(t, fmt.Sprintf("%s: window %d", what, i), &got[i], &want[i])
		}
		// A source goes on from its positions; where they are gone, or older, it tells less or of more time.
		positions, err := s.Positions(ctx, testSource)
		must(t, err)
		goesOn := len(positions) > 0 && s.Newest(testSource).Equal(richAt(richRounds))
		n := richRounds + 1
		next := lineage.Observation{Source: testSource, Round: richAt(n), Interval: richTick}
		for i := range richWriters {
			last := richRounds
			for ; !richWrites(i, last); last-- {
			}
			next.Samples = append(next.Samples, lineage.Sample{
				Subject: richWriter(i), Metric: lineage.Records, Evidence: lineage.ProducerState, Value: int64(1000*i + last*(i+1) + 1),
			})
		}
		must(t, s.Append(ctx, next))
		if goesOn {
			on++
		}
		for i := range richWriters {
			a := advancedIn(t, s, richWriter(i), lineage.Window{Start: richAt(n - 1), End: richAt(n)})
			if goesOn && (!a.Estimated && a.Total != 1 || a.Total > 1) {
				t.Errorf("%s: writer %d wrote 1 more, and is told to have written %+v", what, i, a)
			}
		}
		must(t, s.Maintain(ctx, richAt(n)))
		must(t, s.Close())
		if r, err := Check(dir); err != nil || !silent && len(r.Lost) == 0 {
			t.Errorf("%s: then check says %+v, %v", what, r, err)
		}
	}
	t.Logf("%d times nothing was lost, %d times it was said, %d times the source went on", quiet, said, on)
	if quiet == 0 || said == 0 || on <= quiet {
		t.Error("of each there must be some")
	}
}

func compareRich(t *testing.T, what string, got, want *richAnswer) {
	t.Helper()
	for name, a := range want.Amounts {
		b, there := got.Amounts[name]
		switch {
		case !there && got.whole && a.Known:
			t.Errorf("%s: %s is gone, and nothing is said to be lost", what, name)
		case there && b.Known && !b.Estimated && b != a:
			t.Errorf("%s: %s is %+v, and was %+v", what, name, b, a)
		}
	}
	for name := range got.Amounts {
		if _, there := want.Amounts[name]; !there {
			t.Errorf("%s: %s was not there", what, name)
		}
	}
	if !got.whole {
		return
	}
	if !reflect.DeepEqual(got.Seen, want.Seen) {
		t.Errorf("%s: seen are %v, and were %v", what, got.Seen, want.Seen)
	}
	if !reflect.DeepEqual(got.Events, want.Events) {
		t.Errorf("%s: events are %v, and were %v", what, got.Events, want.Events)
	}
}
