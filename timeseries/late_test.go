package timeseries

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/attribution"
	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

const lateTick = 5 * time.Minute

func lateAt(n int) time.Time { return testStart.Add(time.Duration(n) * lateTick) }

func lateOptions() Options {
	o := testOpts
	o.Tick, o.Settle = lateTick, attribution.Settle
	o.Retention = Retention{Raw: 4 * day, Minute: 8 * day, Hour: 400 * day}
	return o
}

// lateWorld is what sources of several processes saw of a topic for so many rounds: it grows, movers come and go, and
// who wrote it is told hours later: claims that reach far back, and links.
func lateWorld(r *rand.Rand, rounds int) (obs []lineage.Observation) {
	observe := func(source string, n int) *lineage.Observation {
		obs = append(obs, lineage.Observation{Source: lineage.Source{Cluster: source, Name: source}, Round: lateAt(n), Interval: lateTick, At: lateAt(n)})
		return &obs[len(obs)-1]
	}
	totals, levels := map[lineage.Access]int64{}, map[lineage.Access]int64{}
	var left, mixed int64
	last := 0
	topic := lineage.Access{Topic: settledTopic}
	write := func(c lineage.Client) lineage.Access {
		return lineage.Access{Topic: settledTopic, Op: lineage.Write, Client: c}
	}
	seven := lineage.Client{Producer: lineage.KnownProducer(7), TransactionalID: "t"}
	for n := 1; n <= rounds; n++ {
		if r.IntN(9) > 0 {
			o := observe("producers", n)
			since := time.Time{}
			if last < n-1 {
				since = lateAt(last)
			}
			left, mixed = left+r.Int64N(3)*r.Int64N(40), mixed+r.Int64N(5)/4*r.Int64N(40)
			o.Samples = append(o.Samples,
				lineage.Sample{Subject: topic, Metric: lineage.Left, Value: left, Since: since, Estimated: r.IntN(9) == 0},
				lineage.Sample{Subject: topic, Metric: lineage.Mixed, Value: mixed, Since: since})
			if r.IntN(8) == 0 {
				o.Sightings = append(o.Sightings, lineage.Sighting{Access: topic, Evidence: lineage.EndOffsets, Detail: fmt.Sprintf("note %d", n)})
			}
			if r.IntN(12) == 0 {
				levels[topic] = 1 - levels[topic]
				o.Samples = append(o.Samples, lineage.Sample{Subject: topic, Metric: lineage.Pending, Value: levels[topic]})
			}
			if n > rounds/3 {
				o.Samples = append(o.Samples, lineage.Sample{Subject: write(seven), Metric: lineage.Records, Evidence: lineage.ProducerState, Value: int64(n)})
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
				a := lineage.Access{Topic: lineage.Topic{Cluster: "W", Name: "orders"}, Op: lineage.Write, Client: settledMover(source + m)}
				if r.IntN(12) == 0 {
					levels[a] = 1 - levels[a]
					o.Samples = append(o.Samples, lineage.Sample{Subject: a, Metric: lineage.Runs, Value: levels[a]})
				}
				if a.Topic = settledTopic; r.IntN(12) == 0 {
					o.Sightings = append(o.Sightings, lineage.Sighting{Access: a, Evidence: lineage.Connect, Moved: r.IntN(2) == 0, Detail: "class"})
				}
			}
		}
		for i, source := range []string{"telemetry", "headers"} {
			kind := []lineage.EvidenceKind{lineage.Telemetry, lineage.BatchHeader}[i]
			if n%7 != len(source)%7 || kind == lineage.BatchHeader && n < rounds/2 {
				continue
			}
			o := observe(source, n)
			for _, id := range []string{"x", "y"} {
				c := lineage.Client{ClientID: id}
				switch {
				case r.IntN(3) > 0:
				case r.IntN(9) == 0:
					c.Host = "/10.0.0.1"
				}
				if r.IntN(2) == 0 {
					continue
				}
				a := write(c)
				a.Client.Member = source // each tells of its own
				totals[a] += r.Int64N(60)
				a.Client.Member = ""
				value := totals[write(lineage.Client{ClientID: id, Host: c.Host, Member: source})]
				o.Samples = append(o.Samples, lineage.Sample{Subject: a, Metric: lineage.Claimed, Evidence: kind, Value: value, Since: lateAt(max(0, n-1-r.IntN(rounds)))})
			}
		}
		if r.IntN(rounds/6) == 0 {
			o := observe("audit", n)
			pairs := []lineage.Client{
				{ClientID: "x", Producer: lineage.KnownProducer(7)},
				{ClientID: "y", Producer: lineage.KnownProducer(7)},
				{TransactionalID: "t", Mover: lineage.Node{Kind: lineage.ConnectorNode, Name: "connecta"}},
				{ClientID: "y", Mover: lineage.Node{Kind: lineage.ConnectorNode, Name: "mirrorb"}},
			}
			a := write(pairs[r.IntN(len(pairs))])
			if levels[a]++; levels[a] > 2 {
				levels[a] = 0
			}
			o.Samples = append(o.Samples, lineage.Sample{Subject: a, Metric: lineage.Linked, Evidence: []lineage.EvidenceKind{lineage.AuditLog, lineage.Telemetry}[r.IntN(2)], Value: min(levels[a], 1)})
		}
	}
	return obs
}

// accountOf is all that is answered of the topic's writers, in several windows.
func accountOf(t *testing.T, s store.Reader, rounds int) string {
	t.Helper()
	var lines []string
	for _, w := range [][2]int{{0, rounds}, {0, 31}, {31, 75}, {23, 25}, {60, rounds}, {rounds - 40, rounds - 30}, {rounds - 4, rounds}} {
		win, err := s.Window(context.Background(), store.Ask{Window: lineage.Window{Start: lateAt(w[0]), End: lateAt(w[1])}, Accesses: true})
		must(t, err)
		rows := make([]int32, win.Rows.Topics)
		for i := range rows {
			rows[i] = int32(i)
		}
		evidence, err := win.Evidence(context.Background(), win.Window, rows)
		must(t, err)
		moved, err := win.LastMoved(context.Background(), win.Window, rows)
		must(t, err)
		for i := range rows {
			who := win.Rows.Access[i]
			from, to := win.Series.Of(int32(i))
			for k := from; k < to; k++ {
				if a := win.Series.Amount[k]; win.Series.Metric[k] == lineage.Records && a.Total > 0 {
					lines = append(lines, fmt.Sprintf("%v %v %v %.3f estimated %v pending %v moved %v %v", w, who.Client, win.Series.Evidence[k], a.Total, a.Estimated, a.Pending, win.Rows.Moved[i], moved[i]))
				}
			}
			for _, e := range evidence[i] {
				lines = append(lines, fmt.Sprintf("%v %v %+v", w, who.Client, e))
			}
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// bookLaw holds that what is settled of each hour, and of each step, adds up to what was left of it, so that nobody is
// given more than was appended.
func bookLaw(t *testing.T, e *engine, rounds int) {
	t.Helper()
	var derived, rest []seriesKey
	for x := range e.subjects.all() {
		if x.entry.access.Topic != settledTopic {
			continue
		}
		for _, s := range x.series {
			switch m := s.key.Metric; {
			case m == lineage.Left || m == lineage.Mixed:
				rest = append(rest, s.key)
			case m == lineage.Records && s.derived:
				derived = append(derived, s.key)
			}
		}
	}
	sum := func(keys []seriesKey, from, to int) (n float64) {
		all, err := e.amounts(context.Background(), lineage.Window{Start: lateAt(from), End: lateAt(to)}, keys)
		must(t, err)
		for _, a := range all {
			n += a.Total
		}
		return n
	}
	for _, step := range []int{rounds, 12, 1} {
		for n := 0; n+step <= rounds; n += step {
			if got, want := sum(derived, n, n+step), sum(rest, n, n+step); math.Abs(got-want) > 1e-6 {
				t.Fatalf("in rounds %d to %d %v were settled, and %v were left", n, n+step, got, want)
			}
		}
	}
}

// told is all that raw blocks hold that is not derived, as text.
func toldOf(t *testing.T, e *engine) map[int64]string {
	t.Helper()
	out := map[int64]string{}
	for _, b := range e.tiers[rawTier].blocks {
		var s strings.Builder
		index, err := e.blockIndex(b)
		must(t, err)
		for _, x := range index {
			if y := e.find(x.key, nil); y == nil || y.derived {
				continue
			}
			points, err := e.blockPoints(b, &x)
			must(t, err)
			fmt.Fprintf(&s, "%v %v %d %d %v %d %v %v\n", e.subjectOf(x.key.Subject, nil).entry.access, x.key.Metric, x.base, x.last, x.based, x.sum, x.estimated, points)
		}
		rounds, err := e.blockRounds(b)
		must(t, err)
		events, err := e.blockEvents(b)
		must(t, err)
		for id, x := range rounds {
			fmt.Fprintf(&s, "%s %v", e.sources[id].name, x.before)
			for _, y := range x.rounds {
				fmt.Fprintf(&s, " %v", y.anchor)
				if y.miss != nil {
					fmt.Fprint(&s, y.miss.list)
				}
			}
			s.WriteByte('\n')
		}
		fmt.Fprint(&s, events)
		lines := strings.Split(s.String(), "\n")
		slices.Sort(lines)
		out[b.meta.start] = strings.Join(lines, "\n")
	}
	return out
}

// tiersAgree holds that a coarser block says of each derived series what the finer ones of its time say.
func tiersAgree(t *testing.T, e *engine) (blocks int) {
	t.Helper()
	for tier := minuteTier; tier <= hourTier; tier++ {
		for _, b := range e.tiers[tier].blocks {
			if b.meta.start < e.tiers[tier-1].floor {
				continue
			}
			sums := map[seriesKey]int64{}
			moved := &marks{}
			for _, c := range e.tiers[tier-1].blocks {
				if c.meta.start >= b.meta.start && c.meta.end <= b.meta.end {
					index, err := e.blockIndex(c)
					must(t, err)
					for _, x := range index {
						sums[x.key] += x.sum
					}
					u, err := e.blockUnion(c)
					must(t, err)
					moved.or(u)
				}
			}
			index, err := e.blockIndex(b)
			must(t, err)
			for _, x := range index {
				if x.key.Metric.Counter() && sums[x.key] != x.sum {
					t.Errorf("%s: %v advanced by %d, and by %d in the finer ones", b.file(), x.key, x.sum, sums[x.key])
				}
				delete(sums, x.key)
			}
			for k, n := range sums {
				if n != 0 {
					t.Errorf("%s: %v is not there", b.file(), k)
				}
			}
			u, err := e.blockUnion(b)
			must(t, err)
			if !u.equal(moved) {
				t.Errorf("%s marks others than the finer ones", b.file())
			}
			blocks++
		}
	}
	return blocks
}

// settleLate maintains until nothing is to be settled anew any more.
func settleLate(t *testing.T, s Store, e *engine, now time.Time) {
	t.Helper()
	for n := 0; ; n++ {
		must(t, s.Maintain(context.Background(), now))
		if len(e.ledgers.late) == 0 {
			return
		}
		if n > 100 {
			t.Fatal("there is always more to be settled anew")
		}
	}
}

// TestLateEvidenceSettlesWhatIsSealed tells of writers hours after they wrote, in any order that is taken, while blocks
// are sealed and rolled up, over restarts and kills at any operation on a file: the account is that of a store that
// sealed nothing before all was told, it adds up, and nothing that was told is changed.
func TestLateEvidenceSettlesWhatIsSealed(t *testing.T) {
	t.Parallel()
	// Of seed 7 what is said of times that are settled anew in several passes was once lost between them.
	type world struct {
		seed   uint64
		rounds int
	}
	worlds := []world{{0, 150}, {1, 150}, {7, 400}}
	if os.Getenv("LINEAGED_LONG") != "" {
		worlds = worlds[:0]
		for seed := range uint64(60) {
			worlds = append(worlds, world{seed, 400})
		}
	}
	remade := 0
	for _, x := range worlds {
		seed, rounds := x.seed, x.rounds
		r := rand.New(rand.NewPCG(seed, 10))
		obs := lateWorld(r, rounds)
		end := lateAt(rounds + 400)
		ref := NewMemory(lateOptions())
		for i := range obs {
			must(t, ref.Append(context.Background(), obs[i]))
		}
		settleLate(t, ref, ref.engine, end)
		want := accountOf(t, ref, rounds)
		bookLaw(t, ref.engine, rounds)
		tiersAgree(t, ref.engine)

		late := slices.Clone(obs) // each by up to 70 minutes
		delay := map[string]int{}
		when := func(o *lineage.Observation) int { return delay[fmt.Sprint(o.Source, o.Round)] }
		for i := range late {
			delay[fmt.Sprint(late[i].Source, late[i].Round)] = int(late[i].Round.Sub(testStart)/lateTick) + r.IntN(14)
		}
		slices.SortStableFunc(late, func(a, b lineage.Observation) int { return when(&a) - when(&b) })
		w := &killedWorld{dir: t.TempDir(), r: r}
		w.open(t)
		for rest := late; len(rest) > 0; {
			some := rest[:min(1+r.IntN(9), len(rest))]
			rest = rest[len(some):]
			for !w.do(t, func(s *Disk) error { return s.Append(context.Background(), some...) }) {
			}
			if r.IntN(4) == 0 {
				w.do(t, func(s *Disk) error { return s.Maintain(context.Background(), lateAt(when(&some[0]))) })
			}
		}
		w.left = math.MaxInt
		settleLate(t, w.s, w.s.engine, end)
		if got := accountOf(t, w.s, rounds); got != want {
			t.Fatalf("seed %d: the account is\n%s\nand not\n%s", seed, only(got, want), only(want, got))
		}
		bookLaw(t, w.s.engine, rounds)
		tiersAgree(t, w.s.engine)
		was := toldOf(t, ref.engine)
		for start, is := range toldOf(t, w.s.engine) {
			if is != was[start] {
				t.Fatalf("seed %d: what was told of the block at %d is\n%s\nand not\n%s", seed, start, only(is, was[start]), only(was[start], is))
			}
		}
		for _, b := range w.s.tiers[rawTier].blocks {
			remade += int(b.revision)
		}
		must(t, w.s.Close())
		if h := w.s.Health(); len(h) > 0 {
			t.Errorf("seed %d: health %q", seed, h)
		}
		t.Logf("seed %d: %d kills", seed, w.kills)
		must(t, ref.Close())
	}
	if remade < len(worlds) {
		t.Errorf("blocks were made anew %d times: too seldom to have shown anything", remade)
	}
}

// only returns the lines of a that b has not.
func only(a, b string) string {
	other := strings.Split(b, "\n")
	return strings.Join(slices.DeleteFunc(strings.Split(a, "\n"), func(l string) bool { return slices.Contains(other, l) }), "\n")
}

// killedWorld is a store that is killed now and then: all operations on files fail from one on, and it is opened again.
type killedWorld struct {
	s     *Disk
	dir   string
	r     *rand.Rand
	left  int // operations until the next kill
	kills int
}

var errKilled = errors.New("killed")

func (w *killedWorld) open(t *testing.T) {
	t.Helper()
	w.left = 1 + w.r.IntN(900)
	o := lateOptions()
	o.hook = func(string, string) error {
		if w.left--; w.left <= 0 {
			return errKilled
		}
		return nil
	}
	var err error
	for range 100 {
		if w.s, err = Open(w.dir, o); err == nil {
			return
		}
		if !errors.Is(err, errKilled) {
			break
		}
		w.left = 1 + w.r.IntN(900)
	}
	t.Fatal(err)
}

// do does something, and returns false when the store was killed in it.
func (w *killedWorld) do(t *testing.T, what func(*Disk) error) bool {
	t.Helper()
	err := what(w.s)
	if err == nil && w.left > 0 {
		return true
	}
	if err != nil && !errors.Is(err, errKilled) {
		t.Fatal(err)
	}
	w.kills++
	_ = w.s.Close() // what it would write fails
	w.open(t)
	return err == nil
}
