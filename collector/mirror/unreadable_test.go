package mirror

import (
	"strings"
	"testing"

	"github.com/lineaged/lineaged/lineage"
)

// A position that can't be read costs its own account, and is said; the next start does not meet it again.
func TestUnreadablePositionsBeginAnew(t *testing.T) {
	for _, key := range []string{roundKey, "flow/west->east", "book/west->east/orders"} {
		for _, value := range [][]byte{nil, {positionsVersion}, {positionsVersion + 1}, {positionsVersion, 200}} {
			w := newWorld(t)
			w.dedicated("", "west.orders")
			w.offset("orders", 0, 99)
			w.take(1, "west->east")
			w.offset("orders", 0, 199)
			w.take(1, "west->east")
			if w.rec.positions[key] == nil {
				t.Fatalf("no position %q", key)
			}
			w.rec.positions[key] = value
			restart := func() {
				t.Helper()
				if err := w.source.Restore(t.Context(), w.rec); err != nil {
					t.Fatalf("%q %x: %v", key, value, err)
				}
				w.take(1, "west->east")
			}
			restart()
			if said := reasons(w.last); !strings.Contains(said, "could not be read") || !strings.Contains(said, key) {
				t.Errorf("%q %x: %q does not say what could not be read", key, value, said)
			}
			w.offset("orders", 0, 299)
			w.take(1, "west->east")
			restart()
			if said := reasons(w.last); strings.Contains(said, "could not be read") {
				t.Errorf("%q %x: said again at the next start: %s", key, value, said)
			}
		}
	}
}

func reasons(o lineage.Observation) string {
	var all []string
	for _, m := range o.Missing {
		all = append(all, m.Reason)
	}
	return strings.Join(all, "; ")
}
