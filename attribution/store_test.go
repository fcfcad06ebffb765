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
	"github.com/lineaged/lineaged/store"
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
func world(r *rand.Rand, claims bool) []lineage.Observation {
	var obs []lineage.Observation
	observe := func(source string, n int) *lineage.Observation {
		obs = append(obs, lineage.Observation{Source: lineage.Source{Cluster: source, Name: source}, Round: at(n), Interval: tick, At: at(n)})
		return &obs[len(obs)-1]
	}
	left, mixed, last := int64(0), int64(0), 0
	headers, looked, byHeaders := r.IntN(2) == 0, 0, int64(0) // of batches are looked at, up to which round
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
		if headers && last == n && r.IntN(4) > 0 {
			byHeaders += r.Int64N(40)
			s := lineage.Sample{Subject: lineage.Access{Topic: orders}, Metric: lineage.Left, Evidence: lineage.BatchHeader, Value: byHeaders, Estimated: r.IntN(9) == 0}
			if looked < n-1 {
				s.Since = at(looked)
			}
			o := observe("headers", n)
			o.Samples, looked = append(o.Samples, s), n
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
		if claims && n%7 == 0 {
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
func account(t *testing.T, s store.Store) string {
	t.Helper()
	var lines []string
	for _, w := range [][2]int{{0, rounds}, {0, 37}, {37, 90}, {59, 61}, {90, rounds}, {rounds - 4, rounds}} {
		win := read(t, s, w[0], w[1])
		rows := make([]int32, win.Rows.Topics)
		for i := range rows {
			rows[i] = int32(i)
		}
		evidence, err := win.Evidence(t.Context(), win.Window, rows)
		if err != nil {
			t.Fatal(err)
		}
		for i := range rows {
			who := win.Rows.Access[i]
			from, to := win.Series.Of(int32(i))
			for k := from; k < to; k++ {
				reasons, err := win.Reasons(t.Context(), win.Window, []int32{k})
				if err != nil {
					t.Fatal(err)
				}
				lines = append(lines, fmt.Sprintf("%v %v %v %v %q", w, who.Client, win.Series.Metric[k], win.Series.Evidence[k], reasons[0]))
				if a := win.Series.Amount[k]; win.Series.Metric[k] == lineage.Records && a.Total > 0 {
					lines = append(lines, fmt.Sprintf("%v %v %v %.3f estimated %v pending %v moved %v", w, who.Client, win.Series.Evidence[k], a.Total, a.Estimated, a.Pending, win.Rows.Moved[i]))
				}
				if win.Series.Metric[k].Settles() {
					t.Errorf("%s is answered", win.Series.Metric[k])
				}
			}
			for _, e := range evidence[i] {
				e.Source.Cluster = ""
				lines = append(lines, fmt.Sprintf("%v %v %+v", w, who.Client, e))
			}
		}
	}
	slices.Sort(lines)
	return fmt.Sprint(len(lines)) + "\n" + joined(lines)
}

func read(t *testing.T, s store.Store, from, to int) *store.Window {
	t.Helper()
	win, err := s.Window(t.Context(), store.Ask{Window: lineage.Window{Start: at(from), End: at(to)}, Accesses: true})
	if err != nil {
		t.Fatal(err)
	}
	return win
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
	want, headers := map[lineage.Metric]int64{}, int64(0)
	for _, o := range obs {
		for _, x := range o.Samples {
			if x.Evidence == lineage.BatchHeader {
				headers = max(headers, x.Value)
			} else if x.Metric == lineage.Left || x.Metric == lineage.Mixed {
				want[x.Metric] = max(want[x.Metric], x.Value)
			}
		}
	}
	sum, win := 0.0, read(t, s, 0, rounds)
	for i, a := range win.Series.Amount {
		if win.Series.Metric[i] == lineage.Records {
			sum += a.Total
		}
	}
	// What headers say stands in the place of what was left, of some steps.
	if total := want[lineage.Left] + want[lineage.Mixed]; int64(sum) != total && headers == 0 || int64(sum) > total+headers {
		t.Errorf("settled are %v, left were %d", sum, total)
	}
}

// Whatever comes in which order, from however many processes, late as long as it is taken, sealed in between or not,
// and over restarts: the account is the same, and adds up.
func TestAccountDependsOnNoOrder(t *testing.T) {
	seeds, onDisk := uint64(15), uint64(3)
	if os.Getenv("LINEAGED_LONG") != "" {
		seeds, onDisk = 200, 20
	}
	for seed := range seeds {
		r := rand.New(rand.NewPCG(seed, 3))
		obs := world(r, seed%3 == 2) // with claims all of what is open is settled again each time
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
		if got := account(t, other); got != open {
			t.Fatalf("seed %d: in another order the account is\n%s\nand not\n%s", seed, got, open)
		}
		seal(ordered, end)
		open = account(t, ordered)
		law(t, ordered, obs)
		check("sealed, in another order,", other)

		late := slices.Clone(obs) // each by up to 70 minutes
		delay := map[string]int{}
		for _, o := range late {
			delay[fmt.Sprint(o.Source, o.Round)] = int(o.Round.Sub(t0)/tick) + r.IntN(70)
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
