package kafka

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lineaged/lineaged/lineage"
)

// manyGroups commits the offset 0 of a topic's first partition in n groups.
func (w *world) manyGroups(topic string, n int) {
	w.t.Helper()
	makeGroups(w.t, w.client, topic, n)
}

func makeGroups(t testing.TB, client *kgo.Client, topic string, n int) {
	t.Helper()
	const workers = 8
	details, err := kadm.NewClient(client).ListTopics(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range workers {
		wg.Go(func() {
			for g := i; g < n; g += workers {
				req := kmsg.NewPtrOffsetCommitRequest()
				req.Group = fmt.Sprintf("group-%05d", g)
				rt := kmsg.NewOffsetCommitRequestTopic()
				rt.Topic, rt.TopicID = topic, details[topic].ID
				rt.Partitions = append(rt.Partitions, kmsg.NewOffsetCommitRequestTopicPartition())
				req.Topics = append(req.Topics, rt)
				req.Generation = -1
				if resp, err := req.RequestWith(t.Context(), client); err != nil || resp.Topics[0].Partitions[0].ErrorCode != 0 {
					t.Errorf("commit of %s: %v %v", req.Group, resp, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// describedOf returns how many groups' members are known, and the share of them that the last round of the source says
// is missing, with the reason.
func (w *world) describedOf() (n int, share float64, why string) {
	for _, g := range w.source.groups {
		if g.membersKnown {
			n++
		}
	}
	for _, o := range w.last {
		for _, m := range o.Missing {
			if o.Source.Name == sourceMembers {
				share, why = share+m.Share, why+m.Reason
			}
		}
	}
	return n, share, why
}

// takeCounting takes a round and returns how many requests of a key it cost.
func (w *world) takeCounting(key kmsg.Key) int {
	w.t.Helper()
	w.mu.Lock()
	clear(w.asked)
	w.mu.Unlock()
	w.take(1)
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.asked[key.Int16()]
}

// Two minutes are twelve rounds of the default tick.
func TestTwentyThousandGroupsAreDescribedOrMissing(t *testing.T) {
	const groups, rounds = 20_000, 12
	w := newWorld(t, 1)
	w.topic("orders", 1)
	w.manyGroups("orders", groups)
	known := 0
	for i := range rounds {
		if n := w.takeCounting(kmsg.DescribeGroups); n > describeMost/describeChunk {
			t.Errorf("round %d: %d requests to one coordinator", i, n)
		}
		n, share, why := w.describedOf()
		if want := float64(groups-n) / groups; share < want-1e-9 || share > want+1e-9 {
			t.Errorf("round %d: %d described, and %v said to be missing: %s", i, n, share, why)
		}
		if n < groups && !strings.Contains(why, "not asked yet") {
			t.Errorf("round %d: the reason is %q", i, why)
		}
		if n < groups && n <= known {
			t.Errorf("round %d: no progress", i)
		}
		known = n
	}
	if known != groups {
		t.Errorf("%d of %d groups described in two minutes", known, groups)
	}
	t.Run("a coordinator that is slow is asked for less and all have their turn", func(t *testing.T) {
		stop := w.refuse(kmsg.DescribeGroups, func(kmsg.Request) (kmsg.Response, error, bool) {
			time.Sleep(tick/describeShare + 10*time.Millisecond)
			return nil, nil, false
		})
		defer stop()
		w.round = w.round.Add(2 * membersCadence)
		for range 3 {
			if n := w.takeCounting(kmsg.DescribeGroups); n > 1 {
				t.Errorf("%d requests to a slow coordinator in one round", n)
			}
		}
		if _, share, why := w.describedOf(); share < 0.8 || !strings.Contains(why, "not asked again yet") {
			t.Errorf("missing %v: %s", share, why)
		}
	})

	t.Run("offsets are asked for in parts and what failed comes first", func(t *testing.T) {
		failing := true
		var asked [][]string
		stop := w.refuse(kmsg.OffsetFetch, func(req kmsg.Request) (kmsg.Response, error, bool) {
			var names []string
			for _, g := range req.(*kmsg.OffsetFetchRequest).Groups {
				names = append(names, g.Group)
			}
			asked = append(asked, names)
			if failing && len(asked) > 2 {
				return nil, errors.New("connection lost"), true
			}
			return nil, nil, false
		})
		defer stop()
		w.take(1)
		var share float64
		for _, m := range w.missing(sourceGroups) {
			share += m.Share
		}
		if share != 0.5 {
			t.Errorf("half of the offsets were read, and %v is missing: %+v", share, len(w.missing(sourceGroups)))
		}
		failing = false
		n := len(asked)
		w.take(1)
		if first := asked[n]; slices.Contains(asked[0], first[0]) || slices.Contains(asked[1], first[0]) || slices.Contains(asked[2], first[0]) {
			t.Errorf("%s was asked for in the round before, and others were not", first[0])
		}
		if m := w.missing(sourceGroups); len(m) > 0 {
			t.Errorf("missing %v", m[0].Reason)
		}
	})
}

// Groups that change all the time have most of the turns, and not all.
func TestNobodyStarves(t *testing.T) {
	var groups []*group
	const all, turns = 1000, 40
	for i := range all {
		groups = append(groups, &group{ref: lineage.GroupRef{Group: fmt.Sprint(i)}, state: "Stable", changed: i%2 == 0, waits: t0})
	}
	asked := map[*group]int{}
	for round := range 100 {
		got := inTurn(slices.Clone(groups), turns)
		if len(got) != turns || !got[0].changed {
			t.Fatalf("round %d: %d turns, the first of one that did not change", round, len(got))
		}
		for _, g := range got {
			asked[g]++
			g.waits = t0.Add(time.Duration(round+1) * tick)
		}
	}
	if len(asked) != all {
		t.Errorf("%d of %d had a turn in 100 rounds of %d", len(asked), all, turns)
	}
	steady := 0
	for g, n := range asked {
		if !g.changed {
			steady += n
		}
	}
	if steady > 100*turns/2 {
		t.Errorf("those that did not change had %d turns of %d", steady, 100*turns)
	}
}

// Where not all configurations can be read in time, the next look begins with the others.
func TestConfigurationsHaveTheirTurn(t *testing.T) {
	w := newWorld(t, 1)
	var names []string
	for i := range 2*configChunk + 10 {
		names = append(names, fmt.Sprintf("topic-%04d", i))
	}
	if _, err := w.admin.CreateTopics(t.Context(), 1, 1, nil, names...); err != nil {
		t.Fatal(err)
	}
	asked, first := 0, map[string]bool{}
	w.refuse(kmsg.DescribeConfigs, func(req kmsg.Request) (kmsg.Response, error, bool) {
		of := req.(*kmsg.DescribeConfigsRequest).Resources
		if of[0].ResourceType != kmsg.ConfigResourceTypeTopic {
			return nil, nil, false
		}
		if asked++; asked%2 == 0 {
			return nil, errors.New("connection lost"), true
		}
		for _, r := range of {
			first[r.ResourceName] = true
		}
		return nil, nil, false
	})
	for range 3 {
		w.take(1)
		w.round = w.round.Add(configsCadence)
	}
	if len(first) != len(names) {
		t.Errorf("%d of %d topics were asked about in three looks", len(first), len(names))
	}
}

// Each protocol has its own request, and the bound is of all together.
func TestQuestionsAreOfOneProtocolEach(t *testing.T) {
	types := []string{"Classic", "Consumer", "Share", "Streams", ""}
	var groups []*group
	for i := range describeMost + 500 {
		groups = append(groups, &group{ref: lineage.GroupRef{Group: fmt.Sprint(i)}, typ: types[i%len(types)], changed: true})
	}
	asked := map[string]int{}
	for _, q := range describeRequests(map[int32][]*group{7: groups})[7] {
		if len(q.groups) > describeChunk {
			t.Errorf("a request for %d groups", len(q.groups))
		}
		for _, g := range q.groups {
			asked[describedBy(g.typ)]++
			if describedBy(g.typ) != describedBy(q.groups[0].typ) {
				t.Errorf("%s and %s in one request", g.typ, q.groups[0].typ)
			}
		}
		names := map[string][]string{}
		switch req := q.req.(type) {
		case *kmsg.DescribeGroupsRequest:
			names["Classic"] = req.Groups
		case *kmsg.ConsumerGroupDescribeRequest:
			names["Consumer"] = req.Groups
		case *kmsg.ShareGroupDescribeRequest:
			names["Share"] = req.GroupIDs
		case *kmsg.StreamsGroupDescribeRequest:
			names["Streams"] = req.Groups
		}
		if len(names[describedBy(q.groups[0].typ)]) != len(q.groups) {
			t.Errorf("%d groups of %s are asked for by %T", len(q.groups), q.groups[0].typ, q.req)
		}
	}
	if sum := asked["Classic"] + asked["Consumer"] + asked["Share"] + asked["Streams"]; sum != describeMost || len(asked) != 4 {
		t.Errorf("asked for %v, of %d in all", asked, sum)
	}
}

// Whose coordinator is out of reach has members that nobody knows any more.
func TestMembersOfALostCoordinatorAreMissing(t *testing.T) {
	w := newWorld(t, 1)
	w.topic("orders", 1)
	w.commit("billing", "orders", 0, 0)
	w.take(3)
	if _, share, why := w.describedOf(); share > 0 {
		t.Errorf("missing %v: %s", share, why)
	}
	stop := w.refuse(kmsg.ListGroups, func(kmsg.Request) (kmsg.Response, error, bool) {
		return nil, errors.New("connection lost"), true
	})
	defer stop()
	found := false
	for range 2*int(membersCadence/tick) + 2 {
		w.take(1)
		_, share, why := w.describedOf()
		found = found || share == 1 && strings.Contains(why, "no broker lists it now")
	}
	if !found {
		t.Error("after a minute without its coordinator the members are still as they were seen")
	}
}
