package answer_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// lateLedger says of its first hour that nothing told who administers, of its second that it was told in a part.
type lateLedger struct{ saidLedger }

func (l *lateLedger) Said(ctx context.Context, w lineage.Window, wanted answer.Wanted, each func(*answer.SaidPeriod) error) error {
	return l.saidLedger.Said(ctx, w, wanted, func(p *answer.SaidPeriod) error {
		what := map[time.Time]string{l.from: answer.UntoldAdministration, l.from.Add(time.Hour): answer.PartlyToldAdministration}[p.Window.Start]
		if what != "" {
			p.Spots = []answer.SaidSpot{{Cluster: "west", BlindSpot: lineage.BlindSpot{Source: "west", What: what}}}
		}
		return each(p)
	})
}

// TestNobodyAdministeredOfSeveralClusters holds that of a tag nobody is an answer only where all of its topics lie in
// clusters of which it was told: that of one is no word on the other.
func TestNobodyAdministeredOfSeveralClusters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := reported(t)
		for n := 1; n <= 20; n++ {
			w.observe("west", "log-files", n)
			fill := []filling{w.moved(self(lineage.Topic{Cluster: east, Name: "customers"}), lineage.NoEvidence, 5)}
			if n == 1 {
				fill = append(fill, facts(eastFact(), eastTopic("customers")))
			}
			w.observe("east", "all", n, fill...)
		}
		for _, known := range []bool{true, false} {
			who := &owned{tags: map[string][]string{"topic:west/archive": {"pii"}}}
			if !known {
				who.tags["topic:east/customers"] = []string{"pii"}
			}
			a := answer.New(answer.Options{
				History: w.store, Identity: func() answer.Identity { return who }, Now: func() time.Time { return round(31) },
				Clusters: []answer.ClusterConfig{{Source: "west", Name: "west"}, {Source: "east", Name: "east"}},
			})
			r := reportOf(t, a, answer.Between(round(1), round(20)), answer.UsageQuestion{Scope: answer.UsageScope{Of: answer.TagScope, Name: "pii"}})
			if r.Administered.Known != known || len(r.Administered.List) != 0 {
				t.Errorf("known %t: %+v %q", known, r.Administered, r.Doubts())
			}
		}
	})
}

// TestNobodyAdministeredWhereItWasTold holds that nobody is an answer only for time in which a log told it, whatever is
// configured now: of a log that was switched on lately, or was not read for a while, the rest is not known.
func TestNobodyAdministeredWhereItWasTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := reported(t)
		of := func(state lineage.SourceState) lineage.Fact {
			return lineage.Fact{Key: lineage.FactKey{Source: "west", Kind: lineage.SourceFacts, Name: "log-files"}, Source: &lineage.SourceFact{State: state, Interval: tick}}
		}
		for n := 6; n <= 20; n++ { // it was on before, but for an eighth round of which it saw nothing
			switch n {
			case 6:
				w.observe("west", "log-files", n, facts(of(lineage.SourceExpected)))
			case 12:
				w.observe("west", "log-files", n, missing("a file can't be read"))
			case 16:
				w.observe("west", "log-files", n, facts(of(lineage.SourceRetired)))
			case 17, 18:
			case 19:
				w.observe("west", "log-files", n, facts(of(lineage.SourceExpected)))
			default:
				w.observe("west", "log-files", n)
			}
		}
		said := &lateLedger{saidLedger{midnight.Add(-3 * time.Hour), midnight}}
		with := func(l answer.Ledger) *answer.Answers { return w.reporter(func() answer.Ledger { return l }) }
		held, both := w.reporter(nil), with(said)
		for _, x := range []struct {
			name  string
			a     *answer.Answers
			in    answer.Span
			known bool
			doubt string
		}{
			{"before it was read", held, answer.Between(round(1), round(4)), false, "who administered is not told of west"},
			{"read in all of it", held, answer.Between(round(6), round(11)), true, ""},
			{"switched on in it", held, answer.Between(round(1), round(11)), false, "of west who administered is told since 2000-01-01T00:00:50Z only"},
			{"missed in between", held, answer.Between(round(6), round(15)), false, "told of 2000-01-01T00:01:00Z to 2000-01-01T00:01:50Z, 2000-01-01T00:02:00Z to 2000-01-01T00:02:30Z only"},
			{"off to the end", held, answer.Between(round(14), round(18)), false, "told of a part of the window only"},
			{"off at first", held, answer.Between(round(16), round(20)), false, "told since 2000-01-01T00:03:10Z only"},
			{"before all that is held", held, answer.Between(midnight.Add(-time.Hour), round(11)), false, "told since 2000-01-01T00:00:50Z only"},
			{"by the ledger not", both, answer.Between(midnight.Add(-3*time.Hour), midnight.Add(-2*time.Hour)), false, "who administered is not told of west"},
			{"by the ledger in a part", both, answer.Between(midnight.Add(-2*time.Hour), midnight.Add(-time.Hour)), false, "told of a part of the window only"},
			{"by the ledger", both, answer.Between(midnight.Add(-time.Hour), midnight), true, ""},
			{"by the ledger in one of three", both, answer.Between(midnight.Add(-3*time.Hour), midnight), false, "told since 1999-12-31T23:00:00Z only"},
		} {
			r := reportOf(t, x.a, x.in, answer.UsageQuestion{Scope: answer.UsageScope{Of: answer.ClusterScope, Name: "west"}})
			doubts := strings.Join(r.Doubts(), "\n")
			if r.Administered.Known != x.known || !strings.Contains(doubts, x.doubt) || strings.Contains(doubts, "who administered") == x.known {
				t.Errorf("%s: known %t, %s", x.name, r.Administered.Known, doubts)
			}
		}
	})
}
