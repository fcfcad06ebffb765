package kafka

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/internal/pastend"
	"github.com/lineaged/lineaged/lineage"
)

// readerWorld is one partition and one group in it, of which all is known that a look does not show.
type readerWorld struct {
	start, end int64
	told       int64 // the start as it was read last
	history    pastend.History
	now        time.Time
	committed  int64
	epoch      int32
	position   int64 // of the member; -1: nobody is in the group
	earliest   bool
	delivered  int64 // in all
	once       int64 // each record once
	high       int64 // up to where records were delivered
	// an administrator set the offset back since the last look: who comes then in no time can't be told from who goes
	// on
	setBack bool
	// somebody was in the group since the last look, or at it: then no administrator can set its offsets
	used bool
}

func (w *readerWorld) partitions() int       { return 1 }
func (w *readerWorld) begin(int32) int64     { return w.start }
func (w *readerWorld) transactional() bool   { return false }
func (w *readerWorld) trailing(int32) bool   { return false }
func (w *readerWorld) compacted() compaction { return notCompacted }
func (w *readerWorld) copied() bool          { return false }
func (w *readerWorld) seen() bool            { return true }
func (w *readerWorld) ended(_ int32, at time.Time) int64 {
	if end, ok := w.history.At(at); ok {
		return end
	}
	return -1
}
func (w *readerWorld) age(_ int32, o int64) (time.Duration, bool) { return w.history.Age(w.now, o) }

// readerEnds is the world as of the reading of the ends, which comes before that of the commits.
type readerEnds struct {
	*readerWorld
	read int64
}

func (w readerEnds) end(int32) (int64, bool) { return w.read, true }

// act does one thing that may happen between two looks.
func (w *readerWorld) act(r *rand.Rand, epochs bool) {
	epoch := func() int32 {
		if epochs {
			return 0
		}
		return -1
	}
	switch n := r.IntN(100); {
	case n < 40:
		w.end += r.Int64N(50)
	case n < 45 && w.position < 0 && !w.setBack: // somebody comes
		w.used = true
		w.position = w.committed
		if w.committed < 0 && w.earliest {
			w.position = w.start
		} else if w.committed < 0 {
			w.position = w.end
		}
	case n < 48 && w.position >= 0: // and goes, with or without a last commit
		if r.IntN(2) == 0 {
			w.committed, w.epoch = w.position, epoch()
		}
		w.position = -1
	case n < 85 && w.position >= 0: // reads and commits
		if w.position < w.start { // out of range
			w.position = w.start
			if !w.earliest {
				w.position = w.end
			}
		}
		k := min(r.Int64N(60), w.end-w.position)
		w.position, w.delivered = w.position+k, w.delivered+k
		w.once, w.high = w.once+max(w.position-max(w.high, w.position-k), 0), max(w.high, w.position)
		w.committed, w.epoch = w.position, epoch()
	case n < 87 && w.position < 0 && !w.used && w.committed >= 0: // an administrator sets the offset
		was := w.committed
		w.committed, w.epoch = [...]int64{w.start, w.end, w.start + r.Int64N(w.end-w.start+1)}[r.IntN(3)], -1
		w.setBack = w.setBack || w.committed < was
	}
}

// Whatever readers, administrators and retention do between looks: a count that is not said to be a bound is the truth,
// one that is at most is no less, and one that is at least is no more.
func TestReaderLaw(t *testing.T) {
	bounds := map[string]int{}
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 7))
		w := &readerWorld{committed: -1, position: -1, now: t0, earliest: r.IntN(2) == 0}
		epochs := r.IntN(3) > 0
		book := newReader(lineage.Access{}, lineage.GroupOffsets)
		g := groupState{found: t0.Add(-tick)}
		most, least, exact := true, true, true // what the bounds so far say together
		for i := range 60 {
			before := w.now
			w.now = w.now.Add(10 * time.Second)
			if old, ok := w.history.At(w.now.Add(-lateAfter)); ok && old > w.start && r.IntN(20) == 0 {
				// retention takes what is not young any more
				w.start += r.Int64N(old - w.start + 1)
			}
			for range r.IntN(8) {
				w.act(r, epochs)
			}
			if i%6 == 0 || len(book.parts) > 0 && book.parts[0].late {
				w.told = w.start
			}
			ends := readerEnds{w, w.end}
			w.history.Add(w.now, w.end)
			g.live, g.reads = w.position >= 0, true
			var commits []commit
			if w.committed >= 0 {
				commits = append(commits, commit{0, w.committed, w.epoch})
			}
			if !book.observe(commits, ends, g, w.now, before) {
				t.Fatal("not observed")
			}
			book.tell(w.now, before)
			g.wasLive, w.used, w.setBack = g.live, g.live, false
			if book.bound != "" {
				bounds[book.bound]++
				exact = false
				most, least = most && strings.HasPrefix(book.bound, "at most"), least && strings.HasPrefix(book.bound, "at least")
			}
			switch {
			case exact && book.read.n != w.delivered:
				t.Errorf("seed %d, round %d: %d were delivered, %d are said exactly", seed, i, w.delivered, book.read.n)
			case most && book.read.n < w.once:
				t.Errorf("seed %d, round %d: %d were delivered, at most %d are said", seed, i, w.once, book.read.n)
			case least && !exact && book.read.n > w.delivered:
				t.Errorf("seed %d, round %d: %d were delivered, at least %d are said", seed, i, w.delivered, book.read.n)
			default:
				continue
			}
			break
		}
	}
	t.Log(bounds)
}
