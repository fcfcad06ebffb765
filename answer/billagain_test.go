package answer_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/usage"
)

// patience is a context whose time is over once it was looked at so many times.
type patience struct {
	context.Context

	looks, most int
}

func (p *patience) Err() error {
	if p.looks++; p.most > 0 && p.looks > p.most {
		return context.DeadlineExceeded
	}
	return p.Context.Err()
}

// TestADayThatTakesTooLongIsBilledInTheEnd asks for a day again and again, each time for half as long as it takes: who
// asks again goes on where that ended, and the bill is that of who waits.
func TestADayThatTakesTooLongIsBilledInTheEnd(t *testing.T) {
	w := newWorld(t)
	w.trade(0, 30*hourly)
	day := answer.Between(round(0), round(24*hourly))
	patient := billed(w, people{}, usage.Tariff{})
	if _, err := patient.View(t.Context(), day, answer.All); err != nil {
		t.Fatal(err)
	}
	all := &patience{Context: t.Context()}
	want, err := patient.Bill(all, day, "")
	if err != nil {
		t.Fatal(err)
	}
	hasty := billed(w, people{}, usage.Tariff{})
	if _, err := hasty.View(t.Context(), day, answer.All); err != nil {
		t.Fatal(err)
	}
	tries := 0
	for ; ; tries++ {
		got, err := hasty.Bill(&patience{Context: t.Context(), most: all.looks / 2}, day, "")
		if errors.Is(err, context.DeadlineExceeded) && tries < 9 {
			continue
		}
		if err != nil {
			t.Fatalf("try %d, each half as long as all of it: %v", tries, err)
		}
		if x, y := linesOf(got.Lines, usage.IngressRecords), linesOf(want.Lines, usage.IngressRecords); x != y || x == "" {
			t.Errorf("got %s, want %s", x, y)
		}
		break
	}
	if tries == 0 {
		t.Error("half of the time is enough for all of it: this test tells nothing")
	}
}

// One that is cut off at its last step, where sizes are read, has read all hours.
func TestADayIsCutOffAtItsSizes(t *testing.T) {
	w := newWorld(t)
	w.trade(0, 30*hourly)
	day := answer.Between(round(0), round(24*hourly))
	ask := func(a *answer.Answers, most int) (int, error) {
		p := &patience{Context: t.Context(), most: most}
		_, err := a.Bill(p, day, "")
		return p.looks, err
	}
	answers := func() *answer.Answers {
		a := billed(w, people{}, usage.Tariff{})
		if _, err := a.View(t.Context(), day, answer.All); err != nil {
			t.Fatal(err)
		}
		return a
	}
	all, err := ask(answers(), 0)
	if err != nil {
		t.Fatal(err)
	}
	a := answers()
	if _, err := ask(a, all-1); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("with one look less than it takes: %v", err)
	}
	if looks, err := ask(a, 0); err != nil || looks > all-usage.Hours {
		t.Errorf("who asks again needs %d looks of %d, %v: the hours are read again", looks, all, err)
	}
}

// sparse trades for two ticks of each hour.
func (w *world) sparse(hours int) {
	for h := range hours {
		w.trade(h*hourly, h*hourly+2)
	}
}

// askAgain asks for a bill until it is had, each time for so many looks.
func askAgain(t *testing.T, a *answer.Answers, s answer.Span, most, tries int, between func(try int)) *answer.Bill {
	t.Helper()
	for n := 1; ; n++ {
		b, err := a.Bill(&patience{Context: t.Context(), most: most}, s, "")
		switch {
		case err == nil && n == 1:
			t.Fatal("once is enough: this test tells nothing")
		case err == nil:
			return b
		case !errors.Is(err, context.DeadlineExceeded) || n == tries:
			t.Fatalf("try %d of %d: %v", n, tries, err)
		}
		between(n)
	}
}

// TestABillOfManyDaysIsHadInTheEnd asks for days of which only the newest is kept: what of the bill is added up is kept
// too, so that who asks again goes on with the day where that ended, and no day is read twice.
func TestABillOfManyDaysIsHadInTheEnd(t *testing.T) {
	w := newWorld(t)
	const days = 6
	w.sparse(days * 24)
	month := answer.Between(round(0), round(days*24*hourly))
	patient := billed(w, owners(), usage.Tariff{})
	looks := &patience{Context: t.Context()}
	want, err := patient.Bill(looks, month, "")
	if err != nil {
		t.Fatal(err)
	}
	hasty := billed(w, owners(), usage.Tariff{})
	hasty.KeepBills(1, 1<<20)
	got := askAgain(t, hasty, month, looks.looks/3, 9, func(int) {})
	if !slices.EqualFunc(got.Lines, want.Lines, func(x, y usage.Line) bool { return x.Compare(&y) == 0 && x.Count.Cmp(y.Count) == 0 }) || len(want.Lines) == 0 {
		t.Errorf("got %+v\nwant %+v", got.Lines, want.Lines)
	}
	// Two who take turns do not take each other's.
	other := answer.Between(round(0), round((days-1)*24*hourly))
	hasty = billed(w, owners(), usage.Tariff{})
	hasty.KeepBills(1, 1<<20)
	askAgain(t, hasty, month, looks.looks/3, 9, func(int) {
		if _, err := hasty.Bill(&patience{Context: t.Context(), most: looks.looks / 3}, other, ""); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
	})
}

// What came late to a day that is added up is in the bill that comes of it.
func TestWhatCameLateIsInABillThatGoesOn(t *testing.T) {
	w := newWorld(t)
	const days = 4
	w.sparse(days * 24)
	month := answer.Between(round(0), round(days*24*hourly))
	orders := topic("orders")
	looks := &patience{Context: t.Context()}
	if _, err := billed(w, owners(), usage.Tariff{}).Bill(looks, month, ""); err != nil {
		t.Fatal(err)
	}
	hasty := billed(w, owners(), usage.Tariff{})
	hasty.KeepBills(1, 1<<20)
	got := askAgain(t, hasty, month, looks.looks/2, 9, func(try int) {
		if try == 1 {
			w.observe("west", "groups", 5, w.moved(reads(orders, group("late")), lineage.GroupOffsets, 1000))
		}
	})
	want := bill(t, billed(w, owners(), usage.Tariff{}), 0, days*24*hourly)
	if x, y := linesOf(got.Lines, usage.EgressRecords), linesOf(want.Lines, usage.EgressRecords); x != y || !strings.Contains(y, "nobody") {
		t.Errorf("got %s, want %s", x, y)
	}
}

// A bill that is too large to be kept says so, where it can't be had in one request.
func TestABillThatIsTooLargeIsToBeAskedForInParts(t *testing.T) {
	w := newWorld(t)
	w.sparse(3 * 24)
	month := answer.Between(round(0), round(3*24*hourly))
	looks := &patience{Context: t.Context()}
	if _, err := billed(w, owners(), usage.Tariff{}).Bill(looks, month, ""); err != nil {
		t.Fatal(err)
	}
	a := billed(w, owners(), usage.Tariff{})
	a.KeepBills(1, 1)
	_, err := a.Bill(&patience{Context: t.Context(), most: looks.looks / 2}, month, "")
	if no, ok := errors.AsType[*answer.RefusedError](err); !ok || no.Reason != answer.TooMuch {
		t.Errorf("got %v", err)
	}
}
