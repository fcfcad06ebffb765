package answer_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/timeseries"
)

// hour returns the instant of the nth hour. The worlds of lives are observed by one source that looks each hour.
func hour(n int) time.Time { return midnight.Add(time.Duration(n) * time.Hour) }

// inHour is an observation of all of west in an hour.
func inHour(n int, fill ...filling) lineage.Observation {
	o := lineage.Observation{Source: lineage.Source{Cluster: "west", Name: "all"}, Round: hour(n), Interval: time.Hour, At: hour(n)}
	for _, f := range fill {
		f(&o)
	}
	return o
}

// anew is a topic that bears the name of another.
func anew(name string, generation byte) lineage.Topic {
	t := topic(name)
	t.ID[15] = generation
	return t
}

// lives is a world of twenty days in which some come and go.
func lives(w *world, dark func(n int) bool) {
	orders, old, again := topic("orders"), topic("old"), topic("again")
	quitter := groupFact(&lineage.GroupFact{Ref: lineage.GroupRef{Cluster: west, Group: "quitter"}, Type: "Consumer", State: "Stable"})
	eachHour := lineage.Fact{
		Key:    lineage.FactKey{Source: "west", Kind: lineage.SourceFacts, Name: "all"},
		Source: &lineage.SourceFact{State: lineage.SourceExpected, Interval: time.Hour},
	}
	var seen []lineage.Observation
	var told []lineage.Fact // and not observed yet
	for n := 1; n <= 480; n++ {
		fill := []filling{w.moved(self(orders), lineage.NoEvidence, 60), w.moved(writes(orders, producer(1)), lineage.ProducerState, 60)}
		read := func(t lineage.Topic, who string) {
			fill = append(fill, w.moved(reads(t, group(who)), lineage.GroupOffsets, 5))
		}
		switch n {
		case 1:
			told = append(told, clusterFact(3), topicFact(orders), topicFact(old), topicFact(again), eachHour)
			fill = append(fill, w.moved(self(old), lineage.NoEvidence, 1), w.moved(self(again), lineage.NoEvidence, 1))
		case 100:
			told = append(told, gone(topicFact(old)), gone(topicFact(again)))
		case 130:
			told = append(told, topicFact(anew("again", 2)))
			fill = append(fill, w.moved(self(anew("again", 2)), lineage.NoEvidence, 1))
		case 150:
			told = append(told, gone(topicFact(again)), gone(quitter))
		case 10:
			told = append(told, quitter)
		}
		switch {
		case n >= 10 && n <= 60:
			read(orders, "quitter")
			read(orders, "silent")
			if n <= 50 {
				read(old, "worker")
			}
			fallthrough
		case n >= 440:
			read(orders, "twice")
		case n >= 300 && n < 440 && n <= 310:
			read(orders, "between")
		}
		if n >= 420 {
			read(orders, "late")
		}
		if dark == nil || !dark(n) {
			seen = append(seen, inHour(n, append(fill, facts(told...))...))
			told = nil
		}
	}
	if err := w.store.Append(context.Background(), seen...); err != nil {
		w.t.Fatal(err)
	}
	time.Sleep(time.Until(hour(480)) + time.Second)
}

// told writes a life by hours.
func toldLife(l answer.Life) string {
	if l.End == answer.LifeNever {
		return "never seen"
	}
	at := func(t time.Time) string {
		if t.IsZero() {
			return "-"
		}
		if d := t.Sub(midnight) % time.Hour; d != 0 {
			return fmt.Sprintf("%d+%s", t.Sub(midnight)/time.Hour, d)
		}
		return fmt.Sprint(int(t.Sub(midnight) / time.Hour))
	}
	end := map[answer.LifeEnd]string{
		answer.LifeThere: "there", answer.LifeGone: "gone", answer.LifeSilent: "silent", answer.LifeNotObserved: "not observed", answer.LifeLater: "later",
	}[l.End]
	return fmt.Sprintf("%s: seen %s to %s, since %s, gone at %s, shown %s to %s, observed %.2f", end, at(l.First), at(l.Last), at(l.Since), at(l.GoneAt),
		at(l.Window.Start), at(l.Window.End), l.Coverage.ObservedFraction)
}

func lifeOf(t *testing.T, a *answer.Answers, in answer.Span, id string) answer.Life {
	t.Helper()
	var of answer.Lived
	f, err := lineage.ParseFlowID(id)
	if err == nil {
		of = answer.LivedFlow(f)
	} else {
		var n lineage.Node
		n, err = lineage.ParseNodeID(id)
		of = answer.LivedNode(n)
	}
	if err != nil {
		t.Fatal(err)
	}
	all, err := view(t, a, in, answer.All).LastLives(t.Context(), []answer.Lived{answer.LivedNode(topicNode("nobody")), of})
	if err != nil || len(all) != 2 || all[0].End != answer.LifeNever {
		t.Fatal(all, err)
	}
	return all[1]
}

func hours(from, to int) answer.Span { return answer.Between(hour(from), hour(to)) }

// Who is not in a window any more is told of by when it was seen, how that ended, and the window of its end. What was
// seen to be gone, what was silent and what nobody looked for are told apart.
func TestTheLastLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		lives(w, nil)
		a := answers(w.store)
		for _, c := range []struct {
			from, to int
			id, want string
		}{
			{478, 480, "topic:west/orders", "there: seen - to -, since -, gone at -, shown 478 to 480, observed 0.00"},
			{478, 480, "topic:west/nobody", "never seen"},
			{478, 480, "application:west/nobody", "never seen"},
			{478, 480, "topic:west/old", "gone: seen 1 to 99, since 1, gone at 100, shown 97 to 99, observed 1.00"},
			{478, 480, "topic:west/again", "gone: seen 1 to 149, since 130, gone at 150, shown 147 to 149, observed 1.00"},
			{120, 122, "topic:west/again", "gone: seen 1 to 99, since 1, gone at 100, shown 97 to 99, observed 1.00"},
			{140, 142, "topic:west/again", "there: seen - to -, since -, gone at -, shown 140 to 142, observed 0.00"},
			{478, 480, "application:west/quitter", "gone: seen 10 to 60, since 10, gone at 150, shown 58 to 60, observed 1.00"},
			{478, 480, "application:west/silent", "silent: seen 10 to 60, since 10, gone at -, shown 58 to 60, observed 1.00"},
			{200, 202, "application:west/silent", "there: seen - to -, since -, gone at -, shown 200 to 202, observed 0.00"},
			{300, 302, "application:west/twice", "silent: seen 10 to 60, since 10, gone at -, shown 58 to 60, observed 1.00"},
			{300, 360, "application:west/twice", "silent: seen 10 to 60, since 10, gone at -, shown 9+59m50s to 60, observed 1.00"},
			{300, 302, "application:west/late", "later: seen 420 to 480, since 420, gone at -, shown 419+59m50s to 421+59m50s, observed 0.00"},
			{478, 480, "application:west/worker", "silent: seen 10 to 50, since 10, gone at -, shown 48 to 50, observed 1.00"},
			{478, 480, "topic:west/old->application:west/worker", "gone: seen 10 to 50, since 10, gone at 100, shown 48 to 50, observed 1.00"},
			{478, 480, "topic:west/orders->application:west/quitter", "gone: seen 10 to 60, since 10, gone at 150, shown 58 to 60, observed 1.00"},
			{478, 480, "topic:west/orders->application:west/nobody", "never seen"},
			{478, 480, "topic:west/old->application:west/silent", "never seen"},
		} {
			if got := toldLife(lifeOf(t, a, hours(c.from, c.to), c.id)); got != c.want {
				t.Errorf("%s in %d to %d\n got %s\nwant %s", c.id, c.from, c.to, got, c.want)
			}
		}
	})
}

// A gap over an end leaves when it was: it was seen last before the gap, and to be gone after it. What nobody has
// looked for since is not said to be gone.
func TestTheLastLifeBesideGaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		lives(w, func(n int) bool { return n > 90 && n < 110 || n > 145 && n < 155 || n > 58 && n < 64 })
		a := answers(w.store)
		for _, c := range []struct {
			from, to int
			id, want string
		}{
			{478, 480, "topic:west/old", "gone: seen 1 to 90, since 1, gone at 110, shown 88 to 90, observed 0.93"},
			{478, 480, "topic:west/again", "gone: seen 1 to 145, since 130, gone at 155, shown 143 to 145, observed 0.97"},
			{478, 480, "application:west/quitter", "gone: seen 10 to 58, since 10, gone at 155, shown 56 to 58, observed 0.92"},
			{478, 480, "application:west/silent", "silent: seen 10 to 58, since 10, gone at -, shown 56 to 58, observed 0.92"},
			{147, 149, "application:west/nobody", "never seen"},
		} {
			if got := toldLife(lifeOf(t, a, hours(c.from, c.to), c.id)); got != c.want {
				t.Errorf("%s in %d to %d\n got %s\nwant %s", c.id, c.from, c.to, got, c.want)
			}
		}
	})
}

// Where nobody has looked since somebody was seen last, or nobody did in the window, that is what is said.
func TestTheLastLifeOfWhomNobodyLooksFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		lives(w, func(n int) bool { return n > 60 && n < 460 })
		a := answers(w.store)
		for _, c := range []struct {
			from, to int
			id, want string
		}{
			{298, 300, "application:west/silent", "not observed: seen 10 to 60, since 10, gone at -, shown 58 to 60, observed 0.00"},
			{298, 300, "topic:west/orders->application:west/silent", "not observed: seen 10 to 60, since 10, gone at -, shown 58 to 60, observed 0.00"},
			{478, 480, "application:west/silent", "silent: seen 10 to 60, since 10, gone at -, shown 58 to 60, observed 0.05"},
			{478, 480, "topic:west/old", "gone: seen 1 to 60, since 1, gone at 460, shown 58 to 60, observed 0.05"},
		} {
			if got := toldLife(lifeOf(t, a, hours(c.from, c.to), c.id)); got != c.want {
				t.Errorf("%s in %d to %d\n got %s\nwant %s", c.id, c.from, c.to, got, c.want)
			}
		}
	})
}

// A life that lies in blocks of before a restart, and in those that are held in longer steps, is found as well; one
// that is held no more is not.
func TestTheLastLifeInOldBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		o := timeseries.Options{Tick: tick, Retention: timeseries.Retention{Raw: 48 * time.Hour, Minute: 240 * time.Hour, Hour: 400 * time.Hour}}
		disk := func() *timeseries.Disk {
			s, err := timeseries.Open(dir, o)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		w := newWorld(t)
		s := disk()
		w.store = s
		lives(w, nil)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = disk()
		defer func() { _ = s.Close() }()
		if err := s.Maintain(t.Context(), time.Now()); err != nil {
			t.Fatal(err)
		}
		if state, err := s.State(t.Context()); err != nil || !state.Earliest.Equal(hour(72)) || len(state.Tiers) != 3 {
			t.Fatalf("%v, %v", state, err)
		}
		a := answers(s)
		for _, c := range []struct {
			from, to int
			id, want string
		}{
			{478, 480, "application:west/silent", "never seen"},
			{478, 480, "topic:west/old", "gone: seen - to 99, since -, gone at 100, shown 97 to 99, observed 1.00"},
			{478, 480, "topic:west/again", "gone: seen 130 to 149, since 130, gone at 150, shown 147 to 149, observed 1.00"},
			{478, 480, "application:west/quitter", "never seen"},
			{478, 480, "application:west/between", "silent: seen 300 to 310, since 300, gone at -, shown 308 to 310, observed 1.00"},
			{478, 480, "topic:west/orders->application:west/between", "silent: seen 300 to 310, since 300, gone at -, shown 308 to 310, observed 1.00"},
		} {
			if got := toldLife(lifeOf(t, a, hours(c.from, c.to), c.id)); got != c.want {
				t.Errorf("%s in %d to %d\n got %s\nwant %s", c.id, c.from, c.to, got, c.want)
			}
		}
	})
}
