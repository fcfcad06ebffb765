package answer_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// chain is a world of programs between topics, told as "a>p" where p reads a, and "p>b" where it writes b; behind it
// how late the reader is in seconds: "a>p 5", "a>p 5+" at least so late, "a>p" not known, and "silent" where it moved
// only before the window.
func chain(t *testing.T, flows ...string) *world {
	t.Helper()
	w := newWorld(t)
	told := map[lineage.Topic]bool{}
	fill := map[int][]filling{}
	for _, text := range flows {
		var ends, late string
		if _, err := fmt.Sscan(text+" ?", &ends, &late); err != nil {
			t.Fatal(err)
		}
		from, to, _ := strings.Cut(ends, ">")
		x := writes(topic(to), group(from))
		if from == strings.ToLower(from) {
			x = reads(topic(from), group(to))
		}
		told[x.Topic] = true
		last := 20
		if strings.Contains(text, "silent") {
			last = 3
		}
		for n := 1; n <= 20; n++ {
			if n <= last {
				fill[n] = append(fill[n], w.moved(x, kindOf(x), 10))
			}
			var seconds int64
			if _, err := fmt.Sscanf(late, "%d", &seconds); err == nil {
				fill[n] = append(fill[n], level(x, lineage.Lag, 7), level(x, lineage.LagMillis, 1000*seconds))
				if strings.HasSuffix(late, "+") {
					fill[n] = append(fill[n], level(x, lineage.LagAtLeast, 1))
				}
			}
		}
	}
	for x := range told {
		fill[1] = append(fill[1], facts(topicFact(x)))
	}
	fill[1] = append(fill[1], facts(clusterFact(len(told))))
	for n := 1; n <= 20; n++ {
		w.observe("west", "all", n, fill[n]...)
	}
	return w
}

func hitsOf(t *testing.T, v *answer.View, root lineage.Node) (out []string) {
	t.Helper()
	got, err := v.Impact(context.Background(), root, answer.Filter{IncludeInactive: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range got.Hits {
		after := fmt.Sprintf("at least %g s", h.AtLeast)
		if h.Exact {
			after = fmt.Sprintf("%g s", h.AtLeast)
		}
		out = append(out, fmt.Sprintf("%s: %d, %s, %s>%s", h.Node.Name, h.Hops, after, h.Through.From.Name, h.Through.To.Name))
	}
	return out
}

// Programs are written large.
func TestImpact(t *testing.T) {
	for name, w := range map[string]struct{ flows, want []string }{
		"a reader, and what it writes is not known to be at once": {
			[]string{"a>P 5", "P>b"},
			[]string{"P: 1, 5 s, a>P", "b: 2, at least 5 s, P>b"},
		},
		"who reads is late twice": {
			[]string{"a>P 5", "P>b", "b>Q 20"},
			[]string{"P: 1, 5 s, a>P", "b: 2, at least 5 s, P>b", "Q: 3, at least 25 s, b>Q"},
		},
		"the longer way may be the sooner one": {
			[]string{"a>SLOW 300", "SLOW>c", "a>P 0", "P>b", "b>Q 20", "Q>c", "c>END 0"},
			[]string{
				"P: 1, 0 s, a>P", "b: 2, at least 0 s, P>b", "Q: 3, at least 20 s, b>Q", "c: 4, at least 20 s, Q>c", "END: 5, at least 20 s, c>END",
				"SLOW: 1, 300 s, a>SLOW",
			},
		},
		"two ways of one length, the one that is measured is exact": {
			[]string{"a>P 0", "a>Q", "P>b", "Q>b"},
			[]string{"P: 1, 0 s, a>P", "Q: 1, at least 0 s, a>Q", "b: 2, at least 0 s, P>b"},
		},
		"a cycle ends where it began": {
			[]string{"a>P 10", "P>b", "b>BACK 10", "BACK>a"},
			[]string{"P: 1, 10 s, a>P", "b: 2, at least 10 s, P>b", "BACK: 3, at least 20 s, b>BACK"},
		},
		"a silent hop is gone through, and its lag is no time that it takes": {
			[]string{"a>P 40 silent", "P>b", "b>Q 10"},
			[]string{"P: 1, at least 0 s, a>P", "b: 2, at least 0 s, P>b", "Q: 3, at least 10 s, b>Q"},
		},
		"a lag that is a bound, or not known, is none": {
			[]string{"a>P 40+", "a>Q", "P>b"},
			[]string{"P: 1, at least 0 s, a>P", "Q: 1, at least 0 s, a>Q", "b: 2, at least 0 s, P>b"},
		},
		"within a step of ten seconds the nearer is first": {
			[]string{"a>P 9", "P>b", "a>Q 1", "a>R 19"},
			[]string{"P: 1, 9 s, a>P", "Q: 1, 1 s, a>Q", "b: 2, at least 9 s, P>b", "R: 1, 19 s, a>R"},
		},
		"nobody reads": {[]string{"P>a"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			v := view(t, answers(chain(t, w.flows...).store), answer.Between(round(10), round(20)), answer.All)
			if got := hitsOf(t, v, topicNode("a")); !slices.Equal(got, w.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(w.want, "\n"))
			}
		})
	}
}

// How long traces take from one topic to another is measured, whatever programs do between.
func TestImpactByTraces(t *testing.T) {
	w := chain(t, "a>P 5", "P>b", "b>Q 2", "Q>c", "a>R 5", "R>c")
	since := func(to, from string) lineage.Access {
		return lineage.Access{Topic: topic(to), Client: by(topicNode(from))}
	}
	for n := int64(1); n <= 20; n++ {
		w.observe("west", "headers", int(n),
			level(since("b", "a"), lineage.TraceMillis, n*30_000), level(since("b", "a"), lineage.Traces, n),
			level(since("c", "b"), lineage.TraceMillis, n*1000), level(since("c", "b"), lineage.Traces, n))
	}
	v := view(t, answers(w.store), answer.Between(round(10), round(20)), answer.All)
	// To c it takes 5 s at least by R, and 31 by what is measured: nobody knows that R does not take longer.
	want := []string{"P: 1, 5 s, a>P", "R: 1, 5 s, a>R", "c: 2, at least 5 s, R>c", "b: 2, 30 s, P>b", "Q: 3, 32 s, b>Q"}
	if got := hitsOf(t, v, topicNode("a")); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	// From b it was measured to c in a second, and nothing comes before what it comes through: Q is two seconds late
	// now, and how long it takes to write is not known.
	want = []string{"Q: 1, 2 s, b>Q", "c: 2, at least 2 s, Q>c"}
	if got := hitsOf(t, v, topicNode("b")); !slices.Equal(got, want) {
		t.Errorf("from b: got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// What was not observed at the window's end has no time.
func TestImpactOverAGap(t *testing.T) {
	w := chain(t, "a>P 5", "P>b")
	for n := 21; n <= 24; n++ {
		w.observe("west", "all", n, missing("broker unreachable"))
	}
	v := view(t, answers(w.store), answer.Between(round(14), round(24)), answer.All)
	want := []string{"P: 1, at least 0 s, a>P", "b: 2, at least 0 s, P>b"}
	if got := hitsOf(t, v, topicNode("a")); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// Who stops waiting ends the search.
func TestImpactIsLeft(t *testing.T) {
	v := view(t, answers(chain(t, "a>P 5", "P>b").store), answer.Between(round(10), round(20)), answer.All)
	if _, err := v.Impact(t.Context(), topicNode("a"), answer.Filter{}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := v.Impact(ctx, topicNode("a"), answer.Filter{}); !errors.Is(err, context.Canceled) {
		t.Errorf("it went on: %v", err)
	}
}
