package timeseries

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// mayfly is a world in which most live for a day: groups of one run, and producers whose ids change daily, beside what
// stays.
type mayfly struct {
	step    time.Duration
	perDay  int // groups, and producers, that are new each day
	staying int // readers that stay, of which a tenth moves in a round
	return1 bool
	totals  map[lineage.Access]int64
}

func (m *mayfly) topic(i int) lineage.Topic {
	return lineage.Topic{Cluster: "c", ID: lineage.TopicID{byte(i)}, Name: fmt.Sprint("topic-", i)}
}

// round returns what is observed in the n-th round.
func (m *mayfly) round(n int) lineage.Observation {
	perDay := int(day / m.step)
	today, within := n/perDay, n%perDay
	o := lineage.Observation{Source: testSource, Round: testStart.Add(time.Duration(n) * m.step), Interval: m.step}
	move := func(a lineage.Access, k lineage.EvidenceKind, by int64) {
		m.totals[a] += by
		o.Samples = append(o.Samples, lineage.Sample{Subject: a, Metric: lineage.Records, Evidence: k, Value: m.totals[a]})
	}
	for i := range m.staying {
		a := lineage.Access{Topic: m.topic(i % 7), Op: lineage.Read, Client: lineage.Client{Group: fmt.Sprint("staying-", i)}}
		if i%10 == n%10 || n == 1 {
			move(a, lineage.GroupOffsets, int64(i+1))
			o.Samples = append(o.Samples, lineage.Sample{Subject: a, Metric: lineage.Lag, Value: int64(n % 17)})
		}
	}
	for i := range m.perDay {
		if (within+i)%11 > 1 {
			continue
		}
		run := lineage.Access{Topic: m.topic(i % 7), Op: lineage.Read, Client: lineage.Client{Group: fmt.Sprintf("run-%d-of-day-%d", i, today), ClientID: "batch"}}
		move(run, lineage.GroupOffsets, int64(i+3))
		o.Samples = append(o.Samples, lineage.Sample{Subject: run, Metric: lineage.Lag, Value: int64(within)})
		move(lineage.Access{Topic: m.topic(i % 7), Op: lineage.Write, Client: lineage.Client{Producer: lineage.KnownProducer(int64(today*1000 + i))}}, lineage.ProducerState, int64(i+5))
		o.Sightings = append(o.Sightings, lineage.Sighting{Access: run, Evidence: lineage.GroupMembership, Detail: "member of the day"})
	}
	for i := range m.perDay {
		key := lineage.FactKey{Source: "west", Kind: lineage.GroupFacts, Name: fmt.Sprintf("run-%d-of-day-%d", i, today)}
		if n%(i+2) == 0 && within < perDay-2 {
			g := &lineage.GroupFact{Ref: lineage.GroupRef{Cluster: "c", Group: key.Name}, State: []string{"Stable", "Empty"}[n%2], MembersKnown: true}
			for k := range 5 {
				g.Members = append(g.Members, lineage.Member{ID: fmt.Sprintf("%s-%d-%d", key.Name, n/10, k), ClientID: "batch"})
			}
			o.Facts = append(o.Facts, lineage.Fact{Key: key, Group: g})
		} else if within == perDay-1 {
			o.Facts = append(o.Facts, lineage.Fact{Key: key, Gone: true})
		}
	}
	if m.return1 && today == 20 && within == 50 { // one of the third day comes back, with the totals that it had
		a := lineage.Access{Topic: m.topic(0), Op: lineage.Read, Client: lineage.Client{Group: "run-0-of-day-3", ClientID: "batch"}}
		move(a, lineage.GroupOffsets, 100)
		o.Samples = append(o.Samples, lineage.Sample{Subject: a, Metric: lineage.Lag, Value: 5})
	}
	return o
}

// rowsOf is what a window answers, by access.
func rowsOf(t *testing.T, s store.Reader, w lineage.Window, lookback time.Duration) map[lineage.Access]string {
	t.Helper()
	ctx := context.Background()
	x, err := s.Window(ctx, store.Ask{Window: w, Accesses: true, Lookback: lookback, Coverage: true, Facts: []lineage.FactKind{lineage.GroupFacts}})
	must(t, err)
	out := map[lineage.Access]string{}
	var rows, series []int32
	for i := range x.Rows.Access {
		rows = append(rows, int32(i))
	}
	for i := range x.Series.Row {
		series = append(series, int32(i))
	}
	evidence, err := x.Evidence(ctx, x.Back, rows)
	must(t, err)
	last, err := x.LastMoved(ctx, x.Back, rows)
	must(t, err)
	levels, err := x.Levels(ctx, series)
	must(t, err)
	points, err := x.Points(ctx, x.Step*6, series)
	must(t, err)
	for i, a := range x.Rows.Access {
		text := fmt.Sprint(x.Rows.FirstSeen[i], x.Rows.Moved[i], x.Rows.Seen[i], x.Rows.SeenBefore[i], x.Rows.Unobserved[i], x.Rows.Open[i], evidence[i], last[i])
		from, to := x.Series.Of(int32(i))
		for j := from; j < to; j++ {
			text += fmt.Sprint(x.Series.Metric[j], x.Series.Evidence[j], x.Series.Amount[j], levels[j], points[j])
		}
		out[*a] = text
	}
	out[lineage.Access{}] = fmt.Sprint(x.Coverage(), len(x.Links))
	for _, f := range x.Facts {
		text := fmt.Sprint(f.Since, f.Gone, f.Group)
		if f.Before != nil {
			text += fmt.Sprint(f.Before.Group)
		}
		out[lineage.Access{Client: lineage.Client{Member: "fact", Group: f.Key.Name}}] = text
	}
	return out
}

// TestThePutAwayAreAnswered holds a store that puts the silent away after a day, and one that puts a crowd away within
// hours, against one that never does: all windows are answered the same, over restarts and with one that comes back.
func TestThePutAwayAreAnswered(t *testing.T) {
	t.Parallel()
	t.Run("silent", func(t *testing.T) { thePutAwayAreAnswered(t, day, 0) })
	t.Run("crowd", func(t *testing.T) { thePutAwayAreAnswered(t, 0, 10) })
}

func thePutAwayAreAnswered(t *testing.T, silentFor time.Duration, crowd int) {
	ctx := context.Background()
	r := rand.New(rand.NewPCG(4, 4))
	o := testOpts
	o.Tick = 10 * time.Minute
	o.Retention = Retention{Raw: 3 * day, Minute: 8 * day, Hour: 400 * day}
	dir := t.TempDir()
	o.silentFor = 400 * day
	all := NewMemory(o)
	o.silentFor, o.crowd, o.fast = silentFor, crowd, true
	s, err := Open(dir, o)
	must(t, err)
	m := &mayfly{step: o.Tick, perDay: 20, staying: 30, return1: true, totals: map[lineage.Access]int64{}}
	perDay := int(day / o.Tick)
	ask := func(days int) {
		t.Helper()
		for range 6 {
			from := r.IntN(days * 24)
			w := lineage.Window{Start: testStart.Add(time.Duration(from) * time.Hour), End: testStart.Add(time.Duration(from+1+r.IntN(48)) * time.Hour)}
			lookback := time.Duration(r.IntN(72)) * time.Hour
			got, want := rowsOf(t, s, w, lookback), rowsOf(t, all, w, lookback)
			for a, x := range want {
				if got[a] != x {
					t.Fatalf("day %d, %v, %v:\n%s\nwant\n%s", days, w, a, got[a], x)
				}
			}
			if len(got) != len(want) {
				t.Fatalf("day %d, %v: %d rows, want %d", days, w, len(got), len(want))
			}
		}
	}
	var some []lineage.Observation
	for n := 1; n <= 25*perDay; n++ {
		x := m.round(n)
		some = append(some, x)
		if n%37 == 0 || n%(4*perDay) == perDay/2 || n == 25*perDay {
			must(t, all.Append(ctx, some...))
			must(t, s.Append(ctx, some...))
			some = nil
		}
		if n%37 == 0 {
			must(t, all.Maintain(ctx, x.Round))
			must(t, s.Maintain(ctx, x.Round))
		}
		if n%(4*perDay) == perDay/2 {
			ask(n/perDay + 1)
			must(t, s.Close())
			s, err = Open(dir, o)
			must(t, err)
			ask(n/perDay + 1)
		}
	}
	ask(25)
	if s.subjects.live > all.subjects.live/4 || len(s.dead) < 15 {
		t.Errorf("%d of %d subjects are in memory, and %d files", s.subjects.live, all.subjects.live, len(s.dead))
	}
	back := lineage.Access{Topic: m.topic(0), Op: lineage.Read, Client: lineage.Client{Group: "run-0-of-day-3", ClientID: "batch"}}
	again, err := s.deadAccess(&back) // it fell silent again
	must(t, err)
	if before := entryOf(all.engine, back).subject; again == nil || again.id != before.id || again.first != before.first {
		t.Errorf("who came back is %+v, want number %d", again, before.id)
	}
	must(t, s.Close())
	must(t, all.Close())
}

// TestTheDeadCostNothing simulates a month, in the long form a year: what a block, the saved state and memory take
// stays as it is, but for some bytes of memory each.
func TestTheDeadCostNothing(t *testing.T) {
	ctx := context.Background()
	days := 30
	if os.Getenv("LINEAGED_LONG") != "" {
		days = 365
	}
	o := testOpts
	o.Tick = 20 * time.Minute
	o.Retention = Retention{Raw: 2 * day, Minute: 4 * day, Hour: 400 * day}
	o.silentFor = 2 * day
	dir := t.TempDir()
	s, err := Open(dir, o)
	must(t, err)
	m := &mayfly{step: o.Tick, perDay: 100, staying: 200, totals: map[lineage.Access]int64{}}
	perDay := int(day / o.Tick)
	type size struct{ heap, state, block, visited int }
	measure := func() size {
		var x size
		s.mu.RLock()
		for _, p := range s.encodeSubjects() {
			x.state += len(p)
		}
		x.state += len(s.encodeFacts())
		x.visited = s.subjects.live
		s.mu.RUnlock()
		for _, b := range s.tiers[rawTier].blocks[len(s.tiers[rawTier].blocks)-24:] {
			n, err := s.vault.verify(blockFile(rawTier, b.meta.start))
			must(t, err)
			x.block += int(n)
		}
		m.totals = keepStaying(m.totals)
		s.cache = newCache(cacheBytes)
		s.watch.mu.Lock()
		s.watch.rounds = nil // of which roundsKept are, however long it runs
		s.watch.mu.Unlock()
		runtime.GC()
		runtime.GC()
		var mem runtime.MemStats
		runtime.ReadMemStats(&mem)
		x.heap = int(mem.HeapAlloc)
		return x
	}
	var early, late size
	var some []lineage.Observation
	for n := 1; n <= days*perDay; n++ {
		x := m.round(n)
		if some = append(some, x); n%6 == 0 {
			must(t, s.Append(ctx, some...))
			must(t, s.Maintain(ctx, x.Round))
			some = nil
		}
		if n == 12*perDay {
			early = measure()
		}
	}
	late = measure()
	t.Logf("after 12 days %+v, after %d %+v", early, days, late)
	// Each who is gone has its number and a sum, and a part of a file's name and bitmap: that is 44 bytes, and 1,500 of
	// who is there. All else stays as it is.
	const each = 64
	late.heap -= min(each*m.perDay*(days-12), max(late.heap-early.heap, 0))
	for name, x := range map[string][2]int{"heap": {early.heap, late.heap}, "state": {early.state, late.state}, "block": {early.block, late.block}, "subjects": {early.visited, late.visited}} {
		if d := float64(x[1]) / float64(x[0]); d > 1.1 || d < 0.9 {
			t.Errorf("%s went from %d after 12 days to %d after %d", name, x[0], x[1], days)
		}
	}
	must(t, s.Close())
}

// keepStaying forgets the test's own totals of those who are gone.
func keepStaying(all map[lineage.Access]int64) map[lineage.Access]int64 {
	out := map[lineage.Access]int64{}
	for a, n := range all {
		if len(a.Client.Group) > 8 && a.Client.Group[:8] == "staying-" {
			out[a] = n
		}
	}
	return out
}
