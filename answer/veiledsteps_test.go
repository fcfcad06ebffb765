package answer_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/identity"
	"github.com/lineaged/lineaged/lineage"
)

// A step in which the unidentified wrote nothing that is known, and somebody wrote whose count is at most, or markers
// were taken that may be records, is not known in a series: as a window of that step says. The others are as they were.
func TestStepsInWhichTheUnidentifiedMayHide(t *testing.T) {
	const pay, markers = 1, 2 // what may hide them
	for name, c := range map[string]struct {
		hides int
		// by round: what the unidentified wrote, what was counted at most, and what exactly, of the other.
		wrote, most, exactly []int64
		want                 string // by step of a round: known values, or ?
		wide                 string // by step of two rounds
		// whether what they wrote from the second round on can have been read in the fourth
		reached answer.Reached
	}{
		"a producer at most, who rests in some": {
			pay, []int64{4, 0, 0, 0, 0, 4, 0, 0}, []int64{0, 0, 3, 0, 3, 3, 0, 0}, []int64{3, 3, 0, 0, 0, 0, 3, 0}, "4 0 ? 0 ? 4 0 0", "4 ? 4 0", answer.ReachedUnknown,
		},
		"markers that may be records": {
			markers, []int64{4, 0, 0, 0, 0, 0, 0, 4}, []int64{0, 0, 0, 2, 0, 0, 0, 2}, []int64{2, 2, 0, 0, 0, 0, 2, 0}, "4 0 0 ? 0 0 0 4", "4 ? 0 4", answer.ReachedUnknown,
		},
		"nobody at most": {
			pay, []int64{4, 0, 0, 0, 0, 4, 0, 0}, make([]int64, 8), []int64{3, 3, 3, 3, 3, 3, 3, 3}, "4 0 0 0 0 4 0 0", "4 0 4 0", answer.NotReached,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				x := topic("orders")
				nobody, paid, own := writes(x, lineage.Client{Kind: lineage.Remainder}), writes(x, lineage.Client{TransactionalID: "pay-1"}), self(x)
				total, rest := int64(0), int64(0)
				for n := 1; n <= 8; n++ {
					rest, total = rest+c.wrote[n-1], total+c.most[n-1]+c.exactly[n-1]
					s := lineage.Sample{Subject: paid, Metric: lineage.Records, Evidence: lineage.Transaction, Value: total, Estimated: c.most[n-1] > 0}
					if c.hides == markers {
						s.Subject, s.Metric, s.Evidence = own, lineage.Markers, lineage.NoEvidence
					}
					w.observe("west", "producers", n, facts(clusterFact(1), topicFact(x)), counts(self(x), lineage.Appended, lineage.NoEvidence, int64(20*n)),
						counts(nobody, lineage.Records, lineage.EndOffsets, rest), counts(reads(x, group("billing")), lineage.Records, lineage.GroupOffsets, int64(10*(n/4))), func(o *lineage.Observation) { o.Samples = append(o.Samples, s) })
				}
				time.Sleep(time.Until(round(8)) + time.Second)
				for node, rule := range map[lineage.Node][]identity.Rule{
					{Scope: "west", Kind: lineage.UnidentifiedNode, Name: "orders"}: nil,
					{Scope: "west", Kind: lineage.ApplicationNode, Name: "batch"}:   {{Unidentified: regexp.MustCompile("^west/orders$"), Name: "batch"}},
				} {
					who := resolver(t, rule...)
					a := answer.New(answer.Options{History: w.store, Identity: func() answer.Identity { return who }, Clusters: []answer.ClusterConfig{{Source: "west", Name: "west"}}})
					heldSteps(t, a, node, tick, c.want)
					heldSteps(t, a, node, 2*tick, c.wide)
					if got := pathsOf(t, view(t, a, answer.Between(round(1), round(7)), answer.All), node, application("billing")); got.Reached != c.reached {
						t.Errorf("reached is %d, want %d: %q", got.Reached, c.reached, doubts(got))
					}
				}
			})
		})
	}
}

// heldSteps holds what is told of each step of what a node writes to orders, in all ways, against what is wanted, and
// against a window of each.
func heldSteps(t *testing.T, a *answer.Answers, n lineage.Node, step time.Duration, want string) {
	t.Helper()
	f := lineage.Flow{From: n, To: topicNode("orders")}
	in := answer.Between(round(0), round(8))
	v := view(t, a, in, answer.All)
	rows := v.Rows([]lineage.Node{n}, []lineage.Flow{f})
	told := map[string]string{}
	tell := func(how string, values []string) { told[how] = strings.Join(values, " ") }
	word := func(x *float64, of float64) string {
		if x == nil {
			return "?"
		}
		return spell(new(*x * of))
	}
	seconds := step.Seconds()
	points := func(how string, all []answer.Point, err error) {
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range all {
			got = append(got, word(p.Value, seconds))
		}
		tell(how, got)
	}
	all, _, err := rows.Flow(f).Series(t.Context(), answer.RecordRate, &step)
	points("the flow", all, err)
	for how, m := range map[string]answer.Metric{"the node": answer.RecordRate, "what the node wrote": answer.RecordsOut} {
		all, _, err := rows.Node(n).Series(t.Context(), m, in, &step)
		points(how, all, err)
	}
	g, walk, err := v.Grouped(t.Context(), answer.GroupByPrefix, nil, answer.Filter{}, 100)
	if err != nil || len(walk.Edges) == 0 {
		t.Fatalf("%v, %v", walk, err)
	}
	for _, e := range walk.Edges {
		if e.Flow.To.Kind == lineage.GroupNode && slices.Contains(g.Rows([]lineage.Node{e.Flow.From}, nil).Node(e.Flow.From).Members(), n) {
			all, _, err = g.Rows(nil, []lineage.Flow{e.Flow}).Flow(e.Flow).Series(t.Context(), answer.RecordRate, &step)
			points("the flow of its group", all, err)
		}
	}
	var rates, windows []string
	line, err := a.Timeline(t.Context(), in, answer.TimelineAsk{Roots: []lineage.Node{n}, Buckets: int(8 * tick / step)}, answer.All)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range line.Buckets {
		rates = append(rates, word(b.Rate, line.Width.Seconds()))
	}
	var steps []lineage.Window
	for at := round(0); at.Before(round(8)); at = at.Add(step) {
		w := lineage.Window{Start: at, End: at.Add(step)}
		steps = append(steps, w)
		of := view(t, a, answer.Between(w.Start, w.End), answer.All).Rows(nil, []lineage.Flow{f}).Flow(f)
		windows = append(windows, word(of.RecordsPerSecond(), seconds))
		if is := of.Active(); (is == nil) != (of.RecordsPerSecond() == nil) {
			t.Errorf("%s: active %v, %v a second", w, is, of.RecordsPerSecond())
		}
	}
	if line.Width == step { // it has widths of its own
		tell("the timeline", rates)
	}
	tell("a window of each", windows)
	measured, err := v.MeasuredBy(t.Context(), answer.MeasuredWrites)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range measured {
		if m.Node != n {
			continue
		}
		err := v.Measure(t.Context(), []answer.Measured{m}, steps, false, func(_ int, values []answer.Reading) error {
			var got []string
			for _, x := range values {
				if is := &x.Value; x.Known {
					got = append(got, word(is, 1))
				} else {
					got = append(got, "?")
				}
			}
			tell("what monitoring takes", got)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(told) < 6 {
		t.Errorf("only %d ways tell of it", len(told))
	}
	for how, got := range told {
		if got != want {
			t.Errorf("%s, step %s of %s: got %s, want %s", n, step, how, got, want)
		}
	}
}
