package connect

import (
	"strings"
	"testing"
)

// A position that can't be read costs its own account, and is said; the next start does not meet it again.
func TestUnreadablePositionsBeginAnew(t *testing.T) {
	const book = "book/west/e-%3Ew/east-id/orders"
	for key, value := range map[string]string{roundKey: "yesterday", book: "\x01", "book/of nothing": "\x01"} {
		w := newWorker(t)
		mm := copying("topics", "orders")
		mm.topics = []string{"e.orders"}
		w.connectors["mm"] = mm
		mm.copied("e", "orders", 5)
		r := newRig(t, w, nil)
		r.ends("east-id", "orders", 6)
		for range 3 {
			r.take()
		}
		if r.positions[book] == nil {
			t.Fatalf("positions are %v", r.positions)
		}
		r.positions[key] = []byte(value)
		r.start(nil)
		r.take()
		if said := strings.Join(r.missing(), "; "); !strings.Contains(said, "could not be read") || !strings.Contains(said, key) {
			t.Errorf("%q: %q does not say what could not be read", key, said)
		}
		for range 3 {
			r.take()
		}
		r.start(nil)
		r.take()
		if said := strings.Join(r.missing(), "; "); strings.Contains(said, "could not be read") {
			t.Errorf("%q: said again at the next start: %s", key, said)
		}
	}
}
