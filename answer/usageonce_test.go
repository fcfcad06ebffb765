package answer_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
)

// TestUsageIsCountedOnceWhereTheStoreBegins has the store begin within a period of the ledger's, as it does wherever
// retention cuts: the ledger says all of that period, so that the store speaks of what comes after it alone.
func TestUsageIsCountedOnceWhereTheStoreBegins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := reported(t)
		const into = 100 * time.Second
		said := &saidLedger{midnight.Add(into - 2*time.Hour), midnight.Add(into)}
		a := w.reporter(func() answer.Ledger { return said })
		q := answer.UsageQuestion{Scope: answer.UsageScope{Of: answer.TopicScope, Name: "topic:west/customers"}}
		of := func(r *answer.UsageReport, name string) (n int64) {
			for _, u := range r.Uses {
				if u.Node.Name == name && u.Records != nil {
					n += *u.Records
				}
			}
			return n
		}
		q.Source = answer.Held
		held := of(reportOf(t, a, answer.Between(midnight.Add(into), round(20)), q), "billing")
		q.Source = answer.AnySource
		r := reportOf(t, a, answer.Between(midnight.Add(-3*time.Hour), round(20)), q)
		for i := 1; i < len(r.Parts); i++ {
			if !r.Parts[i].Window.Start.Equal(r.Parts[i-1].Window.End) {
				t.Errorf("part %d does not begin where the one before ends: %+v", i, r.Parts)
			}
		}
		const sealed = 2 * 1000
		if got := of(r, "billing"); held == 0 || got != sealed+held {
			t.Errorf("billing read %d, want %d of the ledger and %d of the store", got, sealed, held)
		}
		// A window that ends within that period is the ledger's.
		r = reportOf(t, a, answer.Between(midnight.Add(-3*time.Hour), round(5)), q)
		if last := r.Parts[len(r.Parts)-1]; of(r, "billing") != sealed || last.Source != answer.Sealed {
			t.Errorf("billing read %d by %+v", of(r, "billing"), r.Parts)
		}
	})
}
