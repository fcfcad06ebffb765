package timeseries

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// linkedWorld is a topic that a transactional writer and a connector write, the one counted, the other by elimination.
type linkedWorld struct {
	s     *Disk
	dir   string
	left  int64
	n     int
	o     Options
	pause bool // no maintenance
}

func openLinked(t *testing.T) *linkedWorld {
	w := &linkedWorld{dir: t.TempDir(), o: lateOptions()}
	var err error
	w.s, err = Open(w.dir, w.o)
	must(t, err)
	return w
}

func (w *linkedWorld) reopen(t *testing.T) {
	must(t, w.s.Close())
	var err error
	w.s, err = Open(w.dir, w.o)
	must(t, err)
}

// rounds takes so many rounds; link tells at the last that the two are one writer.
func (w *linkedWorld) rounds(t *testing.T, count int, link bool) {
	t.Helper()
	var all []lineage.Observation
	for i := range count {
		w.n++
		w.left += 10
		txn := lineage.Client{TransactionalID: "t"}
		k := lineage.Observation{Source: lineage.Source{Cluster: "west", Name: "producers"}, Round: lateAt(w.n), Interval: lateTick, At: lateAt(w.n)}
		k.Samples = append(k.Samples,
			lineage.Sample{Subject: lineage.Access{Topic: settledTopic}, Metric: lineage.Left, Value: w.left},
			lineage.Sample{Subject: lineage.Access{Topic: settledTopic, Op: lineage.Write, Client: txn}, Metric: lineage.Records, Evidence: lineage.Transaction, Value: w.left * 3})
		if link && i == count-1 {
			txn.Mover = lineage.Node{Kind: lineage.ConnectorNode, Name: "a"}
			k.Samples = append(k.Samples, lineage.Sample{Subject: lineage.Access{Topic: settledTopic, Op: lineage.Write, Client: txn}, Metric: lineage.Linked, Evidence: lineage.Transaction, Value: 1})
		}
		c := lineage.Observation{Source: lineage.Source{Cluster: "connect-west", Name: "connectors"}, Round: lateAt(w.n), Interval: lateTick, At: lateAt(w.n)}
		runs := lineage.Access{Topic: lineage.Topic{Cluster: "W", Name: "orders"}, Op: lineage.Write, Client: settledMover("a")}
		c.Samples = append(c.Samples, lineage.Sample{Subject: runs, Metric: lineage.Runs, Value: 1})
		all = append(all, k, c)
	}
	must(t, w.s.Append(context.Background(), all...))
	if !w.pause {
		must(t, w.s.Maintain(context.Background(), lateAt(w.n)))
	}
}

// eliminated is what was given to the connector in a window.
func (w *linkedWorld) eliminated(t *testing.T, from, to int) (n float64) {
	t.Helper()
	win, err := w.s.Window(context.Background(), store.Ask{Window: lineage.Window{Start: lateAt(from), End: lateAt(to)}, Accesses: true})
	must(t, err)
	for i, a := range win.Series.Amount {
		if win.Series.Evidence[i] == lineage.Elimination {
			n += a.Total
		}
	}
	return n
}

func (w *linkedWorld) version(t *testing.T, from, to int) store.Version {
	t.Helper()
	s, err := w.s.State(context.Background())
	must(t, err)
	return s.VersionOf(store.Ask{Window: lineage.Window{Start: lateAt(from), End: lateAt(to)}, Accesses: true})
}

func (w *linkedWorld) revisions() (out []uint32) {
	for _, b := range w.s.tiers[rawTier].blocks {
		out = append(out, b.revision)
	}
	return out
}

// TestALinkToldNowIsOnTheHoursBefore tells of a connector's transactional.id hours after both wrote: it was counted all
// the time, so what elimination gave it is nobody's, in all hours that ticks are held of, in all tiers; the windows of
// that time have another version, and nothing that was told is changed. At most twelve blocks are settled anew at a
// time, and the next is told what stands as it begins; what is left goes on over restarts.
func TestALinkToldNowIsOnTheHoursBefore(t *testing.T) {
	t.Parallel()
	w := openLinked(t)
	defer func() { must(t, w.s.Close()) }()
	for range 32 { // hours
		w.rounds(t, 12, false)
	}
	blocks := len(w.s.tiers[rawTier].blocks)
	if blocks < 28 || len(w.s.tiers[minuteTier].blocks) == 0 {
		t.Fatalf("%d raw blocks and %d of minutes are sealed", blocks, len(w.s.tiers[minuteTier].blocks))
	}
	const from, to = 12, 24 // an hour long ago
	if got := w.eliminated(t, from, to); got != 120 {
		t.Fatalf("the connector was given %v of that hour before, want 120", got)
	}
	told, version := toldOf(t, w.s.engine), w.version(t, from, to)
	w.pause = true
	w.rounds(t, 1, true)
	w.reopen(t)                                                 // killed before anything came of it
	for pass, want := range []int{12 + 1, 23 + 2, blocks + 2} { // some are written twice
		must(t, w.s.Maintain(context.Background(), lateAt(w.n)))
		done := 0
		for _, r := range w.revisions()[:blocks] {
			done += int(r)
		}
		if done < want-1 || done > want {
			t.Errorf("after %d passes %d blocks are written anew, want %d: %v", pass+1, done, want, w.revisions())
		}
		w.reopen(t)
	}
	if len(w.s.ledgers.late) != 0 {
		t.Error("there is still something to be settled anew")
	}
	if got := w.eliminated(t, 0, w.n); got != 0 {
		t.Errorf("the connector is still given %v", got)
	}
	if w.version(t, from, to) == version {
		t.Error("the answer changed, and its version did not")
	}
	now := toldOf(t, w.s.engine)
	for start, was := range told {
		if now[start] != was {
			t.Errorf("what was told of the block at %d is\n%s\nand was\n%s", start, now[start], was)
		}
	}
	if tiersAgree(t, w.s.engine) == 0 {
		t.Error("nothing was rolled up")
	}
	must(t, w.s.Maintain(context.Background(), lateAt(w.n)))
	must(t, w.s.Maintain(context.Background(), lateAt(w.n)))
	names, err := filepath.Glob(filepath.Join(w.dir, "blocks", "raw-*"))
	must(t, err)
	if len(names) != len(w.s.tiers[rawTier].blocks) {
		t.Errorf("%d files of %d raw blocks: what was replaced stays", len(names), len(w.s.tiers[rawTier].blocks))
	}
	quiet := w.revisions()
	for range 3 { // and nothing is made anew for nothing
		must(t, w.s.Maintain(context.Background(), lateAt(w.n)))
	}
	if !slices.Equal(quiet, w.revisions()) {
		t.Error("blocks are made anew without evidence")
	}
}

// TestWhatIsReplacedStaysWhileItIsNamed fails the saving of the state after blocks were settled anew: the files that
// the state before names are there, and a start from them comes to the same.
func TestWhatIsReplacedStaysWhileItIsNamed(t *testing.T) {
	t.Parallel()
	w := openLinked(t)
	for range 6 {
		w.rounds(t, 12, false)
	}
	w.pause = true
	w.rounds(t, 1, true)
	before, err := filepath.Glob(filepath.Join(w.dir, "blocks", "raw-*"))
	must(t, err)
	must(t, w.s.Close())
	o, fail := w.o, true
	o.hook = func(op, path string) error {
		if fail && op == opWrite && strings.Contains(path, "state-") {
			return errKilled
		}
		return nil
	}
	w.s, err = Open(w.dir, o)
	must(t, err)
	for range 3 {
		if err := w.s.Maintain(context.Background(), lateAt(w.n)); err == nil {
			t.Fatal("the state was saved")
		}
	}
	if got := w.eliminated(t, 0, 24); got != 0 {
		t.Errorf("the connector is still given %v", got)
	}
	for _, name := range before {
		if _, err := os.Stat(name); err != nil {
			t.Error(err)
		}
	}
	must(t, w.s.Close())
	fail = false
	w.s, err = Open(w.dir, o)
	must(t, err)
	if got := w.eliminated(t, 0, 24); got != 240 {
		t.Errorf("of what was never saved %v is there, want 240 as before", got)
	}
	if h := w.s.Health(); len(h) > 0 {
		t.Errorf("health %q", h)
	}
	must(t, w.s.Maintain(context.Background(), lateAt(w.n)))
	if got := w.eliminated(t, 0, 24); got != 0 {
		t.Errorf("the connector is still given %v", got)
	}
	must(t, w.s.Close())
}

// TestAClaimReachesBackIntoWhatIsSealed tells after six hours what a client wrote in them: each sealed hour is debited.
func TestAClaimReachesBackIntoWhatIsSealed(t *testing.T) {
	t.Parallel()
	w := openLinked(t)
	defer func() { must(t, w.s.Close()) }()
	for range 8 {
		w.rounds(t, 12, false)
	}
	w.n++
	o := lineage.Observation{Source: lineage.Source{Cluster: "telemetry", Name: "telemetry"}, Round: lateAt(w.n), Interval: lateTick, At: lateAt(w.n)}
	o.Samples = []lineage.Sample{{
		Subject: lineage.Access{Topic: settledTopic, Op: lineage.Write, Client: lineage.Client{ClientID: "x"}}, Metric: lineage.Claimed, Evidence: lineage.Telemetry,
		Value: 6 * 50, Since: lateAt(w.n - 72),
	}}
	must(t, w.s.Append(context.Background(), o))
	before, changed := w.version(t, 0, 12), w.version(t, 36, 48)
	must(t, w.s.Maintain(context.Background(), lateAt(w.n)))
	if w.version(t, 36, 48) == changed || w.version(t, 0, 12) != before {
		t.Error("the hours that it is of have no version of their own, or those before have")
	}
	got := map[int]float64{}
	for h := range 8 {
		win, err := w.s.Window(context.Background(), store.Ask{Window: lineage.Window{Start: lateAt(12 * h), End: lateAt(12 * (h + 1))}, Accesses: true})
		must(t, err)
		for i, a := range win.Series.Amount {
			if win.Series.Evidence[i] == lineage.Telemetry {
				got[h] += a.Total
			}
		}
	}
	want := map[int]float64{2: 46, 3: 50, 4: 50, 5: 50, 6: 50, 7: 50} // it began a tick later than the second hour
	if fmt.Sprint(slices.Sorted(maps.Keys(got))) != fmt.Sprint(slices.Sorted(maps.Keys(want))) {
		t.Errorf("debited were %v, want %v", got, want)
	}
	for h, n := range want {
		if got[h] < n-1 || got[h] > n+1 {
			t.Errorf("hour %d was debited %v, want %v", h, got[h], n)
		}
	}
}
