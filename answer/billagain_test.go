package answer_test

import (
	"context"
	"errors"
	"testing"

	"github.com/lineaged/lineaged/answer"
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
