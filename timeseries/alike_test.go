package timeseries

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// alike returns two readers of a topic whose accesses have one sum.
func alike(t *testing.T, topic lineage.Topic) (a, b lineage.Access) {
	t.Helper()
	had := map[uint32]int{}
	reader := func(n int) lineage.Access {
		return lineage.Access{Topic: topic, Op: lineage.Read, Client: lineage.Client{Group: fmt.Sprint(uint64(n) * 0x9e3779b97f4a7c15)}}
	}
	for n := range 1 << 20 {
		b = reader(n)
		sum := sumOf(&b)
		if before, ok := had[sum]; ok {
			return reader(before), b
		}
		had[sum] = n
	}
	t.Fatal("no two have one sum")
	return a, b
}

// TestWhoIsNewIsNotOneBeyondRetention has a reader go beyond retention, and then one come who is new and whose access
// has the same sum of 32 bits, as one in 16,000 has when as many are remembered as ever are: what it tells is what it
// read. Whoever returns is still known.
func TestWhoIsNewIsNotOneBeyondRetention(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	o := testOpts
	o.Tick = time.Hour
	o.Retention = Retention{Raw: day, Minute: 2 * day, Hour: 3 * day}
	at := func(n int) time.Time { return testStart.Add(time.Duration(n) * o.Tick) }
	old, young := alike(t, lineage.Topic{Cluster: "c", Name: "orders"})
	const rest = 40 * 24
	for name, c := range map[string]struct {
		silentFor time.Duration
		closed    bool
		hurt      bool // so that no more than the sums of its file can be read
		older     bool // an older version opens the folder, which knows no section of who is away
	}{
		"was in memory":                {silentFor: 100 * day},
		"was in memory, then a start":  {silentFor: 100 * day, closed: true},
		"was in memory, then an older": {silentFor: 100 * day, closed: true, older: true},
		"was put away":                 {silentFor: day},
		"was put away, then a start":   {silentFor: day, closed: true},
		"was put away, and damaged":    {silentFor: day, closed: true, hurt: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := o
			o.silentFor = c.silentFor
			dir := t.TempDir()
			s, err := Open(dir, o)
			must(t, err)
			round := func(n int, all ...lineage.Sample) lineage.Observation {
				return lineage.Observation{Source: testSource, Round: at(n), Interval: o.Tick, Samples: all}
			}
			told := func(a lineage.Access, total int64) lineage.Sample {
				return lineage.Sample{Subject: a, Metric: lineage.Records, Evidence: lineage.GroupOffsets, Value: total}
			}
			hurt := 0
			some := []lineage.Observation{round(1, told(old, 1_000_000))}
			for n := 2; n <= rest; n++ {
				if some = append(some, round(n)); n%12 == 0 {
					must(t, s.Append(ctx, some...))
					must(t, s.Maintain(ctx, at(n)))
					some = nil
				}
				if c.hurt && len(s.dead) > hurt {
					hurt = hurtSilent(t, dir, "silent-*.[ab]")
				}
			}
			if entryOf(s.engine, old) != nil || len(s.dead) > 0 || len(s.unsure) != 1 || c.hurt != (hurt > 0) {
				t.Fatal("it is held: this shows nothing")
			}
			if c.closed {
				must(t, s.Close())
				s, err = Open(dir, o)
				must(t, err)
			}
			if c.older {
				b, err := s.section(stateOf(s.generation), lostSection, 0)
				must(t, err)
				_, s.unsure, err = decodeLost(b)
				must(t, err)
			}
			must(t, s.Append(ctx, round(rest+1, told(young, 6), told(old, 1_000_010))))
			read := func(a lineage.Access) lineage.Amount {
				key := entryOf(s.engine, a).subject.find(lineage.Records, lineage.GroupOffsets).key
				all, err := s.amounts(ctx, lineage.Window{Start: at(rest), End: at(rest + 1)}, []seriesKey{key})
				must(t, err)
				return all[0]
			}
			want := 6.
			if c.hurt || c.older {
				want = 0 // it may be the other
			}
			if x := read(young); x.Total != want || x.Estimated != (want == 0) {
				t.Errorf("who is new read 6, and is told to have read %+v, want %v", x, want)
			}
			want = 10
			if c.silentFor == day {
				want = 0 // nobody knows where it was, and it says so
			}
			if x := read(old); x.Total != want || x.Estimated != (want == 0) {
				t.Errorf("who returns is told to have read %+v, want %v", x, want)
			}
			must(t, s.Close())
		})
	}
}

// TestHalvesAreSaidOnce halves a list in which two have one half: what an older version reads has it once, and a total
// only where both had the same.
func TestHalvesAreSaidOnce(t *testing.T) {
	const a, b, c = 7<<32 | 1, 7<<32 | 2, 9<<32 | 1
	x := unsure{last: 3, sums: []wideSum{a, b, c}, totals: []total{
		{a, lineage.Records, lineage.GroupOffsets, 10},
		{a, lineage.Appended, lineage.GroupOffsets, 4},
		{b, lineage.Records, lineage.GroupOffsets, 20},
		{b, lineage.Appended, lineage.GroupOffsets, 4},
		{c, lineage.Records, lineage.GroupOffsets, 30},
	}}
	slices.SortFunc(x.totals, compareTotals)
	was := slices.Clone(x.totals)
	want := unsure{last: 3, half: true, sums: halves([]uint32{7, 9}), totals: []total{
		{7 << 32, lineage.Records, lineage.GroupOffsets, noTotal}, {7 << 32, lineage.Appended, lineage.GroupOffsets, 4}, {9 << 32, lineage.Records, lineage.GroupOffsets, 30},
	}}
	slices.SortFunc(want.totals, compareTotals)
	_, got, err := decodeLost(encodeLost(nil, []unsure{x, want}))
	must(t, err)
	if !reflect.DeepEqual(got, []unsure{want, want}) || !slices.Equal(x.totals, was) {
		t.Errorf("halves are %+v, want %+v twice", got, want)
	}
}

// TestAStateIsNotTakenForOlder has nobody able to say whether a state says who is away: it is not opened as if it did
// not.
func TestAStateIsNotTakenForOlder(t *testing.T) {
	s, err := Open(t.TempDir(), testOpts)
	must(t, err)
	must(t, s.Append(t.Context(), testRound(1)))
	must(t, s.Maintain(t.Context(), testStart.Add(day)))
	var f Faults
	f.Put(s)
	busy := errors.New("busy")
	asked := false
	f.Ask(func(op string) error {
		if op == "look for "+stateOf(s.generation).String() {
			asked = true
			return busy
		}
		return nil
	})
	if _, _, err := s.load(); !errors.Is(err, busy) || !asked {
		t.Errorf("asked %t, it is loaded with %v", asked, err)
	}
	f.Ask(nil)
	must(t, s.Close())
}

// TestWhoCannotBeReadKeepsNobodyElse has several files of the silent go beyond retention, of which the newest cannot be
// read now, and the oldest is damaged: all others go, and the log says of whom no more than halves are known.
func TestWhoCannotBeReadKeepsNobodyElse(t *testing.T) {
	var said bytes.Buffer
	o := testOpts
	o.Tick, o.silentFor, o.Log = time.Hour, day, slog.New(slog.NewTextHandler(&said, nil))
	o.Retention = Retention{Raw: 400 * day, Minute: 400 * day, Hour: 400 * day}
	s := NewMemory(o)
	for n := 1; n <= 8*24; n++ {
		at := testStart.Add(time.Duration(n) * o.Tick)
		who := lineage.Access{Topic: settledTopic, Op: lineage.Read, Client: lineage.Client{Group: fmt.Sprint(n / 24)}}
		must(t, s.Append(t.Context(), lineage.Observation{Source: testSource, Round: at, At: at, Interval: o.Tick, Samples: []lineage.Sample{
			{Subject: who, Metric: lineage.Records, Evidence: lineage.GroupOffsets, Value: int64(n)},
		}}))
		must(t, s.Maintain(t.Context(), at))
	}
	all := s.dead
	if len(all) < 4 {
		t.Fatalf("%d files: this shows nothing", len(all))
	}
	var f Faults
	f.Put(s)
	f.Ask(func(op string) error {
		switch op {
		case "get " + string(subjectSection) + " of " + all[len(all)-1].file().String():
			return errors.New("busy")
		case "get " + string(subjectSection) + " of " + all[0].file().String():
			return errCorrupt
		}
		return nil
	})
	s.tiers[hourTier].floor = s.sealed
	whose := s.whoseGo(0)
	s.retireDead(s.sealed, whose)
	if len(whose) != len(all)-1 || len(s.dead) != 1 || s.dead[0] != all[len(all)-1] || !whose[all[0]].half || whose[all[1]].half || len(s.unsure) != len(all)-1 {
		t.Errorf("of %d files %d go, %d stay: %+v", len(all), len(whose), len(s.dead), s.unsure)
	}
	if n := strings.Count(said.String(), "by half of each checksum alone"); n != 1 || strings.Count(said.String(), "level=ERROR") != 1 {
		t.Errorf("the log says:\n%s", said.String())
	}
	f.Ask(nil)
	must(t, s.Close())
}
