package answer_test

import (
	"fmt"
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

// An application of two groups reads on while either does, and a mover that two sources see begins and ends once.
func TestFlowEventsAreOfWholeFlows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		orders, lines := topic("orders"), topic("lines")
		blue, green := reads(orders, group("billing-blue")), reads(orders, group("billing-green"))
		mover := lineage.Client{Mover: lineage.Node{Scope: "ca", Kind: lineage.ConnectorNode, Name: "cdc"}}
		of := func(a lineage.Access, typ lineage.EventType, at int) filling {
			return happenedAt(at, lineage.Event{Type: typ, Access: a, Detail: "by test"})
		}
		inner := topic("inner")
		hidden := topicFact(inner) // what moves in it is shown to who asks for it
		hidden.Topic.Internal = true
		for n := 1; n <= 200; n++ {
			var fill []filling
			move := func(a lineage.Access, from, to int) {
				if n >= from && n <= to {
					fill = append(fill, w.moved(a, lineage.GroupOffsets, 5))
				}
			}
			move(blue, 20, 60)
			move(green, 40, 100)
			move(blue, 80, 90)
			move(green, 150, 150)
			for at, e := range map[int][]filling{
				20:  {of(blue, lineage.FlowStarted, 20)},
				40:  {of(green, lineage.FlowStarted, 40)},
				67:  {of(blue, lineage.FlowStopped, 60)},
				80:  {of(blue, lineage.FlowStarted, 80)},
				97:  {of(blue, lineage.FlowStopped, 90)},
				107: {of(green, lineage.FlowStopped, 100)},
				150: {of(green, lineage.FlowStarted, 150)},
				162: {of(green, lineage.FlowStopped, 150)},
				30:  {of(writes(inner, mover), lineage.FlowStarted, 30), of(writes(lines, mover), lineage.FlowStarted, 30), of(writes(lines, mover), lineage.FlowStarted, 31)},
				50:  {of(writes(lines, mover), lineage.FlowStopped, 45), of(writes(lines, mover), lineage.FlowStopped, 46)},
			} {
				if at == n {
					fill = append(fill, e...)
				}
			}
			if n == 1 {
				fill = append(fill, facts(clusterFact(2), topicFact(orders), topicFact(lines), hidden))
			}
			w.observe("west", "groups", n, fill...)
		}
		time.Sleep(time.Until(round(200)) + time.Second)
		v := namedBy(t, w, joined(`^billing-(blue|green)$`, "billing"), answer.Last(time.Hour))
		ask := func(only *lineage.Node, types ...lineage.EventType) string {
			t.Helper()
			all, err := v.Events(t.Context(), only, types...)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, e := range all {
				got = append(got, fmt.Sprintf("%v %d %s", e.Type, e.At.Sub(midnight)/tick, e.Flow.To.ID()))
			}
			return strings.Join(got, "\n")
		}
		if got := ask(new(topicNode("inner"))); got != "FLOW_STARTED 30 topic:west/inner" {
			t.Errorf("of the inner topic\n%s", got)
		}
		want := strings.Join([]string{
			"FLOW_STOPPED 150 application:west/billing",
			"FLOW_STARTED 150 application:west/billing",
			"FLOW_STOPPED 100 application:west/billing",
			"FLOW_STOPPED 46 topic:west/lines",
			"FLOW_STARTED 30 topic:west/lines",
			"FLOW_STARTED 20 application:west/billing",
		}, "\n")
		if got := ask(nil); sortedLines(got) != sortedLines(want) {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
		if got := ask(nil, lineage.FlowStopped); sortedLines(got) != sortedLines("FLOW_STOPPED 150 application:west/billing\nFLOW_STOPPED 100 application:west/billing\nFLOW_STOPPED 46 topic:west/lines") {
			t.Errorf("of ends alone\n%s", got)
		}
	})
}

func sortedLines(s string) string {
	lines := strings.Split(s, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// joined names the groups that a pattern fits.
func joined(pattern, name string) answer.Identity {
	r, err := identity.New(identity.Rules{Applications: []identity.Rule{{Name: name, Group: regexp.MustCompile(pattern)}}})
	if err != nil {
		panic(err)
	}
	return r
}

// An application of several transactional.ids that pauses for a moment neither ends nor begins twice.
func TestFlowEventsOfInstances(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		orders := topic("orders")
		one, two := writes(orders, lineage.Client{TransactionalID: "app-0"}), writes(orders, lineage.Client{TransactionalID: "app-1"})
		for n := 1; n <= 100; n++ {
			var fill []filling
			if n >= 20 && n <= 40 || n >= 49 {
				fill = append(fill, w.moved(two, lineage.Transaction, 5))
			}
			if n >= 20 && n <= 39 {
				fill = append(fill, w.moved(one, lineage.Transaction, 5))
			}
			switch n {
			case 1:
				fill = append(fill, facts(clusterFact(1), topicFact(orders)))
			case 20:
				fill = append(fill, happenedAt(20, lineage.Event{Type: lineage.FlowStarted, Access: one}))
			case 47:
				fill = append(fill, happenedAt(40, lineage.Event{Type: lineage.FlowStopped, Access: two}))
			case 49:
				fill = append(fill, happenedAt(49, lineage.Event{Type: lineage.FlowStarted, Access: two}))
			}
			w.observe("west", "producers", n, fill...)
		}
		time.Sleep(time.Until(round(100)) + time.Second)
		all, err := named(t, w, answer.Last(time.Hour)).Events(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range all {
			got = append(got, fmt.Sprintf("%v %d", e.Type, e.At.Sub(midnight)/tick))
		}
		if !slices.Equal(got, []string{"FLOW_STARTED 20"}) {
			t.Errorf("events %v", got)
		}
	})
}

// A program that a log names is what a producer id wrote: while either of them is seen to move it has neither ended nor
// begun. What another program of another name does is its own.
func TestFlowEventsOfNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		orders := topic("orders")
		app := lineage.Client{ClientID: "shop", Principal: "User:shop", Host: "10.0.0.1"}
		pushed := lineage.Client{ClientID: "shop", Principal: "User:shop", Instance: "I1"}
		other := lineage.Client{ClientID: "feed", Principal: "User:feed", Host: "10.0.0.1"}
		id := lineage.Client{Producer: lineage.KnownProducer(7)}
		link := lineage.Client{Producer: id.Producer, ClientID: "shop", Principal: "User:shop", Host: "10.0.0.1"}
		for n := 1; n <= 120; n++ {
			var fill []filling
			if n >= 20 && n <= 80 {
				fill = append(fill, w.moved(writes(orders, id), lineage.ProducerState, 5))
			}
			switch n {
			case 1:
				a := lineage.Access{Topic: lineage.Topic{Cluster: orders.Cluster}, Op: lineage.Write, Client: link}
				fill = append(fill, facts(clusterFact(1), topicFact(orders)), func(o *lineage.Observation) {
					o.Samples = append(o.Samples, lineage.Sample{Subject: a, Metric: lineage.Linked, Evidence: lineage.RequestLog, Value: 1})
				})
			case 20: // of whom all tell
				fill = append(fill, happenedAt(20, lineage.Event{Type: lineage.FlowStarted, Access: writes(orders, app)}), happenedAt(20, lineage.Event{Type: lineage.FlowStarted, Access: writes(orders, pushed)}),
					movedBy(writes(orders, other)), movedBy(writes(orders, app)), happenedAt(20, lineage.Event{Type: lineage.FlowStarted, Access: writes(orders, other)}))
			case 45: // the log was switched off, or lost its way: the producer id goes on
				fill = append(fill, happenedAt(40, lineage.Event{Type: lineage.FlowStopped, Access: writes(orders, app)}), happenedAt(20, lineage.Event{Type: lineage.FlowStopped, Access: writes(orders, other)}))
			case 60:
				fill = append(fill, happenedAt(60, lineage.Event{Type: lineage.FlowStarted, Access: writes(orders, app)}))
			case 95:
				fill = append(fill, happenedAt(80, lineage.Event{Type: lineage.FlowStopped, Access: writes(orders, app)}))
			}
			w.observe("west", "producers", n, fill...)
		}
		time.Sleep(time.Until(round(120)) + time.Second)
		all, err := named(t, w, answer.Last(time.Hour)).Events(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range all {
			got = append(got, fmt.Sprintf("%v %d %s", e.Type, e.At.Sub(midnight)/tick, e.Flow.From.ID()))
		}
		want := "FLOW_STARTED 20 application:west/feed\nFLOW_STARTED 20 application:west/shop\nFLOW_STOPPED 20 application:west/feed\nFLOW_STOPPED 80 application:west/shop"
		if sortedLines(strings.Join(got, "\n")) != want {
			t.Errorf("got\n%s\nwant\n%s", sortedLines(strings.Join(got, "\n")), want)
		}
	})
}
