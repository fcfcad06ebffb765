package answer_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
)

// ask makes the answer of a lineage query.
func ask(t testing.TB, v *answer.View) []any {
	t.Helper()
	ctx := context.Background()
	w := v.Walk(graph.Query{Roots: []lineage.Node{topicNode("orders")}, Direction: graph.Both, Depth: 3, Limit: 1000}, answer.Filter{IncludeInactive: true, IncludeInternal: true})
	return shown(ctx, t, v, w)
}

// shown is all that is said of the nodes and flows of a walk.
func shown(ctx context.Context, t testing.TB, v *answer.View, w *answer.Walk) []any {
	t.Helper()
	out := []any{w.Walk, w.Scope, v.Window()}
	must := func(x any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, x)
	}
	rows := v.Rows(w.Nodes, w.Flows())
	for _, n := range w.Nodes {
		is := rows.Node(n)
		first, last, err := is.Seen(ctx)
		must([]time.Time{first, last}, err)
		must(is.Lost(ctx))
		out = append(out, is.Exists(), is.Internal(), is.NamedBy(), len(is.Groups()))
	}
	for _, x := range w.Flows() {
		f := rows.Flow(x)
		out = append(out, x, f.Active(), f.Records(), f.Estimated(), f.RecordsPerSecond(), f.Skipped(), f.Lost())
		must(f.Lag(ctx))
		must(f.Live(ctx))
		must(f.LastMoved(ctx))
		must(f.Clients(ctx, 10))
	}
	return out
}

// TestPastWindowsCostOneBuild asks for the same hour of yesterday in every round of ten minutes: it is built once, and
// anew when something comes late that belongs into it.
func TestPastWindowsCostOneBuild(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.steady(1, 20, 5)
		const today = 8640
		w.steady(today, today, 5)
		time.Sleep(time.Until(round(today)))
		h := &history{Reader: w.store}
		a := answers(h)
		yesterday := answer.Between(round(5), round(15))
		first := ask(t, view(t, a, yesterday, answer.All))
		for n := today + 1; n <= today+60; n++ {
			time.Sleep(time.Until(round(n)))
			w.steady(n, n, 5)
			if got := ask(t, view(t, a, yesterday, answer.All)); !reflect.DeepEqual(got, first) {
				t.Fatalf("round %d: what happened after yesterday changed it\n%s", n, cmp.Diff(first, got))
			}
		}
		if n := h.built(); n != 1 {
			t.Errorf("60 rounds made %d builds of a window of yesterday, want 1", n)
		}
		view(t, a, answer.Last(time.Minute), answer.All)
		w.observe("west", "late", 10, w.moved(reads(topic("orders"), group("late-reader")), lineage.GroupOffsets, 7))
		got := ask(t, view(t, a, yesterday, answer.All))
		if n := h.built(); n != 3 {
			t.Errorf("an observation within the window came late, and there were %d builds, want 3", n)
		}
		if !view(t, a, yesterday, answer.All).Has(application("late-reader")) || reflect.DeepEqual(got, first) {
			t.Error("what came late does not show")
		}
	})
}

// TestCurrentWindowIsOfItsRound asks for the newest window in each round: each has its own.
func TestCurrentWindowIsOfItsRound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		h := &history{Reader: w.store}
		a := answers(h)
		for n := 1; n <= 10; n++ {
			time.Sleep(time.Until(round(n)))
			w.steady(n, n, 1)
			time.Sleep(time.Second)
			for range 3 {
				v := view(t, a, answer.Last(tick), answer.All)
				if got := v.Window().End; !got.Equal(round(n)) || !v.Has(application("reader-0")) {
					t.Fatalf("round %d: the window ends at %v", n, got)
				}
			}
		}
		if n := h.built(); n != 10 {
			t.Errorf("%d builds for ten rounds", n)
		}
	})
}

// TestKeptIsAsAnew asks one who keeps windows and one who has kept none, while rounds come in any order: they say the
// same.
func TestKeptIsAsAnew(t *testing.T) {
	for seed := range uint64(3) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 5))
			w := newWorld(t)
			h := &history{Reader: w.store}
			kept := answers(h)
			const rounds = 40
			time.Sleep(time.Until(round(rounds / 2)))
			topics := []lineage.Topic{topic("orders"), topic("payments"), topic("late")}
			compared := 0
			for range 120 {
				n := 1 + r.IntN(rounds)
				var fill []filling
				x := topics[r.IntN(len(topics))]
				switch r.IntN(6) {
				case 0:
					fill = append(fill, facts(clusterFact(1+r.IntN(2)), topicFact(x)))
				case 1:
					fill = append(fill, missing("broker 2 does not answer"))
				case 2:
					fill = append(fill, happened(lineage.Event{Type: lineage.TopicCreated, Topic: x}))
				default:
					g := reads(x, group(fmt.Sprintf("g%d", r.IntN(3))))
					fill = append(fill, w.moved(self(x), lineage.NoEvidence, 10), w.moved(writes(x, producer(int64(r.IntN(2)))), lineage.ProducerState, int64(r.IntN(5))),
						w.moved(g, lineage.GroupOffsets, int64(r.IntN(9))), level(g, lineage.Lag, int64(r.IntN(3))), level(g, lineage.Live, int64(r.IntN(2))))
				}
				w.observe("west", []string{"end-offsets", "groups", "producers"}[r.IntN(3)], n, fill...)
				time.Sleep(time.Duration(r.IntN(5)) * time.Second)
				for i := range 4 {
					in := answer.Between(round(5*i), round(5*i+10))
					got, want := view(t, kept, in, answer.All), view(t, answers(w.store), in, answer.All)
					if !got.Has(topicNode("orders")) || !want.Has(topicNode("orders")) {
						if got.Has(topicNode("orders")) != want.Has(topicNode("orders")) {
							t.Fatalf("seed %d: only one of them has the topic", seed)
						}
						continue
					}
					compared++
					if a, b := ask(t, got), ask(t, want); !reflect.DeepEqual(a, b) {
						t.Fatalf("seed %d: kept\n%+v\nanew\n%+v", seed, a, b)
					}
					if a, b := got.Coverage(), want.Coverage(); !reflect.DeepEqual(a, b) {
						t.Fatalf("seed %d: kept\n%+v\nanew\n%+v", seed, a, b)
					}
				}
			}
			if builds := h.built(); compared < 100 || builds > 480*9/10 {
				t.Errorf("seed %d: %d compared, %d built of 480", seed, compared, builds)
			}
		})
	}
}

// TestNewRulesAreAnotherView changes the rules: a window that was built by the old ones is built anew.
func TestNewRulesAreAnotherView(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.steady(1, 20, 1)
		h := &history{Reader: w.store}
		rules := people{}
		a := answer.New(answer.Options{History: h, Identity: func() answer.Identity { return rules }})
		for range 2 {
			view(t, a, answer.Between(round(5), round(10)), answer.All)
		}
		rules.version++
		for range 2 {
			view(t, a, answer.Between(round(5), round(10)), answer.All)
		}
		if n := h.built(); n != 2 {
			t.Errorf("%d builds by two sets of rules", n)
		}
	})
}

// TestBorrowedNames asks for a time before a cluster told what it is: it goes by what was told later, and by what that
// is now.
func TestBorrowedNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.steady(2, 20, 1) // nothing is told
		a := answers(w.store)
		before := answer.Between(round(5), round(10))
		brokers := func(want int) {
			t.Helper()
			got := -1
			for _, c := range view(t, a, before, answer.All).Clusters() {
				if f := c.Fact(); f != nil {
					got = f.Topics
				}
			}
			if got != want {
				t.Errorf("the cluster has %d topics, want %d", got, want)
			}
		}
		brokers(-1)
		w.observe("west", "all", 21, facts(clusterFact(7)))
		brokers(7)
		w.observe("west", "all", 22, facts(clusterFact(8)))
		brokers(8)
	})
}

// TestAbandonedBuildsEnd asks for many windows at once and gives up: no more are built at once than there is room for,
// those that nobody waits for any more end, and what waited for room is never begun.
func TestAbandonedBuildsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.steady(1, 60, 1)
		h := &history{Reader: w.store, during: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }}
		a := answers(h)
		before := runtime.NumGoroutine()
		ctx, leave := context.WithCancel(context.Background())
		var askers sync.WaitGroup
		const windows = 300
		for i := range windows {
			askers.Go(func() {
				if _, err := a.View(ctx, answer.Between(round(0), round(1+i)), answer.All); !errors.Is(err, context.Canceled) {
					t.Errorf("window %d: %v", i, err)
				}
			})
		}
		synctest.Wait()
		if h.now != answer.BuildsAtOnce() {
			t.Errorf("%d are built at once, want %d", h.now, answer.BuildsAtOnce())
		}
		leave()
		askers.Wait()
		synctest.Wait()
		if n := runtime.NumGoroutine(); h.now != 0 || n > before+1 {
			t.Errorf("all have left, and %d are being built by %d goroutines more", h.now, n-before)
		}
		if h.builds > windows/4 { // a place that comes free can go to one whose asker is just leaving
			t.Errorf("%d builds were begun", h.builds)
		}
		h.during = nil
		if v := view(t, a, answer.Between(round(0), round(1)), answer.All); !v.Has(topicNode("orders")) {
			t.Error("nothing is answered after that")
		}
	})
}

// TestBuildOutlivesItsFirstAsker lets the first of two askers leave: the other is answered by the build that there is.
func TestBuildOutlivesItsFirstAsker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.steady(1, 20, 1)
		h := &history{Reader: w.store, during: func(ctx context.Context) error {
			select {
			case <-time.After(time.Second):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}}
		a := answers(h)
		in := answer.Between(round(5), round(10))
		ctx, leave := context.WithCancel(context.Background())
		var askers sync.WaitGroup
		askers.Go(func() {
			if _, err := a.View(ctx, in, answer.All); !errors.Is(err, context.Canceled) {
				t.Errorf("who left got %v", err)
			}
		})
		askers.Go(func() {
			synctest.Wait()
			if v := view(t, a, in, answer.All); !v.Has(topicNode("orders")) {
				t.Error("who stayed was not answered")
			}
		})
		time.Sleep(time.Second / 2)
		leave()
		askers.Wait()
		if n := h.built(); n != 1 {
			t.Errorf("%d builds", n)
		}
	})
}
