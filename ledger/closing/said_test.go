package closing

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/identity"
	"github.com/lineaged/lineaged/ledger"
	"github.com/lineaged/lineaged/lineage"
)

// TestSaidIsWhatWasHeld reads closed periods back as answers ask for them: the report of the ledger and that of the
// store are the same, and who was erased is not in it.
func TestSaidIsWhatWasHeld(t *testing.T) {
	w := newWorld(t)
	for n := 1; n <= 18; n++ {
		w.ends(n, int64(100*n))
		if n%5 != 0 { // a group of which nobody knows all along where it is
			w.groups(n, int64(60*n))
		}
	}
	w.now = begin.Add(3*time.Minute + Wait)
	w.step()
	said := Said{Reader: w.log.Reader}
	in := lineage.Window{Start: begin.Add(time.Minute), End: begin.Add(2*time.Minute + 10*time.Second)}
	from, until, err := said.Closed(t.Context(), in)
	if err != nil || !from.Equal(begin.Add(time.Minute)) || !until.Equal(begin.Add(3*time.Minute)) {
		t.Fatalf("%s %s %v", from, until, err)
	}
	if from, _, err := said.Closed(t.Context(), lineage.Window{Start: begin.Add(time.Hour), End: begin.Add(2 * time.Hour)}); err != nil || !from.IsZero() {
		t.Errorf("%s %v", from, err)
	}
	read := func(s answer.UsageScope) string {
		var out []string
		err := said.Said(t.Context(), in, answer.Wanted{Scope: s}, func(p *answer.SaidPeriod) error {
			for _, u := range p.Uses {
				line := fmt.Sprintf("%d %s %s %d", int(p.Window.Start.Sub(begin)/time.Minute), u.Node.ID, u.Topic.ID, *u.Records)
				for _, c := range u.Clients {
					line += " " + c.Principal + c.Host
				}
				out = append(out, line)
			}
			if len(p.Observed) != 1 || p.Observed["west"] <= 0 || p.Observed["west"] > 1 {
				t.Errorf("%v", p.Observed)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(out, "\n")
	}
	const minutes = "1 application:shop/billing topic:west/orders 360 User:ann/10.0.0.7\n1 application:shop/writer topic:west/orders 600 \n" +
		"2 application:shop/billing topic:west/orders 360 User:ann/10.0.0.7\n2 application:shop/writer topic:west/orders 600 "
	for _, s := range []answer.UsageScope{{Of: answer.TopicScope, Name: "topic:west/orders"}, {Of: answer.ClusterScope, Name: "west"}} {
		if got := read(s); got != minutes {
			t.Errorf("%s:\n%s\nwant\n%s", s, got, minutes)
		}
	}
	if got := read(answer.UsageScope{Of: answer.ApplicationScope, Name: writer}); strings.Count(got, "\n") != 1 || strings.Contains(got, "billing") {
		t.Errorf("%s", got)
	}
	if got := read(answer.UsageScope{Of: answer.TagScope, Name: "nobody's"}); got != "" {
		t.Errorf("%s", got)
	}
	w.wantSameFromBoth(said, in)
	if _, err := w.log.Erase("User:ann"); err != nil {
		t.Fatal(err)
	}
	if got := read(answer.UsageScope{Of: answer.ApplicationScope, Name: billing}); !strings.Contains(got, "(erased)/10.0.0.7") || strings.Contains(got, "ann") {
		t.Errorf("%s", got)
	}
}

// wantSameFromBoth asks the ledger and the store of the same whole periods.
func (w *world) wantSameFromBoth(said answer.Ledger, in lineage.Window) {
	w.Helper()
	who, err := identity.New(identity.Rules{})
	if err != nil {
		w.Fatal(err)
	}
	a := answer.New(answer.Options{
		History: w.store, Identity: func() answer.Identity { return who }, Now: w.Now, Ledger: func() answer.Ledger { return said },
		Clusters: []answer.ClusterConfig{{Source: "west", Name: "west", Environment: "shop"}},
	})
	of := func(from answer.UsageSource) (out []string) {
		r, err := a.UsageReport(w.Context(), answer.Between(in.Start, in.End.Truncate(time.Minute).Add(time.Minute)), answer.UsageQuestion{Scope: answer.UsageScope{Of: answer.ClusterScope, Name: "west"}, Source: from})
		if err != nil {
			w.Fatal(err)
		}
		for _, u := range r.Uses {
			out = append(out, fmt.Sprint(u.Topic.ID, u.Write, u.Node.ID, *u.Records, u.Clients, u.ClientCount, u.Estimated, u.AtLeast, u.Held, u.Sealed))
		}
		return out
	}
	held, sealed := of(answer.Held), of(answer.Sealed)
	for i := range held {
		held[i] = strings.TrimSuffix(held[i], "true false") + "false true"
	}
	if len(held) != 2 || !slices.Equal(held, sealed) {
		w.Errorf("held %q\nsealed %q", held, sealed)
	}
}

// TestSaidEnds ends with who asks.
func TestSaidEnds(t *testing.T) {
	w := newWorld(t)
	for n := 1; n <= 12; n++ {
		w.ends(n, int64(100*n))
	}
	w.now = begin.Add(2*time.Minute + Wait)
	w.step()
	enough, n := errors.New("enough"), 0
	err := Said{Reader: w.log.Reader}.Said(t.Context(), lineage.Window{Start: begin, End: begin.Add(time.Hour)}, answer.Wanted{}, func(*answer.SaidPeriod) error {
		n++
		return enough
	})
	if !errors.Is(err, enough) || n != 1 {
		t.Errorf("%v after %d", err, n)
	}
}

// TestSaidIsNoLess: what evidence in an entry says is at least is so where it is read, as from the store; what is at
// most beside is neither.
func TestSaidIsNoLess(t *testing.T) {
	for _, x := range []struct {
		estimated bool
		details   []string
		want      bool
	}{
		{true, []string{"at least: the end of the window was not observed"}, true},
		{true, []string{"at most: markers", "at least: of 1 counter"}, false},
		{true, []string{"at most: markers"}, false},
		{false, []string{"at least: what was said before"}, false},
		{true, nil, false},
	} {
		u := ledger.Usage{Topic: "topic:west/orders", Node: billing, Operation: ledger.Read, Active: new(true), Records: new(int64(7)), Estimated: x.estimated}
		for _, d := range x.details {
			u.Evidence = append(u.Evidence, ledger.Evidence{Kind: "GROUP_OFFSETS", Detail: &d})
		}
		got := periodOf(&ledger.Account{Statements: []ledger.Statement{{Usage: u}}})
		if is := got.Uses[0].AtLeast; is != x.want {
			t.Errorf("%v of %q is at least: %v", x.estimated, x.details, is)
		}
	}
}
