package identity

import (
	"fmt"
	"strings"
	"testing"
)

// TestCutsAreRemembered holds that a cut is the same each time it is asked for, also after all were forgotten, and that
// few names are remembered, none of them long.
func TestCutsAreRemembered(t *testing.T) {
	for i := range 3 * mostCuts {
		name := fmt.Sprintf("shop-%d-consumer-%d", i%(2*mostCuts), i)
		if i%1000 == 0 {
			name += strings.Repeat("x", longestCut) + "-7"
		}
		if got, again, want := cutOf(name), cutOf(name), cutAnew(name); got != want || again != want || want.short == name {
			t.Fatalf("%s: %v, then %v, want %v", name, got, again, want)
		}
		if n := len(cuts.known); n > mostCuts {
			t.Fatalf("%d cuts are remembered", n)
		}
	}
	for name := range cuts.known {
		if len(name) > longestCut {
			t.Errorf("%d bytes are remembered", len(name))
		}
	}
}

// TestKnownCutsTakeNoPattern holds that what was cut once is only looked up: a pattern allocates.
func TestKnownCutsTakeNoPattern(t *testing.T) {
	names := []string{"crowd.group-00017", "shop-6f7d9c-x2x9z", "billing-3"}
	ask := func() {
		for _, name := range names {
			_, _ = groupName(name)
			_ = instanceless(name, "/10.0.0.7")
		}
	}
	ask()
	if n := testing.AllocsPerRun(100, ask); n > 0 {
		t.Errorf("%.0f allocations", n)
	}
}
