package timeseries

import (
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// retireLaw holds of a store that has just been maintained at an instant: each tier's blocks follow one another after
// its floor; what is dropped is beyond retention and held by the next tier, and what is both is dropped; the vault has
// the files that somebody names, and no others; who is there was seen after the last floor.
func retireLaw(t *testing.T, e *engine, now time.Time) {
	t.Helper()
	named := map[fileID]bool{stateOf(e.generation): true, stateOf(e.generation - 1): true}
	for _, list := range [...][]*block{e.doomed, e.buriable} {
		for _, b := range list {
			named[b.file()] = true
		}
	}
	for tier, keep := range [tiers]time.Duration{e.retention.Raw, e.retention.Minute, e.retention.Hour} {
		x := e.tiers[tier]
		until := e.floor(now.Add(-keep))
		if tier < hourTier {
			until = min(until, e.tiers[tier+1].sealed)
		}
		if x.floor > max(until, 0) {
			t.Fatalf("tier %d: dropped up to %d, and only what is before %d may go", tier, x.floor, until)
		}
		end := x.floor
		for _, b := range x.blocks {
			if b.meta.start < end || b.meta.end-b.meta.start != e.blockTicks[tier] || b.meta.start%e.blockTicks[tier] != 0 || b.meta.end > x.sealed {
				t.Fatalf("tier %d: a block from %d to %d after %d, sealed up to %d", tier, b.meta.start, b.meta.end, end, x.sealed)
			}
			end = b.meta.end
			named[b.file()] = true
			must(t, e.vault.has(b.file(), b.sections()))
		}
		if len(x.blocks) > 0 && x.blocks[0].meta.end <= until {
			t.Fatalf("tier %d: the block up to %d stays, and what is before %d goes", tier, x.blocks[0].meta.end, until)
		}
	}
	for _, d := range e.dead {
		named[d.file()] = true
	}
	for _, f := range e.vault.list() {
		if !named[f] && f.kind != rosterKind {
			t.Fatalf("%s is there, and nobody names it", f)
		}
	}
	live := 0
	for s := range e.subjects.all() {
		if live++; s.last <= e.tiers[hourTier].floor || e.subjects.of(s.id) != s || e.entries.of(&s.entry.access) != s.entry {
			t.Fatalf("%v, seen at %d, stays: the floor is %d", s.entry.access, s.last, e.tiers[hourTier].floor)
		}
	}
	if live != e.subjects.live {
		t.Fatalf("%d subjects, counted as %d", live, e.subjects.live)
	}
}

// booksOfTiers holds that what each tier's blocks and the head say of a counter adds up to what was told of it since
// the tier's floor.
func booksOfTiers(t *testing.T, e *engine, told map[lineage.Access][]spread) {
	t.Helper()
	for a, all := range told {
		x := entryOf(e, a)
		if x == nil || x.subject == nil {
			continue // put away
		}
		s := x.subject.find(lineage.Records, lineage.ProducerState)
		for tier := range tiers {
			floor, got := e.tiers[tier].floor, int64(0)
			for _, b := range e.cover(tier) {
				if b.meta.start < floor {
					continue
				}
				y, err := e.blockEntry(b, s.key)
				must(t, err)
				if y != nil {
					got += y.sum
				}
			}
			if s.head.any() {
				got += s.head.newest.value - s.base
			}
			want := int64(0)
			for _, y := range all {
				if y.to > floor {
					want += y.delta
				}
			}
			if got != want {
				t.Fatalf("tier %d says that %v advanced by %d since %d, and %d were told", tier, a, got, floor, want)
			}
		}
	}
}

// TestNothingGoesThatIsNotHeld lives through 70 days in which writers come, rest for days or for good, and nobody looks
// for hours or days; maintenance comes now and then, over restarts. Each time the law of retention holds, the books of
// all tiers are what was told, hours are answered to the record in whatever tier they are, and a start changes nothing.
func TestNothingGoesThatIsNotHeld(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(12, 51))
	o := testOpts
	o.Tick = 20 * time.Minute
	o.Retention = Retention{Raw: 30 * time.Hour, Minute: 4 * day, Hour: 25 * day}
	o.silentFor = 8 * day
	dir := t.TempDir()
	s, err := Open(dir, o)
	must(t, err)
	const perDay = 72
	first := s.floor(testStart)
	told := map[lineage.Access][]spread{}
	gone := 0
	var some []lineage.Observation
	for n := int64(1); n <= 70*perDay; n++ {
		tick := first + n
		switch r.IntN(400) {
		case 0:
			n += r.Int64N(20)
			continue
		case 1:
			n += r.Int64N(4 * perDay)
			continue
		}
		x := lineage.Observation{Source: testSource, Round: s.at(tick), At: s.at(tick), Interval: o.Tick}
		for i := range 12 {
			writes := i < 2 || i < 6 && n/perDay%int64(3+4*i) == 0 || int64(i) == 6+n/(12*perDay)
			if !writes || r.IntN(3) == 0 {
				continue
			}
			a := tierSubject(i)
			last, total := tick-1, int64(0)
			for _, y := range told[a] {
				last, total = y.to, y.value
			}
			y := spread{from: max(last, tick-3), to: tick, delta: r.Int64N(100)}
			y.value = total + y.delta
			told[a] = append(told[a], y)
			x.Samples = append(x.Samples, lineage.Sample{Subject: a, Metric: lineage.Records, Evidence: lineage.ProducerState, Value: y.value, Since: s.at(y.from)})
		}
		if some = append(some, x); n%9 > 0 {
			continue
		}
		must(t, s.Append(t.Context(), some...))
		if some = nil; r.IntN(3) == 0 {
			continue
		}
		must(t, s.Maintain(t.Context(), s.at(tick)))
		retireLaw(t, s.engine, s.at(tick))
		if r.IntN(8) > 0 {
			continue
		}
		booksOfTiers(t, s.engine, told)
		gone = max(gone, 12-s.subjects.live)
		before, err := s.State(t.Context())
		must(t, err)
		must(t, s.Close())
		s, err = Open(dir, o)
		must(t, err)
		after, err := s.State(t.Context())
		must(t, err)
		before.Version, before.Changes, after.Version, after.Changes = 0, nil, 0, nil
		if !reflect.DeepEqual(before, after) {
			t.Fatalf("after a start the state is %+v, and was %+v", after, before)
		}
		booksOfTiers(t, s.engine, told)
		hoursOfTiers(t, s, r, told, first, tick)
	}
	if s.tiers[hourTier].floor == 0 || gone < 3 {
		t.Errorf("the floors are %d, %d, %d, and %d writers were gone at most: this shows little", s.tiers[0].floor, s.tiers[1].floor, s.tiers[2].floor, gone)
	}
	must(t, s.Close())
}

// hoursOfTiers asks for hours that are held, of all who wrote: each is answered by what was told of it, give or take
// what reaches over its ends.
func hoursOfTiers(t *testing.T, s *Disk, r *rand.Rand, told map[lineage.Access][]spread, first, now int64) {
	t.Helper()
	for range 12 {
		hi := first + (1+r.Int64N((now-first)/3))*3
		if hi-3 < s.tiers[hourTier].floor {
			continue
		}
		w, err := s.Window(t.Context(), store.Ask{Window: lineage.Window{Start: s.at(hi - 3), End: s.at(hi)}, Accesses: true})
		must(t, err)
		var seen []string
		for i := range w.Rows.Topics {
			a := *w.Rows.Access[i]
			k, _ := w.Series.Find(int32(i), lineage.Records, lineage.ProducerState)
			want, over := sum(told[a], hi-3, hi)
			if got := w.Series.Amount[k]; got.Total < want-got.Shared || got.Total > want+got.Shared || got.Shared < over || !w.Rows.Moved[i] {
				t.Fatalf("hour up to %d of %v: %+v, moved %t, want %v of which %v reach over its ends", hi, a, got, w.Rows.Moved[i], want, over)
			}
			seen = append(seen, fmt.Sprint(a))
		}
		for a, all := range told {
			if movedIn(s.clock, all, hi-3, hi) && !slices.Contains(seen, fmt.Sprint(a)) {
				t.Fatalf("hour up to %d: %v moved and is not in the answer", hi, a)
			}
		}
	}
}

// TestWhoIsNamedStays has a topic that was seen last before retention named again, by a round that is on its way to the
// disk while what is beyond retention goes: the topic stays, with what the round tells.
func TestWhoIsNamedStays(t *testing.T) {
	s := NewMemory(testOpts)
	topic := lineage.Sample{Subject: lineage.Access{Topic: settledTopic}, Metric: lineage.Appended, Value: 5}
	x := testRound(1)
	x.Samples = []lineage.Sample{topic}
	must(t, s.Append(t.Context(), x))
	now := testStart.Add(30 * day)
	must(t, s.Maintain(t.Context(), now.Add(-15*day)))
	s.retention = Retention{Raw: time.Hour, Minute: time.Hour, Hour: time.Hour}
	slow := slowJournal{begun: make(chan struct{}), leave: make(chan struct{})}
	s.journal = slow
	x.Round, x.At, x.Samples[0].Value = now, now, 8
	appended, retired := make(chan error, 1), make(chan struct{})
	go func() { appended <- s.Append(context.Background(), x) }()
	<-slow.begun
	go func() { defer close(retired); s.retire(now) }()
	select {
	case <-retired: // it does not wait
	case <-time.After(100 * time.Millisecond): // it does, or has not begun
	}
	close(slow.leave)
	must(t, <-appended)
	<-retired
	win, err := s.Window(t.Context(), store.Ask{Window: lineage.Window{Start: now.Add(-time.Hour), End: now}, Accesses: true})
	must(t, err)
	if win.Rows.Len() != 1 || s.tiers[hourTier].floor == 0 {
		t.Errorf("%d topics are there, want 1; what goes goes up to %d", win.Rows.Len(), s.tiers[hourTier].floor)
	}
	must(t, s.Close())
}
