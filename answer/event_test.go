package answer_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// Events are of the window, the newest first; of a node they are those about it, or about a flow that it has an end of;
// of some types, those.
func TestEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		orders, payments := topic("orders"), topic("payments")
		sink := connector("sink")
		for n := 1; n <= 20; n++ {
			fill := []filling{w.moved(self(orders), lineage.NoEvidence, 5), w.moved(reads(orders, group("job")), lineage.GroupOffsets, 5), w.moved(reads(payments, group("job")), lineage.GroupOffsets, 5)}
			switch n {
			case 1:
				fill = append(fill, facts(clusterFact(2), topicFact(orders), topicFact(payments)))
			case 2:
				fill = append(fill, happened(lineage.Event{Type: lineage.TopicCreated, Topic: orders, Detail: "created"}))
			case 5:
				fill = append(fill, happened(lineage.Event{Type: lineage.ConfigChanged, Topic: payments, Detail: "retention.ms"}), happened(lineage.Event{Type: lineage.SourceLost, Detail: "lost"}))
			case 7:
				fill = append(fill, happened(lineage.Event{Type: lineage.GroupJoined, Group: lineage.GroupRef{Cluster: west, Group: "job"}, Detail: "joined"}))
			case 9:
				fill = append(fill, happened(lineage.Event{Type: lineage.OffsetsSet, Access: reads(orders, group("job")), Detail: "set"}))
			case 11:
				fill = append(fill, happened(lineage.Event{Type: lineage.FlowStopped, Access: reads(nameOnly(payments), by(sink)), Detail: "stopped"}))
			case 12:
				fill = append(fill, happened(lineage.Event{Type: lineage.RecordsLost, Topic: orders, Detail: "went with a leader"}))
			}
			w.observe("west", "all", n, fill...)
		}
		time.Sleep(time.Until(round(20)))
		a := answers(w.store)
		whole := view(t, a, answer.Between(round(0), round(20)), answer.All)
		node := func(n lineage.Node) *lineage.Node { return &n }
		for name, c := range map[string]struct {
			v     *answer.View
			of    *lineage.Node
			types []lineage.EventType
			want  string // rounds and types
		}{
			"all":                   {v: whole, want: "12 RECORDS_LOST, 11 FLOW_STOPPED, 9 OFFSETS_SET, 7 GROUP_JOINED, 5 CONFIG_CHANGED, 5 SOURCE_LOST, 2 TOPIC_CREATED"},
			"of a window":           {v: view(t, a, answer.Between(round(5), round(9)), answer.All), want: "9 OFFSETS_SET, 7 GROUP_JOINED"},
			"of a topic":            {v: whole, of: node(topicNode("orders")), want: "12 RECORDS_LOST, 9 OFFSETS_SET, 2 TOPIC_CREATED"},
			"of another topic":      {v: whole, of: node(topicNode("payments")), want: "11 FLOW_STOPPED, 5 CONFIG_CHANGED"},
			"of a reader":           {v: whole, of: node(application("job")), want: "9 OFFSETS_SET, 7 GROUP_JOINED"},
			"of a mover":            {v: whole, of: &sink, want: "11 FLOW_STOPPED"},
			"of who did nothing":    {v: whole, of: node(application("other"))},
			"of a type":             {v: whole, types: []lineage.EventType{lineage.GroupJoined}, want: "7 GROUP_JOINED"},
			"of two types":          {v: whole, types: []lineage.EventType{lineage.TopicCreated, lineage.OffsetsSet}, want: "9 OFFSETS_SET, 2 TOPIC_CREATED"},
			"of a topic and a type": {v: whole, of: node(topicNode("orders")), types: []lineage.EventType{lineage.OffsetsSet, lineage.ConfigChanged}, want: "9 OFFSETS_SET"},
			"an end, not a beginning that was asked of the store with it": {v: whole, types: []lineage.EventType{lineage.FlowStarted}},
		} {
			events, err := c.v.Events(context.Background(), c.of, c.types...)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, e := range events {
				got = append(got, fmt.Sprintf("%d %s", e.At.Sub(midnight)/tick, e.Type))
			}
			slices.SortStableFunc(got, func(a, b string) int { // events of one instant stand by an opaque id
				if strings.Fields(a)[0] == strings.Fields(b)[0] {
					return strings.Compare(a, b)
				}
				return 0
			})
			if diff := cmp.Diff(c.want, strings.Join(got, ", ")); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
			if !slices.IsSortedFunc(events, func(a, b answer.Event) int { return a.Compare(b.EventPlace) }) {
				t.Errorf("%s: not in order", name)
			}
		}
	})
}

// An event is about a node or a flow, or about a source, and bears the same id whenever it is asked for.
func TestWhatAnEventIsAbout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		orders, secret := topic("orders"), topic("secret")
		for n := 1; n <= 3; n++ {
			fill := []filling{w.moved(self(orders), lineage.NoEvidence, 5), w.moved(self(secret), lineage.NoEvidence, 5), w.moved(reads(orders, group("job")), lineage.GroupOffsets, 5)}
			switch n {
			case 1:
				fill = append(fill, facts(clusterFact(2), topicFact(orders), topicFact(secret)))
			case 2:
				fill = append(fill, happened(lineage.Event{Type: lineage.TopicCreated, Topic: orders, Detail: "made from secret"}),
					happened(lineage.Event{Type: lineage.GroupLeft, Group: lineage.GroupRef{Cluster: west, Group: "job"}, Detail: "left"}),
					happened(lineage.Event{Type: lineage.OffsetsSet, Access: reads(orders, group("job")), Detail: "set"}),
					happened(lineage.Event{Type: lineage.SourceLost, Detail: "lost"}),
					happened(lineage.Event{Type: lineage.TopicDeleted, Topic: secret, Detail: "deleted"}))
			}
			w.observe("west", "all", n, fill...)
		}
		time.Sleep(time.Until(round(3)))
		a := answers(w.store)
		of := func(lens answer.Lens) map[lineage.EventType]answer.Event {
			out := map[lineage.EventType]answer.Event{}
			events, err := view(t, a, answer.Between(round(0), round(3)), lens).Events(context.Background(), nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range events {
				out[e.Type] = e
			}
			return out
		}
		whole, again, seen := of(answer.All), of(answer.All), of(without("secret"))
		flow := lineage.Flow{From: topicNode("orders"), To: application("job")}
		for kind, want := range map[lineage.EventType]struct {
			node *lineage.Node
			flow *lineage.Flow
		}{
			lineage.TopicCreated: {node: new(topicNode("orders"))},
			lineage.TopicDeleted: {node: new(topicNode("secret"))},
			lineage.GroupLeft:    {node: new(application("job"))},
			lineage.OffsetsSet:   {flow: &flow},
			lineage.SourceLost:   {},
		} {
			e, ok := whole[kind]
			if diff := cmp.Diff(want.node, e.Node) + cmp.Diff(want.flow, e.Flow); !ok || diff != "" {
				t.Errorf("%s: there %v %s", kind, ok, diff)
			}
			if e.ID == "" || e.ID != again[kind].ID {
				t.Errorf("%s bears %q and %q", kind, e.ID, again[kind].ID)
			}
		}
		taken := map[string]bool{}
		for _, e := range whole {
			taken[e.ID] = true
		}
		if len(taken) != 5 {
			t.Errorf("five events bear %d ids", len(taken))
		}
		// Through a lens neither what is hidden nor what names it; that something was lost is no secret.
		if _, told := seen[lineage.TopicDeleted]; told || len(seen) != 4 || strings.Contains(seen[lineage.TopicCreated].Detail, "secret") || seen[lineage.SourceLost].Detail != "lost" {
			t.Errorf("who may not see secret is told %+v", seen)
		}
	})
}

// Places order events the newest first, and those of one instant by their ids.
func TestEventPlaces(t *testing.T) {
	early, late := answer.EventPlace{At: round(1), ID: "b"}, answer.EventPlace{At: round(2), ID: "a"}
	if late.Compare(early) >= 0 || early.Compare(late) <= 0 || early.Compare(early) != 0 {
		t.Error("the newest does not come first")
	}
	if twin := (answer.EventPlace{At: round(1), ID: "c"}); early.Compare(twin) >= 0 || twin.Compare(early) <= 0 {
		t.Error("events of one instant have no order")
	}
}
