package timeseries_test

import (
	"testing"
	"time"

	"github.com/lineaged/lineaged/store/storetest"
	"github.com/lineaged/lineaged/timeseries"
)

func TestMemoryKeepsTheContract(t *testing.T) {
	storetest.Run(t, func(t testing.TB, tick time.Duration) storetest.Subject {
		s := timeseries.NewMemory(quiet(timeseries.Options{Tick: tick}))
		t.Cleanup(func() { check(t, s.Close()) })
		return storetest.Subject{Store: s, Maintain: s.Maintain, Fault: nil}
	}, storetest.Cannot{Restart: true, Fault: true})
}
