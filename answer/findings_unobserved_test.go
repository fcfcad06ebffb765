package answer_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// A source that sees nothing for one reason after another sees nothing.
func TestFindingsOfBlindnessForChangingReasons(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newChain(t)
		for n := 1; n <= 120; n++ {
			if n <= 90 {
				w.goesOn(n, "obim")
			} else {
				w.observe("west", "all", n, missing([]string{"no broker answers", "connection refused"}[n%2]))
			}
		}
		time.Sleep(time.Until(round(120)))
		v := view(t, answers(w.store), answer.Between(round(60), round(120)), answer.All)
		want := "RISK UNOBSERVED west no broker answers 90\n4 unknown"
		found := findings(t, v, answer.FindingAsk{})
		if got := wrong(found); got != want || found.List[0].Observed != 0 {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
}

// A source that sees a part is told from one that sees nothing, and keeps nothing else from being known.
func TestFindingsOfPartBlindness(t *testing.T) {
	for name, c := range map[string]struct {
		unseen string
		want   string
	}{
		"others":        {"else", "RISK UNOBSERVED west broker 2 does not answer 90"},
		"one of theirs": {"invoices", "RISK UNOBSERVED west broker 2 does not answer 90\n2 unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newChain(t)
				for n := 1; n <= 120; n++ {
					var fill []filling
					if n > 90 {
						fill = append(fill, func(o *lineage.Observation) {
							o.Missing = append(o.Missing, lineage.Missing{Reason: "broker 2 does not answer", Share: 0.25, Topics: []lineage.Topic{topic(c.unseen)}})
						})
					}
					w.goesOn(n, "obim", fill...)
				}
				time.Sleep(time.Until(round(120)))
				v := view(t, answers(w.store), answer.Between(round(60), round(120)), answer.All)
				found := findings(t, v, answer.FindingAsk{})
				if got := wrong(found); got != c.want || found.List[0].Observed != 0.75 {
					t.Errorf("got %v seen,\n%s\nwant\n%s", found.List[0].Observed, got, c.want)
				}
			})
		})
	}
}
