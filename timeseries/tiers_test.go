package timeseries

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// spread is one advance, or one reading, as it was told, in ticks.
type spread struct {
	from, to int64
	delta    int64
	value    int64
}

// tierWorld is a store of which part is in the head, in raw blocks, and in both coarser tiers, and what it was told.
type tierWorld struct {
	s    *Disk
	told [3][]spread // of counters
	lag  []spread
}

// tierHours are so many that a block of the coarsest tier ends 168 hours after testStart. Sources look in the first day
// and in the last two.
const tierHours = 212

func dense(hour int64) bool { return hour < 26 || hour >= 164 && hour < tierHours }

func tierSubject(i int) lineage.Access {
	return lineage.Access{Topic: lineage.Topic{Cluster: "w", Name: "orders"}, Op: lineage.Write, Client: lineage.Client{Producer: lineage.KnownProducer(int64(i))}}
}

// newTierWorld tells days of steps: short ones, those of some minutes, and now and then one of hours, which begin and
// end anywhere, at borders of hours and days too; one counter resets. It opens the store anew in between.
func newTierWorld(t *testing.T, r *rand.Rand) *tierWorld {
	t.Helper()
	o := testOpts
	o.Tick, o.Retention = 30*time.Second, Retention{Raw: 5 * time.Hour, Minute: 30 * time.Hour, Hour: 1000 * time.Hour}
	dir := t.TempDir()
	s, err := Open(dir, o)
	must(t, err)
	w := &tierWorld{s: s}
	const perHour = 120
	start := s.floor(testStart)
	var total, last [3]int64
	last = [3]int64{start, start, start}
	var next [3]int64
	for hour := range int64(tierHours) {
		if !dense(hour) {
			continue
		}
		var obs []lineage.Observation
		for n := hour*perHour + 1; n <= (hour+1)*perHour; n++ {
			tick := start + n
			x := lineage.Observation{Source: testSource, Round: w.s.at(tick), At: w.s.at(tick), Interval: o.Tick}
			for i := range total {
				if tick < next[i] {
					continue
				}
				next[i] = tick + []int64{1, 2, 20, 21, 119, 120, 300}[r.IntN(3+2*i)]
				was := total[i]
				if total[i] += int64(r.IntN(100)); i == 2 && r.IntN(10) == 0 {
					total[i] = 3
				}
				x.Samples = append(x.Samples, lineage.Sample{Subject: tierSubject(i), Metric: lineage.Records, Evidence: lineage.ProducerState, Value: total[i], Since: w.s.at(last[i])})
				w.told[i] = append(w.told[i], spread{last[i], tick, max(total[i]-was, 0), total[i]})
				last[i] = tick
			}
			if r.IntN(30) == 0 {
				v := int64(r.IntN(1000) - 500)
				x.Samples = append(x.Samples, lineage.Sample{Subject: tierSubject(0), Metric: lineage.Lag, Value: v})
				w.lag = append(w.lag, spread{to: tick, value: v})
			}
			obs = append(obs, x)
		}
		r.Shuffle(len(obs), func(i, j int) { obs[i], obs[j] = obs[j], obs[i] })
		must(t, w.s.Append(t.Context(), obs...))
		must(t, w.s.Maintain(t.Context(), w.s.at(start+(hour+1)*perHour)))
		if hour%60 == 20 {
			must(t, w.s.Close())
			w.s, err = Open(dir, o)
			must(t, err)
		}
	}
	return w
}

// sum is what was told of a counter in (lo, hi], each advance spread evenly, and how much is of advances that reach
// over an end.
func sum(told []spread, lo, hi int64) (total, over float64) {
	for _, x := range told {
		a, b := max(x.from, lo), min(x.to, hi)
		if a >= b {
			continue
		}
		if total += float64(x.delta) * float64(b-a) / float64(x.to-x.from); b-a < x.to-x.from {
			over += float64(x.delta)
		}
	}
	return total, over
}

// movedIn reports whether what was told of a counter marks a tick in (lo, hi].
func movedIn(c clock, told []spread, lo, hi int64) bool {
	for _, x := range told {
		m := c.marked(x.from, x.to)
		if x.delta > 0 && max(m.a, lo) < min(m.b, hi) {
			return true
		}
	}
	return false
}

// TestWindowsOverTiers asks for windows that begin and end at and beside borders of steps, hours and days. What lies in
// a window is exact in every tier; of what reaches over its ends each tier knows where it was as well as its steps
// allow, and says of how much that is so. Two windows side by side are what both together are; a level and what moved
// are exact.
func TestWindowsOverTiers(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(7, 5))
	w := newTierWorld(t, r)
	s, ctx := w.s, t.Context()
	start, end := s.floor(testStart), s.floor(testStart.Add(tierHours*time.Hour))
	tiersUsed := map[int]int{}
	exact := 0
	records := func(i int) seriesKey {
		return entryOf(s.engine, tierSubject(i)).subject.find(lineage.Records, lineage.ProducerState).key
	}
	keys := []seriesKey{records(0), records(1), records(2)}
	lag := seriesKey{Subject: keys[0].Subject, Metric: lineage.Lag}
	border := func() int64 {
		for {
			n := r.Int64N(end - start)
			if unit := []int64{1, 2, 120, 120, 120 * 24}[r.IntN(5)]; dense(n / 120) {
				return min(max(start+n/unit*unit+[]int64{0, 0, 0, 1, -1}[r.IntN(5)], start), end)
			}
		}
	}
	for range 700 {
		a, b := border(), border()
		if a == b {
			continue
		}
		state, err := s.State(ctx)
		must(t, err)
		win := state.Resolve(lineage.Window{Start: s.at(min(a, b)), End: s.at(max(a, b))}).Window
		lo, hi := s.floor(win.Start), s.floor(win.End)
		tier := s.tierOf(lo)
		tiersUsed[tier]++
		got, err := s.amounts(ctx, win, keys)
		must(t, err)
		mid := s.down(tier, lo+r.Int64N(hi-lo+1))
		left, err := s.amounts(ctx, lineage.Window{Start: win.Start, End: s.at(mid)}, keys)
		must(t, err)
		right := make([]lineage.Amount, len(keys))
		if s.tierOf(mid) == tier { // else what is right of it is known better
			right, err = s.amounts(ctx, lineage.Window{Start: s.at(mid), End: win.End}, keys)
			must(t, err)
		}
		marks, err := s.marksOf(ctx, win)
		must(t, err)
		for i, x := range got {
			want, over := sum(w.told[i], lo, hi)
			if math.Abs(x.Total-want) > x.Shared+1e-6 || !x.Known && want > 0 || tier == rawTier && (math.Abs(x.Total-want) > 1e-6 || x.Shared != over) {
				t.Fatalf("tier %d, ticks %d to %d of counter %d: %+v, want %v of which %v are of advances over the ends", tier, lo-start, hi-start, i, x, want, over)
			}
			if x.Shared < over {
				t.Fatalf("tier %d, ticks %d to %d of counter %d: %+v, and at least %v are of advances over the ends", tier, lo-start, hi-start, i, x, over)
			}
			if x.Shared == 0 {
				exact++
			}
			if both := left[i].Total + right[i].Total; s.tierOf(mid) == tier && math.Abs(both-x.Total) > 1e-6*max(x.Total, 1) {
				t.Fatalf("tier %d, ticks %d to %d of counter %d: %v, and by two windows that meet at %d %v", tier, lo-start, hi-start, i, x.Total, mid-start, both)
			}
			if moved := marks.moved != nil && marks.moved.Contains(uint32(keys[i].Subject)); moved != movedIn(s.clock, w.told[i], lo, hi) {
				t.Fatalf("tier %d, ticks %d to %d of counter %d: moved %v", tier, lo-start, hi-start, i, moved)
			}
		}
		if !dense((hi - 1 - start) / 120) {
			continue // nobody looked
		}
		levels, err := s.levels(ctx, win.End, []seriesKey{lag})
		must(t, err)
		want := lineage.Level{}
		for _, x := range w.lag {
			if x.to <= hi {
				want = lineage.Level{Value: x.value, OK: true}
			}
		}
		if levels[0] != want {
			t.Fatalf("tier %d: the level at tick %d is %+v, want %+v", tier, hi-start, levels[0], want)
		}
	}
	if len(tiersUsed) < tiers || exact == 0 {
		t.Errorf("windows by tier: %v, %d of them without a share", tiersUsed, exact)
	}
	must(t, s.Close())
}
