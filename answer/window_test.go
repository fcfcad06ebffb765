package answer_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// TestSpans asks for times that make sense, and for some that do not.
func TestSpans(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.steady(1, 100, 1)
		time.Sleep(time.Until(round(100)) + 3*time.Second)
		a := answers(w.store)
		window := func(in answer.Span, start, end int) {
			t.Helper()
			v, err := a.View(t.Context(), in, answer.All)
			if err != nil {
				t.Errorf("%+v: %v", in, err)
				return
			}
			if got := v.Window(); !got.Start.Equal(round(start)) || !got.End.Equal(round(end)) || got.Step != tick {
				t.Errorf("%+v: got %v, want rounds %d to %d", in, got, start, end)
			}
		}
		window(answer.Span{}, 40, 100)
		window(answer.Last(time.Minute), 94, 100)
		window(answer.Last(time.Second), 99, 100)
		window(answer.At(round(50)), 50, 51)
		window(answer.At(round(50).Add(9*time.Second)), 50, 51)
		window(answer.Between(round(20), round(30)), 20, 30)
		window(answer.Between(round(20).Add(time.Second), round(30).Add(time.Second)), 20, 31)

		refused := func(in answer.Span) {
			t.Helper()
			_, err := a.View(t.Context(), in, answer.All)
			if r, ok := errors.AsType[*answer.RefusedError](err); !ok || r.Reason != answer.Senseless || r.Sentence == "" {
				t.Errorf("%+v: got %v", in, err)
			}
		}
		refused(answer.Last(0))
		refused(answer.Last(-time.Second))
		refused(answer.Last(11 * 366 * 24 * time.Hour))
		refused(answer.Between(round(3), round(3)))
		refused(answer.Between(round(3), round(2)))
		refused(answer.Between(round(3), round(3).AddDate(11, 0, 0)))
		refused(answer.At(round(102)))
		refused(answer.Between(round(102), round(103)))
	})
}

// What lies in the future of a window is not said to be a time in which lineaged did not run.
func TestFuture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.steady(1, 100, 1)
		time.Sleep(time.Until(round(104)) + 3*time.Second)
		c := view(t, answers(w.store), answer.Between(round(90), round(200)), answer.All).Coverage()
		if len(c.Gaps) != 2 {
			t.Fatalf("gaps: %v", c.Gaps)
		}
		now := time.Now()
		silent, future := c.Gaps[0], c.Gaps[1]
		if !silent.Window.Start.Equal(round(100)) || !silent.Window.End.Equal(now) || silent.Reason == future.Reason {
			t.Errorf("nothing was stored: %v", silent)
		}
		if !future.Window.Start.Equal(now) || !future.Window.End.Equal(round(200)) || future.Reason != "it has not come yet" {
			t.Errorf("in the future: %v", future)
		}
	})
}

// TestNewestTick follows a round on its way: the newest window is that which all clusters that live have ended, and one
// that has stopped does not hold it back.
func TestNewestTick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a := answers(w.store)
		end := func(want int) {
			t.Helper()
			if got := view(t, a, answer.Last(tick), answer.All).Window().End; !got.Equal(round(want)) {
				t.Errorf("at %s: the window ends at %s, want round %d", time.Since(midnight), got, want)
			}
		}
		end(-1) // nothing was ever observed
		for n := 1; n <= 5; n++ {
			time.Sleep(time.Until(round(n)))
			w.observe("west", "all", n)
			w.observe("east", "all", n)
		}
		end(5)
		time.Sleep(tick)
		end(5) // round 6 is under way
		w.observe("west", "all", 6)
		end(5) // in the east
		w.observe("east", "all", 6)
		end(6)
		for n := 7; n <= 10; n++ { // the east has stopped
			time.Sleep(time.Until(round(n)))
			w.observe("west", "all", n)
		}
		end(10)
	})
}

// TestTogether asks twice while a round comes in between: together it is one answer, else each is of its own instant.
func TestTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.steady(1, 5, 1)
		time.Sleep(time.Until(round(5)))
		a := answers(w.store)
		ctx := answer.Together(context.Background())
		first, err := a.View(ctx, answer.Last(tick), answer.All)
		if err != nil {
			t.Fatal(err)
		}
		w.observe("west", "late", 5, w.moved(reads(topic("orders"), group("late")), lineage.GroupOffsets, 1))
		time.Sleep(tick)
		w.steady(6, 6, 1)
		w.observe("west", "late", 6)
		again, err := a.View(ctx, answer.Last(tick), answer.All)
		if err != nil || again != first {
			t.Errorf("together: another view, %v", err)
		}
		apart := view(t, a, answer.Last(tick), answer.All)
		if !apart.Window().End.Equal(round(6)) || !apart.Has(application("late")) {
			t.Errorf("apart: the window ends at %v", apart.Window().End)
		}
		orders := topicNode("orders")
		n := apart.Rows([]lineage.Node{orders}, nil).Node(orders)
		ctx = answer.Together(context.Background())
		for i := range 200 {
			_, _, err := apart.Rows([]lineage.Node{orders}, nil).Node(orders).Series(ctx, answer.RecordRate, answer.Last(24*time.Hour), new(tick))
			if r, ok := errors.AsType[*answer.RefusedError](err); ok && r.Reason == answer.TooMuch {
				if i < 100 {
					t.Errorf("only %d series of 8,640 points together", i)
				}
				break
			} else if err != nil {
				t.Fatal(err)
			}
			if i == 199 {
				t.Error("200 series of 8,640 points are answered together")
			}
		}
		if _, _, err := n.Series(context.Background(), answer.RecordRate, answer.Last(24*time.Hour), new(tick)); err != nil {
			t.Errorf("a series of its own: %v", err)
		}
	})
}
