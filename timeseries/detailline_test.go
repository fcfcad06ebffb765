package timeseries

import (
	"math/rand/v2"
	"testing"
)

// TestDetailLineIsWhatWasTold tells details of random ticks in any order, many of them at regular ticks and again, and
// seals: at each tick that stands which was told last up to it, of two at one tick the lesser, since the tick at which
// it came to stand.
func TestDetailLineIsWhatWasTold(t *testing.T) {
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 5))
		told, sealed, every := map[int64]string{}, int64(0), 1+r.Int64N(4)
		p := support{}
		for range 60 {
			if r.IntN(12) == 0 {
				end := sealed + r.Int64N(10)
				p.sealDetails(end)
				sealed = end
				continue
			}
			tick, text := sealed+1+r.Int64N(40), string(rune('a'+r.IntN(2)))
			if r.IntN(3) > 0 {
				tick, text = sealed+every*(1+r.Int64N(40/every)), "a"
			}
			if was, ok := told[tick]; !ok || text < was {
				told[tick] = text
			}
			p.tell(tick, sealed, text)
		}
		want, since := "", int64(0)
		for tick := int64(1); tick < sealed+60; tick++ {
			if text, ok := told[tick]; ok && text != want {
				want, since = text, tick
			}
			if got := p.detailAt(tick); tick >= sealed && (got.Text != want || got.At != since) {
				t.Fatalf("seed %d: at %d %+v stands, want %q since %d; told %v, sealed %d", seed, tick, got, want, since, told, sealed)
			}
		}
		if want != p.detail || since != p.since {
			t.Fatalf("seed %d: %q stands since %d, want %q since %d", seed, p.detail, p.since, want, since)
		}
	}
}
