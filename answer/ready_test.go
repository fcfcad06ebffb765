package answer_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/store"
)

// builds counts how many windows are read of a store.
type builds struct {
	store.Reader
	n     atomic.Int64
	takes time.Duration // each takes
	fails bool          // each does, in the end
}

func (b *builds) Window(ctx context.Context, ask store.Ask) (*store.Window, error) {
	b.n.Add(1)
	time.Sleep(b.takes)
	if b.fails {
		return nil, errors.New("the disk is gone")
	}
	return b.Reader.Window(ctx, ask)
}

// polledWorld has rounds, and answers that are kept ready.
type polledWorld struct {
	*world
	t       *testing.T
	answers *answer.Answers
	history *builds
	n       int
}

func inPolledWorld(t *testing.T, takes time.Duration, f func(p *polledWorld)) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		p := &polledWorld{world: w, t: t, history: &builds{Reader: w.store, takes: takes}}
		p.answers = answer.New(answer.Options{History: p.history, Rounds: w.store, Identity: everybody, Clusters: []answer.ClusterConfig{{Source: "west", Name: "west"}}})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan bool)
		go func() { p.answers.KeepReady(ctx); close(done) }()
		for range 10 {
			p.round()
		}
		f(p)
		cancel()
		<-done
	})
}

// round has all that is to be known of one, and returns how many windows were built for it.
func (p *polledWorld) round() int64 {
	before := p.history.n.Load()
	p.n++
	time.Sleep(time.Until(round(p.n)) + time.Second/2)
	orders := topic("orders")
	p.observe("west", "end-offsets", p.n, facts(clusterFact(1), topicFact(orders)), p.moved(self(orders), 0, 10))
	time.Sleep(tick / 5)
	synctest.Wait()
	return p.history.n.Load() - before
}

// ask asks for a time, and returns how many windows were built for it.
func (p *polledWorld) ask(in answer.Span) int64 {
	before := p.history.n.Load()
	v := view(p.t, p.answers, in, answer.All)
	if got := v.Window().End; !got.Equal(round(p.n)) {
		p.t.Errorf("in round %d the window ends at %v", p.n, got)
	}
	return p.history.n.Load() - before
}

// Who asks again with each round, or each second one, finds the window built; who leaves has nothing built any more.
func TestWhatIsPolledIsReady(t *testing.T) {
	for every := 1; every <= 3; every++ {
		inPolledWorld(t, 0, func(p *polledWorld) {
			in := answer.Last(time.Minute)
			for i := range 9 {
				for range every {
					if built := p.round(); (built > 0) != (i >= 2) {
						t.Errorf("asked each %d rounds, %d times until now: %d windows were built unasked", every, i, built)
					}
				}
				if built := p.ask(in); (built > 0) != (i < 2) {
					t.Errorf("asked each %d rounds, %d times before: %d windows were built when it was asked", every, i, built)
				}
			}
			for i := range 10 {
				if built := p.round(); (built > 0) != (i < 2*every) {
					t.Errorf("asked each %d rounds, and not for %d: %d windows were built", every, i+1, built)
				}
			}
		})
	}
}

// Nothing is built for who asked once, seldom, or for what is over.
func TestWhatIsNotPolledIsNotBuilt(t *testing.T) {
	inPolledWorld(t, 0, func(p *polledWorld) {
		p.ask(answer.Last(time.Minute))
		for i := range 30 {
			if built := p.round(); built > 0 {
				t.Errorf("%d windows were built", built)
			}
			view(t, p.answers, answer.Between(round(2), round(8)), answer.All)
			view(t, p.answers, answer.At(round(p.n-1)), answer.All)
			if i%4 == 3 {
				p.ask(answer.Last(2 * time.Minute))
			}
		}
	})
}

// What takes long to build is built seldom, so that no more than a tenth of the time goes to what nobody asked for.
func TestReadyIsBounded(t *testing.T) {
	inPolledWorld(t, 2*time.Second, func(p *polledWorld) {
		var unasked int64
		for range 60 {
			unasked += p.round()
			p.ask(answer.Last(time.Minute))
		}
		if took := time.Duration(unasked) * 2 * time.Second; took > 60*tick/8 || unasked < 5 {
			t.Errorf("in %v %d windows were built unasked, in %v", 60*tick, unasked, took)
		}
	})
}

// What can't be built in the end costs as much, and is bounded as well.
func TestReadyThatFailsIsBounded(t *testing.T) {
	inPolledWorld(t, 2*time.Second, func(p *polledWorld) {
		p.history.fails = true
		var unasked int64
		for range 60 {
			unasked += p.round()
			if _, err := p.answers.View(p.t.Context(), answer.Last(time.Minute), answer.All); err == nil {
				p.t.Error("there is a view of a disk that is gone")
			}
		}
		if took := time.Duration(unasked) * 2 * time.Second; took > 60*tick/8 || unasked < 5 {
			p.t.Errorf("in %v %d windows were tried unasked, in %v", 60*tick, unasked, took)
		}
	})
}

// Who makes something of views and panics ends neither the process nor that views are ready.
func TestReadyOutlivesWhoPanics(t *testing.T) {
	inPolledWorld(t, 0, func(p *polledWorld) {
		told := 0
		p.answers.WhenReady(func(context.Context, *answer.View) {
			told++
			panic("a node that is not there")
		})
		for i := range 9 {
			if built := p.round(); (built > 0) != (i >= 2) {
				p.t.Errorf("asked %d times before: %d windows were built unasked", i, built)
			}
			p.ask(answer.Last(time.Minute))
		}
		if told != 7 {
			p.t.Errorf("of 7 views %d were told of", told)
		}
	})
}

// However many times are polled, some are kept ready and no more.
func TestReadyIsOfFew(t *testing.T) {
	inPolledWorld(t, 0, func(p *polledWorld) {
		for i := range 12 {
			if built := p.round(); built > 16 || i > 2 && built == 0 {
				t.Errorf("%d windows were built unasked", built)
			}
			for n := range 40 {
				view(t, p.answers, answer.Last(time.Minute+time.Duration(n)*tick), answer.All)
			}
		}
	})
}
