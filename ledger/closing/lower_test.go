package closing

import (
	"testing"

	"github.com/lineaged/lineaged/lineage"
)

// TestASourceThatIsFoundSilentLaterLowersWhatWasObserved: its first round comes late, and it saw nothing of the rest of
// a period that was closed as seen. What was said to be used stays, of a part that was observed.
func TestASourceThatIsFoundSilentLaterLowersWhatWasObserved(t *testing.T) {
	w := newWorld(t)
	for n := 1; n < 31; n++ {
		w.ends(n, int64(100*n))
	}
	w.step()
	observed := func() (cluster, use int64, records int64) {
		a := w.accounts()[0]
		if !a.Period.Start.Equal(begin) {
			t.Fatalf("the first period begins at %s", a.Period.Start)
		}
		s := w.find(0, writer)
		if s == nil || len(a.Coverage) != 1 {
			t.Fatalf("%+v", a)
		}
		return a.Coverage[0].Observed, s.Observed, *s.Records
	}
	before, _, records := observed()
	w.observe("groups", 3, lineage.Observation{})
	w.observe("groups", 31, lineage.Observation{})
	w.step()
	cluster, use, now := observed()
	if cluster >= before || use >= 1_000_000 || now != records {
		t.Errorf("of the period %d was observed and then %d, of the use %d, of %d records and then %d", before, cluster, use, records, now)
	}
	size := w.log.Newest().Size
	w.step()
	if again := w.log.Newest().Size; again != size {
		t.Errorf("it is said again: %d entries, %d before", again, size)
	}
}
