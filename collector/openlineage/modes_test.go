package openlineage

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/internal/runevent"
)

const flinkID = "06f01e83971932057a100d4c9b1f3a98"

// flinks is a world in which a Flink is watched, and the events of a job that says that it streams.
func flinks(t *testing.T) (w *world, says func(run string, is runevent.Type, id string)) {
	w = newWorld(t)
	w.board.AddEngine()
	return w, func(run string, is runevent.Type, id string) {
		t.Helper()
		e := runevent.Event{
			Kind: runevent.OfRun, Type: is, Job: runevent.Name{Namespace: "ns", Name: "j"}, Run: run, Time: w.at, Reads: []runevent.Name{{Namespace: "a", Name: "b"}},
			EngineID: id,
		}
		e.Typed, e.Streams = true, true
		if err := w.c.Take(t.Context(), []runevent.Event{e}); err != nil {
			t.Fatal(err)
		}
	}
}

// What Flink lists as a batch job is one, whatever its events say, in whatever order they and the list come.
func TestABatchJobByFlinksWord(t *testing.T) {
	t.Run("listed before", func(t *testing.T) {
		w, says := flinks(t)
		w.board.SetRunMode(flinkID, collector.BatchRun)
		says("r", runevent.Start, flinkID)
		w.wants("at once", "job:ns/j read a/b moved=false", "job:ns/j read a/b pending=1")
		w.start()
		w.board.AddEngine()
		says("r", runevent.Complete, flinkID)
		w.wants("after a restart", "job:ns/j read a/b moved=true", "job:ns/j read a/b pending=0")
	})
	t.Run("listed after", func(t *testing.T) {
		w, says := flinks(t)
		says("r", runevent.Running, flinkID)
		w.wants("nobody has listed it")
		w.start()
		w.wants("nobody has listed it, over a restart")
		w.board.SetRunMode(flinkID, collector.BatchRun)
		w.wants("listed", "job:ns/j read a/b moved=true", "job:ns/j read a/b pending=1")
		says("r", runevent.Complete, flinkID)
		w.wants("over", "job:ns/j read a/b moved=true", "job:ns/j read a/b pending=0")
	})
	t.Run("over before it is listed", func(t *testing.T) {
		w, says := flinks(t)
		says("r", runevent.Start, flinkID)
		says("r", runevent.Complete, flinkID)
		w.wants("nobody has listed it")
		w.board.SetRunMode(flinkID, collector.BatchRun)
		w.wants("listed", "job:ns/j read a/b moved=true", "job:ns/j read a/b pending=0")
	})
	t.Run("forgotten by Flink", func(t *testing.T) {
		w, says := flinks(t)
		w.board.SetRunMode(flinkID, collector.BatchRun)
		says("r", runevent.Start, flinkID)
		w.round()
		w.board = &collector.Board{}
		w.board.AddEngine()
		w.start()
		says("r", runevent.Complete, flinkID)
		w.wants("it stays what it was", "job:ns/j read a/b moved=true", "job:ns/j read a/b pending=0")
	})
}

// What is no batch job by Flink, or of which no Flink tells, is what its events say; what nobody will list is not
// waited for.
func TestAStreamJobByFlinksWord(t *testing.T) {
	t.Run("listed", func(t *testing.T) {
		w, says := flinks(t)
		w.board.SetRunMode(flinkID, collector.StreamRun)
		says("r", runevent.Running, flinkID)
		w.wants("at once", "streamjob:ns/j read a/b moved=true", "streamjob:ns/j read a/b pending=1")
		w.start()
		says("r", runevent.Running, flinkID)
		w.wants("it was told of, and does not wait again", "streamjob:ns/j read a/b moved=true")
	})
	t.Run("of a Flink that is not watched", func(t *testing.T) {
		w, says := flinks(t)
		says("r", runevent.Running, flinkID)
		for range appearsWithin {
			w.wants("waited for")
		}
		w.wants("in vain", "streamjob:ns/j read a/b moved=true", "streamjob:ns/j read a/b pending=1")
		says("r", runevent.Complete, flinkID)
		w.wants("it ends", "streamjob:ns/j read a/b moved=true", "streamjob:ns/j read a/b pending=0")
	})
	t.Run("in long rounds", func(t *testing.T) {
		w, says := flinks(t)
		w.every = 5 * time.Minute
		w.start()
		says("r", runevent.Running, flinkID)
		for range appearsWithin {
			w.wants("waited for")
		}
		w.wants("it came in time, and was waited with", "streamjob:ns/j read a/b moved=true", "streamjob:ns/j read a/b pending=1")
	})
	t.Run("of an application cluster", func(t *testing.T) {
		w, says := flinks(t)
		says("r", runevent.Running, "00000000000000000000000000000000")
		w.wants("at once", "streamjob:ns/j read a/b moved=true", "streamjob:ns/j read a/b pending=1")
	})
	t.Run("of a Flink that does not say it", func(t *testing.T) {
		w, says := flinks(t)
		w.board.SetRunMode(flinkID, collector.UntoldRun)
		says("r", runevent.Running, flinkID)
		w.wants("at once", "streamjob:ns/j read a/b moved=true", "streamjob:ns/j read a/b pending=1")
	})
	t.Run("no id of Flink's", func(t *testing.T) {
		w, says := flinks(t)
		says("r", runevent.Running, "")
		w.wants("at once", "streamjob:ns/j read a/b moved=true", "streamjob:ns/j read a/b pending=1")
	})
	t.Run("no Flink is watched", func(t *testing.T) {
		w, says := flinks(t)
		w.board = &collector.Board{}
		w.start()
		says("r", runevent.Running, flinkID)
		w.wants("at once", "streamjob:ns/j read a/b moved=true", "streamjob:ns/j read a/b pending=1")
	})
	t.Run("a batch run before", func(t *testing.T) {
		w, says := flinks(t)
		w.board.SetRunMode("b1", collector.BatchRun)
		w.board.SetRunMode("s1", collector.StreamRun)
		says("r", runevent.Complete, "b1")
		w.wants("batch", "job:ns/j read a/b moved=true", "job:ns/j read a/b pending=0")
		says("s", runevent.Running, "s1")
		w.wants("then it streams", "streamjob:ns/j read a/b moved=true", "streamjob:ns/j read a/b pending=1")
	})
}

// Whenever within those rounds Flink lists it, before, between and after its events, a batch job was never told of as
// one that streams.
func TestABatchJobIsNeverToldToStream(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 72))
		w, says := flinks(t)
		events := []runevent.Type{runevent.Start, runevent.Running, runevent.Complete}
		r.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
		listed, first, told := r.IntN(6), -1, []string(nil)
		for n := range 10 {
			if first < 0 && (r.IntN(3) == 0 || n == 5) {
				first = n
			}
			for first >= 0 && len(events) > 0 && r.IntN(2) == 0 {
				says("r", events[0], flinkID)
				events = events[1:]
			}
			if n == min(listed, max(first, 0)+appearsWithin-1) {
				w.board.SetRunMode(flinkID, collector.BatchRun)
			}
			if r.IntN(4) == 0 {
				w.start()
			}
			told = append(told, w.round()...)
		}
		if slices.ContainsFunc(told, func(s string) bool { return s[0] == 's' }) || len(told) == 0 && len(events) < 3 {
			t.Errorf("seed %d: told was %q", seed, told)
		}
	}
}
