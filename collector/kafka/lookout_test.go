package kafka

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// offsetsWorld is one partition of __consumer_offsets with what moves in it.
type offsetsWorld struct {
	writers map[int64]writerState
	groups  map[string]uint64
	clock   int64
}

func newOffsetsWorld(groups ...string) *offsetsWorld {
	w := &offsetsWorld{writers: map[int64]writerState{}, groups: map[string]uint64{}}
	for _, g := range groups {
		w.groups[g] = 1
	}
	return w
}

// commit ends a transaction of a producer that moves a group.
func (w *offsetsWorld) commit(id int64, group string) {
	w.abort(id)
	w.groups[group]++
}

func (w *offsetsWorld) abort(id int64) {
	w.clock++
	s := w.writers[id]
	w.writers[id] = writerState{epoch: s.epoch + 1, lastMs: w.clock, open: -1}
}

func (w *offsetsWorld) plain(group string) { w.groups[group]++ }

// run looks after each of the steps; a step that is nil is a quiet one.
func (w *offsetsWorld) run(l *lookout, times int, steps ...func()) {
	for range times {
		for _, step := range steps {
			if step != nil {
				step()
			}
			l.look(byTick, w.writers, w.groups)
		}
	}
}

func TestLookout(t *testing.T) {
	f := func(what, want string, groups []string, run func(*lookout, *offsetsWorld)) {
		t.Helper()
		l, w := &lookout{}, newOffsetsWorld(groups...)
		w.writers[1] = writerState{lastMs: 0, open: -1}
		l.look(byTick, w.writers, w.groups)
		run(l, w)
		if got := l.group(1); got != want {
			t.Errorf("%s: got %q, want %q", what, got, want)
		}
	}
	two := []string{"a", "b"}
	copies := func(w *offsetsWorld) func() { return func() { w.commit(1, "a") } }
	quiet := func() {}
	f("alone", "a", []string{"a"}, func(l *lookout, w *offsetsWorld) { w.run(l, 12, copies(w), quiet, quiet, quiet) })
	f("once", "", []string{"a"}, func(l *lookout, w *offsetsWorld) { w.run(l, 1, copies(w), quiet, quiet, quiet, quiet, quiet) })
	f("twice after a long rest", "", []string{"a"}, func(l *lookout, w *offsetsWorld) {
		w.run(l, 3, quiet)
		w.run(l, 1, copies(w))
		w.run(l, 150, quiet)
		w.run(l, 1, copies(w))
		w.run(l, 5, quiet)
	})
	f("four times with a group that another moves", "", []string{"b"}, func(l *lookout, w *offsetsWorld) {
		w.run(l, 4, func() { w.abort(1); w.commit(2, "b") }, quiet, quiet, quiet, quiet, quiet, func() { w.commit(2, "b") }, quiet, quiet, quiet, quiet, quiet)
	})
	f("never at rest", "", []string{"a"}, func(l *lookout, w *offsetsWorld) { w.run(l, 40, copies(w)) })
	f("beside one that rests", "a", two, func(l *lookout, w *offsetsWorld) { w.run(l, 12, copies(w), quiet, quiet, quiet) })
	f("beside a reader that commits by itself", "a", two, func(l *lookout, w *offsetsWorld) {
		w.run(l, 12, copies(w), quiet, quiet, func() { w.plain("b") }, quiet, quiet)
	})
	f("beside a reader that never rests", "a", two, func(l *lookout, w *offsetsWorld) {
		w.run(l, 8, func() { w.commit(1, "a"); w.plain("b") }, func() { w.plain("b") }, func() { w.plain("b") }, func() { w.plain("b") })
	})
	f("beside one that always moves with it", "", two, func(l *lookout, w *offsetsWorld) {
		w.run(l, 20, func() { w.commit(1, "a"); w.plain("b") }, quiet, quiet, quiet)
	})
	f("beside another exactly-once pair", "a", two, func(l *lookout, w *offsetsWorld) {
		w.run(l, 12, copies(w), quiet, quiet, func() { w.commit(2, "b") }, quiet, quiet, quiet)
		if got := l.group(2); got != "b" {
			t.Errorf("the other pair: got %q", got)
		}
	})
	f("two pairs in step", "", two, func(l *lookout, w *offsetsWorld) {
		w.run(l, 20, func() { w.commit(1, "a"); w.commit(2, "b") }, quiet, quiet, quiet)
	})
	f("two instances of one group", "a", []string{"a"}, func(l *lookout, w *offsetsWorld) {
		w.run(l, 20, copies(w), quiet, quiet, quiet, quiet, func() { w.commit(2, "a") }, quiet, quiet, quiet, quiet, quiet)
		if got := l.group(2); got != "a" {
			t.Errorf("the second instance: got %q", got)
		}
	})
	f("some transactions aborted", "a", two, func(l *lookout, w *offsetsWorld) {
		w.run(l, 1, func() { w.abort(1) }, quiet, quiet, quiet)
		w.run(l, 12, copies(w), quiet, quiet, quiet)
	})
	f("its group is not among those", "", []string{"b"}, func(l *lookout, w *offsetsWorld) {
		w.run(l, 10, func() { w.abort(1) }, quiet, quiet, func() { w.plain("b") }, quiet, quiet)
	})
	f("a reader that never rests, and its group is not among those", "", []string{"b"}, func(l *lookout, w *offsetsWorld) {
		w.run(l, 10, func() { w.abort(1); w.plain("b") }, func() { w.plain("b") }, func() { w.plain("b") }, func() { w.plain("b") })
	})
	f("seen only over gaps", "", []string{"a"}, func(l *lookout, w *offsetsWorld) {
		w.run(l, 10, func() { l.broken(); w.commit(1, "a") }, l.broken, l.broken, l.broken)
	})
}

// The offsets show a look before or after the transaction does, since they are read one after the other.
func TestLookoutOutOfStep(t *testing.T) {
	l, w := &lookout{}, newOffsetsWorld("a", "b")
	w.writers[1] = writerState{open: -1}
	w.run(l, 8, func() { w.plain("a") }, func() { w.abort(1) }, nil, nil, nil, func() { w.abort(1) }, func() { w.plain("a") }, nil, nil, nil)
	if got := l.group(1); got != "a" {
		t.Errorf("got %q, want a", got)
	}
}

// Where all move in each tick only looks within one tell who belongs together.
func TestCloserLooks(t *testing.T) {
	l, w := &lookout{}, newOffsetsWorld("a", "b", "c")
	w.writers[1], w.writers[2] = writerState{open: -1}, writerState{open: -1}
	all := func() {
		for range 3 {
			w.commit(1, "a")
			w.commit(2, "b")
			w.plain("c")
		}
	}
	w.run(l, 100, all)
	if got := l.group(1) + l.group(2); got != "" {
		t.Errorf("without closer looks: got %q", got)
	}
	for range 4 {
		all()
		w.run(l, 3, all)
		l.chains[closer] = chain{}
		for i := range 20 {
			switch i {
			case 5:
				w.commit(1, "a")
			case 10:
				w.commit(2, "b")
			case 15:
				w.plain("c")
			}
			l.look(closer, w.writers, w.groups)
		}
	}
	if a, b := l.group(1), l.group(2); a != "a" || b != "b" {
		t.Errorf("after closer looks: got %q and %q", a, b)
	}
}

// In any mixture of readers and transactions nobody is given a group that is not his.
// A program's timer and the ticks are mostly in step: one of 2 s and looks of a second each 30 s. It is looked at in
// one of its transactions now and then wherever these lie.
func TestCloserLooksMeetTimers(t *testing.T) {
	const tick, every, long = 5 * time.Second, 2 * time.Second, time.Second
	for lies := time.Duration(0); lies < every; lies += 100 * time.Millisecond {
		met := 0
		for times := 1; times <= 20; times++ {
			begins := time.Duration(times)*closeCadence + closePhase(times, tick)
			next := begins.Truncate(every) + lies // the first transaction after it
			if next < begins {
				next += every
			}
			if next < begins+long {
				met++
			}
		}
		if met < 5 {
			t.Errorf("a transaction each %v, %v after the tick, is met by %d of 20 looks", every, lies, met)
		}
	}
}

// All of a round waits for its closer look, so that however long a tick is it begins soon.
func TestCloserLooksBeginSoon(t *testing.T) {
	for times := 1; times <= 100; times++ {
		for _, tick := range []time.Duration{time.Second, 10 * time.Second, 5 * time.Minute} {
			if at := closePhase(times, tick); at < 0 || at > closeLatest || at > 3*tick/10 {
				t.Errorf("look %d begins %v after a tick of %v", times, at, tick)
			}
		}
	}
}

func TestLookoutNeverErrs(t *testing.T) {
	named := 0
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 8))
		groups := []string{"a", "b", "c", "d"}[:1+r.IntN(4)]
		l, w := &lookout{}, newOffsetsWorld(groups...)
		owner := map[int64]string{}
		for id := range int64(1 + r.IntN(4)) {
			owner[id] = groups[r.IntN(len(groups))]
			w.writers[id] = writerState{open: -1}
		}
		busy := make([]float64, len(groups))
		for i := range busy {
			busy[i] = float64(r.IntN(4)) / 4 * r.Float64()
		}
		rate := 0.05 + r.Float64()/3
		var late []string
		for look := range 400 {
			for _, g := range late {
				w.plain(g)
			}
			late = late[:0]
			for id, g := range owner {
				switch {
				case r.Float64() > rate:
				case r.IntN(20) == 0:
					w.abort(id)
				case r.IntN(4) == 0: // its group shows it at the next look
					w.abort(id)
					late = append(late, g)
				default:
					w.commit(id, g)
				}
			}
			for i, g := range groups {
				transactional := false
				for _, o := range owner {
					transactional = transactional || o == g
				}
				if !transactional && r.Float64() < busy[i] {
					w.plain(g)
				}
			}
			at := byTick
			if look%10 == 0 && r.IntN(3) == 0 {
				at = closer
			}
			if at == closer { // some looks in a row, in which less happens
				l.chains[at] = chain{}
				for range 20 {
					for id, g := range owner {
						if r.Float64() < rate/5 {
							w.commit(id, g)
						}
					}
					l.look(at, w.writers, w.groups)
				}
			}
			l.look(byTick, w.writers, w.groups)
			for id, g := range owner {
				if got := l.group(id); got != "" && got != g {
					t.Fatalf("seed %d: producer %d is given %q, and is of %q", seed, id, got, g)
				} else if got != "" {
					named++
				}
			}
		}
	}
	if named == 0 {
		t.Error("nobody was ever named")
	}
	t.Logf("named in %d looks", named)
}

// Where a group's offsets are kept is what Java's String.hashCode says.
func TestPartitionOf(t *testing.T) {
	f := func(group string, partitions int, want int32) {
		t.Helper()
		if got := partitionOf(group, partitions); got != want {
			t.Errorf("%q of %d: %d, want %d", group, partitions, got, want)
		}
	}
	f("hello", 50, 99162322%50)
	f("", 50, 0)
	f("polygenelubricants", 50, 0) // its hash is the one number without a positive counterpart
	f("é", 50, 233%50)
	f("😀", 50, 1772899%50)        // two UTF-16 units
	f("zzzzzz", 50, 685785664%50) // overflows, and below zero
}

// What is said of a group's offsets does not depend on the order in which they come, and holds those on topics that are
// not watched.
func TestHashOfOffsets(t *testing.T) {
	l := newLinks()
	at := func(topic string, offsets ...int64) kmsg.OffsetFetchResponseGroupTopic {
		rt := kmsg.NewOffsetFetchResponseGroupTopic()
		rt.Topic = topic
		for p, o := range offsets {
			rp := kmsg.NewOffsetFetchResponseGroupTopicPartition()
			rp.Partition, rp.Offset = int32(p), o
			rt.Partitions = append(rt.Partitions, rp)
		}
		return rt
	}
	of := func(topics ...kmsg.OffsetFetchResponseGroupTopic) uint64 {
		return l.hash(walked(kmsg.OffsetFetchResponseGroup{Group: "g", Topics: topics}))
	}
	a, b := at("a", 1, 2), at("b", 7)
	if of(a, b) != of(b, a) {
		t.Error("the order counts")
	}
	for _, other := range []uint64{of(a), of(at("a", 2, 1), b), of(at("a", 1, 3), b), of(), of(at("c", 1, 2), b)} {
		if other == of(a, b) {
			t.Error("other offsets, and the same hash")
		}
	}
	if of(at("a", -1)) != of() {
		t.Error("no commit counts as one")
	}
}
