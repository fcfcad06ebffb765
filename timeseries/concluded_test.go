package timeseries

import (
	"context"
	"testing"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// concludedWorld is a topic that one producer id writes, which a broker counts, and of which a client claims as much.
type concludedWorld struct {
	s     *Disk
	n     int
	count int64
}

// concludes takes who claims something to be producer id 5, if nobody told otherwise.
func concludes(l *lineage.Ledger) (out []lineage.Settled, open int64) {
	for _, t := range l.Told {
		if t.Metric == lineage.Linked && t.Level == 1 {
			return nil, 0
		}
	}
	for _, t := range l.Told {
		if t.Metric != lineage.Claimed || len(t.Readings) == 0 {
			continue
		}
		a, at := t.Access, t.Readings[0].To
		a.Client.Producer = lineage.KnownProducer(5)
		out = append(out, lineage.Settled{
			Access: a, Metric: lineage.Linked, Evidence: lineage.Elimination, By: t.By, Readings: []lineage.Reading{{From: at - 1, To: at, Value: 1}},
		})
	}
	return out, 0
}

func openConcluded(t *testing.T) *concludedWorld {
	o := lateOptions()
	o.Settle = concludes
	s, err := Open(t.TempDir(), o)
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return &concludedWorld{s: s}
}

// rounds takes so many rounds, in which the writer writes, and its client claims it, or not.
func (w *concludedWorld) rounds(t *testing.T, count int, writes, claims bool) {
	t.Helper()
	for range count {
		w.n++
		if writes {
			w.count += 10
		}
		w.tell(t, "producers", lineage.Client{Producer: lineage.KnownProducer(5)}, lineage.Records, lineage.ProducerState, w.count)
		if claims {
			w.tell(t, "telemetry", lineage.Client{ClientID: "a"}, lineage.Claimed, lineage.Telemetry, w.count)
		}
		must(t, w.s.Maintain(context.Background(), lateAt(w.n)))
	}
}

func (w *concludedWorld) tell(t *testing.T, source string, c lineage.Client, m lineage.Metric, k lineage.EvidenceKind, value int64) {
	t.Helper()
	o := lineage.Observation{Source: lineage.Source{Cluster: source, Name: source}, Round: lateAt(w.n), Interval: lateTick, At: lateAt(w.n)}
	o.Samples = []lineage.Sample{{Subject: lineage.Access{Topic: settledTopic, Op: lineage.Write, Client: c}, Metric: m, Evidence: k, Value: value}}
	must(t, w.s.Append(context.Background(), o))
}

// concluded returns how many links by elimination stand in a window from the start on, and the window's version.
func (w *concludedWorld) concluded(t *testing.T, to int) (n int, v store.Version) {
	t.Helper()
	ask := store.Ask{Window: lineage.Window{Start: lateAt(0), End: lateAt(to)}, Accesses: true}
	win, err := w.s.Window(context.Background(), ask)
	must(t, err)
	for _, l := range win.Links {
		if l.Evidence == lineage.Elimination {
			n++
		}
	}
	return n, win.Version
}

// TestAConcludedLinkIsOfAllWindows concludes a link from what was told of an hour, and then not any more: it holds for
// the hours before too, whose windows have another version each time.
func TestAConcludedLinkIsOfAllWindows(t *testing.T) {
	t.Parallel()
	w := openConcluded(t)
	w.rounds(t, 30, true, false)
	must(t, w.s.Append(context.Background(), lineage.Observation{Source: lineage.Source{Cluster: "telemetry", Name: "telemetry"}, Round: lateAt(w.n), Interval: lateTick, At: lateAt(w.n)}))
	_, before := w.concluded(t, 12)
	w.n++
	w.tell(t, "telemetry", lineage.Client{ClientID: "a"}, lineage.Claimed, lineage.Telemetry, w.count+10)
	n, now := w.concluded(t, 12)
	if n != 1 {
		t.Fatalf("%d links are concluded, want 1", n)
	}
	if now == before {
		t.Error("a link was concluded, and the version of the hours before is what it was")
	}
	must(t, w.s.Maintain(context.Background(), lateAt(w.n)))
	before = now
	w.n++
	w.tell(t, "log", lineage.Client{Producer: lineage.KnownProducer(5), ClientID: "c"}, lineage.Linked, lineage.RequestLog, 1)
	n, now = w.concluded(t, 12)
	if n != 0 {
		t.Errorf("%d links are still concluded of a producer id that was named", n)
	}
	if now == before {
		t.Error("a link is none any more, and the version of the hours before is what it was")
	}
}

// TestALinkThatWasConcludedLongAgoGoes tells who a producer id is more blocks after it was concluded otherwise than are
// settled anew at a time.
func TestALinkThatWasConcludedLongAgoGoes(t *testing.T) {
	t.Parallel()
	w := openConcluded(t)
	w.rounds(t, 12, false, false)
	w.rounds(t, 12, true, true)
	w.rounds(t, 24*12, false, false)
	if n, _ := w.concluded(t, w.n); n != 1 {
		t.Fatalf("%d links are concluded, want 1", n)
	}
	for want, level := range []int64{1, 0} { // named, and not any more
		w.n++
		w.tell(t, "log", lineage.Client{Producer: lineage.KnownProducer(5), ClientID: "c"}, lineage.Linked, lineage.RequestLog, level)
		links, version := w.concluded(t, 6)
		for range 4 {
			must(t, w.s.Maintain(context.Background(), lateAt(w.n)))
			n, v := w.concluded(t, 6)
			if n != links && v == version {
				t.Errorf("there are %d links that were %d, and the version of the hour before is what it was", n, links)
			}
			links, version = n, v
		}
		if len(w.s.ledgers.late) != 0 {
			t.Fatal("there is still something to be settled anew")
		}
		if links != want {
			t.Errorf("%d links are concluded of a producer id that was named or not, want %d", links, want)
		}
	}
}

// TestSeriesKnowTheirLedgers: what is told is entered in its topic's ledger without looking that up, also in one made
// anew.
func TestSeriesKnowTheirLedgers(t *testing.T) {
	t.Parallel()
	w := openConcluded(t)
	w.rounds(t, 24, true, true)
	for _, anew := range []bool{false, true} {
		w.s.mu.Lock()
		if anew {
			w.s.index()
		}
		told, derived := 0, 0
		for _, x := range w.s.ledgers.of {
			for _, s := range x.told {
				if told++; s.ledger != x {
					t.Errorf("made anew %t: a series that is told has another ledger", anew)
				}
			}
			for s := range x.out {
				if derived++; s.ledger != x {
					t.Errorf("made anew %t: a series that is derived has another ledger", anew)
				}
			}
		}
		w.s.mu.Unlock()
		if told != 2 || derived != 1 {
			t.Errorf("%d series are told and %d derived, want 2 and 1", told, derived)
		}
	}
}
