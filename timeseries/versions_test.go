package timeseries_test

import (
	"context"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
	"github.com/lineaged/lineaged/timeseries"
)

// testVersions appends a history, some of it late, and asks a few windows after each round: what is answered of a window
// changes only with its version. And what happens after a window leaves its version as it is.
func testVersions(t *testing.T, mk maker) {
	const rounds = 30
	r := rand.New(rand.NewPCG(11, 3))
	for range 4 {
		obs := history(r, epoch, time.Minute, rounds)
		for i := range obs {
			telling(r, &obs[i])
		}
		for i := range obs { // one in six comes late, by up to all the rounds
			if r.IntN(6) == 0 {
				j := i + r.IntN(len(obs)-i)
				obs[i], obs[j] = obs[j], obs[i]
			}
		}
		s := mk.open(t, timeseries.Options{Tick: time.Minute})
		windows := make([]lineage.Window, 6)
		answers, versions := make([][]any, len(windows)), make([]store.Version, len(windows))
		for i := range windows {
			windows[i] = randomWindow(r, epoch, time.Minute, rounds)
			answers[i], versions[i] = ofWindow(t, s, windows[i]), versionOf(t, s, windows[i])
		}
		kept := 0
		for _, o := range obs {
			check(t, s.Append(context.Background(), o))
			for i, w := range windows {
				v, got := versionOf(t, s, w), ofWindow(t, s, w)
				switch {
				case v < versions[i]:
					t.Fatalf("the version of %v fell from %d to %d", w, versions[i], v)
				case v != versions[i]:
				case !reflect.DeepEqual(got, answers[i]):
					differ(t, got, answers[i])
					t.Fatalf("%v of %v changed what is answered of %v, and not its version", o.Round, o.Source, w)
				default:
					kept++
				}
				answers[i], versions[i] = got, v
			}
		}
		if kept == 0 {
			t.Error("each round changed all versions")
		}
	}
	testLeftBehind(t, mk)
	s := mk.open(t, timeseries.Options{Tick: time.Minute})
	w := lineage.Window{Start: epoch, End: epoch.Add(10 * time.Minute)}
	var version store.Version
	for n := 1; n <= 40; n++ {
		o := lineage.Observation{Source: west, Round: epoch.Add(time.Duration(n) * time.Minute), Interval: time.Minute}
		o.Samples = []lineage.Sample{{Subject: writer, Metric: lineage.Records, Evidence: lineage.ProducerState, Value: int64(n)}}
		check(t, s.Append(context.Background(), o))
		if n == 10 {
			version = versionOf(t, s, w)
		}
		check(t, s.Maintain(context.Background(), o.Round))
	}
	if got := versionOf(t, s, w); got != version || version == 0 {
		t.Errorf("rounds after the window made version %d of %d", got, version)
	}
}

// testLeftBehind lets a source fall silent while another goes on: from some round on it is not expected any more.
func testLeftBehind(t *testing.T, mk maker) {
	s := mk.open(t, timeseries.Options{Tick: time.Minute})
	w := lineage.Window{Start: epoch.Add(5 * time.Minute), End: epoch.Add(7 * time.Minute)}
	before, version := lineage.Coverage{}, store.Version(0)
	changed := 0
	for n := 1; n <= 20; n++ {
		obs := []lineage.Observation{{Source: west, Round: epoch.Add(time.Duration(n) * time.Minute), Interval: time.Minute}}
		if n <= 5 {
			obs = append(obs, lineage.Observation{Source: lineage.Source{Cluster: "west", Name: "groups"}, Round: obs[0].Round, Interval: time.Minute})
		}
		check(t, s.Append(context.Background(), obs...))
		got, err := s.Coverage(context.Background(), w)
		check(t, err)
		v := versionOf(t, s, w)
		if n > 7 && !reflect.DeepEqual(got, before) {
			if changed++; v == version {
				t.Errorf("round %d changed the coverage from %+v to %+v, and not the version", n, before, got)
			}
		}
		before, version = got, v
	}
	if changed != 1 {
		t.Errorf("the source was given up %d times", changed)
	}
}

// telling adds what is told beside samples: facts that change, things that happened earlier, whose a transactional.id is.
func telling(r *rand.Rand, o *lineage.Observation) {
	for i := range o.Samples {
		if x := &o.Samples[i]; r.IntN(60) == 0 {
			x.Since = o.Round.Add(-time.Duration(1+r.IntN(9)) * time.Minute)
		}
	}
	key := lineage.FactKey{Source: o.Source.Cluster, Kind: lineage.BlindSpotFacts, Name: "x"}
	switch r.IntN(8) {
	case 0:
		o.Facts = []lineage.Fact{{Key: key, BlindSpots: []lineage.BlindSpot{{Source: "x", What: string(rune('a' + r.IntN(3)))}}}}
	case 1:
		o.Events = []lineage.Event{{At: o.Round.Add(-time.Duration(r.IntN(1000)) * time.Second), Type: lineage.SourceLost, Detail: o.Source.Name}}
	case 2:
		a := lineage.Access{Topic: writer.Topic, Op: lineage.Write, Client: lineage.Client{Group: string(rune('a' + r.IntN(3))), TransactionalID: "t"}}
		o.Sightings = []lineage.Sighting{{Access: a, Evidence: lineage.Transaction, Moved: r.IntN(2) == 0}}
	}
}

// ofWindow asks what a view of a window is made of. Accesses are named, not numbered, and those of which nothing was
// known by the window's end are left out, but for what is told of all time.
func ofWindow(t *testing.T, s timeseries.Store, w lineage.Window) []any {
	t.Helper()
	ctx := context.Background()
	var all []lineage.Subject
	var ids []lineage.SubjectID
	links := map[lineage.Access]bool{}
	for x := range s.Subjects() {
		if c := x.Access.Client; c.Group != "" && c.TransactionalID != "" {
			links[x.Access] = true
		}
		if !x.FirstSeen.After(w.End) {
			all, ids = append(all, x), append(ids, x.ID)
		}
	}
	evidence, err := s.Evidence(ctx, w, ids)
	check(t, err)
	last, err := s.LastMoved(ctx, w.End, w.Duration(), ids)
	check(t, err)
	unobserved, err := s.Unobserved(ctx, w, ids)
	check(t, err)
	open, err := s.Open(ctx, w.End, ids)
	check(t, err)
	moved, err := s.Moved(ctx, w)
	check(t, err)
	keys := s.Keys(ids)
	amounts, err := s.Amounts(ctx, w, keys)
	check(t, err)
	series, err := s.Series(ctx, w, time.Minute, keys)
	check(t, err)
	levels, err := s.Levels(ctx, w.End, keys)
	check(t, err)
	by, named := map[lineage.Access][]any{}, map[lineage.SubjectID]lineage.Access{}
	for i, x := range all {
		for j := range evidence[i] {
			evidence[i][j].Source, evidence[i][j].Detail = lineage.Source{}, ""
		}
		id := uint32(x.ID)
		named[x.ID] = x.Access
		by[x.Access] = []any{x.FirstSeen, evidence[i], last[i], unobserved.Contains(id), open.Contains(id), moved.Contains(id)}
	}
	for i, k := range keys {
		a := named[k.Subject]
		k.Subject = 0
		by[a] = append(by[a], k, amounts[i], series[i], levels[i])
	}
	coverage, err := s.Coverage(ctx, w)
	check(t, err)
	events, err := eventsOf(s, w, 0)
	check(t, err)
	out := []any{by, links, coverage, events}
	for kind := lineage.ClusterFacts; kind < lineage.FactKinds; kind++ {
		facts, err := s.Facts(ctx, w.End, "", kind, true)
		check(t, err)
		out = append(out, facts)
	}
	return out
}

func versionOf(t *testing.T, s timeseries.Store, w lineage.Window) store.Version {
	t.Helper()
	state, err := s.State(context.Background())
	check(t, err)
	return state.VersionOf(store.Ask{Window: w})
}
