package kafka

import (
	"reflect"
	"slices"
	"testing"
)

// passing returns what looks at each reader that a round passes over: going through its book would have changed nothing
// and told nothing. All worlds of these tests have it, so that whatever happens in one of them is looked at.
func passing(t *testing.T, passed *int) func(*take, *group, *committedOn) {
	return func(x *take, g *group, on *committedOn) {
		*passed++
		r, want := *on.reader, *on.reader
		r.parts, want.parts = slices.Clone(r.parts), slices.Clone(want.parts)
		if !r.observe(on.commits, x.at(on.topic), x.stateOf(g, on.topic), x.round, x.before) {
			t.Errorf("%v is passed over, and can't be read", r.access)
		}
		samples, sightings := r.tell(x.round, x.before)
		if events := r.tellEvents(x.round); len(samples)+len(sightings)+len(events) > 0 {
			t.Errorf("%v is passed over, and would tell %+v %+v %+v", r.access, samples, sightings, events)
		}
		if want.known = x.round; want.gauges.lag == 0 {
			want.idle = x.round
		}
		if !reflect.DeepEqual(r, want) {
			t.Errorf("%v is passed over, and its book would be\n%+v, not\n%+v", r.access, r, want)
		}
	}
}

// Who stands where he stood is passed over, and is looked at again when anything changes by which he is measured.
func TestWhoStandsIsPassedOver(t *testing.T) {
	w := newWorld(t, 1)
	w.topic("orders", 3)
	w.commit("billing", "orders", 0, 0)
	w.take(4)
	look := func(what string, want int) {
		t.Helper()
		w.passed = 0
		if w.take(1); w.passed != want {
			t.Errorf("%s: %d readers are passed over, want %d", what, w.passed, want)
		}
	}
	look("nothing changes", 1)
	w.write("orders", 1, 1) // where it has no commit
	look("an end moves", 0)
	w.take(3)
	look("nothing moves any more", 1)
	w.write("orders", 0, 2)
	look("it is behind", 0)
	w.take(3)
	look("it stays behind, for longer each time", 0)
	w.commit("billing", "orders", 0, 2)
	w.take(4)
	look("it has read all, and may be there", 0)
	w.round = w.round.Add(spreadLimit)
	w.take(2)
	look("it is not taken to be there any more", 1)
	w.commit("billing", "orders", 2, 0)
	look("it commits elsewhere", 0)
	w.take(3)
	look("it stands there too", 1)
	w.round = w.round.Add(3 * tick)
	look("rounds were missed", 0)
	w.take(2)
	w.round = w.round.Add(sightEvery)
	w.take(2)
	look("after it was told where it stands", 1)
	if _, err := w.admin.DeleteGroup(t.Context(), "billing"); err != nil {
		t.Fatal(err)
	}
	look("its commits are gone", 0)
}
