package kafka

import (
	"regexp"
	"strings"
	"testing"

	"github.com/lineaged/lineaged/lineage"
)

// What was made while lineaged was away, and is known to have been, is counted from its birth: all that was written to
// it was written since the last round.
func TestMadeWhileNobodyWatched(t *testing.T) {
	w := newWorld(t, 1)
	w.topic("again", 2)
	w.topic("wider", 1)
	w.take(2)
	w.write("again", 0, 40)
	w.write("wider", 0, 4)
	w.commit("g", "wider", 0, 1) // the group is known
	w.take(2)
	last := w.round
	w.remove("again")
	w.topic("again", 2)
	w.topic("fresh", 1)
	w.grow("wider", 1)
	w.writer() // a producer refuses a topic id that changed
	w.write("again", 1, 3)
	w.write("fresh", 0, 7)
	w.write("wider", 1, 5)
	w.commit("g", "fresh", 0, 6)
	w.stop(20)
	w.take(1)
	for _, c := range []struct {
		topic string
		want  int64
	}{{"again", 3}, {"fresh", 7}, {"wider", 9}} {
		now := w.source.byName[c.topic].topic
		for a, m := range w.rec.totals {
			s, ok := m[lineage.Appended]
			if a.Topic != now || !ok {
				continue
			}
			if s.Value != c.want || !s.Since.Equal(last) {
				t.Errorf("%s: %d appended since %v, want %d since the last round, %v", c.topic, s.Value, s.Since, c.want, last)
			}
			if again := c.topic == "again"; s.Estimated != again {
				t.Errorf("%s: estimated %v; want it where another life may not have been seen", c.topic, s.Estimated)
			}
		}
		written := int64(0)
		for a, m := range w.rec.totals {
			if s, ok := m[lineage.Records]; ok && a.Topic == now && a.Op == lineage.Write {
				written += s.Value
			}
		}
		if written != c.want {
			t.Errorf("%s: %d written, want %d", c.topic, written, c.want)
		}
	}
	// a reader has passed what was committed at most: where it began, and what was set, nobody saw
	for a, m := range w.rec.totals {
		if s, ok := m[lineage.Records]; ok && a.Topic.Name == "fresh" && a.Client.Group == "g" && (s.Value != 6 || !s.Estimated) {
			t.Errorf("read %+v, want at most 6", s)
		}
	}
	w.write("fresh", 0, 2)
	w.write("again", 0, 1)
	w.take(1)
	if n := w.appended("fresh"); n != 9 {
		t.Errorf("%d appended, want 7 and 2", n)
	}
	if n := w.source.byName["again"].appended.n; n != 4 {
		t.Errorf("%d appended, want 3 and 1", n)
	}
	if n := w.level("fresh", lineage.Retained); n != 9 {
		t.Errorf("%d retained, want 9", n)
	}
}

// A member that came meanwhile may have begun anywhere: what it passed is no measurement, however empty the topic was
// when its group appeared.
func TestReaderOfATopicThatWasMadeWhileNobodyWatched(t *testing.T) {
	w := newWorld(t, 1)
	w.topic("old", 1)
	w.write("old", 0, 1)
	c := w.member("g", "old")
	w.commitAs(c, "old", 1)
	w.take(3)
	w.topic("fresh", 1)
	w.write("fresh", 0, 9)
	w.stop(20)
	w.take(1)
	w.write("fresh", 0, 1)
	w.take(2)
	w.commitAs(c, "fresh", 10)
	w.take(1)
	for a, m := range w.rec.totals {
		if s, ok := m[lineage.Records]; ok && a.Topic.Name == "fresh" && a.Client.Group == "g" && s.Value > 0 && !s.Estimated {
			t.Errorf("read %+v, want a bound", s)
		}
	}
}

// Where it is not known that a topic was not there before, nothing is counted of what it had.
func TestMayHaveBeenThereBefore(t *testing.T) {
	for _, c := range []struct {
		name          string
		before, after Config
		spoil         func(w *world)
		topic         string
	}{
		{"not wanted before", Config{Include: []*regexp.Regexp{regexp.MustCompile("^old$")}}, Config{}, nil, "fresh"},
		{"not all that there was could be seen", Config{}, Config{}, func(w *world) { w.source.sawAll = false }, "fresh"},
		{"it may not be described", Config{}, Config{}, func(w *world) { w.source.hidden = map[string]bool{"fresh": true} }, "fresh"},
		{"out of sight when it was looked at last", Config{}, Config{}, func(w *world) {
			w.source.sawAll, w.source.byName["old"].whole, w.source.byName["old"].dirty = false, false, true
		}, "old"},
	} {
		w := newWorld(t, 1)
		w.start(c.before)
		w.topic("old", 1)
		w.take(2)
		if c.spoil != nil {
			c.spoil(w)
			take := &take{source: w.source, ctx: t.Context(), round: w.round, told: w.source.tell.Take(w.round)}
			o := take.observe(sourceEnds, tick)
			take.savePositions()
			if err := w.rec.Append(t.Context(), *o); err != nil {
				t.Fatal(err)
			}
		}
		if c.topic == "old" {
			w.remove("old")
		}
		w.topic(c.topic, 1)
		w.writer()
		w.write(c.topic, 0, 8)
		w.round = w.round.Add(9 * tick)
		w.start(c.after)
		w.take(1)
		w.write(c.topic, 0, 2)
		w.take(1)
		if n := w.source.byName[c.topic].appended.n; n != 2 {
			t.Errorf("%s: %d appended, want the 2 since it was looked at", c.name, n)
		}
		for _, e := range w.rec.events {
			if e.Type == lineage.TopicCreated && strings.Contains(e.Topic.Name, "fresh") {
				t.Errorf("%s: %+v", c.name, e)
			}
		}
	}
}
