package answer

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// What is shared out adds up to what there was, whatever the weights, and nobody's part differs by a record or more
// from what is its by its weight.
func TestSlicesAddUp(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 9))
	for range 2000 {
		weights, sum := make([]float64, 1+r.IntN(7)), 0.0
		for i := range weights {
			weights[i] = float64(1+r.IntN(9)) * (10 + 3600*r.Float64())
			sum += weights[i]
		}
		n, before, total := int64(r.IntN(1_000_000)), 0.0, int64(0)
		if r.IntN(3) == 0 {
			n = int64(r.IntN(9))
		}
		for i, w := range weights {
			s := slice{before / sum, (before + w) / sum}
			if before += w; i == len(weights)-1 {
				s.to = 1
			}
			part := s.of(n)
			if d := float64(part) - float64(n)*w/sum; d <= -1.000001 || d >= 1.000001 {
				t.Fatalf("%v of %d: part %d is %d", weights, n, i, part)
			}
			if s.ofAmount(float64(n)) != float64(part) {
				t.Fatalf("%v of %d: %v and %d", s, n, s.ofAmount(float64(n)), part)
			}
			if half := s.ofAmount(float64(n) + 0.5); half < 0 || half > float64(n)+0.5 {
				t.Fatalf("%v of %v: %v", s, float64(n)+0.5, half)
			}
			total += part
		}
		if total != n {
			t.Fatalf("%v of %d: the parts are %d", weights, n, total)
		}
	}
	if whole := (slice{}); whole.of(7) != 7 || whole.ofAmount(7.5) != 7.5 || whole.share() != 1 {
		t.Error("who shares with nobody does not have all")
	}
}

// alterations returns copies of x in each of which one field has another value, by the field's name.
func alterations(t *testing.T, x any) map[string]any {
	t.Helper()
	out := map[string]any{}
	for i := range reflect.TypeOf(x).NumField() {
		is := reflect.New(reflect.TypeOf(x)).Elem()
		is.Set(reflect.ValueOf(x))
		switch f := is.Field(i); f.Kind() {
		case reflect.String:
			f.SetString(f.String() + "x")
		case reflect.Bool:
			f.SetBool(!f.Bool())
		case reflect.Slice:
			f.Set(reflect.Append(f.Slice3(0, f.Len(), f.Len()), reflect.Zero(f.Type().Elem())))
		case reflect.Pointer:
			f.Set(reflect.New(f.Type().Elem()))
		case reflect.Struct:
			other := f.Field(0)
			switch other.Kind() {
			case reflect.String:
				other.SetString(other.String() + "x")
			default:
				t.Fatalf("%s begins with a %s", is.Type().Field(i).Name, other.Kind())
			}
		default:
			t.Fatalf("%s is a %s", is.Type().Field(i).Name, f.Kind())
		}
		out[is.Type().Field(i).Name] = is.Interface()
	}
	return out
}

// What identity said is said again only while all that it can have looked at is the same: a field that is added to what
// is known must be compared, or an old name stays.
func TestAllThatIsKnownIsCompared(t *testing.T) {
	full := func() lineage.Known {
		return lineage.Known{
			Joined: &lineage.Joined{Client: lineage.Client{ClientID: "c"}}, Group: &lineage.GroupFact{Ref: lineage.GroupRef{Group: "g"}},
			Connector: lineage.Node{Scope: "w", Name: "c"}, Sharers: []lineage.Node{{Name: "s"}}, Application: "a", By: "b",
			Job: &lineage.GroupFact{Type: "Streams"}, Member: &lineage.GroupFact{Protocol: "consumer"}, MemberBy: "m", Name: "n", NameBy: "nb", Home: lineage.Cluster{Name: "h"},
		}
	}
	a, b := full(), full()
	if !sameKnown(&a, &b) {
		t.Error("two that are equal are not the same")
	}
	if n := (lineage.Known{}); !sameKnown(&n, &lineage.Known{}) {
		t.Error("nothing known is not the same twice")
	}
	for name, x := range alterations(t, full()) {
		other := x.(lineage.Known)
		if sameKnown(&a, &other) || sameKnown(&other, &a) {
			t.Errorf("with another %s it is the same", name)
		}
	}
	group := lineage.GroupFact{Ref: lineage.GroupRef{Group: "g"}, Type: "Classic", Protocol: "consumer", Members: []lineage.Member{{ID: "1", ClientID: "c", Host: "h"}}}
	// who is in a group names it; how it is, and what its job does inside, does not
	unread := []string{"State", "MembersKnown", "Topology"}
	for name, x := range alterations(t, group) {
		other := x.(lineage.GroupFact)
		if sameGroup(&group, &other) != slices.Contains(unread, name) {
			t.Errorf("with another %s it is the same: %v", name, !slices.Contains(unread, name))
		}
	}
	for name, x := range alterations(t, group.Members[0]) {
		other := group
		if other.Members = []lineage.Member{x.(lineage.Member)}; sameGroup(&group, &other) {
			t.Errorf("with a member of another %s it is the same", name)
		}
	}
}

// A window has as many steps as are asked for at most, of whole ticks, and would have more of the next shorter.
func TestStepOfAtMost(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 9))
	for range 2000 {
		tick := time.Duration(1+r.IntN(60)) * time.Second
		ticks, most := 1+r.IntN(10_000), 1+r.IntN(500)
		w := lineage.Resolved{Window: lineage.Window{Start: time.Unix(0, 0), End: time.Unix(0, 0).Add(time.Duration(ticks) * tick)}, Step: tick}
		steps := func(s time.Duration) int { return int((w.Duration() + s - 1) / s) }
		got := stepOfAtMost(w, most)
		if got%tick != 0 || got < tick || steps(got) > most || got > tick && steps(got-tick) <= most {
			t.Fatalf("%d ticks of %s in %d steps at most: %s, %d steps", ticks, tick, most, got, steps(got))
		}
	}
}

// clockAt is a view of a window whose end may not have come.
func clockAt(now, end time.Time) *View {
	a := &Answers{clock: func() time.Time { return now }}
	return &View{a: a, lens: All, win: lineage.Resolved{Window: lineage.Window{Start: time.Unix(0, 0), End: end}, Step: time.Second}, state: store.State{Tick: time.Second}}
}

// The gaps of a window whose end has not come cover what they did, each once: none goes over now, what is before it has
// its own reason, and what is after it that of the future.
func TestGapsOfTheFuture(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 9))
	at := func(n int) time.Time { return time.Unix(int64(n), 0) }
	for range 500 {
		now, end := r.IntN(100), 50+r.IntN(80)
		var gaps []lineage.Gap
		for i := range r.IntN(6) {
			from := r.IntN(end)
			gaps = append(gaps, lineage.Gap{Window: lineage.Window{Start: at(from), End: at(from + 1 + r.IntN(end-from))}, Reason: fmt.Sprint(i), Source: lineage.Source{Name: fmt.Sprint(i)}})
		}
		was := slices.Clone(gaps)
		got := clockAt(at(now), at(end)).untilNow(lineage.Coverage{Gaps: gaps}).Gaps
		if !reflect.DeepEqual(gaps, was) {
			t.Fatal("the store's own gaps are changed")
		}
		lasts := map[string]time.Duration{}
		for _, g := range was {
			lasts[g.Source.Name] += g.Window.Duration()
		}
		for _, g := range got {
			lasts[g.Source.Name] -= g.Window.Duration()
			before, after := !g.Window.End.After(at(now)), !g.Window.Start.Before(at(now))
			switch {
			case end <= now: // all of it is past
				if g.Reason != g.Source.Name {
					t.Fatalf("now %d: %+v", now, g)
				}
			case g.Window.Empty(), !before && !after, before && g.Reason != g.Source.Name, after && g.Reason != notYet:
				t.Fatalf("now %d, until %d: %+v", now, end, g)
			}
		}
		for name, rest := range lasts {
			if rest != 0 {
				t.Fatalf("now %d: gap %s is %s shorter, of %v: %v", now, name, rest, was, got)
			}
		}
	}
}

// A text fits as people would say it does: a closer fit ranks before one that is less close.
func TestMatch(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 9))
	word := func() string {
		var b strings.Builder
		for range 1 + r.IntN(4) {
			b.WriteByte("ab"[r.IntN(2)])
		}
		return b.String()
	}
	for range 5000 {
		text, name, owner, tags := word(), word(), strings.ToUpper(word()), []string{word(), word()}
		rank, ok := match(text, name, owner, tags)
		inName := strings.Contains(name, text)
		beside := strings.Contains(strings.ToLower(owner+"\n"+strings.Join(tags, "\n")), text)
		want := 3
		switch {
		case name == text:
			want = 0
		case inName && name[:min(len(text), len(name))] == text:
			want = 1
		case inName:
			want = 2
		}
		if ok != (inName || beside) || ok && rank != want {
			t.Fatalf("%q in %q, %q, %q: %d, %v", text, name, owner, tags, rank, ok)
		}
	}
}

// A word names what is hidden where it is its name, with a point behind or as a partition, and not where it only begins
// as it does.
func TestWordsOfWhatIsHidden(t *testing.T) {
	v := &View{hidden: hidden{topics: map[string]bool{"secret": true, "v-1": true}, names: map[string]bool{"spy": true, "the team's own": true}, phrases: []string{"the team's own"}}}
	for s, shown := range map[string]bool{
		"": true, "all is well": true, "secrets are kept": true, "secret-ary": true, "xsecret": true, "secret_0": true, "spying": true, "spy-0": true, "v": true, "v-2": true, "the team": true,
		"secret": false, "topic secret.": false, "(secret)": false, "west/secret": false, "secret-12": false, "secret-0.": false, "v-1": false, "v-1-7": false, "'spy'": false, "of spy, other": false,
		"connector:connect/spy": false, "group the team's own is empty": false,
	} {
		if got := v.words(s); (got == s) != shown || !shown && got != notShown {
			t.Errorf("%q: %q", s, got)
		}
	}
}
