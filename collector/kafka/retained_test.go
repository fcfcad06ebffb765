package kafka

import (
	"testing"

	"github.com/lineaged/lineaged/lineage"
)

// level returns a topic's gauge as it was last told.
func (w *world) level(topic string, m lineage.Metric) int64 {
	w.t.Helper()
	for a, metrics := range w.rec.totals {
		if s, ok := metrics[m]; ok && a.Topic.Name == topic && a.Op == lineage.OpNone {
			return s.Value
		}
	}
	return lineage.Unknown
}

// What a topic holds is told of now: neither of the time when starts or sizes were last read, nor of two times at once.
func TestRetainedIsOfNow(t *testing.T) {
	w := newWorld(t, 1)
	w.topic("old", 1)
	w.write("old", 0, 4)
	w.take(2)
	if n := w.level("old", lineage.Retained); n != 4 {
		t.Errorf("%d retained in a topic that was there before us, want 4", n)
	}
	w.topic("new", 2)
	w.take(2)
	if n := w.level("new", lineage.Retained); n != 0 {
		t.Errorf("%d retained in an empty topic", n)
	}
	for n := int64(1); n < 60; n++ { // over all phases of the slow cadences
		w.write("new", int32(n%2), 1)
		w.take(1)
		if got := w.level("new", lineage.Retained); got != n {
			t.Fatalf("%d retained, want %d", got, n)
		}
		// A size is of a topic of about this length, or is not told.
		if bytes := w.level("new", lineage.LogBytes); bytes == 0 || bytes > 0 && bytes < 20*n {
			t.Fatalf("%d bytes told of %d records", bytes, n)
		}
	}
	w.trim("old", 0, 3)
	w.take(int(startsCadence/tick) + 1)
	if n := w.level("old", lineage.Retained); n != 1 {
		t.Errorf("%d retained after a deletion, want 1", n)
	}
	w.grow("old", 1)
	w.take(2)
	if n := w.level("old", lineage.Retained); n != 1 {
		t.Errorf("%d retained with another partition, want 1", n)
	}
}

// A size that was read of an empty topic, in the first round too, is not told of one that has records.
func TestSizeOfAnEmptyTopic(t *testing.T) {
	w := newWorld(t, 1)
	w.topic("late", 1)
	w.take(2)
	w.write("late", 0, 40)
	for range int(logDirsCadence/tick) + 2 {
		w.take(1)
		if n := w.level("late", lineage.LogBytes); n == 0 {
			t.Fatal("0 bytes told of 40 records")
		}
	}
	if n := w.level("late", lineage.LogBytes); n < 40 {
		t.Errorf("%d bytes after a minute", n)
	}
}

// Starts that can't be read any more make what is retained unknown.
func TestRetainedIsUnknownWithoutStarts(t *testing.T) {
	w := newWorld(t, 1)
	w.topic("orders", 1)
	w.write("orders", 0, 4)
	w.take(2)
	w.source.byName["orders"].startsAt = w.round.Add(-startsAge*startsCadence - tick)
	w.write("orders", 0, 1)
	w.take(1)
	if n := w.level("orders", lineage.Retained); n != lineage.Unknown {
		t.Errorf("%d retained, and the starts are too old to know", n)
	}
}

// A topic that lives shorter than a tick was written more than is seen: what is counted is told to be at least so much.
func TestTopicMadeAgainCountsAtLeast(t *testing.T) {
	w := newWorld(t, 1)
	w.topic("brief", 1)
	w.take(2)
	for range 4 {
		for range 2 { // two lives a tick, of which one is seen
			w.remove("brief")
			w.topic("brief", 1)
			w.writer()
			w.write("brief", 0, 10)
		}
		w.take(1)
	}
	n, written, exact := int64(0), int64(0), 0
	for a, metrics := range w.rec.totals {
		if s, ok := metrics[lineage.Appended]; ok && a.Topic.Name == "brief" && s.Value > 0 {
			n += s.Value
			if !s.Estimated {
				exact++
			}
		}
		if s, ok := metrics[lineage.Records]; ok && a.Topic.Name == "brief" && s.Value > 0 {
			written += s.Value
			if !s.Estimated {
				exact++
			}
			if !w.rec.explained[lineage.Sighting{Access: a, Evidence: s.Evidence}] {
				t.Errorf("%+v does not say why it is a bound", a)
			}
		}
	}
	if n != 40 || written != 40 || exact > 0 {
		t.Errorf("%d appended, %d written, %d of the counts exact: want the 40 of 80 that were seen, as a bound", n, written, exact)
	}
	w.take(int(rebornFor/tick) + 1)
	w.write("brief", 0, 5)
	w.take(1)
	for a, metrics := range w.rec.totals {
		if s, ok := metrics[lineage.Appended]; ok && a.Topic == w.source.byName["brief"].topic && (s.Value != 15 || s.Since.Before(w.round.Add(-2*tick)) && !s.Since.IsZero()) {
			t.Errorf("%+v after a while", s)
		}
	}
}
