package answer

import (
	"runtime"
	"testing"
	"time"
	"weak"

	"github.com/lineaged/lineaged/usage"
)

func summed(hours int) *billSum {
	start := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	return &billSum{is: usage.NewSum(usage.Tariff{}, start, start.AddDate(0, 1, 0)), days: []summedDay{{midnight: start, hours: hours}}}
}

// A bill that was taken back is held by nobody but who took it, though the time for which it was left is not over.
func TestABillThatIsTakenBackIsLetGo(t *testing.T) {
	b := &billDays{mostSums: 1 << 30}
	var left []weak.Pointer[billSum]
	for i := range 8 {
		key, is := sumKey{cluster: string(rune('a' + i))}, summed(24)
		left = append(left, weak.Make(is))
		b.leaveSum(key, is)
		b.leaveSum(key, b.begunSum(key))
		b.begunSum(key)
	}
	runtime.GC()
	runtime.GC()
	for i, x := range left {
		if x.Value() != nil {
			t.Errorf("bill %d is still held", i)
		}
	}
}

// Of two who add up one bill at once, what is further stays.
func TestTheBillThatIsFurtherStays(t *testing.T) {
	b, key := &billDays{mostSums: 1 << 30}, sumKey{}
	far, near := summed(240), summed(24)
	b.leaveSum(key, far)
	b.leaveSum(key, near)
	if got := b.begunSum(key); got != far {
		t.Errorf("%v is kept", got.hours())
	}
	b.leaveSum(key, near)
	b.leaveSum(key, far)
	if got := b.begunSum(key); got != far {
		t.Errorf("%v is kept", got.hours())
	}
}
