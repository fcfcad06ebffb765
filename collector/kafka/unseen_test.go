package kafka

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/lineage"
)

// unread returns the blind spot that names the topics of which nobody commits, empty when there is none.
func (w *world) unread() string {
	for _, b := range w.rec.blind[sourceGroups] {
		if strings.HasPrefix(b.What, "topics that are written and of which nobody commits") {
			return b.What
		}
	}
	return ""
}

// told counts the facts of blind spots in the last rounds' observations.
func (w *world) toldSpots(source string) (n int) {
	for _, o := range w.last {
		for _, f := range o.Facts {
			if f.Key.Kind == lineage.BlindSpotFacts && f.Key.Name == source {
				n++
			}
		}
	}
	return n
}

func TestTopicsThatNobodyIsSeenToReadAreNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	for _, name := range []string{"dark", "read", "quiet", "changelog__app--dark--counts", "app-store-changelog"} {
		w.topic(name, 2)
	}
	w.write("quiet", 0, 5) // before we look: no news
	w.take(1)
	write := func() {
		for _, name := range []string{"dark", "read", "changelog__app--dark--counts", "app-store-changelog"} {
			w.write(name, 1, 3)
		}
	}
	write()
	w.take(1)
	w.commit("reader", "read", 1, 3)
	w.take(1)
	if got := w.unread(); !strings.HasSuffix(got, ": dark (1)") {
		t.Errorf("unread topics: %q, want dark alone", got)
	}
	facts := 0
	for range 6 {
		write()
		w.take(1)
		facts += w.toldSpots(sourceGroups)
	}
	if facts != 0 {
		t.Errorf("the same list was told %d times more", facts)
	}
	w.commit("late", "dark", 1, 2)
	w.take(1)
	if got := w.unread(); got != "" {
		t.Errorf("somebody commits, and still: %q", got)
	}
}

func TestATopicThatIsCopiedOrHasRestedIsNotUnread(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	board := &collector.Board{}
	w.start(Config{Board: board})
	w.topic("copied", 1)
	w.topic("once", 1)
	w.take(1)
	w.write("copied", 0, 1)
	w.write("once", 0, 1)
	w.take(1)
	board.Copies(w.source.cluster, "copied")
	w.take(1)
	if got := w.unread(); !strings.HasSuffix(got, ": once (1)") {
		t.Errorf("unread topics: %q, want once alone", got)
	}
	w.round = w.round.Add(unseenFor)
	w.take(1)
	if got := w.unread(); strings.Contains(got, "once") {
		t.Errorf("at rest for an hour, and still: %q", got)
	}
}

func TestTopicsWhoseWritersNobodyNamesAreNamed(t *testing.T) {
	t.Parallel()
	const shop, streams = 7, 8 // producer ids
	s := newSource(Config{Name: "west", Interval: tick})
	for i, name := range []string{"orders", "payments", "plain", "counts", "app-counts-changelog", "__books"} {
		tp := &topic{account: newAccount(lineage.Topic{ID: lineage.TopicID{byte(i + 1)}, Name: name}), internal: name == "__books"}
		s.topics[tp.topic.ID], s.byName[name] = tp, tp
	}
	count := func(name string, where *total, n int64) {
		s.byName[name].appended.add(n, false)
		where.add(n, false)
	}
	by := func(name string, id int64) *total {
		if s.byName[name].writers[id] == nil {
			s.byName[name].writers[id] = &writer{}
		}
		return &s.byName[name].writers[id].total
	}
	round := t0
	look := func() string {
		round = round.Add(tick)
		k := &take{source: s, round: round, before: round.Add(-tick), told: s.tell.Take(round)}
		k.noteMoves()
		if spots := k.unnamedSpots(); len(spots) > 0 {
			return spots[0].What
		}
		return ""
	}
	count("payments", &s.byName["payments"].alone, 100) // before we look: no news
	look()
	s.byName["payments"].txns["billing"] = &writer{}
	count("payments", &s.byName["payments"].txns["billing"].total, 5)
	count("orders", by("orders", shop), 5)
	count("plain", &s.byName["plain"].alone, 5)
	count("counts", by("counts", streams), 5)
	count("app-counts-changelog", by("app-counts-changelog", streams), 5)
	count("__books", by("__books", shop), 5)
	look()
	if got := look(); !strings.HasSuffix(got, ": orders, plain (2)") {
		t.Errorf("topics with unnamed writers: %q, want orders and plain alone", got)
	}
}

func TestALongListOfDarkTopicsIsBoundedAndSteady(t *testing.T) {
	t.Parallel()
	var names []string
	for i := range 1000 {
		names = append(names, fmt.Sprintf("topic-%04d", i))
	}
	var l darkList
	text := l.say(names, t0)
	if n := strings.Count(text, "topic-"); n != mostUnseen || !strings.HasSuffix(text, " and about 900 more") {
		t.Errorf("%d names, %q", n, text[len(text)-40:])
	}
	fewer := l.say(slices.Delete(slices.Clone(names), 500, 503), t0.Add(time.Hour))
	if want := strings.Replace(text, "900", "800", 1); fewer != want {
		t.Errorf("three topics fewer change more than the number: %q", fewer[len(fewer)-40:])
	}
	if got := l.say(names[1:], t0.Add(time.Hour+unseenCadence/2)); got != fewer {
		t.Errorf("within %s the list became %q", unseenCadence, got)
	}
	if got := l.say(names[1:], t0.Add(time.Hour+unseenCadence)); !strings.HasPrefix(got, "topic-0001,") {
		t.Errorf("then it is %q", got)
	}
	if got := l.say(names[:3], t0.Add(time.Hour+unseenCadence)); got != "topic-0000, topic-0001, topic-0002 (3)" {
		t.Errorf("then it is %q", got)
	}
}
