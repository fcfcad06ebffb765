package answer_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// wholeLedger has periods all of which was observed.
type wholeLedger struct{ saidLedger }

func (l *wholeLedger) Said(ctx context.Context, w lineage.Window, wanted answer.Wanted, each func(*answer.SaidPeriod) error) error {
	return l.saidLedger.Said(ctx, w, wanted, func(p *answer.SaidPeriod) error {
		p.Observed, p.Gaps = map[string]float64{"west": 1}, nil
		return each(p)
	})
}

// TestUnaskedOfTheLedger has a report that follows a tag over a time that the ledger speaks of: what is derived there
// nobody was asked for, which is not that it was observed, nor that nobody used or administered it.
func TestUnaskedOfTheLedger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := derivedWorld(t)
		for n := 1; n <= 20; n++ {
			slept := []filling{w.moved(self(topic("slept")), lineage.NoEvidence, 0), w.moved(writes(topic("slept"), group("copier")), lineage.Telemetry, 0), sighted(writes(topic("slept"), group("copier")), lineage.Telemetry, "")}
			if n == 1 {
				slept = append(slept, facts(topicFact(topic("slept"))))
			}
			w.observe("west", "more", n, slept...)
			w.observe("west", "log-files", n)
		}
		who := &stopping{owned{tags: map[string][]string{"topic:west/customers": {"pii"}}}, nil}
		said := &wholeLedger{saidLedger{midnight.Add(-2 * time.Hour), midnight}}
		answers := func() *answer.Answers {
			return answer.New(answer.Options{
				History: w.store, Identity: func() answer.Identity { return who }, Ledger: func() answer.Ledger { return said }, Now: func() time.Time { return round(31) },
				Clusters: []answer.ClusterConfig{{Source: "west", Name: "west", Environment: "west"}},
			})
		}
		a := answers()
		held, mixed := answer.Between(round(1), round(20)), answer.Between(midnight.Add(-2*time.Hour), round(20))
		sealed := answer.Between(midnight.Add(-2*time.Hour), midnight)
		for _, x := range []struct {
			of          string
			in          answer.Span
			bearersOnly bool
			source      answer.UsageSource
			known       bool
			observed    string // of the whole report
			slept       string // whether the topic that nobody is seen to use was used, and its group
			total       string // at least, written and read
		}{
			{"the store alone", held, false, answer.Held, true, "1.00", "false 1 false false", "false false"},
			// Of 2 hours half of what is asked for was, and all of 200 seconds.
			{"both", mixed, false, answer.AnySource, false, "0.51", "not known 1 true true", "true true"},
			{"both, without what is derived", mixed, true, answer.AnySource, true, "1.00", "not listed", "no total"},
			{"the ledger alone", sealed, false, answer.Sealed, false, "0.50", "not listed", "no total"},
		} {
			q := answer.UsageQuestion{Scope: answer.UsageScope{Of: answer.TagScope, Name: "pii"}, GroupBy: answer.UsageByTopic, Source: x.source, BearersOnly: x.bearersOnly}
			r := reportOf(t, a, x.in, q)
			if got := fmt.Sprintf("%.2f", r.Coverage.ObservedFraction); r.Coverage.Complete != x.known || got != x.observed {
				t.Errorf("%s: complete %t, %s observed", x.of, r.Coverage.Complete, got)
			}
			if len(r.Administered.List) != 0 || r.Administered.Known != x.known {
				t.Errorf("%s: nobody administered it, known %t", x.of, r.Administered.Known)
			}
			if doubted := slices.ContainsFunc(r.Doubts(), func(s string) bool { return strings.Contains(s, "nor who administered these") }); doubted == x.known {
				t.Errorf("%s: %q", x.of, r.Doubts())
			}
			total := "no total"
			if sum := r.SumDerived(); sum != nil {
				total = fmt.Sprint(sum.Written.AtLeast, sum.Read.AtLeast)
			}
			if total != x.total {
				t.Errorf("%s: %s", x.of, total)
			}
			register, err := a.Register(t.Context(), x.in, "pii", x.source, x.bearersOnly)
			if err != nil {
				t.Fatal(err)
			}
			slept := "not listed"
			for _, is := range register.Topics {
				if is.Topic.Name == "slept" {
					slept = map[bool]string{true: "not known"}[is.Used == nil] + truth(is.Used)
				}
				if is.Topic.Name == "customers" && (is.Used == nil || !*is.Used) {
					t.Errorf("%s: who bears it was used: %v", x.of, is.Used)
				}
			}
			for _, g := range r.Groups {
				if g.Key == "topic:west/slept" {
					slept += fmt.Sprint(" ", g.Topics, g.Written.AtLeast, g.Read.AtLeast)
				}
				if g.Key == "topic:west/customers" && g.Written.AtLeast {
					t.Errorf("%s: %+v: it was asked for all along", x.of, g)
				}
			}
			if slept != x.slept {
				t.Errorf("%s: %s", x.of, slept)
			}
		}

		// Without a derived use in the store's part the total is a least too: 0 is not known.
		who.tags = map[string][]string{"topic:west/idle": {"pii"}}
		r := reportOf(t, answers(), mixed, answer.UsageQuestion{Scope: answer.UsageScope{Of: answer.TagScope, Name: "pii"}})
		if sum := r.SumDerived(); sum == nil || sum.Topics != 0 || !sum.Written.AtLeast || !sum.Read.AtLeast {
			t.Errorf("%+v", sum)
		}
	})
}
