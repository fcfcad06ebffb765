package collector_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/lineage"
)

// paced is a source of two parts: "fast" observes every round, "slow" in the rounds that it says.
type paced struct {
	slow  map[int]time.Duration // interval by round
	fails map[int]bool          // rounds in which the slow part says that it saw nothing
	since time.Time             // of its counter
}

func (p *paced) Restore(context.Context, collector.Sink) error { return nil }

func (p *paced) Observe(_ context.Context, round time.Time) []lineage.Observation {
	obs := []lineage.Observation{{Source: lineage.Source{Cluster: "west", Name: "fast"}, Round: round, Interval: tick}}
	n := int(round.Sub(grid) / tick)
	if every := p.slow[n]; every > 0 {
		o := lineage.Observation{Source: lineage.Source{Cluster: "west", Name: "slow"}, Round: round, Interval: every, Samples: []lineage.Sample{
			{Metric: lineage.Records, Value: int64(n), Since: p.since}, {Metric: lineage.Lag, Value: 3},
		}}
		if p.fails[n] {
			collector.MissAll(&o, "no broker")
		}
		obs = append(obs, o)
	}
	return obs
}

func (p *paced) Missed(time.Time, string) []lineage.Observation { return nil }

// knowing is a sink that knows what it holds.
type knowing struct{ *sink }

func (k knowing) Newest(source lineage.Source) (newest time.Time) {
	for _, o := range k.obs {
		if o.Source == source {
			newest = o.Round
		}
	}
	return newest
}

const tick = 10 * time.Second

var grid = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// What a round of a slow source covers: its interval, as long as somebody looked.
func TestARoundCoversWhatWasLookedAt(t *testing.T) {
	const every = 6 // ticks
	at := func(n int) time.Time { return grid.Add(time.Duration(n) * tick) }
	for name, c := range map[string]struct {
		slow    []int // rounds of the slow part
		fails   []int
		refused []int        // rounds that the sink does not take
		covers  map[int]int  // ticks, by round
		every   map[int]int  // other intervals than six ticks
		starts  map[int]bool // rounds before which the process is started anew
		knows   bool         // the sink knows which rounds it holds
	}{
		"the first covers its tick":        {slow: []int{1, 7, 13}, covers: map[int]int{1: 1, 7: 6, 13: 6}},
		"as after a start":                 {slow: []int{1, 7, 20, 26}, starts: map[int]bool{20: true}, covers: map[int]int{1: 1, 7: 6, 20: 1, 26: 6}},
		"a start within the interval":      {slow: []int{1, 7, 9, 15}, starts: map[int]bool{9: true}, covers: map[int]int{7: 6, 9: 1, 15: 6}},
		"which the sink knows":             {slow: []int{1, 7, 9, 15}, starts: map[int]bool{9: true}, knows: true, covers: map[int]int{7: 6, 9: 2, 15: 6}},
		"and it is long ago":               {slow: []int{1, 7, 20, 26}, starts: map[int]bool{20: true}, knows: true, covers: map[int]int{7: 6, 20: 1, 26: 6}},
		"and it fails":                     {slow: []int{1, 7, 9, 10, 16}, fails: []int{9}, starts: map[int]bool{9: true}, knows: true, covers: map[int]int{7: 6, 9: 1, 10: 1, 16: 6}},
		"and it knows nothing":             {slow: []int{1, 7}, knows: true, covers: map[int]int{1: 1, 7: 6}},
		"a failure ends what was covered":  {slow: []int{1, 7, 9, 15}, fails: []int{7}, covers: map[int]int{7: 6, 9: 2, 15: 6}},
		"each tick of a failure":           {slow: []int{1, 7, 8, 9, 10, 16}, fails: []int{7, 8, 9}, covers: map[int]int{7: 6, 8: 1, 9: 1, 10: 1, 16: 6}},
		"the first that fails":             {slow: []int{1, 2, 8}, fails: []int{1}, covers: map[int]int{1: 1, 2: 1, 8: 6}},
		"a tick late":                      {slow: []int{1, 8}, covers: map[int]int{8: 6}},
		"eleven ticks, and one was due":    {slow: []int{1, 12}, covers: map[int]int{12: 6}},
		"twelve ticks, and two were due":   {slow: []int{1, 13}, covers: map[int]int{13: 1}},
		"one that is refused was no round": {slow: []int{1, 7, 13, 19}, refused: []int{7}, covers: map[int]int{1: 1, 13: 1, 19: 6}},
		"refused, and asked again at once": {slow: []int{1, 7, 8, 14}, refused: []int{7}, covers: map[int]int{8: 6, 14: 6}},
		"refused from the first on":        {slow: []int{1, 2, 3}, refused: []int{1, 2}, covers: map[int]int{3: 1}},
		"another interval": {
			slow: []int{1, 7, 10, 13}, every: map[int]int{10: 3, 13: 3}, covers: map[int]int{7: 6, 10: 3, 13: 3},
		},
		"a longer interval is no longer a look": {slow: []int{1, 7, 13}, every: map[int]int{13: 20}, covers: map[int]int{7: 6, 13: 6}},
	} {
		src := &paced{slow: map[int]time.Duration{}, fails: map[int]bool{}}
		for _, n := range c.slow {
			src.slow[n] = every * tick
		}
		for n, ticks := range c.every {
			src.slow[n] = time.Duration(ticks) * tick
		}
		for _, n := range c.fails {
			src.fails[n] = true
		}
		dst := &sink{}
		for n := 1; n <= 30; n++ {
			err := error(nil)
			for _, r := range c.refused {
				if r == n {
					err = errors.New("the disk is full")
				}
			}
			dst.errs = append(dst.errs, err)
		}
		var round func(context.Context, time.Time)
		for n := 1; n <= 30; n++ {
			if c.starts[n] || n == 1 {
				var to collector.Sink = dst
				if c.knows {
					to = knowing{dst}
				}
				round = collector.Runner{Interval: tick, Log: discard}.ByHand(src, to)
			}
			round(t.Context(), at(n))
		}
		seen := map[int]int{}
		for _, o := range dst.obs {
			n := int(o.Round.Sub(grid) / tick)
			if o.Source.Name == "fast" {
				if o.Interval != tick {
					t.Errorf("%s: round %d of a fast source covers %s", name, n, o.Interval)
				}
				continue
			}
			seen[n] = int(o.Interval / tick)
			for _, f := range o.Facts { // how often it observes is another thing
				if f.Source.Interval != src.slow[n] {
					t.Errorf("%s: round %d says that the source observes each %s, not %s", name, n, f.Source.Interval, src.slow[n])
				}
			}
			// what a counter advanced in is not changed by it, and a gauge has no such thing
			reaches := o.Samples[0].Since
			if reaches.IsZero() {
				reaches = o.Round.Add(-o.Interval)
			}
			if want := o.Round.Add(-src.slow[n]); !reaches.Equal(want) || !o.Samples[1].Since.IsZero() {
				t.Errorf("%s: round %d: a counter reaches back to %s, not %s, a gauge to %s", name, n, reaches, want, o.Samples[1].Since)
			}
		}
		for n, want := range c.covers {
			if seen[n] != want {
				t.Errorf("%s: round %d covers %d ticks, want %d", name, n, seen[n], want)
			}
		}
	}
}

// A counter that says itself how far its advance reaches back is left as it is.
func TestWhatReachesBackReachesBack(t *testing.T) {
	src := &paced{slow: map[int]time.Duration{1: 6 * tick}, since: grid.Add(-time.Hour)}
	dst := &sink{}
	collector.Runner{Interval: tick, Log: discard}.ByHand(src, dst)(t.Context(), grid.Add(tick))
	if s := dst.obs[1].Samples[0].Since; !s.Equal(src.since) || dst.obs[1].Interval != tick {
		t.Errorf("an advance since %s is told as one since %s, of a round that covers %s", src.since, s, dst.obs[1].Interval)
	}
}

// A part that could not run stays owed, in each round until it can: it was due, and so coverage is to have the reason,
// also where it has never run.
func TestWhatIsOwedIsDue(t *testing.T) {
	var c collector.Cadences
	got := ""
	for n := range 20 {
		round := grid.Add(time.Duration(n) * tick)
		switch fails := n < 2 || n >= 9 && n < 13 || n >= 14 && n < 17; {
		case fails && c.Owe(round, "part", 6*tick):
			got += "x"
		case fails:
			got += "-"
		case c.Due(round, "part", 6*tick):
			got += "o"
		default:
			got += "."
		}
	}
	// at once, as it has never run; six ticks after it ran; not while it is not due; and in each round of the failure
	if want := "xxo.....o----.xxxo.."; got != want {
		t.Errorf("rounds %s, want %s", got, want)
	}
}

// The first round that there ever is of a source saw nothing of what moved in its tick; that of a new process did.
func TestTheFirstLookSeesNoMovement(t *testing.T) {
	dst := knowing{&sink{}}
	var round func(context.Context, time.Time)
	for n := 1; n <= 6; n++ {
		if n == 1 || n == 4 { // another process
			round = collector.Runner{Interval: tick, Log: discard}.ByHand(&paced{}, dst)
		}
		round(t.Context(), grid.Add(time.Duration(n)*tick))
	}
	if len(dst.obs) != 6 {
		t.Fatalf("%d rounds were stored", len(dst.obs))
	}
	for i, o := range dst.obs {
		missing := ""
		for _, m := range o.Missing {
			missing += m.Reason
		}
		if want := map[bool]string{true: "the first look at it: what moved before is not known"}[i == 0]; missing != want {
			t.Errorf("round %d is missing for %q, want %q", i+1, missing, want)
		}
	}
}
