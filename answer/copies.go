package answer

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
)

// This file says which of the topics that are lost have a copy that is left.

// CopyLoss is a topic that is lost, and its copies that are not.
type CopyLoss struct {
	Topic lineage.Node
	// Only reports whether no copy is left; nil: that can't be told, and Why says why.
	Only   *bool
	Why    string
	Copies []lineage.Node
	// NotCopied is what the copy that lacks the least of it had not got; nil: not known, or none is made of it.
	NotCopied      *int64
	Records, Bytes *int64
	Partitions     int // that are lost; 0: all
}

// findCopies finds what loses its only copy. Only replicators make copies: what a program or a connector makes of a
// topic is something else.
func (q *losing) findCopies(ctx context.Context) error {
	v := q.v
	var s *graph.Snapshot // of replications, built where a topic is lost
	for _, n := range q.order {
		if q.gone() {
			return ctx.Err()
		}
		if n.Kind != lineage.TopicNode {
			continue
		}
		if s == nil {
			s = v.build(func(x *access) bool {
				return x.node.Kind == lineage.ReplicatorNode && x.far.Kind == lineage.TopicNode && !x.internal()
			})
		}
		c := CopyLoss{Topic: n, Partitions: q.lost[n].Partitions}
		if t := v.topics[n]; t != nil {
			if is, ok := t.current(); ok {
				c.Records, c.Bytes = q.ls.of(is.row, lineage.Retained), q.ls.of(is.row, lineage.LogBytes)
			}
		}
		q.copiesOf(s, &c)
		q.out.Copies = append(q.out.Copies, c)
	}
	slices.SortFunc(q.out.Copies, func(a, b CopyLoss) int {
		return cmp.Or(cmp.Compare(rankOfOnly(a.Only), rankOfOnly(b.Only)), -cmp.Compare(atMost(a.Records), atMost(b.Records)), a.Topic.Compare(b.Topic))
	})
	return nil
}

// rankOfOnly puts what has no copy first, then what is not known.
func rankOfOnly(only *bool) int {
	switch {
	case only == nil:
		return 1
	case *only:
		return 0
	}
	return 2
}

// atMost puts what is not known before all that is.
func atMost(n *int64) int64 {
	if n == nil {
		return math.MaxInt64
	}
	return *n
}

// copiesOf looks for the copies of a topic: of what it is a copy of, and all that is made of that.
func (q *losing) copiesOf(s *graph.Snapshot, c *CopyLoss) {
	v := q.v
	origins := []lineage.Node{c.Topic}
	movers := map[lineage.Node]bool{}
	for n := range s.Closure([]lineage.Node{c.Topic}, graph.Upstream).Nodes() {
		if n.Kind == lineage.TopicNode && n != c.Topic {
			origins = append(origins, n)
		} else if n.Kind == lineage.ReplicatorNode {
			movers[n] = true
		}
	}
	for n := range s.Closure(origins, graph.Downstream).Nodes() {
		if n.Kind == lineage.ReplicatorNode {
			movers[n] = true
		} else if t := v.topics[n]; n != c.Topic && q.lost[n] == nil && t != nil && !t.gone {
			c.Copies = append(c.Copies, n)
		}
	}
	slices.SortFunc(c.Copies, lineage.Node.Compare)
	for m := range movers {
		switch f := v.movers.replicators[m].was; {
		case v.mixed[m]:
			c.Why = fmt.Sprintf("which copy of %s is which is not known", m.ID())
		case f != nil && len(c.Copies) == 0 && !v.Watched(f.Target) && !v.movers.gone(m):
			c.Why = fmt.Sprintf("%s copies to a cluster that is not watched", m.ID())
		}
	}
	switch {
	case c.Why != "":
	case len(c.Copies) > 0:
		c.Only = new(false)
	default:
		c.Only = new(true)
	}
	made := s.Closure([]lineage.Node{c.Topic}, graph.Downstream)
	if !slices.ContainsFunc(c.Copies, made.Has) {
		return
	}
	for e := range s.Out(c.Topic) {
		if b := v.behind(q.ls, v.of(e.Flow)); b.records != nil && (c.NotCopied == nil || *b.records < *c.NotCopied) {
			c.NotCopied = b.records
		}
	}
}
