package timeseries

import (
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// TestThePastOfFacts changes a group of 100 members 1,000 times, over days: at each instant it is what it was then,
// also after restarts and beyond retention; and what is kept is what changed.
func TestThePastOfFacts(t *testing.T) {
	ctx := context.Background()
	r := rand.New(rand.NewPCG(9, 9))
	o := testOpts
	o.Retention = Retention{Raw: 2 * time.Hour, Minute: 4 * time.Hour, Hour: 20 * day}
	dir := t.TempDir()
	s, err := Open(dir, o)
	must(t, err)
	key := lineage.FactKey{Source: "west", Kind: lineage.GroupFacts, Name: "g"}
	var members []lineage.Member
	come := func() {
		id := fmt.Sprintf("consumer-billing-%016x", r.Uint64())
		members = slices.Insert(members, r.IntN(len(members)+1), lineage.Member{ID: id, ClientID: "consumer-billing", Host: "/10.0.0.1"})
	}
	for range 100 {
		come()
	}
	type version struct {
		at   time.Time
		fact lineage.Fact
	}
	var want []version
	state := func() (versions, bytes int) {
		for _, l := range s.facts {
			versions += len(l.past) + len(l.versions)
		}
		return versions, len(s.encodeFacts())
	}
	const rounds, each = 1000, 27 // minutes
	for n := 1; n <= rounds; n++ {
		at := testStart.Add(time.Duration(n*each) * time.Minute)
		f := lineage.Fact{Key: key}
		switch k := r.IntN(20); {
		case k == 0:
			f.Gone = true
		case k > 1:
			members = slices.Delete(members, 7, 8)
			come()
			fallthrough
		default: // the same again, or changed
			f.Group = &lineage.GroupFact{Ref: lineage.GroupRef{Group: "g"}, State: "Stable", MembersKnown: true, Members: slices.Clone(members)}
		}
		if len(want) == 0 || !reflect.DeepEqual(f, want[len(want)-1].fact) {
			want = append(want, version{at, f})
		}
		x := testRound(n * each)
		x.Facts = []lineage.Fact{f}
		must(t, s.Append(ctx, x))
		if n%100 == 0 {
			must(t, s.Maintain(ctx, at))
			must(t, s.Close())
			s, err = Open(dir, o)
			must(t, err)
		}
	}
	must(t, s.Maintain(ctx, testStart.Add((rounds*each+60)*time.Minute)))
	ask := func(from time.Time) {
		t.Helper()
		for i, v := range want {
			if !v.at.After(from) {
				continue
			}
			at := v.at.Add(time.Minute)
			w, err := s.Window(ctx, store.Ask{Window: lineage.Window{Start: v.at.Add(-time.Minute), End: at}, Facts: []lineage.FactKind{lineage.GroupFacts}})
			must(t, err)
			got := w.Facts
			if len(got) != 1 || !reflect.DeepEqual(got[0].Fact, v.fact) || !got[0].Since.Equal(v.at) {
				t.Fatalf("version %d of %d, at %s, is not what it was", i, len(want), v.at)
			}
			if b := got[0].Before; v.fact.Gone && v.at.Sub(from) > day && (b == nil || !reflect.DeepEqual(*b, want[i-1].fact)) {
				t.Fatalf("what was before version %d is %v", i, b)
			}
		}
	}
	ask(testStart)
	versions, bytes := state()
	if whole := len(newCodedFact(&writer{}, want[1].fact).body); versions < len(want)-2 || bytes > versions*whole/12 {
		t.Errorf("%d versions of %d bytes take %d, want one in twelve at most", versions, whole, bytes)
	}
	last := testStart.Add(34 * day)
	must(t, s.Append(ctx, testRound(34*24*60)))
	must(t, s.Maintain(ctx, last))
	must(t, s.Append(ctx, testRound(35*24*60)))
	must(t, s.Maintain(ctx, last.Add(2*day)))
	if n, _ := state(); n >= versions {
		t.Errorf("%d versions are still kept beyond retention", n)
	}
	floor := s.at(s.tiers[hourTier].floor)
	if !floor.After(testStart) {
		t.Fatal("nothing went beyond retention")
	}
	ask(floor)
	must(t, s.Close())
	s, err = Open(dir, o)
	must(t, err)
	ask(floor)
	must(t, s.Close())
}
