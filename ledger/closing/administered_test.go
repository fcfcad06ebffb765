package closing

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/ledger"
	"github.com/lineaged/lineaged/lineage"
)

// allows tells that so many were allowed to delete orders, by who was.
func (w *world) allows(n int, who ...string) {
	o := lineage.Observation{}
	for _, p := range who {
		use := lineage.AdministeredUse{Operation: "DELETE", Resource: "Topic", Name: "orders", Request: "DeleteTopics", Times: 1}
		e := lineage.Event{At: begin.Add(time.Duration(n) * tick), Type: lineage.Administered, Topic: orders, Detail: use.Detail()}
		e.Access.Topic.Cluster, e.Access.Client = cluster, lineage.Client{Principal: p, Host: "10.0.0.7"}
		o.Events = append(o.Events, e)
	}
	w.observe("logs", n, o)
}

// administrations are those of the period of a minute, as "principal operation name".
func (w *world) administrations(minute int) (out []string) {
	w.Helper()
	all, err := w.log.Reader().Administrations(w.accounts()[minute].Period)
	if err != nil {
		w.Fatal(err)
	}
	for _, a := range all {
		out = append(out, fmt.Sprintf("%s %s %s %s %s", *a.Principal, *a.Operation, *a.Resource, a.Name, a.Cluster))
	}
	slices.Sort(out)
	return out
}

// TestWhoAdministeredIsInTheLedger holds that it is there once, that what comes late is an amendment, that erasing
// neither takes it away nor has it said again, and that it is said where nothing tells it.
func TestWhoAdministeredIsInTheLedger(t *testing.T) {
	w := newWorld(t)
	const ann, ben = "User:ann DELETE Topic orders west", "User:ben DELETE Topic orders west"
	for n := 1; n < 40; n++ {
		w.ends(n, int64(100*n))
		w.groups(n, int64(50*n))
		if n == 8 {
			w.allows(n, "User:ann")
		}
	}
	w.step()
	if got := w.administrations(1); !slices.Equal(got, []string{ann}) || len(w.administrations(0)) > 0 {
		t.Fatalf("%q", got)
	}
	size := w.log.Newest().Size
	w.step()
	if w.log.Newest().Size != size {
		t.Error("it is said again")
	}
	w.allows(9, "User:ben", "User:ann")
	w.step()
	if got := w.administrations(1); !slices.Equal(got, []string{ann, ann, ben}) {
		t.Errorf("with what came late: %q", got)
	}
	if _, err := w.log.Erase("User:ann"); err != nil {
		t.Fatal(err)
	}
	w.groups(5, 250)
	w.step()
	got := w.administrations(1)
	if len(got) != 3 || !strings.HasPrefix(got[2], "sha256:") || slices.Contains(got, ann) {
		t.Errorf("after erasing: %q", got)
	}
	w.verified(nil)
	first := w.accounts()[1].Period
	bundle, err := w.log.Reader().Bundle("topic:west/orders", first.Start.Time, first.End.Time)
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if _, err := bundle.WriteTo(&text); err != nil {
		t.Fatal(err)
	}
	proved, err := ledger.VerifyBundle(&text, "")
	if err != nil || len(proved.Periods[0].Administered) != 3 || *proved.Periods[0].Administered[2].Principal != "User:ben" {
		t.Errorf("the bundle: %v, %+v", err, proved)
	}
	for of, want := range map[answer.UsageScope]int{
		{Of: answer.TopicScope, Name: "topic:west/orders"}: 3, {Of: answer.TopicScope, Name: "topic:west/payments"}: 0, {Of: answer.ClusterScope, Name: "west"}: 3, {Of: answer.TagScope, Name: "none"}: 3,
	} {
		n, erased := 0, 0
		err := Said{w.log.Reader}.Said(t.Context(), lineage.Window{Start: first.Start.Time, End: first.End.Time}, answer.Wanted{Scope: of}, func(p *answer.SaidPeriod) error {
			for _, x := range p.Administered {
				if n++; x.Principal == "(erased)" && x.Topic.ID == "topic:west/orders" && x.Cluster == "west" {
					erased++
				}
			}
			return nil
		})
		if err != nil || n != want || erased != want*2/3 {
			t.Errorf("of %v the ledger says %d, of whom %d are erased: %v", of, n, erased, err)
		}
	}
	spots := func(of *ledger.Account) string { return fmt.Sprint(of.Coverage[0].BlindSpots) }
	if got := spots(w.accounts()[1]); !strings.Contains(got, answer.UntoldAdministration) {
		t.Errorf("that nothing tells it is not said: %s", got)
	}
	for n := 40; n < 60; n++ { // in the period from 42 on all is told, in the one before a part
		w.ends(n, int64(100*n))
		if n >= 39 && n != 41 {
			w.observe("log-files", n, lineage.Observation{})
		}
	}
	rest := lineage.AdministeredUse{Times: 7, Name: "west"}
	e := lineage.Event{At: begin.Add(41 * tick), Type: lineage.Administered, Detail: rest.Detail()}
	e.Access.Topic.Cluster = cluster
	w.observe("log-files", 41, lineage.Observation{Events: []lineage.Event{e}})
	w.step()
	more := 0
	for _, a := range w.accounts() {
		if strings.Contains(spots(a), "7 more were allowed to") {
			more++
		}
	}
	if more != 1 {
		t.Errorf("that more administered than are named is said of %d periods", more)
	}
	for _, a := range w.accounts() {
		from, got := a.Period.Start.Sub(begin)/tick, spots(a)
		if strings.Contains(got, answer.UntoldAdministration) != (from < 36) || strings.Contains(got, answer.PartlyToldAdministration) != (from == 36) {
			t.Errorf("of the period from round %d it is said: %s", from, got)
		}
	}
}
