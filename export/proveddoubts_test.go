package export

import (
	"strings"
	"testing"

	"github.com/lineaged/lineaged/ledger"
)

// A bundle of a name that is misspelt verifies, and holds nothing but periods: that it is about nothing is said.
func TestABundleWithoutAnEntryOfItsTopicSaysSo(t *testing.T) {
	b := &ledger.Proved{Topic: "topic:west/ordres", Periods: []ledger.Said{{}, {}}}
	if text := strings.Join(Doubts(b), "\n"); !strings.Contains(text, "no entry is about topic:west/ordres") {
		t.Errorf("it is said\n%s", text)
	}
	for _, said := range []ledger.Said{{Usage: make([]ledger.Statement, 1)}, {Administered: make([]ledger.Administration, 1)}} {
		b.Periods[1] = said
		if text := strings.Join(Doubts(b), "\n"); strings.Contains(text, "no entry") {
			t.Errorf("of what has one it is said\n%s", text)
		}
	}
}
