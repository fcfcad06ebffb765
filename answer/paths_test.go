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

// play is a world of programs that read and write topics, and in which ticks each of them really did.
type play struct {
	*world
	accesses []lineage.Access
	moves    map[lineage.Access]map[int]bool // by the round that closes the tick
	dark     map[int]bool                    // rounds that nobody observed
	unsaid   map[lineage.Access]bool         // moved in the dark, which the next round tells
	last     int                             // the newest round observed
}

func newPlay(t testing.TB, accesses ...lineage.Access) *play {
	s := &play{world: newWorld(t), accesses: accesses, moves: map[lineage.Access]map[int]bool{}, dark: map[int]bool{}, unsaid: map[lineage.Access]bool{}}
	var fill []filling
	topics := map[lineage.Topic]bool{}
	for _, x := range accesses {
		s.moves[x] = map[int]bool{}
		topics[x.Topic] = true
		fill = append(fill, s.moved(x, kindOf(x), 1))
	}
	for t := range topics {
		fill = append(fill, facts(topicFact(t)))
	}
	s.observe("west", "all", 0, append(fill, facts(clusterFact(len(topics))))...)
	return s
}

func kindOf(x lineage.Access) lineage.EvidenceKind {
	if x.Op == lineage.Read {
		return lineage.GroupOffsets
	}
	return lineage.ProducerState
}

// run plays the rounds up to one.
func (s *play) run(to int) {
	for n := s.last + 1; n <= to; n++ {
		for _, x := range s.accesses {
			if s.moves[x][n] {
				s.unsaid[x] = true
			}
		}
		if s.dark[n] {
			continue
		}
		var fill []filling
		for _, x := range s.accesses {
			if !s.unsaid[x] {
				continue
			}
			since := round(s.last)
			f := s.moved(x, kindOf(x), 10)
			fill = append(fill, func(o *lineage.Observation) {
				f(o)
				o.Samples[len(o.Samples)-1].Since = since
			})
		}
		clear(s.unsaid)
		s.observe("west", "all", n, fill...)
		s.last = n
	}
}

// reached tries all that moves may allow tick by tick: what is at a node in a tick stays there.
func (s *play) reached(from, to lineage.Node, rounds int, can func(x lineage.Access, n int) bool) bool {
	at := map[lineage.Node]bool{from: true}
	for n := 1; n <= rounds; n++ {
		for range s.accesses { // within a tick the order is not known
			for _, x := range s.accesses {
				f := flowOf(x)
				if at[f.From] && can(x, n) {
					at[f.To] = true
				}
			}
		}
	}
	return at[to]
}

func flowOf(x lineage.Access) lineage.Flow {
	who := application(x.Client.Group)
	if x.Client.Group == "" {
		who = lineage.Node{Scope: "west", Kind: lineage.UnidentifiedNode, Name: x.Topic.Name}
	}
	if x.Op == lineage.Read {
		return lineage.Flow{From: topicNode(x.Topic.Name), To: who}
	}
	return lineage.Flow{From: who, To: topicNode(x.Topic.Name)}
}

func pathsOf(t testing.TB, v *answer.View, from, to lineage.Node) *answer.Paths {
	t.Helper()
	got, err := v.Paths(context.Background(), from, to, false, 5)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func doubts(p *answer.Paths) (out []string) {
	for _, d := range p.Doubts {
		what := ""
		switch {
		case d.Flow != (lineage.Flow{}):
			what = d.Flow.From.Name + ">" + d.Flow.To.Name + " "
		case d.Node != (lineage.Node{}):
			what = d.Node.ID() + " "
		}
		out = append(out, fmt.Sprintf("%s%d-%d: %s", what, d.Window.Start.Sub(midnight)/tick, d.Window.End.Sub(midnight)/tick, d.Why))
	}
	return out
}

// TestPathsInTime asks whether what left the topic a can have reached the topic c through one program.
func TestPathsInTime(t *testing.T) {
	a, c, in, out := topic("a"), topic("c"), group("copier"), group("copier")
	for name, w := range map[string]struct {
		reads, writes []int
		dark          []int
		strangers     bool // somebody whom nothing names wrote to c
		want          answer.Reached
		hops          string
		doubts        []string
	}{
		"read, then written": {reads: []int{5}, writes: []int{8}, want: answer.CanHaveReached, hops: "a>copier 4-5, copier>c 7-8"},
		"in one tick":        {reads: []int{5}, writes: []int{5}, want: answer.CanHaveReached, hops: "a>copier 4-5, copier>c 4-5"},
		"written, then read": {reads: []int{8}, writes: []int{5}, want: answer.NotReached},
		"read for long":      {reads: []int{3, 4, 5, 6, 7, 8}, writes: []int{5}, want: answer.CanHaveReached, hops: "a>copier 2-5, copier>c 4-5"},
		"read, not observed after": {reads: []int{5}, writes: []int{3}, dark: []int{16, 17, 18, 19, 20}, want: answer.ReachedUnknown, hops: "a>copier 4-5, copier>c 15-20?", doubts: []string{
			"copier>c 15-20: not observed by west/all: nothing was recorded: lineaged was not running, or did not watch this yet",
			"15-20: not observed by west/all: nothing was recorded: lineaged was not running, or did not watch this yet: somebody may have come and gone in it",
		}},
		"written, and read in the dark": {reads: []int{8}, writes: []int{5, 12}, dark: []int{8}, want: answer.CanHaveReached, hops: "a>copier 8-9, copier>c 11-12"},
		"written by nobody known": {reads: []int{5}, writes: []int{3}, strangers: true, want: answer.ReachedUnknown, doubts: []string{
			"unidentified:west/c 0-20: nothing names who wrote there: it may have been application:west/copier, or another that had read what left",
		}},
		"a gap whose totals say that nothing moved": {reads: []int{8}, writes: []int{5}, dark: []int{12, 13}, want: answer.ReachedUnknown, doubts: []string{
			"11-13: not observed by west/all: nothing was recorded: lineaged was not running, or did not watch this yet: somebody may have come and gone in it",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			all := []lineage.Access{reads(a, in), writes(c, out)}
			if w.strangers {
				all = append(all, writes(c, producer(7)))
			}
			s := newPlay(t, all...)
			for _, n := range w.reads {
				s.moves[all[0]][n] = true
			}
			for _, n := range w.writes {
				s.moves[all[1]][n] = true
			}
			if w.strangers {
				s.moves[all[2]][9] = true
			}
			for _, n := range w.dark {
				s.dark[n] = true
			}
			s.run(20)
			got := pathsOf(t, view(t, answers(s.store), answer.Between(round(0), round(20)), answer.All), topicNode("a"), topicNode("c"))
			hops := ""
			if len(got.List) > 0 {
				hops = hopsOf(got.List[0])
			}
			if got.Reached != w.want || hops != w.hops || !slices.Equal(doubts(got), w.doubts) {
				t.Errorf("got %d by %q, doubts\n%s", got.Reached, hops, strings.Join(doubts(got), "\n"))
			}
		})
	}
}

func hopsOf(p answer.Path) string {
	var out []string
	for _, h := range p.Hops {
		open := ""
		if !h.Observed {
			open = "?"
		}
		out = append(out, fmt.Sprintf("%s>%s %d-%d%s", h.Flow.From.Name, h.Flow.To.Name, h.At.Sub(midnight)/tick, h.Until.Sub(midnight)/tick, open))
	}
	return strings.Join(out, ", ")
}

// Who reads for the first time within the window, with a position of his own, may have read before; one who is counted
// from his beginning has not.
func TestPathsOfWhoCameLater(t *testing.T) {
	a, c := topic("a"), topic("c")
	for name, by := range map[string]struct {
		first int64
		want  answer.Reached
	}{"a position": {0, answer.ReachedUnknown}, "a beginning": {10, answer.NotReached}} {
		t.Run(name, func(t *testing.T) {
			s := newPlay(t, writes(c, group("copier")), writes(a, group("web")))
			s.moves[s.accesses[0]][4] = true
			s.run(9)
			s.observe("west", "all", 10, s.moved(reads(a, group("copier")), lineage.GroupOffsets, by.first))
			s.observe("west", "all", 11, s.moved(reads(a, group("copier")), lineage.GroupOffsets, 5))
			s.last = 11
			s.run(20)
			v := view(t, answers(s.store), answer.Between(round(0), round(20)), answer.All)
			got := pathsOf(t, v, topicNode("a"), topicNode("c"))
			if got.Reached != by.want {
				t.Errorf("got %d, %q", got.Reached, doubts(got))
			}
			if by.want == answer.ReachedUnknown && (len(got.Doubts) != 1 || !strings.Contains(got.Doubts[0].Why, "may have read before")) {
				t.Errorf("got %q", doubts(got))
			}
		})
	}
}

// What was written to a topic is not read from another that bears its name later.
func TestPathsThroughARemadeTopic(t *testing.T) {
	first, second, c := topic("a"), topic("a"), topic("c")
	second.ID = lineage.TopicID{15: 9}
	s := newPlay(t, writes(first, group("web")), reads(first, group("old")), reads(second, group("copier")), writes(c, group("copier")))
	s.moves[s.accesses[0]][3], s.moves[s.accesses[1]][4] = true, true
	s.moves[s.accesses[2]][8], s.moves[s.accesses[3]][9] = true, true
	s.run(20)
	v := view(t, answers(s.store), answer.Between(round(0), round(20)), answer.All)
	if got := pathsOf(t, v, application("web"), topicNode("c")); got.Reached != answer.NotReached {
		t.Errorf("got %d by %+v, %q", got.Reached, got.List, doubts(got))
	}
	if got := pathsOf(t, v, topicNode("a"), topicNode("c")); got.Reached != answer.CanHaveReached {
		t.Errorf("of the topics that bore the name: got %d, %q", got.Reached, doubts(got))
	}
}

// Who is only seen to read or write, without a count, did so at some time.
func TestPathsOfTheUncounted(t *testing.T) {
	a, c := topic("a"), topic("c")
	s := newPlay(t, writes(a, group("web")))
	s.run(4)
	s.observe("west", "all", 5, movedBy(reads(a, group("copier"))), facts(topicFact(c)))
	s.observe("west", "all", 6, movedBy(writes(c, group("copier"))))
	s.observe("west", "all", 7, movedBy(reads(a, group("other"))))
	s.last = 7
	s.run(20)
	v := view(t, answers(s.store), answer.Between(round(0), round(20)), answer.All)
	if got := pathsOf(t, v, topicNode("a"), topicNode("c")); got.Reached != answer.CanHaveReached || hopsOf(got.List[0]) != "a>copier 4-5, copier>c 5-6" {
		t.Errorf("got %+v", got)
	} else if !got.List[0].Arrival.Equal(round(5)) || !got.NotBefore.Equal(round(0)) {
		t.Errorf("it can have arrived from %s on, seen from %s on", got.NotBefore, got.List[0].Arrival)
	}
	if got := pathsOf(t, v, topicNode("a"), application("other")); got.Reached != answer.CanHaveReached {
		t.Errorf("got %+v", got)
	}
	if got := pathsOf(t, v, topicNode("c"), application("other")); got.Reached != answer.NotReached {
		t.Errorf("got %+v, %q", got, doubts(got))
	}
}

// TestPathsAgainstScripts holds the three answers against scripts: in random worlds with gaps, yes is what the moves
// allow, no what they exclude, and without a gap one of these two is said.
func TestPathsAgainstScripts(t *testing.T) {
	const rounds = 15
	said := map[answer.Reached]int{}
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 16))
		var all []lineage.Access
		for p := range 1 + r.IntN(4) {
			for i := range 4 {
				x := topic(fmt.Sprint("t", i))
				if r.IntN(3) == 0 {
					all = append(all, reads(x, group(fmt.Sprint("p", p))))
				}
				if r.IntN(3) == 0 {
					all = append(all, writes(x, group(fmt.Sprint("p", p))))
				}
			}
		}
		all = append(all, writes(topic("t0"), group("p0")), reads(topic("t3"), group("p3")))
		slices.SortFunc(all, func(a, b lineage.Access) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		all = slices.Compact(all)
		s := newPlay(t, all...)
		for _, x := range all {
			often := r.Float64() / 3
			for n := 1; n <= rounds; n++ {
				s.moves[x][n] = r.Float64() < often
			}
		}
		gaps := r.IntN(3) > 0
		for n := 1; gaps && n < rounds; n++ { // that the newest is not there yet is no gap
			s.dark[n] = r.IntN(6) == 0
		}
		gapped := slices.Contains(slices.Collect(maps.Values(s.dark)), true)
		s.run(rounds)
		v := view(t, answers(s.store), answer.Between(round(0), round(rounds)), answer.All)
		really := func(x lineage.Access, n int) bool { return s.moves[x][n] }
		// A reading after a gap is of all of it: it may be of its own tick.
		allowed := func(x lineage.Access, n int) bool {
			if s.dark[n] {
				return false
			}
			told := s.moves[x][n]
			for n--; s.dark[n]; n-- {
				told = told || s.moves[x][n]
			}
			return told
		}
		for _, from := range []lineage.Node{topicNode("t0"), application("p0")} {
			for _, to := range []lineage.Node{topicNode("t3"), topicNode("t1"), application("p3")} {
				if !v.Has(from) || !v.Has(to) {
					continue
				}
				got := pathsOf(t, v, from, to)
				said[got.Reached]++
				truth, could := s.reached(from, to, rounds, really), s.reached(from, to, rounds, allowed)
				bad := false
				switch got.Reached {
				case answer.CanHaveReached:
					bad = !could
				case answer.NotReached:
					bad = truth || gapped
				case answer.ReachedUnknown:
					bad = !gapped || could
				}
				if bad {
					t.Fatalf("seed %d: %s to %s: got %d (%q), the script says %v, what was seen allows %v; dark %v", seed, from.ID(), to.ID(), got.Reached, doubts(got), truth, could, s.dark)
				}
				for _, p := range got.List {
					s.follow(t, p, from, to)
				}
			}
		}
	}
	for _, a := range []answer.Reached{answer.NotReached, answer.CanHaveReached, answer.ReachedUnknown} {
		if said[a] < 50 {
			t.Errorf("answer %d was given %d times: the worlds are too poor", a, said[a])
		}
	}
}

// follow holds a path against the script: its hops are in the order of time, and each is of somebody who moved then, or
// in a gap before, or of whom nobody knows.
func (s *play) follow(t *testing.T, p answer.Path, from, to lineage.Node) {
	t.Helper()
	at := round(0)
	for i, h := range p.Hops {
		if h.At.Before(at) || !h.At.Before(h.Until) || i > 0 && p.Hops[i-1].Flow.To != h.Flow.From {
			t.Fatalf("hop %d of %q", i, hopsOf(p))
		}
		at = h.At
		n := int(h.At.Sub(midnight)/tick) + 1
		ok := slices.ContainsFunc(s.accesses, func(x lineage.Access) bool {
			return flowOf(x) == h.Flow && (s.moves[x][n] || s.dark[n] || s.dark[n-1])
		})
		if !ok || h.Observed && s.dark[n] {
			t.Fatalf("hop %d of %q: nobody moved then", i, hopsOf(p))
		}
	}
	if p.Hops[0].Flow.From != from || p.Hops[len(p.Hops)-1].Flow.To != to || !p.Arrival.Equal(at) {
		t.Fatalf("%q does not lead from %s to %s", hopsOf(p), from.ID(), to.ID())
	}
}

// A window that is too long for what lies between is refused, and who gives up gets no answer.
func TestPathsAreBounded(t *testing.T) {
	var all []lineage.Access
	for i := range 300 {
		p := group(fmt.Sprint("p", i))
		all = append(all, reads(topic("a"), p), writes(topic("c"), p))
	}
	s := newPlay(t, all...)
	for _, x := range all {
		s.moves[x][2] = true
	}
	s.run(3)
	v := view(t, answers(s.store), answer.Between(midnight, midnight.Add(30*24*time.Hour)), answer.All)
	_, err := v.Paths(context.Background(), topicNode("a"), topicNode("c"), false, 5)
	var refused *answer.RefusedError
	if !errors.As(err, &refused) || refused.Reason != answer.TooMuch {
		t.Errorf("got %v", err)
	}
	if _, err := v.Paths(context.Background(), topicNode("a"), topicNode("a"), false, 5); !errors.As(err, &refused) || refused.Reason != answer.Senseless {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	short := view(t, answers(s.store), answer.Between(midnight, round(3)), answer.All)
	if _, err := short.Paths(ctx, topicNode("a"), topicNode("c"), false, 5); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// What moved in a gap, as the reading after it says, may have moved in any tick of it: another source saw in the gap
// who read on.
func TestPathsThroughAGap(t *testing.T) {
	a, c := topic("a"), topic("c")
	s := newPlay(t, reads(a, group("copier")), writes(c, group("copier")))
	s.moves[s.accesses[0]][5], s.moves[s.accesses[1]][8] = true, true
	s.dark[8], s.dark[9] = true, true
	s.run(20)
	last := reads(c, group("last"))
	for n := range 21 {
		by := int64(0)
		if n == 0 || n == 8 {
			by = 3
		}
		s.observe("west", "groups", n, s.moved(last, lineage.GroupOffsets, by))
	}
	v := view(t, answers(s.store), answer.Between(round(0), round(20)), answer.All)
	got := pathsOf(t, v, topicNode("a"), application("last"))
	if got.Reached != answer.ReachedUnknown || len(got.List) != 1 || hopsOf(got.List[0]) != "a>copier 4-5, copier>c 7-8?, c>last 7-8" {
		t.Errorf("got %d, %+v", got.Reached, got.List)
	}
}

// Who is known by a principal alone may be one program or several: neither yes nor no can be said.
func TestPathsThroughAnAccount(t *testing.T) {
	a, c, who := topic("a"), topic("c"), lineage.Client{Principal: "User:ops"}
	s := newPlay(t, reads(a, who), writes(c, who))
	s.moves[s.accesses[0]][5], s.moves[s.accesses[1]][8] = true, true
	s.run(20)
	got := pathsOf(t, named(t, s.world, answer.Between(round(0), round(20))), topicNode("a"), topicNode("c"))
	if got.Reached != answer.ReachedUnknown || len(got.List) != 1 || got.List[0].Observed || len(got.Doubts) != 1 || !strings.Contains(got.Doubts[0].Why, "only the principal") {
		t.Errorf("got %d, %+v, %q", got.Reached, got.List, doubts(got))
	}
	back := pathsOf(t, named(t, s.world, answer.Between(round(6), round(20))), topicNode("a"), topicNode("c"))
	if back.Reached != answer.NotReached {
		t.Errorf("read before the window: got %d, %q", back.Reached, doubts(back))
	}
}

// The members of a group are spoken for by what the group committed.
func TestPathsOfMembers(t *testing.T) {
	a, c := topic("a"), topic("c")
	s := newPlay(t, reads(a, group("copier")), writes(c, group("copier")))
	s.moves[s.accesses[0]][8], s.moves[s.accesses[1]][5] = true, true
	s.dark[19], s.dark[20] = true, true
	s.run(10)
	s.observe("west", "members", 11, sighted(reads(a, lineage.Client{Group: "copier", Member: "m-1"}), lineage.GroupMembership, ""))
	s.run(20)
	got := pathsOf(t, view(t, answers(s.store), answer.Between(round(0), round(20)), answer.All), topicNode("a"), topicNode("c"))
	if len(got.List) != 1 || hopsOf(got.List[0]) != "a>copier 7-8, copier>c 18-20?" {
		t.Errorf("got %+v", got.List)
	}
}

// Where there are more gaps than are looked at, those that are looked at are the same each time.
func TestPathsThroughManyGaps(t *testing.T) {
	const rounds = 598
	a, c := topic("a"), topic("c")
	s := newWorld(t)
	in, out := reads(a, group("copier")), writes(c, group("copier"))
	s.observe("west", "all", 0, facts(clusterFact(2), topicFact(a), topicFact(c)))
	for n := range rounds + 1 { // each sees every other tick, and they have no gap in common
		if n%2 == 0 {
			s.observe("west", "readers", n, s.moved(in, lineage.GroupOffsets, map[int]int64{0: 1, 350: 10}[n]))
		} else {
			s.observe("west", "writers", n, s.moved(out, lineage.ProducerState, map[int]int64{1: 1, 3: 10}[n]))
		}
	}
	told := map[string]int{}
	for range 50 {
		v := view(t, answers(s.store), answer.Between(round(0), round(rounds)), answer.All)
		got := pathsOf(t, v, topicNode("a"), topicNode("c"))
		said := fmt.Sprint(got.Reached, " ", strings.Join(doubts(got), "; "))
		for _, p := range got.List {
			said += " " + hopsOf(p)
		}
		told[said]++
	}
	if len(told) != 1 {
		t.Errorf("one question has %d answers: %v", len(told), slices.Collect(maps.Values(told)))
	}
}
