package answer

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// This file tells what is watched from outside as numbers: figures of topics and of groups, by name.

// TopicFigure is a number of a topic.
type TopicFigure struct {
	Topic lineage.Node
	Value int64
}

// TopicLevels returns a level of each topic that exists, where it was observed, at the window's end.
func (v *View) TopicLevels(ctx context.Context, m lineage.Metric) ([]TopicFigure, error) {
	ls, err := v.readLevels(ctx)
	if err != nil {
		return nil, err
	}
	var out []TopicFigure
	for _, t := range v.topics {
		if s, ok := t.current(); ok {
			if n := ls.of(s.row, m); n != nil {
				out = append(out, TopicFigure{t.node, *n})
			}
		}
	}
	return out, nil
}

// GroupLag is how far a group is behind at the window's end; nil: not known. Seconds may be a lower bound.
type GroupLag struct {
	Cluster, Group string
	Topic          lineage.Node // the zero node: on all that the group reads in the cluster
	Records        *int64
	Seconds        *float64
	Nodes          []lineage.Node // whose group it is: of the whole only, and mostly one
}

// groupLags are what GroupLags returns.
type groupLags struct{ byGroup, byTopic []GroupLag }

// GroupLags returns how far each group is behind on all that it reads in a cluster, and how far on each topic, both in
// the order of their names. Of the whole nothing is known where it is not of one part. What it returns is shared: it
// must not be changed.
func (v *View) GroupLags(ctx context.Context) (byGroup, byTopic []GroupLag, err error) {
	is, err := v.lags.get(ctx, v.readGroupLags)
	return is.byGroup, is.byTopic, err
}

func (v *View) readGroupLags(ctx context.Context) (out groupLags, err error) {
	ls, err := v.readLevels(ctx)
	if err != nil {
		return out, err
	}
	readers := v.readersByGroup()
	behind := func(accesses []int32, topic lineage.Node) GroupLag {
		x := &v.accesses[accesses[0]]
		b := v.behind(ls, accesses)
		return GroupLag{Cluster: x.far.Scope, Group: x.Access.Client.Group, Topic: topic, Records: b.records, Seconds: b.seconds}
	}
	for of := range runs(readers, func(a, b groupRead) bool { return a.group == b.group }) {
		accesses := make([]int32, len(of))
		for i, r := range of {
			accesses[i] = r.access
		}
		whole, at := behind(accesses, lineage.Node{}), 0
		whole.Nodes = v.nodesOf(accesses)
		for on := range runs(of, func(a, b groupRead) bool { return a.topic == b.topic }) {
			part := accesses[at : at+len(on)]
			out.byTopic = append(out.byTopic, behind(part, v.accesses[part[0]].far))
			if at += len(on); v.untoldLag(part) {
				whole.Records, whole.Seconds = nil, nil
			}
		}
		out.byGroup = append(out.byGroup, whole)
	}
	return out, nil
}

// nodesOf returns the nodes of accesses, each once, but for those of groups that are no more.
func (v *View) nodesOf(accesses []int32) (out []lineage.Node) {
	for _, i := range accesses {
		if x := &v.accesses[i]; !x.left && !slices.Contains(out, x.node) {
			out = append(out, x.node)
		}
	}
	return out
}

// CopyLag is how far a replicator is behind on a topic that it copies, at the window's end; nil: not known. Seconds may
// be a lower bound.
type CopyLag struct {
	Replicator, Topic lineage.Node
	Records           *int64
	Seconds           *float64
}

// CopyLags returns how far each replicator is behind on each topic that it copies, in the order of their names.
func (v *View) CopyLags(ctx context.Context) ([]CopyLag, error) {
	ls, err := v.readLevels(ctx)
	if err != nil {
		return nil, err
	}
	of := map[lineage.Flow][]int32{}
	for i := range v.accesses {
		if x := &v.accesses[i]; x.node.Kind == lineage.ReplicatorNode && x.Access.Op == lineage.Read {
			of[x.flow()] = append(of[x.flow()], int32(i))
		}
	}
	out := make([]CopyLag, 0, len(of))
	for f, accesses := range of {
		b := v.behind(ls, accesses)
		out = append(out, CopyLag{f.To, f.From, b.records, b.seconds})
	}
	slices.SortFunc(out, func(a, b CopyLag) int {
		return cmp.Or(a.Replicator.Compare(b.Replicator), a.Topic.Compare(b.Topic))
	})
	return out, nil
}

// untoldLag reports whether nobody ever told how far a group is behind on a topic that exists, as where its members
// have it assigned and it has not committed yet, or only its clients' own metrics tell that it reads it.
func (v *View) untoldLag(accesses []int32) bool {
	return v.endsExist(&v.accesses[accesses[0]]) &&
		!slices.ContainsFunc(accesses, func(i int32) bool { return v.accesses[i].gauges[lineage.Lag] })
}

// groupRead is an access of a group to what it reads, each by its rank among their names.
type groupRead struct {
	group, topic uint32
	access       int32
}

// readersByGroup returns what groups read, by cluster, group and topic.
func (v *View) readersByGroup() []groupRead {
	type group struct{ cluster, name string }
	var out []groupRead
	var groups ranks[group]
	var topics ranks[lineage.Node]
	numbers := make([]uint32, 2*len(v.accesses)+1) // of topics, by their number in graphs, from 1
	for i := range v.accesses {
		x := &v.accesses[i]
		name := x.Access.Client.Group
		if x.Access.Op != lineage.Read || name == "" {
			continue
		}
		topic := &numbers[x.numbers[1]]
		if *topic == 0 {
			*topic = topics.of(x.far) + 1
		}
		out = append(out, groupRead{groups.of(group{x.far.Scope, name}), *topic - 1, int32(i)})
	}
	byGroup := groups.ranked(func(a, b group) int {
		return cmp.Or(strings.Compare(a.cluster, b.cluster), strings.Compare(a.name, b.name))
	})
	byTopic := topics.ranked(lineage.Node.Compare)
	for i := range out {
		out[i].group, out[i].topic = byGroup[out[i].group], byTopic[out[i].topic]
	}
	slices.SortFunc(out, func(a, b groupRead) int {
		return cmp.Or(cmp.Compare(a.group, b.group), cmp.Compare(a.topic, b.topic), cmp.Compare(a.access, b.access))
	})
	return out
}

// ranks numbers things as they come, and ranks them later: few names are compared, however often each comes.
type ranks[K comparable] struct {
	number map[K]uint32
	keys   []K
}

func (r *ranks[K]) of(k K) uint32 {
	n, ok := r.number[k]
	if !ok {
		if r.number == nil {
			r.number = map[K]uint32{}
		}
		n = uint32(len(r.keys))
		r.number[k] = n
		r.keys = append(r.keys, k)
	}
	return n
}

// ranked returns the rank of each number.
func (r *ranks[K]) ranked(compare func(a, b K) int) []uint32 {
	order := make([]uint32, len(r.keys))
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortFunc(order, func(a, b uint32) int { return compare(r.keys[a], r.keys[b]) })
	out := make([]uint32, len(order))
	for rank, n := range order {
		out[n] = uint32(rank)
	}
	return out
}

// runs yields the parts of a list whose elements are alike.
func runs[E any](list []E, alike func(a, b E) bool) iter.Seq[[]E] {
	return func(yield func([]E) bool) {
		for start := 0; start < len(list); {
			end := start + 1
			for end < len(list) && alike(list[start], list[end]) {
				end++
			}
			if !yield(list[start:end]) {
				return
			}
			start = end
		}
	}
}

// CoverageOf returns what the sources of a cluster, named as in lineage.Source, observed of the view's window.
func (v *View) CoverageOf(cluster string) lineage.Coverage {
	return v.inWords(v.held.Coverage(cluster))
}

// Totals adds up what the topics appended since it was first asked. The zero value is ready; it may be asked
// concurrently.
//
// The store tells what a window moved, not totals since ever. A topic whose last tick was not observed is added once
// one is: what a gap hid comes with the first reading after it, and belongs to the whole span since the topic was last
// added. No reading that comes later then begins before where the sum ends, so that nothing counts twice or is left
// out.
type Totals struct {
	mu    sync.Mutex // guards the fields below
	known map[lineage.Topic]*appended
	times int // it was asked
}

// appended is what a topic incarnation appended since the first time, known until an instant.
type appended struct {
	records float64
	until   time.Time
	asked   int // the last time that it was there, of Totals.times
}

// Total is what a topic appended.
type Total struct {
	Topic   lineage.Node
	Records float64
}

// Add takes in what was appended until the view's end, and returns the totals of the topics that exist.
func (k *Totals) Add(ctx context.Context, v *View) ([]Total, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.known == nil {
		k.known = make(map[lineage.Topic]*appended, len(v.topics))
	}
	k.times++
	there, all := 0, make([]Total, 0, len(v.topics))
	since := map[time.Time]*span{} // by where it begins, of which there are few
	for _, t := range v.topics {
		if t.gone || len(t.subjects) == 0 {
			continue
		}
		all = append(all, Total{Topic: t.node})
		for _, s := range t.subjects {
			a := k.known[s.topic]
			if a == nil {
				a = &appended{until: v.win.End}
				k.known[s.topic] = a
			}
			a.asked = k.times
			there++
			all[len(all)-1].Records += a.records
			if i, ok := v.held.Series.Find(s.row, lineage.Appended, lineage.NoEvidence); ok && v.win.End.After(a.until) {
				of := since[a.until]
				if of == nil {
					of = &span{}
					since[a.until] = of
				}
				of.series, of.of, of.total = append(of.series, i), append(of.of, a), append(of.total, int32(len(all)-1))
			}
		}
	}
	if there < len(k.known) { // topics that are gone
		maps.DeleteFunc(k.known, func(_ lineage.Topic, a *appended) bool { return a.asked != k.times })
	}
	for from, of := range since {
		if err := of.add(ctx, v, from, all); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// span are the topics whose sums end at one instant: their series, their sums, and which of the totals these are in.
type span struct {
	series []int32
	of     []*appended
	total  []int32
}

// add adds what the topics appended since then.
func (s *span) add(ctx context.Context, v *View, from time.Time, all []Total) error {
	amounts, err := v.held.Amounts(ctx, lineage.Window{Start: from, End: v.win.End}, s.series)
	if err != nil {
		return fmt.Errorf("read what was appended: %w", err)
	}
	ends := amounts
	if last := v.win.End.Add(-v.win.Step); !from.Equal(last) {
		if ends, err = v.held.Amounts(ctx, lineage.Window{Start: last, End: v.win.End}, s.series); err != nil {
			return fmt.Errorf("read what was appended last: %w", err)
		}
	}
	for i, a := range s.of {
		if amounts[i].Known && ends[i].Known {
			more := max(0, amounts[i].Total)
			a.records, a.until = a.records+more, v.win.End
			all[s.total[i]].Records += more
		}
	}
	return nil
}
