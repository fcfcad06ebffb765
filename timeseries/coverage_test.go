package timeseries_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store/storetest"
	"github.com/lineaged/lineaged/timeseries"
)

// watched is a source of a world whose coverage is asked: how often it observes, in ticks, and what it does in each
// tick from the first on.
//
//	o  a round that covers the interval      O  one that covers the tick only, as the first after a start does
//	x  a round that saw nothing              X  the same, of the tick only
//	h  a round that missed a half            .  no round
type watched struct {
	every  int
	ticks  string
	untold bool // no fact says that it is expected
	off    int  // the round of another source that says that it is switched off; 0: none
}

const (
	covTick   = 10 * time.Second
	notHere   = "nothing was recorded: lineaged was not running, or did not watch this yet"
	stopped   = "nothing was recorded: lineaged was not running, or could not store"
	othersRan = "nothing was recorded of a source that was expected, while others went on"
)

var covStart = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

func covAt(n int) time.Time { return covStart.Add(time.Duration(n) * covTick) }

// observations are what the sources of a world store, by time.
func observations(world map[string]watched) (all []lineage.Observation) {
	for name, w := range world {
		src := lineage.Source{Cluster: "west", Name: name}
		told := w.untold
		for i, c := range w.ticks {
			if c == '.' {
				continue
			}
			o := lineage.Observation{Source: src, Round: covAt(i + 1), Interval: time.Duration(w.every) * covTick, At: covAt(i + 1)}
			if c == 'O' || c == 'X' {
				o.Interval = covTick
			}
			switch c {
			case 'x', 'X':
				o.Missing = []lineage.Missing{{All: true, Share: 1, Reason: "failed"}}
			case 'h':
				o.Missing = []lineage.Missing{{Share: 0.5, Reason: "half"}}
			}
			if !told {
				o.Facts = append(o.Facts, expects(src, lineage.SourceFact{State: lineage.SourceExpected, Interval: time.Duration(w.every) * covTick}))
				told = true
			}
			for other, x := range world {
				if x.off == i+1 && other != name && c == 'o' && w.every == 1 {
					o.Facts = append(o.Facts, expects(lineage.Source{Cluster: "west", Name: other}, lineage.SourceFact{State: lineage.SourceOff, Reason: "by configuration"}))
				}
			}
			all = append(all, o)
		}
	}
	slices.SortFunc(all, func(a, b lineage.Observation) int {
		return strings.Compare(a.Round.Format(time.RFC3339)+a.Source.Name, b.Round.Format(time.RFC3339)+b.Source.Name)
	})
	return all
}

func expects(src lineage.Source, f lineage.SourceFact) lineage.Fact {
	return lineage.Fact{Key: lineage.FactKey{Source: src.Cluster, Kind: lineage.SourceFacts, Name: src.Name}, Source: &f}
}

// said writes coverage as a line: the fraction, and each gap as SOURCE FROM-TO REASON.
func said(c lineage.Coverage) string {
	words := map[string]string{notHere: "not yet", stopped: "stopped", othersRan: "silent"}
	out := fmt.Sprintf("%.3g", c.ObservedFraction)
	for _, g := range c.Gaps {
		reason := g.Reason
		if w, ok := words[reason]; ok {
			reason = w
		}
		out += fmt.Sprintf("; %s %d-%d %s", g.Source.Name, g.Window.Start.Sub(covStart)/covTick, g.Window.End.Sub(covStart)/covTick, reason)
	}
	if c.Complete != (len(c.Gaps) == 0 && c.ObservedFraction == 1) {
		out += "; complete: " + fmt.Sprint(c.Complete)
	}
	return out
}

// TestCoverageOfWorlds asks what was observed of small worlds. Each is asked of memory, of a folder, of a folder that
// was opened anew, of one that got its rounds in the other order, and of sealed blocks.
func TestCoverageOfWorlds(t *testing.T) {
	t.Parallel()
	dots := func(n int) string { return strings.Repeat(".", n) }
	rounds := func(n int) string { return strings.Repeat("o", n) }
	type ask struct {
		from, to int
		want     string
	}
	for name, w := range map[string]struct {
		world map[string]watched
		asks  []ask
	}{
		"a stop of lineaged": {
			// members look every six ticks; the process is killed after tick 13 and starts at 41
			world: map[string]watched{
				"ends":    {every: 1, ticks: rounds(13) + dots(27) + rounds(12)},
				"members": {every: 6, ticks: "O.....o.....o" + dots(27) + "O.....o....."},
			},
			asks: []ask{
				{1, 13, "1"},
				{20, 30, "0; ends 20-30 stopped; members 20-30 stopped"},
				{10, 45, "0.229; ends 13-40 stopped; members 13-40 stopped"},
				{41, 50, "1"},
				{39, 42, "0.667; ends 39-40 stopped; members 39-40 stopped"},
			},
		},
		"a stop that a slow round reaches back over": {
			// nobody cuts what it covers; also where the window ends in the stop nobody is said to have gone on
			world: map[string]watched{
				"ends":    {every: 1, ticks: rounds(12) + dots(5) + rounds(8)},
				"groups":  {every: 1, ticks: rounds(12) + dots(5) + rounds(8)},
				"members": {every: 12, ticks: "O" + dots(11) + dots(5) + "o" + dots(7)},
			},
			asks: []ask{
				{12, 17, "0.333; ends 12-17 stopped; groups 12-17 stopped"},
				{13, 15, "0.333; ends 13-15 stopped; groups 13-15 stopped"},
				{11, 19, "0.565; ends 12-17 stopped; groups 12-17 stopped"},
			},
		},
		"one is silent while others go on": {
			world: map[string]watched{
				"ends":   {every: 1, ticks: rounds(30)},
				"groups": {every: 1, ticks: rounds(10) + dots(10) + rounds(10)},
				"dead":   {every: 1, ticks: rounds(5)},
			},
			asks: []ask{
				{10, 20, "0.333; dead 10-20 silent; groups 10-20 silent"},
				{8, 12, "0.5; dead 8-12 silent; groups 10-12 silent"},
				{0, 5, "1"},
				{25, 30, "0.667; dead 25-30 silent"},
			},
		},
		"silent, and then all stop": {
			world: map[string]watched{
				"ends":   {every: 1, ticks: rounds(20) + dots(10) + rounds(5)},
				"groups": {every: 1, ticks: rounds(10) + dots(20) + rounds(5)},
			},
			asks: []ask{
				{15, 25, "0.25; groups 15-20 silent; ends 20-25 stopped; groups 20-25 stopped"},
				{5, 35, "0.5; groups 10-20 silent; ends 20-30 stopped; groups 20-30 stopped"},
			},
		},
		"only slow sources": {
			world: map[string]watched{
				"configs": {every: 6, ticks: "O.....o.....o.....o.....o"},
				"members": {every: 6, ticks: "O.....o...........o.....o"},
			},
			asks: []ask{
				{1, 25, "0.875; members 7-13 silent"},
				{8, 12, "0.5; members 8-12 silent"},
			},
		},
		"before the first start": {
			world: map[string]watched{
				"ends":    {every: 1, ticks: dots(30) + rounds(20)},
				"members": {every: 6, ticks: dots(30) + "O.....o.....o......."},
			},
			asks: []ask{
				{0, 30, "0; ends 0-30 not yet; members 0-30 not yet"},
				{25, 30, "0; ends 25-30 not yet; members 25-30 not yet"},
				{25, 35, "0.5; ends 25-30 not yet; members 25-30 not yet"},
				{30, 40, "1"},
			},
		},
		"not due, and failed": {
			// both look every six ticks, last at 13; what failed then is not known until it looks again
			world: map[string]watched{
				"ends":    {every: 1, ticks: rounds(17)},
				"members": {every: 6, ticks: "O.....o.....o...."},
				"configs": {every: 6, ticks: "O.....o.....x...."},
			},
			asks: []ask{
				{1, 7, "1"},
				{7, 13, "0.667; configs 7-13 failed"},
				{14, 17, "0.5; configs 14-17 failed"},
				{10, 17, "0.588; configs 10-17 failed"},
			},
		},
		"failed in part, and not due": {
			world: map[string]watched{
				"ends":    {every: 1, ticks: rounds(10)},
				"configs": {every: 6, ticks: "O.....h..."},
			},
			asks: []ask{{8, 10, "1"}, {5, 7, "0.75; configs 5-7 half"}, {5, 10, "0.857; configs 5-7 half"}},
		},
		"failed, and overdue": {
			world: map[string]watched{
				"ends":    {every: 1, ticks: rounds(30)},
				"configs": {every: 6, ticks: "O.....x......................."},
			},
			asks: []ask{
				{7, 12, "0.5; configs 7-12 failed"}, // it was not due then
				{7, 14, "0.5; configs 7-14 silent"},
				{20, 30, "0.5; configs 20-30 silent"},
				{2, 7, "0.5; configs 2-7 failed"},
			},
		},
		"failed and back": {
			world: map[string]watched{
				"ends":    {every: 1, ticks: rounds(20)},
				"configs": {every: 6, ticks: "O.....xXXO.....o...."},
			},
			asks: []ask{{1, 16, "0.733; configs 1-9 failed"}, {9, 16, "1"}, {16, 20, "1"}},
		},
		"the first round is the tick's, and the next is due an interval later": {
			world: map[string]watched{
				"ends":    {every: 1, ticks: rounds(20) + dots(20) + rounds(5)},
				"members": {every: 6, ticks: "O.....o.....o.....o." + dots(20) + "O...."},
			},
			asks: []ask{
				{41, 45, "1"},
				{42, 45, "1"},
				{40, 45, "1"},
				{38, 45, "0.6; ends 38-40 stopped; members 38-40 stopped"},
			},
		},
		"late by a tick": {
			world: map[string]watched{
				"ends":    {every: 1, ticks: rounds(16)},
				"members": {every: 6, ticks: "O.....o........."},
			},
			asks: []ask{
				{8, 12, "1"},
				{8, 13, "0.5; members 8-13 silent"}, // others have ended the round that it is due at
				{8, 16, "0.5; members 8-16 silent"},
			},
		},
		"switched off": {
			world: map[string]watched{
				"ends":  {every: 1, ticks: rounds(30)},
				"lists": {every: 1, ticks: rounds(10), off: 15},
			},
			asks: []ask{{5, 20, "0.8; lists 10-15 silent"}, {15, 20, "1"}, {20, 30, "1"}},
		},
		"nobody was told of": {
			world: map[string]watched{
				"ends":   {every: 1, ticks: rounds(10) + dots(10) + rounds(10), untold: true},
				"groups": {every: 1, ticks: rounds(30), untold: true},
			},
			asks: []ask{{5, 25, "0.75; ends 10-20 not yet"}, {20, 30, "1"}},
		},
	} {
		all := observations(w.world)
		check := func(how string, s timeseries.Store) {
			t.Helper()
			for _, a := range w.asks {
				c := storetest.Ask(t, s, lineage.Window{Start: covAt(a.from), End: covAt(a.to)}).Coverage()
				if got := said(c); got != a.want {
					t.Errorf("%s, %s: (%d, %d] is\n  %s, want\n  %s", name, how, a.from, a.to, got, a.want)
				}
			}
		}
		o := timeseries.Options{Tick: covTick, MinFree: 1, Log: slog.New(slog.DiscardHandler)}
		memory := timeseries.NewMemory(o)
		fillWorld(t, memory, all)
		check("in memory", memory)
		if err := memory.Maintain(t.Context(), covAt(2000)); err != nil {
			t.Fatal(err)
		}
		check("sealed", memory)
		_ = memory.Close()

		back := slices.Clone(all)
		slices.Reverse(back)
		reversed := timeseries.NewMemory(o)
		fillWorld(t, reversed, back)
		check("backwards", reversed)
		_ = reversed.Close()

		dir := t.TempDir()
		for _, how := range []string{"in a folder", "opened anew"} {
			disk, err := timeseries.Open(dir, o)
			if err != nil {
				t.Fatal(err)
			}
			if how == "in a folder" {
				fillWorld(t, disk, all)
			}
			check(how, disk)
			if err := disk.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestCoverageOfCoarseSteps asks what was observed of steps of a minute and of an hour: a part of a step in which
// nothing was recorded has the reason that it had.
func TestCoverageOfCoarseSteps(t *testing.T) {
	t.Parallel()
	dots := func(n int) string { return strings.Repeat(".", n) }
	rounds := func(n int) string { return strings.Repeat("o", n) }
	world := map[string]watched{
		"ends":   {every: 1, ticks: rounds(39) + dots(30) + rounds(30)},
		"groups": {every: 1, ticks: rounds(16) + dots(10) + rounds(13) + dots(30) + rounds(30)},
		"off":    {every: 1, ticks: rounds(20), off: 80},
		"old":    {every: 1, ticks: rounds(3) + dots(2) + rounds(34) + dots(30) + rounds(30), untold: true},
	}
	for _, c := range []struct {
		now, from, to int
		want          string
	}{
		{2000, 0, 18, "0.944; old 3-5 not yet; groups 16-18 silent"},
		{2000, 36, 72, "0.125; off 36-39 silent; ends 39-69 stopped; groups 39-69 stopped; off 39-69 stopped; old 39-69 not yet; off 69-72 silent"},
		{20000, 0, 18, "0.944; old 0-6 not yet; groups 12-18 silent"},
		{20000, 12, 36, "0.729; groups 12-30 silent; off 18-36 silent"},
		{20000, 36, 72, "0.125; ends 36-72 stopped; groups 36-72 stopped; off 36-42 silent; old 36-72 not yet; off 42-66 stopped; off 66-72 silent"},
		{90000, 0, 360, "0.185; ends 0-360 stopped; groups 0-360 silent; groups 0-360 stopped; off 0-80 silent; off 0-80 stopped; off 0-80 not yet; old 0-360 not yet"},
	} {
		s := timeseries.NewMemory(timeseries.Options{
			Tick: covTick, Retention: timeseries.Retention{Raw: 6 * time.Hour, Minute: 48 * time.Hour, Hour: 1000 * time.Hour}, Log: slog.New(slog.DiscardHandler),
		})
		fillWorld(t, s, observations(world))
		for range 100 {
			if err := s.Maintain(t.Context(), covAt(c.now)); err != nil {
				t.Fatal(err)
			}
		}
		got := storetest.Ask(t, s, lineage.Window{Start: covAt(c.from), End: covAt(c.to)})
		if line := said(got.Coverage()); line != c.want {
			t.Errorf("at %d, (%d, %d] by %s is\n  %s, want\n  %s", c.now, c.from, c.to, got.Step, line, c.want)
		}
		_ = s.Close()
	}
}

func fillWorld(t *testing.T, s timeseries.Store, all []lineage.Observation) {
	t.Helper()
	for _, o := range all {
		if err := s.Append(context.Background(), o); err != nil {
			t.Fatal(err)
		}
	}
}
