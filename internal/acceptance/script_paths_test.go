package acceptance

import (
	"slices"
	"strings"
	"testing"
	"time"
)

const pathQuery = `query($f: ID!, $t: ID!, $w: Window!) {
  paths(from: $f, to: $t, window: $w) { reached notBefore paths { earliestArrival observed hops { flow { id } at until } } doubts { flow { id } node { id } start end reason } coverage { ` + coverageFields + ` } }
}`

type pathsAnswer struct {
	Paths struct {
		Reached   string
		NotBefore *time.Time
		Paths     []struct {
			EarliestArrival time.Time
			Observed        bool
			Hops            []hop
		}
		Doubts   []doubt
		Coverage coverage
	}
}

// arrival is the tick in which what left a node at the window's start can have reached another, by the script: of the
// flows that surely moved in a tick, or of those that may have; zero: in none.
func (x *scripted) arrival(from, to string, w span, sure bool) time.Time {
	at := map[string]time.Time{from: w.from}
	flows := x.flows()
	for changed := true; changed; {
		changed = false
		for _, id := range flows {
			a, b, _ := strings.Cut(id, "->")
			since, there := at[a]
			if !there {
				continue
			}
			for ; since.Before(w.to); since = since.Add(time.Second) {
				if is := x.is(id, since, since.Add(time.Second)); is == moved || is == unsaid && !sure {
					break
				}
			}
			if was, ok := at[b]; since.Before(w.to) && (!ok || since.Before(was)) {
				at[b], changed = since, true
			}
		}
	}
	return at[to]
}

type doubt struct {
	Flow, Node *struct{ ID string }
	Start, End time.Time
	Reason     string
}

type hop struct {
	Flow      struct{ ID string }
	At, Until time.Time
}

// overGap is how far back what a commit tells can reach that is first seen after ticks that were not observed.
const overGap = 30 * time.Second

// mayHave reports whether what was read allows a way that the script excludes: each hop moved in the stretch of its
// reading, which is of several ticks, of which the way takes the one that suits it. Where ticks after it were not
// observed, the first reading after them is of all.
func (x *scripted) mayHave(hops []hop) bool {
	long := false
	for _, h := range hops {
		until := h.Until
		for at := h.Until; at.Before(h.Until.Add(overGap)); at = at.Add(time.Second) {
			if !x.whole(at, at.Add(time.Second)) {
				until = at.Add(time.Second)
			} else if !strings.HasPrefix(h.Flow.ID, "topic:") { // who writes is counted in each round
				break
			}
		}
		if x.is(h.Flow.ID, h.At, until) == rested {
			return false
		}
		long = long || until.Sub(h.At) > time.Second
	}
	return long
}

// pathsEqual asks whether what left one place can have reached another in windows by chance: it is so where the order
// of the script's hops allows it.
func (x *scripted) pathsEqual(t *testing.T, n int) {
	t.Helper()
	ends := [][2]string{
		{topicID(stages[0]), topicID(stages[2])},
		{"application:west/feeder", topicID(stages[2])},
		{"application:west/feeder", "application:west/" + sink},
		{topicID(stages[0]), "application:west/" + sink},
		{topicID(stages[1]), "application:west/" + sink},
		{"application:west/feeder", topicID(stages[1])},
	}
	answers := map[string]int{}
	for range n {
		at := x.instants(2, x.begun, x.ended)
		slices.SortFunc(at, time.Time.Compare)
		w := span{tickOf(at[0]), tickOf(at[1]).Add(time.Second)}
		if x.chance.IntN(2) == 0 { // a short one, in which the order decides
			w.to = w.from.Add(time.Duration(2+x.chance.IntN(8)) * time.Second)
		}
		pair := ends[x.chance.IntN(len(ends))]
		if x.chance.IntN(8) == 0 { // against the stream
			pair[0], pair[1] = topicID(stages[2]), topicID(stages[0])
		}
		var d pathsAnswer
		err := x.ask(t, pathQuery, map[string]any{"f": pair[0], "t": pair[1], "w": between(w.from, w.to)}, &d)
		if err != nil && !strings.Contains(err.Error(), "NOT_FOUND") && !strings.Contains(err.Error(), "NOT_OBSERVED") {
			t.Fatal(err)
		}
		got := d.Paths
		early, late := x.arrival(pair[0], pair[1], w, false), x.arrival(pair[0], pair[1], w, true)
		whole := got.Coverage.Complete
		answers[got.Reached]++
		var wrong bool
		switch got.Reached {
		case "": // one of the two was not there yet
			wrong = !late.IsZero()
		case "YES":
			// It has arrived by the end of a tick.
			first := got.Paths[0].EarliestArrival
			wrong = (early.IsZero() || first.Before(early)) && !x.mayHave(got.Paths[0].Hops) || got.NotBefore == nil || !late.IsZero() && (got.NotBefore.After(late) || whole && first.After(late.Add(time.Second)))
		case "NO":
			wrong = !late.IsZero() || !whole
		default:
			wrong = whole && !late.IsZero() && !slices.ContainsFunc(got.Doubts, func(d doubt) bool { return strings.Contains(d.Reason, "reaches beyond the window") })
		}
		if wrong {
			t.Errorf("from %s to %s in [%s, %s): %+v, and by the script it arrives in %s at the earliest, surely in %s", pair[0], pair[1], w.from.Format(time.TimeOnly), w.to.Format(time.TimeOnly), got, early.Format(time.TimeOnly), late.Format(time.TimeOnly))
		}
		if err == nil && x.outage.from.After(w.from) && x.outage.to.Before(w.to) {
			x.wantOutage(t, "paths", got.Coverage)
		}
	}
	t.Logf("%d questions for ways: %v", n, answers)
	if answers["YES"]+answers["NO"] == 0 {
		t.Error("nothing was known, so nothing was tested")
	}
}
