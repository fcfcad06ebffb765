package closing

import (
	"fmt"
	"testing"

	"github.com/lineaged/lineaged/ledger"
)

// TestRulesThatStopTagsAreInTheLedger: those that hold when a period is closed, and when one is amended; whoever is
// started again writes them down no second time.
func TestRulesThatStopTagsAreInTheLedger(t *testing.T) {
	w := newWorld(t)
	var rules []ledger.BreakerRule
	start := func() {
		w.start()
		w.Breakers = func() []ledger.BreakerRule { return rules }
	}
	start()
	f := func(want string) {
		t.Helper()
		is, err := w.log.Reader().Breakers()
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, b := range is.Rules {
			got += fmt.Sprintf("%s[%d] %v %v; ", b.Place, b.Rule, b.Match, b.Stops)
		}
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	n := 0
	until := func(end int) {
		t.Helper()
		for ; n < end; n++ {
			w.ends(n+1, int64(100*n))
		}
		w.step()
	}
	until(30)
	f("")
	rules = []ledger.BreakerRule{{Place: "topics", Match: []ledger.BreakerMatch{{Field: "name", Pattern: "^a"}}, Stops: []string{"pii"}}}
	until(50)
	f("topics[0] [{name ^a}] [pii]; ")
	size := w.log.Newest().Size
	start()
	until(50)
	if now := w.log.Newest().Size; now != size {
		t.Errorf("a start wrote %d entries", now-size)
	}
	rules[0].Rule = 4
	w.groups(5, 70) // comes late
	w.step()
	f("topics[4] [{name ^a}] [pii]; ")
	w.verified(nil)
}
