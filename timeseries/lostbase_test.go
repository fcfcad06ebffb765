package timeseries

import (
	"context"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// lostProducer is one that silentFolder put away, and nobody can read any more in these tests.
var lostProducer = lineage.Access{
	Topic: lineage.Topic{Name: "orders"}, Op: lineage.Write, Client: lineage.Client{Producer: lineage.KnownProducer(1)},
}

// comesBack has a producer tell a total in round n, and returns how much it advanced in the rounds from one on.
func comesBack(t *testing.T, s *Disk, o Options, a lineage.Access, from, n int, total int64) lineage.Amount {
	t.Helper()
	at := func(n int) time.Time { return testStart.Add(time.Duration(n) * o.Tick) }
	must(t, s.Append(context.Background(), lineage.Observation{Source: testSource, Round: at(n), Interval: o.Tick, Samples: []lineage.Sample{
		{Subject: a, Metric: lineage.Records, Evidence: lineage.ProducerState, Value: total},
	}}))
	return advancedIn(t, s, a, lineage.Window{Start: at(from), End: at(n)})
}

func advancedIn(t *testing.T, s *Disk, a lineage.Access, w lineage.Window) lineage.Amount {
	t.Helper()
	key := entryOf(s.engine, a).subject.find(lineage.Records, lineage.ProducerState).key
	all, err := s.amounts(context.Background(), w, []seriesKey{key})
	must(t, err)
	return all[0]
}

// TestWhoseTotalIsLostBeginsWhereItIs sees one again whose file of silent subjects is damaged in both copies: what it
// had counted before is not counted as if it had come in one round, while the store is open, after it was closed, after
// a kill, and after its block was sealed.
func TestWhoseTotalIsLostBeginsWhereItIs(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	from, o := silentFolder(t)
	for name, c := range map[string]struct{ before, between string }{
		"found by its return":            {},
		"found by its return, then kill": {between: "kill"},
		"found by a query":               {before: "query"},
		"found by a query, then closed":  {before: "query, maintain, close"},
		"found at the start":             {before: "close"},
		"found at the start, then kill":  {before: "close", between: "kill"},
		"found at the start, then seal":  {before: "close", between: "seal"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := copied(t, from)
			s, err := Open(dir, o)
			must(t, err)
			reopen := func() {
				must(t, s.Close())
				s, err = Open(dir, o)
				must(t, err)
			}
			hurtSilent(t, dir, "silent-*.[ab]")
			const last = 6 * 144
			if c.before == "query" || c.before == "query, maintain, close" {
				_, err := s.wake(s.dead[0].ids)
				if !damaged(err) {
					t.Fatalf("a damaged file is read: %v", err)
				}
			}
			if c.before == "query, maintain, close" {
				must(t, s.Maintain(ctx, testStart.Add(last*o.Tick)))
			}
			if c.before == "close" || c.before == "query, maintain, close" {
				reopen()
			}
			first := comesBack(t, s, o, lostProducer, last, last+1, 5000)
			if first.Total != 0 || !first.Estimated {
				t.Errorf("it comes back with %+v", first)
			}
			switch c.between {
			case "kill":
				next := copied(t, dir)
				must(t, s.Close())
				dir = next
				s, err = Open(dir, o)
				must(t, err)
			case "seal":
				n := last + 60
				if got := comesBack(t, s, o, lostProducer, last, n, 5010); got.Total != 10 {
					t.Errorf("then it advances by 10, and is told to by %+v", got)
				}
				must(t, s.Maintain(ctx, testStart.Add(time.Duration(n+20)*o.Tick)))
				reopen()
			}
			if got := comesBack(t, s, o, lostProducer, last+1, last+80, 5100); got.Total != 100 {
				t.Errorf("it advances by 100, and is told to by %+v", got)
			}
			never := lostProducer // who was never there counts from the first record on
			never.Client.Producer = lineage.KnownProducer(77)
			if got := comesBack(t, s, o, never, last+80, last+81, 30); got.Total != 30 || got.Estimated {
				t.Errorf("who is new advances by 30, and is told to by %+v", got)
			}
			must(t, s.Close())
		})
	}
}

// copied returns a copy of a folder, as a kill leaves it when it is open.
func copied(t *testing.T, from string) string {
	t.Helper()
	dir := t.TempDir()
	must(t, os.CopyFS(dir, os.DirFS(from)))
	return dir
}

// TestTotalsOfAnOlderFileAreNotGoneOnFrom damages the later of two files in which one was put away: what the older one
// says that it had counted was long ago.
func TestTotalsOfAnOlderFileAreNotGoneOnFrom(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	dir, o := t.TempDir(), testOpts
	o.Tick = 10 * time.Minute
	o.Retention = Retention{Raw: 3 * day, Minute: 8 * day, Hour: 400 * day}
	o.silentFor = day
	s, err := Open(dir, o)
	must(t, err)
	other := lostProducer
	other.Client.Producer = lineage.KnownProducer(2)
	n := 0
	silent := func(days int) {
		var some []lineage.Observation
		for i := range 144 * days {
			n++
			at := testStart.Add(time.Duration(n) * o.Tick)
			some = append(some, lineage.Observation{Source: testSource, Round: at, Interval: o.Tick, Samples: []lineage.Sample{
				{Subject: other, Metric: lineage.Records, Evidence: lineage.ProducerState, Value: int64(n)},
			}})
			if i%12 == 11 {
				must(t, s.Append(ctx, some...))
				must(t, s.Maintain(ctx, at))
				some = nil
			}
		}
	}
	for _, total := range []int64{100, 1000} { // it is put away twice
		n++
		if got := comesBack(t, s, o, lostProducer, n-1, n, total); got.Total != float64(total)-float64(100*(total/1000)) {
			t.Fatalf("with a total of %d it advances by %+v", total, got)
		}
		silent(4)
		if x := entryOf(s.engine, lostProducer); x != nil {
			t.Fatalf("%+v is in memory, of %d files", x.subject, len(s.dead))
		}
	}
	if len(s.dead) != 2 {
		t.Fatalf("%d files", len(s.dead))
	}
	hurtSilent(t, dir, filepath.Base(s.vault.(*diskVault).paths(s.dead[1].file())[0])[:27]+"*")
	n++
	if got := comesBack(t, s, o, lostProducer, n-1, n, 1010); got.Total != 0 || !got.Estimated {
		t.Errorf("by 1010 it advances by %+v", got)
	}
	n++
	if got := comesBack(t, s, o, lostProducer, n-1, n, 1013); got.Total != 3 || got.Estimated {
		t.Errorf("by 1013 it advances by %+v", got)
	}
	whole := lineage.Window{Start: testStart, End: testStart.Add(time.Duration(n) * o.Tick)}
	if got := advancedIn(t, s, lostProducer, whole); got.Total != 1003 || !got.Estimated {
		t.Errorf("in all it advanced by %+v", got)
	}
	must(t, s.Close())
}

// openPositioned opens a folder of silentFolder, and tells it a position in the round after.
func openPositioned(t *testing.T, dir string, o Options) (s *Disk, at time.Time) {
	t.Helper()
	s, err := Open(dir, o)
	must(t, err)
	at = testStart.Add((6*144 + 1) * o.Tick)
	must(t, s.Append(t.Context(), lineage.Observation{
		Source: testSource, Round: at, Interval: o.Tick, Positions: []lineage.Position{{Key: "orders", Value: []byte("864")}},
	}))
	return s, at
}

// TestWhoseTotalsNobodyKnows damages also what says who was in a file: no source goes on from what it had counted.
func TestWhoseTotalsNobodyKnows(t *testing.T) {
	t.Parallel()
	dir, o := silentFolder(t)
	s, at := openPositioned(t, dir, o)
	must(t, s.Close())
	flipSections(t, dir, deadIndex)
	for range 2 {
		s, err := Open(dir, o)
		must(t, err)
		got, err := s.Positions(context.Background(), testSource)
		must(t, err)
		if len(got) > 0 || len(s.Health()) == 0 {
			t.Errorf("positions %q, health %q", got, s.Health())
		}
		must(t, s.Maintain(context.Background(), at))
		must(t, s.Close())
	}
}

// TestUnsureCodec holds decode(encode(x)) == x, and that what ends early, or has more, is damage.
func TestUnsureCodec(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 9))
	for range 50 {
		lost := []lostSpan{{a: r.Int64N(9), b: 9 + r.Int64N(9), reason: randomString(r), damage: true}}
		whose := []unsure{{file: r.Int64N(1 << 40), last: r.Int64N(1 << 40), half: true, sums: halves([]uint32{7})}, {last: 3, half: true, sums: halves([]uint32{0, math.MaxUint32}), totals: []total{
			{0, lineage.Records, lineage.ProducerState, r.Int64()}, {0, lineage.Records, lineage.GroupOffsets, noTotal}, {firstHalf, lineage.Lag, 0, 0},
		}}}
		for range r.IntN(50) {
			whose[0].sums = append(whose[0].sums, wideSum(r.Uint32())<<32)
		}
		slices.Sort(whose[0].sums)
		b := encodeLost(lost, whose)
		gotLost, gotWhose, err := decodeLost(b)
		must(t, err)
		if !reflect.DeepEqual(gotLost, lost) || !reflect.DeepEqual(gotWhose, whose) {
			t.Fatalf("%+v %+v came back as %+v %+v", lost, whose, gotLost, gotWhose)
		}
		alone := len(encodeLost(lost, nil)) - 1 // as it was written before totals could be lost
		for n := range b {
			if _, _, err := decodeLost(b[:n]); (err == nil) != (n == alone) {
				t.Fatalf("%d bytes of %d are read: %v", n, len(b), err)
			}
		}
		if _, _, err := decodeLost(append(b, 0)); err == nil {
			t.Fatal("a byte too many is read")
		}
		whose = append(whose, unsure{file: 9, last: 9, sums: []wideSum{0, wideSum(r.Uint64()), math.MaxUint64}, totals: []total{
			{wideSum(r.Uint64()), lineage.Records, lineage.GroupOffsets, 3}, {math.MaxUint64, lineage.Records, lineage.GroupOffsets, 4},
		}})
		b = encodeAway(whose)
		if got, err := decodeAway(b); err != nil || !reflect.DeepEqual(got, whose) {
			t.Fatalf("%+v came back as %+v, %v", whose, got, err)
		}
		for n := range b {
			if _, err := decodeAway(b[:n]); err == nil {
				t.Fatalf("%d bytes of %d are read", n, len(b))
			}
		}
		if _, err := decodeAway(append(b, 0)); err == nil {
			t.Fatal("a byte too many is read")
		}
	}
}
