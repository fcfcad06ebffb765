package ledger

import (
	"context"
	"errors"
	"testing"
	"time"
)

func TestSealedSaysHowMuchOfAWindowIsClosed(t *testing.T) {
	b := newBook(t)
	b.shop(30)
	f := func(topic string, from, to Period, want Sealed) {
		t.Helper()
		is, err := b.Sealed(t.Context(), "topic:"+topic, from.Start.Time, to.End.Time)
		if err != nil || is != want {
			t.Errorf("%s: %+v, %v; want %+v", topic, is, err, want)
		}
	}
	of := func(from, to int) Period { return Period{Start: hour(from).Start, End: hour(to).End} }
	final := func(k int) time.Time { return hour(k).End.Add(amendable) }
	// Every third hour, from the first on, was amended two hours after it was closed.
	f("west/orders", hour(10), hour(12), Sealed{Periods: of(10, 12), Count: 3, Amendments: 1, Amended: amendment(10).Closed, Final: final(12), Settled: true})
	f("west/alpha", hour(10), hour(12), Sealed{Periods: of(10, 12), Count: 3, Final: final(12), Settled: true})
	f("west/late", hour(1), hour(4), Sealed{Periods: of(1, 4), Count: 4, Amendments: 2, Amended: amendment(4).Closed, Final: final(4), Settled: true})
	f("west/orders", hour(26), hour(27), Sealed{Periods: of(26, 27), Count: 2, Final: final(27)})
	// Of a window that goes on after what is closed, and began before, as much as there is.
	f("west/orders", Period{Start: At(hour(0).Start.AddDate(-1, 0, 0))}, Period{End: At(hour(99).End.Time)}, Sealed{
		Periods: of(0, 29), Count: 30, Amendments: 9, Amended: amendment(25).Closed, Final: final(29),
	})
	if _, err := b.Sealed(t.Context(), "topic:west/orders", hour(40).Start.Time, hour(41).End.Time); !errors.Is(err, ErrNothing) {
		t.Errorf("a window that nothing is closed of: %v", err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := b.Sealed(ended, "topic:west/orders", hour(0).Start.Time, hour(9).End.Time); !errors.Is(err, context.Canceled) {
		t.Errorf("nobody waits for it: %v", err)
	}
}
