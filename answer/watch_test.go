package answer_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/store"
)

// asks counts how often a store is asked how far it is.
type asks struct {
	store.Reader
	n atomic.Int64
}

func (a *asks) State(ctx context.Context) (store.State, error) {
	a.n.Add(1)
	return a.Reader.State(ctx)
}

// watcher is one who watches in a test.
type watcher struct {
	told  chan answer.Moment
	leave func() error
}

func watch(t *testing.T, a *answer.Answers, in answer.Span) watcher {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	w, done := watcher{told: make(chan answer.Moment, 1000)}, make(chan error, 1)
	go func() {
		var last error
		for m, err := range a.Watch(ctx, in) {
			if last = err; err == nil {
				w.told <- m
			}
		}
		done <- last
	}()
	w.leave = func() error { cancel(); return <-done }
	return w
}

// TestWatch follows a window that moves, one that is over, evidence that comes late, and rules that change.
func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		rules := &atomic.Int64{}
		a := answer.New(answer.Options{
			History: w.store, Rounds: w.store, Clusters: []answer.ClusterConfig{{Source: "west", Name: "west", Environment: "west"}},
			Identity: func() answer.Identity { return people{int(rules.Load())} },
		})
		orders := topic("orders")
		at := func(n int, fill ...filling) {
			time.Sleep(time.Until(round(n)) + time.Second/2)
			w.observe("west", "end-offsets", n, append(fill, facts(clusterFact(1), topicFact(orders)), w.moved(self(orders), 0, 10))...)
			synctest.Wait()
		}
		for n := range 10 {
			at(n + 1)
		}
		live := watch(t, a, answer.Last(time.Minute))
		past := watch(t, a, answer.Between(round(2), round(8)))
		synctest.Wait()
		first, was := <-live.told, <-past.told
		if !first.Newest.Equal(round(10)) || !was.Newest.Equal(round(8)) {
			t.Fatalf("at first %v and %v", first.Newest, was.Newest)
		}
		v := view(t, a, answer.Last(time.Minute), answer.All)
		if v.Version() != first.Version {
			t.Error("the answer has another version than was told of it")
		}
		for n := 11; n < 20; n++ {
			at(n)
		}
		if got := drain(live.told); got != "11 12 13 14 15 16 17 18 19" {
			t.Errorf("of nine rounds was told: %s", got)
		}
		if got := drain(past.told); got != "" {
			t.Errorf("of a time that is over, in which nothing changed, was told: %s", got)
		}
		w.observe("west", "request-log", 5, movedBy(writes(orders, producer(7))))
		time.Sleep(2 * tick)
		synctest.Wait()
		if got := drain(past.told); got != "8" {
			t.Errorf("of what came late was told: %s", got)
		}
		drain(live.told)
		rules.Add(1)
		time.Sleep(2 * tick)
		synctest.Wait()
		if got := drain(past.told); got != "8" {
			t.Errorf("of other rules was told: %s", got)
		}
		if view(t, a, answer.Last(time.Minute), answer.All).Version() == v.Version() {
			t.Error("another answer has the same version")
		}
		if err := errors.Join(live.leave(), past.leave()); err != nil {
			t.Error(err)
		}
	})
}

// drain returns of which rounds was told.
func drain(told <-chan answer.Moment) (rounds string) {
	for {
		select {
		case m := <-told:
			if rounds != "" {
				rounds += " "
			}
			rounds += fmt.Sprint(int(m.Newest.Sub(round(0)) / tick))
		default:
			return rounds
		}
	}
}

// However many watch one time, the history is asked for one, and not at all once they have left.
func TestManyWatchAsOne(t *testing.T) {
	asked := func(watchers int) (n int64) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			history := &asks{Reader: w.store}
			a := answer.New(answer.Options{History: history, Rounds: w.store, Identity: everybody})
			time.Sleep(time.Until(round(0)))
			var all []watcher
			for range watchers {
				all = append(all, watch(t, a, answer.Last(time.Minute)))
			}
			synctest.Wait()
			entered := history.n.Load()
			for i := range 10 {
				time.Sleep(time.Until(round(i+1)) + time.Second/3)
				w.observe("west", "end-offsets", i+1, facts(clusterFact(1)))
				synctest.Wait()
			}
			n = history.n.Load() - entered
			for _, x := range all {
				if got := drain(x.told); len(got) < len("0 1 2 3 4 5 6 7 8 9 10") {
					t.Errorf("one of %d was told of %s", watchers, got)
				}
				if err := x.leave(); err != nil {
					t.Error(err)
				}
			}
			before := history.n.Load()
			time.Sleep(time.Hour)
			if after := history.n.Load(); after != before {
				t.Errorf("all have left, and the history was asked %d times", after-before)
			}
		})
		return n
	}
	if one, many := asked(1), asked(500); one == 0 || many != one {
		t.Errorf("the history was asked %d times for one, %d times for 500", one, many)
	}
}

// Who does not take what he is told gets the newest in the end, and holds up nobody.
func TestSlowWatcherGetsTheNewest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a := answer.New(answer.Options{History: w.store, Rounds: w.store, Identity: everybody})
		time.Sleep(time.Until(round(0)))
		other := watch(t, a, answer.Last(time.Minute))
		var got []int
		for m, err := range a.Watch(t.Context(), answer.Last(time.Minute)) {
			if err != nil {
				t.Fatal(err)
			}
			if got = append(got, int(m.Newest.Sub(round(0))/tick)); len(got) == 3 {
				break
			}
			for range 7 {
				n := int(time.Since(round(0))/tick) + 1
				time.Sleep(time.Until(round(n)) + time.Second/3)
				w.observe("west", "end-offsets", n, facts(clusterFact(1)))
			}
			synctest.Wait()
		}
		if fmt.Sprint(got) != "[-1 7 14]" {
			t.Errorf("told of %v", got)
		}
		if all := drain(other.told); len(all) < len("-1 1 2 3 4 5 6 7 8 9 10 11 12 13 14") {
			t.Errorf("the other was told of %s", all)
		}
		if err := other.leave(); err != nil {
			t.Error(err)
		}
	})
}

func TestWatchRefusesNonsense(t *testing.T) {
	a := answer.New(answer.Options{History: newWorld(t).store, Identity: everybody})
	for _, err := range a.Watch(t.Context(), answer.Last(-time.Second)) {
		if err == nil {
			t.Error("nothing is watched")
		}
	}
}

// Who takes the first moment slowly is told of what changed meanwhile, also when all others have been told of it
// before and nothing changes any more.
func TestWatcherSlowAtFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a := answer.New(answer.Options{History: w.store, Rounds: w.store, Identity: everybody})
		orders := topic("orders")
		for n := 1; n <= 10; n++ {
			time.Sleep(time.Until(round(n)) + time.Second/2)
			w.observe("west", "end-offsets", n, facts(clusterFact(1), topicFact(orders)), w.moved(self(orders), 0, 10))
		}
		in := answer.Between(round(2), round(8))
		other := watch(t, a, in)
		synctest.Wait()
		drain(other.told)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var last answer.Moment
		take, done := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(done)
			for m, err := range a.Watch(ctx, in) {
				if err != nil {
					t.Error(err)
				}
				last = m
				<-take
			}
		}()
		synctest.Wait()
		time.Sleep(2 * tick)
		w.observe("west", "request-log", 5, movedBy(writes(orders, producer(7))))
		time.Sleep(2 * tick)
		synctest.Wait()
		if got := drain(other.told); got != "8" {
			t.Fatalf("the other was told of: %s", got)
		}
		close(take)
		time.Sleep(time.Hour)
		synctest.Wait()
		cancel()
		<-done
		if now, err := a.Moment(t.Context(), in); err != nil || last.Version != now.Version {
			t.Errorf("an hour later it was not told of the answer of now: %v", err)
		}
		if err := other.leave(); err != nil {
			t.Error(err)
		}
	})
}
