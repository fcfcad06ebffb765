package timeseries

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
	"github.com/lineaged/lineaged/store/storetest"
)

// instantWorld is lateWorld, and a topic whose writers, readers and levels sources count: what they do reaches back
// over rounds and hours, resets, and is not always seen; with events and facts. In the end all sources look once more,
// so that nobody waits for one.
func instantWorld(r *rand.Rand, rounds int) []lineage.Observation {
	obs := lateWorld(r, rounds)
	topic := lineage.Topic{Cluster: "W", Name: "plain"}
	var total [4]int64
	last := [4]int{}
	for n := 1; n <= rounds; n++ {
		if r.IntN(12) == 0 { // nobody looked
			continue
		}
		o := lineage.Observation{Source: lineage.Source{Cluster: "plain", Name: "plain"}, Round: lateAt(n), Interval: lateTick, At: lateAt(n)}
		if r.IntN(15) == 0 {
			o.Missing = []lineage.Missing{{Reason: "hidden", Share: 0.5, Topics: []lineage.Topic{topic}}}
		}
		for i := range total {
			a := lineage.Access{Topic: topic, Op: lineage.Write, Client: lineage.Client{Producer: lineage.KnownProducer(int64(i))}}
			if i > 1 {
				a = lineage.Access{Topic: topic, Op: lineage.Read, Client: lineage.Client{Group: fmt.Sprint("g", i)}}
				if r.IntN(20) == 0 {
					o.Samples = append(o.Samples, lineage.Sample{Subject: a, Metric: lineage.Lag, Value: r.Int64N(50) - 1})
				}
				if r.IntN(9) == 0 {
					o.Sightings = append(o.Sightings, lineage.Sighting{Access: a, Evidence: lineage.GroupMembership, Moved: r.IntN(4) == 0, Detail: fmt.Sprint("seen ", n)})
				}
			}
			if r.IntN(1+5*i) > 0 {
				continue
			}
			if total[i] += r.Int64N(3) * r.Int64N(30); r.IntN(30) == 0 {
				total[i] = r.Int64N(5)
			}
			x := lineage.Sample{Subject: a, Metric: lineage.Records, Evidence: []lineage.EvidenceKind{lineage.ProducerState, lineage.GroupOffsets}[i/2], Value: total[i], Estimated: r.IntN(20) == 0}
			if last[i] > 0 {
				x.Since = lateAt(last[i])
			}
			o.Samples, last[i] = append(o.Samples, x), n
		}
		if r.IntN(10) == 0 {
			o.Events = append(o.Events, lineage.Event{At: lateAt(n - r.IntN(min(n, 30))), Type: lineage.ConfigChanged, Topic: topic, Detail: fmt.Sprint(n)})
			key := lineage.FactKey{Source: "plain", Kind: lineage.TopicFacts, Name: fmt.Sprint("plain-", n%3)}
			o.Facts = append(o.Facts, lineage.Fact{Key: key, Topic: &lineage.TopicFact{Topic: topic, Partitions: n}})
		}
		obs = append(obs, o)
	}
	for _, source := range []string{"producers", "connect", "mirror", "telemetry", "headers", "audit", "plain"} {
		for n := range 5 {
			n += rounds + 1
			obs = append(obs, lineage.Observation{Source: lineage.Source{Cluster: source, Name: source}, Round: lateAt(n), Interval: lateTick, At: lateAt(n)})
		}
	}
	return obs
}

// delayed returns observations as they arrive, each up to a number of rounds late, and when.
func delayed(r *rand.Rand, obs []lineage.Observation, late int) (out []lineage.Observation, when []int) {
	type arrival struct{ of, at int }
	all := make([]arrival, len(obs))
	for i := range obs {
		all[i] = arrival{i, int(obs[i].Round.Sub(testStart)/lateTick) + r.IntN(late)}
	}
	slices.SortStableFunc(all, func(a, b arrival) int { return a.at - b.at })
	for _, x := range all {
		out, when = append(out, obs[x.of]), append(when, x.at)
	}
	return out, when
}

func lateWindow(from, to int) lineage.Window {
	return lineage.Window{Start: lateAt(from), End: lateAt(to)}
}

// everyInstant asks two stores all there is to ask of each tick, of each hour, and of all up to each 15th tick.
func everyInstant(t *testing.T, got, want store.Store, rounds int, when string) {
	t.Helper()
	for n := 1; n <= rounds; n++ {
		windows := []lineage.Window{lateWindow(n-1, n)}
		if n >= 12 && n%4 == 0 {
			windows = append(windows, lateWindow(n-12, n))
		}
		if n%15 == 0 {
			windows = append(windows, lateWindow(0, n))
		}
		for _, w := range windows {
			x, y := storetest.Everything(t, got, w), storetest.Everything(t, want, w)
			if !reflect.DeepEqual(x, y) {
				t.Errorf("%s: in the %d ticks up to the %d-th of %d", when, int(w.Duration()/lateTick), n, rounds)
				storetest.Differ(t, x, y)
			}
		}
	}
}

// neverSealed is a store that keeps all in the head.
func neverSealed(t *testing.T, obs []lineage.Observation) *Memory {
	t.Helper()
	s := NewMemory(lateOptions())
	t.Cleanup(func() { must(t, s.Close()) })
	must(t, s.Append(t.Context(), obs...))
	return s
}

// TestEveryInstantIsAnsweredAlike lets a random history come late and out of order, and seals, settles anew and rolls
// up meanwhile, over restarts: of every instant all is answered as by a store that was told all at once and keeps it in
// the head, which is held against a plain model elsewhere. While maintenance works, before and after each of its steps,
// an answer under the version of the one before is that answer.
func TestEveryInstantIsAnsweredAlike(t *testing.T) {
	t.Parallel()
	seeds, rounds := uint64(2), 90
	if os.Getenv("LINEAGED_LONG") != "" {
		seeds, rounds = 40, 300
	}
	asked, same, remade := 0, 0, 0
	for seed := range seeds {
		r := rand.New(rand.NewPCG(seed, 21))
		obs := instantWorld(r, rounds)
		ref := neverSealed(t, obs)
		late, when := delayed(r, obs, 14)
		dir := t.TempDir()
		var s *Disk
		type answer struct {
			version store.Version
			text    string
		}
		before := map[lineage.Window]answer{}
		ask := func(step string) {
			for range 2 {
				n := 1 + r.IntN(rounds)
				w := lateWindow(max(n-[]int{1, 1, 12, rounds}[r.IntN(4)], 0), n)
				got, err := s.Window(t.Context(), store.Ask{Window: w, Accesses: true, Coverage: true})
				must(t, err)
				now := answer{got.Version, windowText(got)}
				if was := before[w]; was.version == now.version {
					if same++; was.text != now.text {
						t.Fatalf("seed %d: at %q %v is answered by\n%s\nand was, of the same version, by\n%s", seed, step, w, only(now.text, was.text), only(was.text, now.text))
					}
				}
				asked++
				before[w] = now
			}
		}
		open := func() {
			var err error
			s, err = Open(dir, lateOptions())
			must(t, err)
			faults := &Faults{}
			faults.Put(s)
			faults.Ask(func(op string) error {
				if strings.HasPrefix(op, "finish") || strings.HasPrefix(op, "drop") || strings.HasPrefix(op, "begin") {
					ask(op)
				}
				return nil
			})
			clear(before) // versions are counted anew
		}
		open()
		for n, o := range late {
			must(t, s.Append(t.Context(), o))
			if n%61 == 60 {
				must(t, s.Maintain(t.Context(), lateAt(when[n])))
			}
			if n%150 == 149 {
				must(t, s.Close())
				open()
			}
		}
		settleLate(t, s, s.engine, lateAt(rounds))
		everyInstant(t, s, ref, rounds-20, fmt.Sprintf("seed %d, part of it sealed", seed))
		settleLate(t, s, s.engine, lateAt(rounds+500))
		if len(s.tiers[minuteTier].blocks) == 0 || s.sealed < s.floor(lateAt(rounds)) {
			t.Fatal("not all was sealed, or nothing rolled up")
		}
		everyInstant(t, s, ref, rounds, fmt.Sprintf("seed %d, all of it sealed", seed))
		must(t, s.Close())
		open()
		everyInstant(t, s, ref, rounds, fmt.Sprintf("seed %d, opened again", seed))
		for _, b := range s.tiers[rawTier].blocks {
			remade += int(b.revision)
		}
		must(t, s.Close())
	}
	if asked < 100 || same < asked/50 || remade == 0 {
		t.Errorf("%d answers, %d under the version of the one before, %d blocks made anew: this shows little", asked, same, remade)
	}
}

// TestKilledBetweenAnyTwoSteps copies a folder before files are made, written, named, made durable or removed, while
// hours are sealed and rolled up, hours that were sealed are settled anew for a link and a claim that came late, and
// the state is saved: each copy opens without a word of loss, and comes to the answers of every instant.
func TestKilledBetweenAnyTwoSteps(t *testing.T) {
	t.Parallel()
	rounds := 96
	r := rand.New(rand.NewPCG(3, 22))
	obs := instantWorld(r, rounds)
	until := slices.IndexFunc(obs, func(o lineage.Observation) bool { return o.Source.Name == "plain" })
	audit := lineage.Observation{Source: lineage.Source{Cluster: "audit", Name: "audit"}, Round: lateAt(rounds + 6), Interval: lateTick, At: lateAt(rounds + 6)}
	who := lineage.Client{TransactionalID: "t", Mover: lineage.Node{Kind: lineage.ConnectorNode, Name: "connecta"}}
	audit.Samples = []lineage.Sample{
		{Subject: lineage.Access{Topic: settledTopic, Op: lineage.Write, Client: who}, Metric: lineage.Linked, Evidence: lineage.AuditLog, Value: 1},
		{Subject: lineage.Access{Topic: settledTopic, Op: lineage.Write, Client: lineage.Client{ClientID: "z"}}, Metric: lineage.Claimed, Evidence: lineage.RequestLog, Value: 900, Since: lateAt(10)},
	}
	ref := neverSealed(t, append(slices.Clone(obs), audit))
	dir := t.TempDir()
	s, err := Open(dir, lateOptions())
	must(t, err)
	must(t, s.Append(t.Context(), obs[:until]...))
	must(t, s.Append(t.Context(), obs[until:]...))
	settleLate(t, s, s.engine, lateAt(rounds-10))
	must(t, s.Append(t.Context(), audit))
	must(t, s.Close())
	each, n := 17, 0
	if os.Getenv("LINEAGED_LONG") != "" {
		each = 1
	}
	var copies, ops []string
	kinds := map[string]int{}
	o := lateOptions()
	o.hook = func(op, path string) error {
		n++
		kind := op + " " + strings.TrimRight(strings.TrimSuffix(filepath.Base(path), draftSuffix), "-.0123456789ablockg")
		if kinds[kind]++; kinds[kind] <= 1 || n%each == 0 {
			copies, ops = append(copies, copied(t, dir)), append(ops, op+" "+filepath.Base(path))
		}
		return nil
	}
	s, err = Open(dir, o)
	must(t, err)
	for len(s.tiers[minuteTier].blocks) == 0 || len(s.ledgers.late) > 0 || len(s.buriable)+len(s.doomed) > 0 {
		must(t, s.Maintain(t.Context(), lateAt(rounds+400)))
	}
	revisions := 0
	for _, b := range s.tiers[rawTier].blocks {
		revisions += int(b.revision)
	}
	everyInstant(t, s, ref, rounds+1, "not killed")
	must(t, s.Close())
	if revisions < 3 || len(copies) < 20 || len(kinds) < 8 {
		t.Errorf("%d revisions, %d copies of %d operations: %v", revisions, len(copies), n, kinds)
	}
	for i, c := range copies {
		s, err := Open(c, lateOptions())
		if err != nil {
			t.Fatalf("before %s: %v", ops[i], err)
		}
		if h := s.Health(); len(h) > 0 || len(s.lost) > 0 {
			t.Errorf("before %s: %q, lost %v", ops[i], h, s.lost)
		}
		settleLate(t, s, s.engine, lateAt(rounds+400))
		for n := 1 + i%5; n <= rounds+1; n += 5 {
			for _, w := range []lineage.Window{lateWindow(n-1, n), lateWindow(0, n)} {
				if x, y := storetest.Everything(t, s, w), storetest.Everything(t, ref, w); !reflect.DeepEqual(x, y) {
					t.Errorf("killed before %s: %v", ops[i], w)
					storetest.Differ(t, x, y)
				}
			}
		}
		must(t, s.Close())
	}
}
