package answer

import (
	"context"
	"fmt"
	"time"

	"github.com/lineaged/lineaged/usage"
)

// sumKey names a bill.
type sumKey struct {
	start, end time.Time
	cluster    string // as in ids; empty: of all
}

// billSum is a bill that is added up, with what its days depended on when they were added.
type billSum struct {
	is   *usage.Sum
	days []summedDay
}

type summedDay struct {
	midnight time.Time
	hours    int // of it
	heldDay
}

func (s *billSum) add(d *usage.Day, is heldDay) {
	s.is.Add(d)
	s.days = append(s.days, summedDay{d.Start, d.To - d.From, is})
}

// hours is how much is added up.
func (s *billSum) hours() time.Duration {
	sum := 0
	for _, d := range s.days {
		sum += d.hours
	}
	return time.Duration(sum) * billHour
}

// leftSum is a bill that a question was left with when its time was over.
type leftSum struct {
	*billSum
	weight int64
	used   uint64
	ends   *time.Timer // when it is left no longer; it holds the bill
}

// sumOf returns what is added up of a bill, and is then the caller's alone. Where a day that is in it would be another
// now, as something came late or a rule changed, nothing is.
func (a *Answers) sumOf(ctx context.Context, key sumKey) (*billSum, error) {
	left := a.days.begunSum(key)
	if left == nil {
		return &billSum{is: usage.NewSum(a.tariff, key.start, key.end)}, nil
	}
	now, err := a.history.State(ctx)
	if err != nil {
		a.days.leaveSum(key, left)
		return nil, fmt.Errorf("read how far the store is: %w", err)
	}
	for _, d := range left.days {
		if a.heldDay(now, d.midnight) != d.heldDay {
			return &billSum{is: usage.NewSum(a.tariff, key.start, key.end)}, nil
		}
	}
	return left, nil
}

func (b *billDays) begunSum(key sumKey) *billSum {
	b.mu.Lock()
	defer b.mu.Unlock()
	left := b.sums[key]
	if left == nil {
		return nil
	}
	b.dropSum(key)
	return left.billSum
}

// dropSum lets go of a bill. b.mu must be held.
func (b *billDays) dropSum(key sumKey) {
	if left := b.sums[key]; left != nil {
		left.ends.Stop()
		delete(b.sums, key)
	}
}

// leaveSum keeps what is added up of a bill for a while; those that were left longest ago make room for it. Of two who
// added up the same bill it keeps what is more. It returns false where it is too large to be kept.
func (b *billDays) leaveSum(key sumKey, is *billSum) bool {
	left := &leftSum{billSum: is, weight: is.is.Weight()}
	if left.weight > b.mostSums {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.sums == nil {
		b.sums = map[sumKey]*leftSum{}
	}
	if more := b.sums[key]; more != nil && more.hours() > is.hours() {
		left = more
	}
	b.dropSum(key)
	b.clock++
	left.used = b.clock
	b.sums[key] = left
	left.ends = time.AfterFunc(leftFor, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.sums[key] == left {
			delete(b.sums, key)
		}
	})
	b.makeRoom()
	return true
}

// makeRoom keeps what is added up of bills within its bound. b.mu must be held.
func (b *billDays) makeRoom() {
	for {
		var weight int64
		var oldest sumKey
		least := b.clock
		for key, left := range b.sums {
			if weight += left.weight; left.used < least {
				oldest, least = key, left.used
			}
		}
		if weight <= b.mostSums || least == b.clock {
			return
		}
		b.dropSum(oldest)
	}
}
