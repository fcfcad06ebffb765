package answer_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

func diffOf(t testing.TB, a *answer.Answers, ask answer.DiffAsk) *answer.Diff {
	t.Helper()
	if ask.Factor == 0 {
		ask.Factor = 2
	}
	d, err := a.Diff(context.Background(), ask, answer.All)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// toldDiff writes a difference as +added -removed ~changed ?unknown, sorted.
func toldDiff(d *answer.Diff) string {
	var out []string
	short := func(f lineage.Flow) string { return f.From.Name + ">" + f.To.Name }
	for _, f := range d.Added {
		out = append(out, "+"+short(f))
	}
	for _, f := range d.Removed {
		out = append(out, "-"+short(f))
	}
	for _, c := range d.Changed {
		out = append(out, fmt.Sprintf("~%s %.1f %.1f", short(c.Flow), c.Before, c.After))
	}
	for _, u := range d.Unknown {
		out = append(out, "?"+short(u.Flow))
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// between is a window of rounds: those after from up to to.
func between(from, to int) answer.Span { return answer.Between(round(from), round(to)) }

// TestDiff plays one script and compares its parts.
func TestDiff(t *testing.T) {
	a, c := topic("a"), topic("c")
	web, reader, nightly, busy := writes(a, group("web")), reads(a, group("reader")), writes(c, group("nightly")), reads(c, group("busy"))
	s := newPlay(t, web, reader, nightly, busy)
	for n := 1; n <= 100; n++ {
		s.moves[web][n] = true
		s.moves[reader][n] = n > 50
		s.moves[nightly][n] = n%40 == 5
		s.moves[busy][n] = n%4 == 0 || n > 60
	}
	s.run(100)
	who := answers(s.store)
	f := func(what string, ask answer.DiffAsk, want string) {
		t.Helper()
		if got := toldDiff(diffOf(t, who, ask)); got != want {
			t.Errorf("%s: got %q, want %q", what, got, want)
		}
	}
	f("a reader came, another is four times as fast", answer.DiffAsk{Before: between(10, 30), After: between(70, 84)}, "+a>reader ~c>busy 0.2 1.0")
	f("back", answer.DiffAsk{Before: between(70, 84), After: between(10, 30)}, "-a>reader ~c>busy 1.0 0.2")
	f("by a factor of five", answer.DiffAsk{Before: between(10, 30), After: between(70, 84), Factor: 5}, "+a>reader")
	f("the nightly job ran", answer.DiffAsk{Before: between(10, 30), After: between(30, 50)}, "+nightly>c")
	f("it is quiet since it is not due", answer.DiffAsk{Before: between(60, 70), After: between(70, 84), Quiet: 40 * tick}, "")
	f("it ran, and had run before", answer.DiffAsk{Before: between(60, 70), After: between(80, 90), Quiet: 40 * tick}, "")
	f("it was due", answer.DiffAsk{Before: between(60, 70), After: between(70, 84), Quiet: 20 * tick}, "")
	f("around a root", answer.DiffAsk{Before: between(10, 30), After: between(70, 84), Roots: []lineage.Node{topicNode("a")}}, "+a>reader")
	f("around a root downstream of nothing", answer.DiffAsk{Before: between(10, 30), After: between(70, 84), Roots: []lineage.Node{application("busy")}}, "~c>busy 0.2 1.0")
	f("of one window", answer.DiffAsk{Before: between(10, 30), After: between(10, 30)}, "")
	f("it was silent for 14 ticks", answer.DiffAsk{Before: between(80, 86), After: between(90, 100), Quiet: 14 * tick}, "-nightly>c")
	f("it was not silent for 16", answer.DiffAsk{Before: between(80, 86), After: between(90, 100), Quiet: 16 * tick}, "")
	f("a time before anybody watched", answer.DiffAsk{Before: answer.Between(midnight.Add(-time.Hour), midnight.Add(-50*time.Minute)), After: between(10, 30)}, "?c>busy ?web>a")
	f("a time after", answer.DiffAsk{Before: between(10, 30), After: between(110, 130)}, "?c>busy ?web>a")
}

// TestDiffAgainstScripts holds differences of random worlds with gaps against their scripts: what is said to have come
// or gone has, and what has is said, or said not to be known.
func TestDiffAgainstScripts(t *testing.T) {
	const rounds = 40
	said := map[string]int{}
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 17))
		var all []lineage.Access
		for p := range 3 {
			for i := range 3 {
				if x := topic(fmt.Sprint("t", i)); r.IntN(2) == 0 {
					all = append(all, reads(x, group(fmt.Sprint("p", p))))
				} else {
					all = append(all, writes(x, group(fmt.Sprint("p", p))))
				}
			}
		}
		s := newPlay(t, all...)
		windows := [2][2]int{{1 + r.IntN(5), 12 + r.IntN(5)}, {18 + r.IntN(5), 28 + r.IntN(8)}}
		for _, x := range all {
			from, to := r.IntN(rounds), r.IntN(rounds)
			for n := 1; n <= rounds; n++ {
				s.moves[x][n] = n >= from && n <= to && r.IntN(3) > 0
			}
		}
		for n := 2; n <= rounds; n++ {
			s.dark[n] = seed%3 > 0 && r.IntN(4) == 0
		}
		for _, w := range windows { // what is told at a border is of the tick
			for _, n := range w {
				s.dark[n], s.dark[n+1] = false, false
				if seed%3 < 2 {
					continue
				}
				s.dark[w[1]] = r.IntN(2) == 0 // but for the end of one
			}
		}
		s.run(rounds)
		d := diffOf(t, answers(s.store), answer.DiffAsk{Before: between(windows[0][0], windows[0][1]), After: between(windows[1][0], windows[1][1]), Factor: 1000})
		got := map[lineage.Flow]string{}
		for what, flows := range map[string][]lineage.Flow{"added": d.Added, "removed": d.Removed} {
			for _, f := range flows {
				got[f] = what
			}
		}
		for _, u := range d.Unknown {
			got[u.Flow] = "unknown"
		}
		gaps := slices.Contains(slices.Collect(maps.Values(s.dark)), true)
		for _, x := range all {
			in := func(w [2]int) bool {
				for n := w[0] + 1; n <= w[1]; n++ {
					if s.moves[x][n] {
						return true
					}
				}
				return false
			}
			want := ""
			switch before, after := in(windows[0]), in(windows[1]); {
			case after && !before:
				want = "added"
			case before && !after:
				want = "removed"
			}
			is := got[flowOf(x)]
			said[is]++
			if is != want && (is != "unknown" || !gaps) {
				t.Fatalf("seed %d, %v in %v and dark %v: got %q, want %q", seed, flowOf(x), windows, s.dark, is, want)
			}
		}
	}
	for _, is := range []string{"", "added", "removed", "unknown"} {
		if said[is] < 100 {
			t.Errorf("%q was said %d times: the worlds are too poor", is, said[is])
		}
	}
}

// What comes late is in the difference as if it had come in time, and a rule that renames somebody is no difference.
func TestDiffOfLateEvidenceAndNewNames(t *testing.T) {
	a := topic("a")
	s := newPlay(t, writes(a, group("web")), reads(a, group("reader")))
	for n := 1; n <= 60; n++ {
		s.moves[s.accesses[0]][n], s.moves[s.accesses[1]][n] = true, n > 30
	}
	s.run(60)
	late := reads(a, group("late"))
	for n := 1; n <= 60; n++ {
		if n == 15 || n == 16 {
			continue
		}
		s.observe("west", "telemetry", n, s.moved(late, lineage.Telemetry, 1))
	}
	who := identityOf(map[string]string{})
	o := answer.Options{History: s.store, Identity: func() answer.Identity { return who }, Clusters: []answer.ClusterConfig{{Source: "west", Name: "west"}}}
	ans := answer.New(o)
	ask := answer.DiffAsk{Before: between(10, 20), After: between(40, 50)}
	if got := toldDiff(diffOf(t, ans, ask)); got != "+a>reader" {
		t.Errorf("got %q", got)
	}
	who = identityOf(map[string]string{"web": "shop", "reader": "billing"})
	if got := toldDiff(diffOf(t, ans, ask)); got != "+a>billing" {
		t.Errorf("with new names: got %q", got)
	}
	s.observe("west", "headers", 12, s.moved(reads(a, group("reader")), lineage.BatchHeader, 1))
	if got := toldDiff(diffOf(t, ans, ask)); got != "" {
		t.Errorf("what came late says that it moved before too: got %q", got)
	}
}

// renaming is people, but for those whom a rule calls otherwise.
type renaming struct {
	people
	names *map[string]string
}

func identityOf(names map[string]string) answer.Identity { return renaming{names: &names} }

func (r renaming) Resolve(c lineage.Cluster, a lineage.Access, known lineage.Known) (lineage.Node, string) {
	n, by := r.people.Resolve(c, a, known)
	if to := (*r.names)[n.Name]; to != "" {
		n.Name, by = to, "rule 1"
	}
	return n, by
}

// A count over a time that reaches beyond a window does not say that it was within.
func TestDiffAtABorder(t *testing.T) {
	a := topic("a")
	s := newPlay(t, writes(a, group("web")), reads(a, group("reader")))
	for n := 1; n <= 40; n++ {
		s.moves[s.accesses[0]][n] = true
	}
	s.moves[s.accesses[1]][19] = true // told in round 22, with all since round 18
	s.dark[19], s.dark[20], s.dark[21] = true, true, true
	s.run(40)
	d := diffOf(t, answers(s.store), answer.DiffAsk{Before: between(2, 10), After: between(20, 30)})
	if toldDiff(d) != "?a>reader" || !strings.Contains(d.Unknown[0].Why, "beyond a window") {
		t.Errorf("got %q, %+v", toldDiff(d), d.Unknown)
	}
}

// Who wrote while somebody wrote whom nothing names may have been that one.
func TestDiffOfTheNameless(t *testing.T) {
	a := topic("a")
	s := newPlay(t, writes(a, producer(1)), writes(a, group("web")))
	for n := 1; n <= 40; n++ {
		s.moves[s.accesses[0]][n], s.moves[s.accesses[1]][n] = n < 20, n > 20
	}
	s.run(40)
	d := diffOf(t, answers(s.store), answer.DiffAsk{Before: between(2, 10), After: between(22, 30)})
	if got := toldDiff(d); got != "-a>a ?web>a" {
		t.Errorf("got %q", got)
	}
}

func TestDiffIsBounded(t *testing.T) {
	s := newPlay(t, writes(topic("a"), group("web")))
	s.run(20)
	who := answers(s.store)
	var refused *answer.RefusedError
	for _, ask := range []answer.DiffAsk{
		{Before: between(1, 5), After: between(6, 9), Factor: 1},
		{Before: between(1, 5), After: between(6, 9), Factor: 2, Quiet: -time.Second},
		{Before: between(1, 5), After: between(6, 9), Factor: 2, Quiet: 8 * 24 * time.Hour},
		{Before: between(1, 5), After: between(6, 9), Factor: 2, Roots: []lineage.Node{topicNode("nowhere")}},
	} {
		if _, err := who.Diff(context.Background(), ask, answer.All); !errors.As(err, &refused) {
			t.Errorf("%+v: got %v", ask, err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := who.Diff(ctx, answer.DiffAsk{Before: between(1, 5), After: between(6, 9), Factor: 2}, answer.All); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// Who was never seen before is new only if those who see him now saw the window before to its end.
func TestDiffOfWhoIsNew(t *testing.T) {
	for name, w := range map[string]struct {
		dark   []int
		source string
		want   string
	}{
		"seen to its end":                  {source: "all", want: "+a>reader"},
		"a gap within":                     {source: "all", dark: []int{5, 6}, want: "+a>reader"},
		"not seen to its end":              {source: "all", dark: []int{9, 10, 11}, want: "?a>reader"},
		"seen by one who was not there":    {source: "telemetry", want: "?a>reader"},
		"the others saw nothing, this did": {source: "groups", dark: []int{9, 10, 11}, want: "+a>reader"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newPlay(t, writes(topic("a"), group("web")))
			for n := 1; n <= 40; n++ {
				s.moves[s.accesses[0]][n] = true
			}
			for _, n := range w.dark {
				s.dark[n] = true
			}
			reader := reads(topic("a"), group("reader"))
			if w.source == "groups" {
				for n := range 21 {
					s.observe("west", "groups", n)
				}
			}
			s.run(20)
			for n := 21; n <= 40; n++ {
				if w.source != "all" {
					s.observe("west", w.source, n, s.moved(reader, lineage.GroupOffsets, 4))
				} else {
					s.observe("west", "all", n, s.moved(reader, lineage.GroupOffsets, 4), s.moved(s.accesses[0], lineage.ProducerState, 10))
				}
			}
			d := diffOf(t, answers(s.store), answer.DiffAsk{Before: between(2, 10), After: between(22, 30)})
			got := strings.Join(slices.DeleteFunc(strings.Fields(toldDiff(d)), func(s string) bool { return !strings.HasSuffix(s, ">reader") }), " ")
			if got != w.want {
				t.Errorf("got %q of %q, %+v", got, toldDiff(d), d.Unknown)
			}
		})
	}
}

// sees is a round of a window of the request log: the reader moves in it, or it is silent and has a gap.
func (s *play) sees(moves bool, gap [2]int, n int, reader lineage.Access) []filling {
	switch {
	case moves:
		return []filling{movedBy(reader)}
	case n >= gap[0] && n <= gap[1]:
		return []filling{missing("the log could not be read")}
	}
	return nil
}

// Who is only sighted left no total that the next reading tells: any gap of those who sight may hide that one.
func TestDiffOfWhoIsOnlySighted(t *testing.T) {
	for name, w := range map[string]struct {
		gap  [2]int
		want string
	}{
		"all was seen":       {want: "reader"},
		"a gap within":       {gap: [2]int{3, 27}, want: "?a>reader"},
		"a gap at its end":   {gap: [2]int{20, 30}, want: "?a>reader"},
		"a gap of one round": {gap: [2]int{15, 15}, want: "?a>reader"},
	} {
		t.Run(name, func(t *testing.T) {
			reader := reads(topic("a"), group("reader"))
			for _, gone := range []bool{false, true} {
				s := newPlay(t, writes(topic("a"), group("web")))
				silent, moves, want := 0, 40, w.want // the rounds before these windows
				if gone {
					silent, moves = 8*24*360, 10 // after all that is looked back to
				}
				if want == "reader" {
					want = map[bool]string{false: "+a>reader", true: "-a>reader"}[gone]
				}
				for n := range 30 {
					s.observe("west", "requests", min(silent, moves)+n+1, s.sees(silent > moves, w.gap, n+1, reader)...)
				}
				for n := range 30 {
					s.observe("west", "requests", max(silent, moves)+n+1, s.sees(silent < moves, w.gap, n+1, reader)...)
				}
				ask := answer.DiffAsk{Before: between(silent, silent+30), After: between(moves, moves+30)}
				if gone {
					ask.Before, ask.After = ask.After, ask.Before
				}
				d := diffOf(t, answers(s.store), ask)
				if got := strings.Fields(toldDiff(d)); !slices.Contains(got, want) {
					t.Errorf("gone %t: got %q, %+v, want %q", gone, got, d.Unknown, want)
				}
			}
		})
	}
}
