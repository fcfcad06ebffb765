package timeseries

import (
	"context"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// unlocked is a vault that says whether somebody holds mu while a file is read: who then waits to write holds up
// everybody.
type unlocked struct {
	vault
	e     *engine
	reads map[byte]int // sections read, by kind of file
	held  int          // reads with mu
}

func (v *unlocked) get(id fileID, s sectionID) ([]byte, error) {
	if v.e.mu.TryLock() {
		v.e.mu.Unlock()
	} else {
		v.held++
	}
	v.reads[id.kind]++
	return v.vault.get(id, s)
}

func (v *unlocked) reading(id fileID) (func(sectionID) ([]byte, error), func() error, error) {
	if v.e.mu.TryLock() {
		v.e.mu.Unlock()
	} else {
		v.held++
	}
	return v.vault.reading(id)
}

// TestTheSilentAreReadWithoutTheLock asks for more about subjects that were put away, with nothing in the cache, and
// sees one of them again: the disk is read, and never with mu.
func TestTheSilentAreReadWithoutTheLock(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	dir, o := silentFolder(t)
	s, err := Open(dir, o)
	must(t, err)
	defer func() { must(t, s.Close()) }()
	v := &unlocked{vault: s.vault, e: s.engine, reads: map[byte]int{}}
	s.vault = v
	win := lineage.Window{Start: testStart, End: testStart.Add(200 * o.Tick)}
	w, err := s.Window(ctx, store.Ask{Window: win, Accesses: true})
	must(t, err)
	if w.Rows.Topics < 2 {
		t.Fatalf("%d accesses", w.Rows.Topics)
	}
	rows := []int32{0, 1}
	from, to := w.Series.Of(0)
	series := []int32{from, to - 1}
	f := func(name string, ask func() (answered bool, err error)) {
		t.Helper()
		s.cache = newCache(1)
		v.reads[deadKind], v.held = 0, 0
		if ok, err := ask(); err != nil || !ok {
			t.Errorf("%s: answered %t, error %v", name, ok, err)
		}
		if v.reads[deadKind] == 0 || v.held != 0 {
			t.Errorf("%s: %d sections of silent subjects are read, %d sections with the lock", name, v.reads[deadKind], v.held)
		}
	}
	f("window", func() (bool, error) {
		x, err := s.Window(ctx, store.Ask{Window: win, Accesses: true})
		return err == nil && x.Rows.Topics == w.Rows.Topics, err
	})
	f("amounts", func() (bool, error) {
		x, err := w.Amounts(ctx, win, series)
		return err == nil && x[0].Known && x[0].Total > 0, err
	})
	f("levels", func() (bool, error) {
		x, err := w.Levels(ctx, series)
		return err == nil && !x[0].OK, err // a counter has none
	})
	f("points", func() (bool, error) {
		x, err := w.Points(ctx, w.Step, series)
		sum := 0.0
		for _, p := range x[0] {
			sum += p.Value
		}
		return sum > 0, err
	})
	f("evidence", func() (bool, error) {
		x, err := w.Evidence(ctx, win, rows)
		return err == nil && len(x[0]) == 1 && len(x[1]) == 1, err
	})
	f("last moved", func() (bool, error) {
		x, err := w.LastMoved(ctx, win, rows)
		return err == nil && !x[0].IsZero() && !x[1].IsZero(), err
	})
	f("seen again", func() (bool, error) {
		err := s.Append(ctx, lineage.Observation{Source: testSource, Round: testStart.Add(900 * o.Tick), Interval: o.Tick, Samples: []lineage.Sample{
			{Subject: *w.Rows.Access[0], Metric: lineage.Records, Evidence: lineage.ProducerState, Value: 1 << 30},
		}})
		return true, err
	})
}

// TestPutAwayMeanwhile puts a subject away between an answer and what is asked of it: it is answered all the same.
func TestPutAwayMeanwhile(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	dir, o := t.TempDir(), testOpts
	o.Tick = 10 * time.Minute
	o.Retention = Retention{Raw: 3 * day, Minute: 8 * day, Hour: 400 * day}
	o.silentFor = day
	s, err := Open(dir, o)
	must(t, err)
	defer func() { must(t, s.Close()) }()
	a := lineage.Access{Topic: lineage.Topic{Name: "orders"}, Op: lineage.Write, Client: lineage.Client{Producer: lineage.KnownProducer(7)}}
	var w *store.Window
	for n := 1; n <= 3*144; n++ {
		at := testStart.Add(time.Duration(n) * o.Tick)
		x := lineage.Observation{Source: testSource, Round: at, Interval: o.Tick}
		if n <= 10 {
			x.Samples = []lineage.Sample{{Subject: a, Metric: lineage.Records, Evidence: lineage.ProducerState, Value: int64(n)}}
		}
		must(t, s.Append(ctx, x))
		if n == 20 {
			w, err = s.Window(ctx, store.Ask{Window: lineage.Window{Start: testStart, End: at}, Accesses: true})
			must(t, err)
		}
		if n%12 == 0 {
			must(t, s.Maintain(ctx, at))
		}
	}
	if len(s.dead) == 0 || s.subjects.of(1) != nil {
		t.Fatal("nobody was put away")
	}
	got, err := w.Amounts(ctx, w.Window, []int32{0})
	if err != nil || got[0].Total != 10 {
		t.Errorf("amount %+v, error %v", got, err)
	}
	// both copies are damaged meanwhile: nothing is known of it any more, which is no failure of the question
	hurtSilent(t, dir, "silent-*.[ab]")
	s.cache = newCache(1)
	got, err = w.Amounts(ctx, w.Window, []int32{0})
	if err != nil || got[0].Known || len(s.dead) != 0 {
		t.Errorf("amount of a subject that is lost: %+v, error %v, %d files", got, err, len(s.dead))
	}
}
