package kafka

import (
	"log/slog"
	"testing"
	"time"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/lineage"
)

// Where the machine's clock is two days behind the newest rounds these are dated by the time that has passed: a reader
// is as late as it was, and not two days.
func TestHowLateAReaderIsByAClockThatIsNotFollowed(t *testing.T) {
	clock := collector.NewClock(tick, nil, nil, time.Now().Add(48*time.Hour), slog.New(slog.DiscardHandler))
	w := newWorld(t, 1)
	w.start(Config{Clock: clock})
	look := func() {
		w.round = clock.Now().Add(-tick)
		w.take(1)
	}
	w.topic("orders", 1)
	w.write("orders", 0, 5)
	w.commit("billing", "orders", 0, 5)
	look()
	w.write("orders", 0, 4)
	look()
	late := int64(-1)
	for _, o := range w.last {
		for _, s := range o.Samples {
			if s.Metric == lineage.LagMillis && s.Subject.Client.Group == "billing" {
				late = s.Value
			}
		}
	}
	if late < 0 || late > time.Minute.Milliseconds() {
		t.Errorf("it is %d ms late", late)
	}
}
