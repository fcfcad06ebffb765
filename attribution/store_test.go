package attribution_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/lineaged/lineaged/attribution"
	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/timeseries"
)

const (
	tick   = time.Minute
	rounds = 150 // so that blocks of an hour are sealed in between
)

var (
	t0     = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	orders = lineage.Topic{Cluster: "W", Name: "orders", ID: lineage.TopicID{1}}
)

func at(n int) time.Time { return t0.Add(time.Duration(n) * tick) }

func mover(name string) lineage.Client {
	return lineage.Client{Mover: lineage.Node{Scope: "connect-west", Kind: lineage.ConnectorNode, Name: name}}
}

func writes(c lineage.Client) lineage.Access {
	return lineage.Access{Topic: orders, Op: lineage.Write, Client: c}
}

// world is what sources of several processes saw of a topic that grows, while movers come and go.
func world(r *rand.Rand) []lineage.Observation {
	var obs []lineage.Observation
	observe := func(source string, n int) *lineage.Observation {
		obs = append(obs, lineage.Observation{Source: lineage.Source{Cluster: source, Name: source}, Round: at(n), Interval: tick, At: at(n)})
		return &obs[len(obs)-1]
	}
	left, mixed, last := int64(0), int64(0), 0
	claimed := map[lineage.Client]int64{}
	levels := map[lineage.Access]int64{}
	for n := 1; n <= rounds; n++ {
		if r.IntN(9) > 0 {
			o := observe("producers", n)
			tell := func(total *int64, m lineage.Metric, grown int64) {
				if grown == 0 {
					return
				}
				*total += grown
				s := lineage.Sample{Subject: lineage.Access{Topic: orders}, Metric: m, Value: *total, Estimated: r.IntN(9) == 0}
				if last < n-1 {
					s.Since = at(last)
				}
				o.Samples = append(o.Samples, s)
			}
			tell(&left, lineage.Left, r.Int64N(3)*r.Int64N(40))
			tell(&mixed, lineage.Mixed, r.Int64N(5)/4*r.Int64N(40))
			if r.IntN(8) == 0 {
				o.Sightings = append(o.Sightings, lineage.Sighting{Access: lineage.Access{Topic: orders}, Evidence: lineage.EndOffsets, Detail: fmt.Sprintf("note %d", n)})
			}
			last = n
		}
		for _, source := range []string{"connect", "mirror"} {
			if r.IntN(9) == 0 {
				continue
			}
			o := observe(source, n)
			if r.IntN(9) == 0 {
				o.Missing = []lineage.Missing{{Reason: "down", All: true, Share: 1}}
				continue
			}
			for _, m := range []string{"a", "b"} {
				if r.IntN(12) > 0 {
					continue
				}
				topic := lineage.Topic{Cluster: "W", Name: []string{"orders", "orders", "orders", ""}[r.IntN(4)]}
				a := lineage.Access{Topic: topic, Op: lineage.Write, Client: mover(source + m)}
				levels[a] = 1 - levels[a]
				o.Samples = append(o.Samples, lineage.Sample{Subject: a, Metric: lineage.Runs, Value: levels[a]})
			}
		}
		if n%7 == 0 {
			o := observe("telemetry", n)
			for range r.IntN(3) {
				c := lineage.Client{ClientID: string(rune('x' + r.IntN(2)))}
				if slices.ContainsFunc(o.Samples, func(s lineage.Sample) bool { return s.Subject.Client == c }) {
					continue
				}
				claimed[c] += r.Int64N(60)
				o.Samples = append(o.Samples, lineage.Sample{Subject: writes(c), Metric: lineage.Claimed, Evidence: lineage.Telemetry, Value: claimed[c], Since: at(max(0, n-1-r.IntN(70)))})
			}
		}
	}
	return obs
}

// account is all that a store answers of the topic's writers, in several windows.
func account(t *testing.T, s timeseries.Store) string {
	t.Helper()
	var ids []lineage.SubjectID
	who := map[lineage.SubjectID]lineage.Access{}
	for x := range s.Subjects() {
		if x.Access.Op == lineage.Write {
			ids, who[x.ID] = append(ids, x.ID), x.Access
		}
	}
	var lines []string
	for _, w := range [][2]int{{0, rounds}, {0, 37}, {37, 90}, {59, 61}, {90, rounds}, {rounds - 4, rounds}} {
		win := lineage.Window{Start: at(w[0]), End: at(w[1])}
		keys := s.Keys(ids)
		amounts, err := s.Amounts(t.Context(), win, keys)
		if err != nil {
			t.Fatal(err)
		}
		for i, k := range keys {
			if a := amounts[i]; k.Metric == lineage.Records && a.Total > 0 {
				lines = append(lines, fmt.Sprintf("%v %v %v %v %.3f estimated %v pending %v", w, who[k.Subject].Client, k.Metric, k.Evidence, a.Total, a.Estimated, a.Pending))
			}
		}
		evidence, err := s.Evidence(t.Context(), win, ids)
		if err != nil {
			t.Fatal(err)
		}
		moved, err := s.Moved(t.Context(), win)
		if err != nil {
			t.Fatal(err)
		}
		for i, id := range ids {
			for _, e := range evidence[i] {
				if e.Source.Cluster = ""; e.Kind != lineage.NoEvidence {
					lines = append(lines, fmt.Sprintf("%v %v %+v moved %v", w, who[id].Client, e, moved.Contains(uint32(id))))
				}
			}
		}
	}
	slices.Sort(lines)
	return fmt.Sprint(len(lines)) + "\n" + joined(lines)
}

func joined(lines []string) (s string) {
	for _, l := range lines {
		s += l + "\n"
	}
	return s
}

// law checks that what is settled adds up to what was left.
func law(t *testing.T, s timeseries.Store, obs []lineage.Observation) {
	t.Helper()
	want := map[lineage.Metric]int64{}
	for _, o := range obs {
		for _, x := range o.Samples {
			if x.Metric == lineage.Left || x.Metric == lineage.Mixed {
				want[x.Metric] = max(want[x.Metric], x.Value)
			}
		}
	}
	var ids []lineage.SubjectID
	for x := range s.Subjects() {
		if x.Access.Op == lineage.Write {
			ids = append(ids, x.ID)
		}
	}
	sum := 0.0
	amounts, err := s.Amounts(t.Context(), lineage.Window{Start: at(0), End: at(rounds)}, s.Keys(ids))
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range amounts {
		sum += a.Total
	}
	if total := want[lineage.Left] + want[lineage.Mixed]; int64(sum) != total {
		t.Errorf("settled are %v, left were %d", sum, total)
	}
}

// Whatever comes in which order, from however many processes, late as long as it is taken, sealed in between or not, and over restarts: the account is the same, and adds up.
func TestAccountDependsOnNoOrder(t *testing.T) {
	seeds, onDisk := uint64(8), uint64(1)
	if os.Getenv("LINEAGED_LONG") != "" {
		seeds, onDisk = 200, 20
	}
	for seed := range seeds {
		r := rand.New(rand.NewPCG(seed, 3))
		obs := world(r)
		end := at(rounds + 200)
		options := timeseries.Options{Tick: tick, Settle: attribution.Settle, MinFree: 1}
		ordered := timeseries.NewMemory(options)
		add := func(s timeseries.Store, obs ...lineage.Observation) {
			t.Helper()
			if err := s.Append(t.Context(), obs...); err != nil {
				t.Fatal(err)
			}
		}
		seal := func(s timeseries.Store, now time.Time) {
			t.Helper()
			if err := s.Maintain(t.Context(), now); err != nil {
				t.Fatal(err)
			}
		}
		for _, o := range obs {
			add(ordered, o)
		}
		open := account(t, ordered)
		check := func(name string, s timeseries.Store) {
			t.Helper()
			seal(s, end)
			if got := account(t, s); got != open {
				t.Fatalf("seed %d: %s the account is\n%s\nand not\n%s", seed, name, got, open)
			}
			law(t, s, obs)
		}

		shuffled := slices.Clone(obs)
		r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		other := timeseries.NewMemory(options)
		for rest := shuffled; len(rest) > 0; {
			n := min(1+r.IntN(5), len(rest))
			add(other, rest[:n]...)
			rest = rest[n:]
		}
		if got := account(t, other); seed > 0 && got != open { // a step of the newest rounds may wait, in any order
			t.Fatalf("seed %d: in another order the account is\n%s\nand not\n%s", seed, got, open)
		}
		seal(ordered, end)
		open = account(t, ordered)
		law(t, ordered, obs)
		check("sealed, in another order,", other)

		late := slices.Clone(obs) // each by up to ten rounds
		delay := map[string]int{}
		for _, o := range late {
			delay[fmt.Sprint(o.Source, o.Round)] = int(o.Round.Sub(t0)/tick) + r.IntN(10)
		}
		slices.SortStableFunc(late, func(a, b lineage.Observation) int {
			return delay[fmt.Sprint(a.Source, a.Round)] - delay[fmt.Sprint(b.Source, b.Round)]
		})
		dir := t.TempDir()
		var kept timeseries.Store = timeseries.NewMemory(options)
		reopen := func() {}
		if seed < onDisk {
			open := func() {
				disk, err := timeseries.Open(dir, options)
				if err != nil {
					t.Fatal(err)
				}
				kept = disk
			}
			open()
			reopen = func() {
				if err := kept.Close(); err != nil {
					t.Fatal(err)
				}
				open()
			}
		}
		for _, o := range late {
			add(kept, o)
			switch now := at(delay[fmt.Sprint(o.Source, o.Round)]); r.IntN(30) {
			case 0, 1, 2:
				seal(kept, now)
			case 3:
				reopen()
			}
		}
		check("late, sealed in between and restarted,", kept)
		if err := kept.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
