package export

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/timeseries"
)

// leaving is a context that ends when it was looked at so many times.
type leaving struct {
	context.Context
	looks, most int
}

func (l *leaving) Err() error {
	if l.looks++; l.looks > l.most {
		return context.Canceled
	}
	return nil
}

// TestNobodyWaits has pictures made for who leaves: places and lines are looked for only in forms that have them, and
// no longer than somebody waits. Nothing of that is left for when they are written.
func TestNobodyWaits(t *testing.T) {
	looks := map[string]int{}
	for _, of := range lineageForms {
		p, q := pictureOf("orders"), &question{form: of}
		stays := &leaving{Context: t.Context(), most: math.MaxInt}
		write, err := q.writer(stays, p)
		if err != nil {
			t.Fatal(err)
		}
		looks[of.name] = stays.looks
		if placed := p.Nodes[1].X+p.Nodes[2].X > 0; placed != (of == svgForm || of == jsonForm) {
			t.Errorf("%s: its nodes have places: %t", of.name, placed)
		}
		for n := range stays.looks {
			if _, err := q.writer(&leaving{Context: t.Context(), most: n}, pictureOf("orders")); !errors.Is(err, context.Canceled) {
				t.Errorf("%s: who left at look %d of %d got %v", of.name, n, stays.looks, err)
			}
		}
		for _, n := range p.Nodes {
			n.at.X, n.at.Y = math.NaN(), math.NaN() // a line that is looked for now has no place
		}
		var b strings.Builder
		if err := write(&b); err != nil || strings.Contains(b.String(), "NaN") {
			t.Errorf("%s: lines are looked for as it is written: %v", of.name, err)
		}
	}
	if flows := len(pictureOf("orders").Flows); looks["json"] == 0 || looks["svg"] < looks["json"]+flows {
		t.Errorf("looks by form %v: the lines of %d flows are looked for whoever waits", looks, flows)
	}
}

// TestTooManyFlows asks for more flows than can be drawn: forms that draw none have them.
func TestTooManyFlows(t *testing.T) {
	const side = 71 // readers, each of as many topics
	synctest.Test(t, func(t *testing.T) {
		s := timeseries.NewMemory(timeseries.Options{Tick: tick})
		t.Cleanup(func() { _ = s.Close() })
		for n := int64(1); n <= 4; n++ {
			var o lineage.Observation
			if n == 1 {
				o.Facts = []lineage.Fact{clusterFact("west", west)}
			}
			for i := range side {
				of := topic(west, fmt.Sprint("topic-", i), byte(1+i))
				if n == 1 {
					o.Facts = append(o.Facts, topicFact("west", of))
				}
				for k := range side {
					o.Samples = append(o.Samples, count(access(of, lineage.Read, lineage.Client{Group: fmt.Sprint("reader-", k)}), lineage.GroupOffsets, n))
				}
			}
			observe(t, s, "west", "groups", n, o)
		}
		time.Sleep(time.Until(round(4)) + time.Second)
		e := New(answer.New(answer.Options{
			History: s, Identity: func() answer.Identity { return people{} }, Clusters: []answer.ClusterConfig{{Source: "west", Name: "west", Environment: "shop"}},
		}))
		for _, form := range []string{"svg", "json"} {
			_, err := tried(t, e.Lineage, "last=1m&limit=1000&format="+form)
			refusedAs(t, form, err, `format: "`+form+`" of 5041 flows is more than can be drawn, at most 5000: ask for less with limit, depth or direction, or for dot, mermaid or csv`)
		}
		for _, form := range []string{"dot", "mermaid", "csv"} {
			if text := asked(t, e.Lineage, "last=1m&limit=1000&format="+form); strings.Count(text, "\n") < side*side {
				t.Errorf("%s has not all flows: %.500s", form, text)
			}
		}
	})
}
