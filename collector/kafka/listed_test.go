package kafka

import (
	"encoding/hex"
	"errors"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lineaged/lineaged/lineage"
)

// lists lets the brokers list the group g in states, by broker, and nothing else.
func (w *world) lists(states map[int]string) (stop func()) {
	return w.refuse(kmsg.ListGroups, func(kreq kmsg.Request) (kmsg.Response, error, bool) {
		resp := kreq.ResponseKind().(*kmsg.ListGroupsResponse)
		if state := states[int(w.fake.CurrentNode())]; state != "" {
			g := kmsg.NewListGroupsResponseGroup()
			g.Group, g.ProtocolType, g.GroupState, g.GroupType = "g", "consumer", state, "Classic"
			resp.Groups = append(resp.Groups, g)
		}
		return resp, nil, true
	})
}

// Two brokers list a group for a moment when it moves from one to the other: it has members where either says so, and
// the round itself is none before it in which nobody was there.
func TestGroupListedByTwoBrokers(t *testing.T) {
	for range 4 { // the brokers answer in any order
		for _, c := range []struct {
			both map[int]string
			live bool
		}{
			{map[int]string{0: "Empty", 1: "Empty"}, false},
			{map[int]string{0: "Empty", 1: "Stable"}, true},
			{map[int]string{0: "Stable", 1: "Empty"}, true},
		} {
			w := newWorld(t, 2)
			w.topic("orders", 1)
			stop := w.lists(map[int]string{0: "Empty"})
			w.take(3)
			stop()
			before := w.round
			stop = w.lists(c.both)
			w.take(1)
			g := w.source.groups["g"]
			if g.live() != c.live || !g.nobodyBefore.Equal(before) || g.coordinator != 1 {
				t.Errorf("%v: members %v, nobody before in %v, coordinator %d; want %v, %v and 1", c.both, g.live(), g.nobodyBefore, g.coordinator, c.live, before)
			}
			if c.live != g.nobody.Equal(before) {
				t.Errorf("%v: nobody was in it in %v", c.both, g.nobody)
			}
			if joined, left := w.events(lineage.GroupJoined), w.events(lineage.GroupLeft); joined != int(number(c.live)) || left != 0 {
				t.Errorf("%v: it was joined %d times and left %d times", c.both, joined, left)
			}
			stop()
		}
	}
}

// What a start knows of a group and its readers is as of when they were seen, not of the newest round: whoever joins
// and reads while a coordinator does not answer may do so in all of that time.
func TestRestoredAsOfWhenItWasSeen(t *testing.T) {
	w := newWorld(t, 1)
	w.topic("orders", 1)
	w.write("orders", 0, 50)
	w.commit("g", "orders", 0, 10)
	w.take(4)
	seen := w.round
	silent := errors.New("connection lost")
	fail := func(kmsg.Request) (kmsg.Response, error, bool) { return nil, silent, true }
	stop, stopToo := w.refuse(kmsg.ListGroups, fail), w.refuse(kmsg.OffsetFetch, fail)
	w.take(20)
	w.start(Config{})
	g := w.source.groups["g"]
	if !g.nobody.Equal(seen) {
		t.Errorf("nobody was in it in %v, want %v", g.nobody, seen)
	}
	for _, r := range g.readers {
		if !r.known.Equal(seen) {
			t.Errorf("its reader is known as of %v, want %v", r.known, seen)
		}
	}
	stop()
	stopToo()
	w.take(2) // and of the newest round again
	last := w.round
	w.start(Config{})
	g = w.source.groups["g"]
	if !g.nobody.Equal(last) {
		t.Errorf("nobody was in it in %v, want %v", g.nobody, last)
	}
	for _, r := range g.readers {
		if !r.known.Equal(last) {
			t.Errorf("its reader is known as of %v, want %v", r.known, last)
		}
	}
}

// A group's position of version 2 does not say who its members were.
func TestRestoredGroupOfVersion2(t *testing.T) {
	kept, err := hex.DecodeString("0207436c617373696308636f6e73756d657205456d70747980d8c0cdc06880d8c0cdc06800")
	if err != nil {
		t.Fatal(err)
	}
	s := newSource(Config{Name: "west", Interval: tick})
	if err := s.restoreGroup("g", kept, t0); err != nil {
		t.Fatal(err)
	}
	g := s.groups["g"]
	if g.state != "Empty" || !g.found.Equal(t0) || !g.nobody.Equal(t0) || g.stale || g.who != 0 {
		t.Errorf("%+v", g)
	}
	g.who = whoseIDs([]lineage.Member{{ID: "a"}, {ID: "b"}})
	if err := s.restoreGroup("again", g.encode(), t0); err != nil || s.groups["again"].who != g.who || g.who == whoseIDs([]lineage.Member{{ID: "ab"}}) {
		t.Errorf("%v, %+v", err, s.groups["again"])
	}
}

// A group's position of version 1 is as of the newest round, as far as it tells; one of a group that is out of sight is
// not.
func TestRestoredGroupOfVersion1(t *testing.T) {
	kept, err := hex.DecodeString("0107436c617373696308636f6e73756d657205456d70747980d8c0cdc06880d8c0cdc068")
	if err != nil {
		t.Fatal(err)
	}
	s := newSource(Config{Name: "west", Interval: tick})
	if err := s.restoreGroup("g", kept, t0); err != nil {
		t.Fatal(err)
	}
	if g := s.groups["g"]; g.state != "Empty" || g.protocol != "consumer" || g.typ != "Classic" || !g.joined.Equal(t0) || !g.found.Equal(t0) || !g.nobody.Equal(t0) || g.stale {
		t.Errorf("%+v", g)
	}
	dark := &group{state: unknownState, stale: true, nobody: time.Time{}}
	if err := s.restoreGroup("dark", dark.encode(), t0); err != nil {
		t.Fatal(err)
	}
	if g := s.groups["dark"]; !g.nobody.IsZero() {
		t.Errorf("a group out of sight had nobody in it in %v", g.nobody)
	}
}
