package answer

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// This file weighs whose instances come and go with a topic's producer ids.

const (
	// mostMembers and mostJoins bound what is read of comings and goings.
	mostMembers, mostJoins = 4000, 5000
	// leastSilence is how long a producer id is silent at least that is taken to have ended.
	leastSilence = time.Minute
	// membersEvery is how often memberships are looked at, see docs/evidence.md.
	membersEvery = 30 * time.Second
)

// within is how far apart two comings may be that are one: memberships are looked at more seldom than producer ids, and
// a program may take a while until it writes.
func (q *inquiry) within() time.Duration {
	return max(3*q.v.state.Tick, membersEvery+q.v.state.Tick+5*time.Second)
}

// weighRestarts compares when producer ids appeared or ended with when members of each came or went.
func (q *inquiry) weighRestarts(ctx context.Context) error {
	v := q.v
	ids, err := q.producerMoments(ctx)
	if err != nil {
		return err
	}
	if len(ids) == 0 {
		q.note("no producer id without a name was seen to appear or to end, so that restarts tell nobody apart")
		return nil
	}
	members, watched, err := q.memberMoments(ctx)
	if err != nil {
		return err
	}
	from := v.held.Back.Start
	if q.began.After(from) {
		from = q.began
	}
	for _, s := range q.suspects {
		if !watched[s.node] {
			continue
		}
		c, what := coincide(ids, newest(merged(members[s.node], q.within()/2)), q.within(), v.win.End.Sub(from)), "its members came or went"
		if v.movers.jobs[s.node].fact != nil {
			what = "its runs began, began again or ended"
		}
		if c.factor > 1 {
			s.add(ClueRestarts, c.factor, "%s at %d of the %d times at which producer ids of the topic appeared or ended, of which %.0f %% would be by chance", what, c.hits, c.all, 100*c.chance)
		} else if c.factor < 1 {
			s.add(ClueRestarts, c.factor, "%s at %d of the %d times at which producer ids of the topic appeared or ended", what, c.hits, c.all)
		}
	}
	return nil
}

// newest returns the newest of sorted instants, as many as are compared.
func newest(instants []time.Time) []time.Time { return instants[max(0, len(instants)-mostInstants):] }

// producerMoments returns when producer ids without a name appeared, and when those that write no more ended. One that
// was there when watching began has appeared nobody knows when.
func (q *inquiry) producerMoments(ctx context.Context) ([]time.Time, error) {
	v := q.v
	var rows []int32
	var out []time.Time
	for _, i := range q.writers {
		x := &v.accesses[i]
		if x.Access.Client.Producer == 0 {
			continue
		}
		rows = append(rows, x.row)
		if at := x.FirstSeen; at.After(q.began.Add(2*v.state.Tick)) && at.After(v.held.Back.Start) {
			out = append(out, at)
		}
	}
	if len(rows) == 0 {
		return nil, nil
	}
	last, err := v.held.LastMoved(ctx, v.held.Back, rows)
	if err != nil {
		return nil, fmt.Errorf("read what moved: %w", err)
	}
	silence := max(leastSilence, 6*v.state.Tick)
	for _, at := range last {
		if !at.IsZero() && v.win.End.Sub(at) > silence {
			out = append(out, at)
		}
	}
	return newest(merged(out, v.state.Tick)), nil
}

// memberMoments returns when members of each application came or went, and of which that is known at all.
func (q *inquiry) memberMoments(ctx context.Context) (moments map[lineage.Node][]time.Time, watched map[lineage.Node]bool, err error) {
	v := q.v
	moments, watched = map[lineage.Node][]time.Time{}, map[lineage.Node]bool{}
	var rows []int32
	var of []lineage.Node
	groups := map[lineage.GroupRef]lineage.Node{}
	for i := range v.accesses {
		x := &v.accesses[i]
		c := &x.Access.Client
		if c.Group == "" || q.by[x.node] == nil {
			continue
		}
		ref := lineage.GroupRef{Cluster: x.Access.Topic.Cluster, Group: c.Group}
		groups[ref] = x.node
		if f := v.groups[ref].Group; f != nil && f.MembersKnown {
			watched[x.node] = true
		}
		if c.Member == "" {
			continue
		}
		watched[x.node] = true
		if len(rows) >= mostMembers {
			continue
		}
		rows, of = append(rows, x.row), append(of, x.node)
		if x.FirstSeen.After(q.began.Add(2 * v.state.Tick)) {
			moments[x.node] = append(moments[x.node], x.FirstSeen)
		}
	}
	if len(rows) > 0 {
		found, err := v.held.Evidence(ctx, v.held.Back, rows)
		if err != nil {
			return nil, nil, fmt.Errorf("read evidence: %w", err)
		}
		for k, es := range found {
			var s spanSeen
			for _, e := range es {
				s.include(e.FirstSeen, e.LastSeen)
			}
			if !s.last.IsZero() && v.win.End.Sub(s.last) > max(leastSilence, 6*v.state.Tick) {
				moments[of[k]] = append(moments[of[k]], s.last)
			}
		}
	}
	events, err := v.a.history.Events(ctx, store.EventFilter{Window: v.held.Back, Types: []lineage.EventType{
		lineage.GroupJoined, lineage.GroupLeft, lineage.JobStarted, lineage.JobRestarted, lineage.JobEnded, lineage.JobFailed,
	}, Limit: mostJoins})
	if err != nil {
		return nil, nil, fmt.Errorf("read events: %w", err)
	}
	// the group of an engine's job never has members: its runs come and go, as far as that was told
	maps.DeleteFunc(watched, func(n lineage.Node, _ bool) bool { return v.movers.jobs[n].fact != nil })
	for _, e := range events.List {
		n, ok := groups[e.Group]
		if e.Access.Client.Mover.Kind != lineage.NoKind {
			of, _ := v.subjectOf(&e)
			n, ok = *of, q.by[*of] != nil
		}
		if ok {
			watched[n] = true
			moments[n] = append(moments[n], e.At)
		}
	}
	for n := range moments {
		slices.SortFunc(moments[n], time.Time.Compare)
	}
	return moments, watched, nil
}
