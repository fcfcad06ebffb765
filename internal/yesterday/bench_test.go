package yesterday

import (
	"log/slog"
	"testing"
	"time"

	"github.com/lineaged/lineaged/attribution"
	"github.com/lineaged/lineaged/timeseries"
)

// BenchmarkWrite writes the day to a store on disk, as the demo does when it starts.
func BenchmarkWrite(b *testing.B) {
	for b.Loop() {
		s, err := timeseries.Open(b.TempDir(), timeseries.Options{Tick: time.Second, Settle: attribution.Settle, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			b.Fatal(err)
		}
		d, err := New(shopTopics(), noon)
		if err != nil {
			b.Fatal(err)
		}
		if err := d.Write(b.Context(), s.Append, func() time.Time { return noon }); err != nil {
			b.Fatal(err)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
