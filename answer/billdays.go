package answer

import (
	"sync"
	"time"

	"github.com/lineaged/lineaged/usage"
)

const (
	// mostDays bounds the days of bills that are kept, in bytes: two months of some ten thousand topics.
	mostDays = 128 << 20
	// mostSums bounds the half-added bills that are kept, in bytes. One of a hundred thousand topics is some 120 MB,
	// however many days it has, and what is answered of it is more than that.
	mostSums = 512 << 20
)

// dayKey names a part of a day of a bill.
type dayKey struct {
	midnight time.Time
	from, to int
	step     time.Duration // in which it is held
}

type keptDay struct {
	depends
	day  *usage.Day
	used uint64
}

// billDays are the days of bills that were asked for last: a month is not made anew for each question. Each is kept
// until what it depends on changes.
type billDays struct {
	mu    sync.Mutex // guards the fields below
	of    map[dayKey]*keptDay
	clock uint64
	left  *leftDay // nil: none was
	sums  map[sumKey]*leftSum

	most, mostSums int64 // bytes that days and half-added bills hold; never written
}

// leftDay is a day that a question was left with when its time was over. There is one at most: it holds the view
// that it is of, and some 200 bytes a series.
type leftDay struct {
	depends
	midnight time.Time
	is       *metered
}

// begun returns what is read of a day, and is then the caller's alone; nil: nothing is, or of what is held no more.
func (b *billDays) begun(midnight time.Time, d depends) *metered {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.left == nil || b.left.depends != d || !b.left.midnight.Equal(midnight) {
		return nil
	}
	is := b.left.is
	b.left = nil
	return is
}

// leftFor is how long a day is kept that nobody goes on with: who asks again does so at once, as our command does.
const leftFor = 2 * time.Minute

// leave keeps what is read of a day for a while, in place of another.
func (b *billDays) leave(midnight time.Time, d depends, is *metered) {
	b.mu.Lock()
	defer b.mu.Unlock()
	left := &leftDay{d, midnight, is}
	b.left = left
	time.AfterFunc(leftFor, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.left == left {
			b.left = nil
		}
	})
}

func (b *billDays) get(key dayKey, d depends) *usage.Day {
	b.mu.Lock()
	defer b.mu.Unlock()
	k := b.of[key]
	if k == nil || k.depends != d {
		return nil
	}
	b.clock++
	k.used = b.clock
	return k.day
}

func (b *billDays) keep(key dayKey, d depends, day *usage.Day) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.of == nil {
		b.of = map[dayKey]*keptDay{}
	}
	b.clock++
	b.of[key] = &keptDay{d, day, b.clock}
	for {
		var sum int64
		oldest, least := key, b.clock
		for key, k := range b.of {
			if sum += k.day.Weight(); k.used < least {
				oldest, least = key, k.used
			}
		}
		if sum <= b.most || least == b.clock {
			return
		}
		delete(b.of, oldest)
	}
}
