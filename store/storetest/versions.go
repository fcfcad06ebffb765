package storetest

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// versions appends a history, some of it late, and asks a few windows after each round: what is answered of a window
// changes only with its version. And what happens after a window leaves its version as it is.
func (b *battery) versions(t *testing.T) {
	const rounds = 30
	r := rand.New(rand.NewPCG(11, 3))
	for range histories {
		obs := history(r, epoch, time.Minute, rounds)
		Wording(r, obs)
		for i := range obs {
			telling(r, &obs[i])
		}
		for i := range obs { // one in six comes late, by up to all the rounds
			if r.IntN(6) == 0 {
				j := i + r.IntN(len(obs)-i)
				obs[i], obs[j] = obs[j], obs[i]
			}
		}
		s := b.open(t, time.Minute)
		windows := make([]lineage.Window, 6)
		answers, versions := make([][]any, len(windows)), make([]store.Version, len(windows))
		for i := range windows {
			windows[i] = randomWindow(r, epoch, time.Minute, rounds)
			answers[i], versions[i] = ofWindow(t, s, windows[i]), versionOf(t, s, windows[i])
		}
		kept := 0
		for _, o := range obs {
			check(t, s.Append(t.Context(), o))
			for i, w := range windows {
				v, got := versionOf(t, s, w), ofWindow(t, s, w)
				switch {
				case v < versions[i]:
					t.Fatalf("the version of %v fell from %d to %d", w, versions[i], v)
				case v != versions[i]:
				case !equal(got, answers[i]):
					Differ(t, got, answers[i])
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
	b.leftBehind(t)
	s := b.open(t, time.Minute)
	w := lineage.Window{Start: epoch, End: epoch.Add(10 * time.Minute)}
	var version store.Version
	for n := 1; n <= 40; n++ {
		o := lineage.Observation{Source: west, Round: epoch.Add(time.Duration(n) * time.Minute), Interval: time.Minute}
		o.Samples = []lineage.Sample{{Subject: writer, Metric: lineage.Records, Evidence: lineage.ProducerState, Value: int64(n)}}
		check(t, s.Append(t.Context(), o))
		if n == 10 {
			version = versionOf(t, s, w)
		}
		s.maintain(t, o.Round)
	}
	if got := versionOf(t, s, w); got != version || version == 0 {
		t.Errorf("rounds after the window made version %d of %d", got, version)
	}
}

// leftBehind lets a source fall silent while another goes on: from some round on it is not expected any more.
func (b *battery) leftBehind(t *testing.T) {
	s := b.open(t, time.Minute)
	w := lineage.Window{Start: epoch.Add(5 * time.Minute), End: epoch.Add(7 * time.Minute)}
	before, version := lineage.Coverage{}, store.Version(0)
	changed := 0
	for n := 1; n <= 20; n++ {
		obs := []lineage.Observation{{Source: west, Round: epoch.Add(time.Duration(n) * time.Minute), Interval: time.Minute}}
		if n <= 5 {
			obs = append(obs, lineage.Observation{Source: lineage.Source{Cluster: "west", Name: "groups"}, Round: obs[0].Round, Interval: time.Minute})
		}
		check(t, s.Append(t.Context(), obs...))
		got := Ask(t, s, w).Coverage()
		v := versionOf(t, s, w)
		if n > 7 && !equal(got, before) {
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

// telling adds what is told beside samples: facts that change, things that happened earlier, whose a transactional.id
// is.
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

// ofWindow asks what a view of a window is made of, without who told of evidence last, whenever it was asked.
func ofWindow(t *testing.T, s Subject, w lineage.Window) []any {
	t.Helper()
	out := Everything(t, s, w)
	strip(out, func(e *lineage.Evidence) { e.Source = lineage.Source{} })
	return out
}

// strip takes something out of all the evidence in an answer of Everything.
func strip(of []any, something func(*lineage.Evidence)) {
	for _, row := range of[0].(map[lineage.Access][]any) {
		evidence := row[6].([]lineage.Evidence)
		for j := range evidence {
			something(&evidence[j])
		}
	}
}

func versionOf(t *testing.T, s store.Reader, w lineage.Window) store.Version {
	t.Helper()
	state, err := s.State(t.Context())
	check(t, err)
	return state.VersionOf(store.Ask{Window: w, Accesses: true, Lookback: Forever})
}
