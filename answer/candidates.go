package answer

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// This file says who a topic's writers without a name may be. That is no flow, and joins nothing: it is offered with a
// rule by which a person may say so.

// ClueKind is what speaks for or against somebody's being a writer without a name.
type ClueKind uint8

// The kinds of clues.
const (
	CluePermitted   ClueKind = iota + 1 // who may write by the access control entries
	ClueRestarts                        // members that come and go with producer ids
	ClueRates                           // what is read and what is written go up and down together
	ClueDeclared                        // somebody says that it writes the topic
	ClueHost                            // where it runs
	ClueConfigured                      // a mover that is configured to write the topic, and is not counted
	ClueWroteBefore                     // it was seen to write the topic under its own name
)

// Clue is one reason. Factor is how much likelier it makes the candidate: above 1 it speaks for it, below 1 against.
type Clue struct {
	Kind   ClueKind
	Words  string
	Factor float64
}

// Candidate is somebody who may be the writers without a name. Score, from 0 to 1, is how likely it is by all that
// speaks for and against it and the others, if before anything was seen it was as likely somebody else altogether as
// one of those considered. Seen is false for one of whom only a permission or a declaration is known.
type Candidate struct {
	Node  lineage.Node
	Seen  bool
	Score float64
	Clues []Clue // what speaks most comes first
	Rule  string // the part of a configuration that would declare it, in YAML
}

// Candidates are those for whom something speaks, the likeliest first. Detail says in words what could not be told and
// so says nothing; LeftOut is how many were not considered, as there are more than can be.
type Candidates struct {
	List                []Candidate
	Detail              string
	Considered, LeftOut int
}

const (
	mostSuspects   = 300 // how many are considered; of more, those that read most
	mostPrincipals = 100 // of whom nothing else is known
	mostWriters    = 64  // producer ids of the topic, the busiest
	mostRead       = 4   // topics of each, the most read
	mostAlone      = 3   // writers that are compared each by itself as well
	mostSteps      = 360 // an hour of the usual tick; longer windows are compared by longer steps
	// mostInstants is how many comings and goings of each are compared, the newest.
	mostInstants = 64
	// mostCandidates is how many are offered.
	mostCandidates = 20
	// leastScore is what is offered at all: less likely ones are many, and say nothing.
	leastScore = 0.02
)

// suspect is somebody who is considered.
type suspect struct {
	node   lineage.Node
	seen   bool
	reads  map[lineage.Node][]int32 // accesses, by topic
	moved  float64                  // records that it read in the window
	clues  []Clue
	factor float64
}

func (s *suspect) add(kind ClueKind, factor float64, format string, args ...any) {
	s.factor *= factor
	s.clues = append(s.clues, Clue{Kind: kind, Words: fmt.Sprintf(format, args...), Factor: factor})
}

// inquiry is the search for a topic's writers without a name.
type inquiry struct {
	v        *View
	topic    *topicView
	cluster  lineage.Cluster
	writers  []int32 // accesses that nobody names, the busiest first
	suspects []*suspect
	by       map[lineage.Node]*suspect
	letIn    map[lineage.Node]bool // of whom all that is known here is that logs say that they were allowed to write
	// began is when the cluster was first looked at: what was there then has begun nobody knows when
	began   time.Time
	leftOut int
	notes   []string
}

// Candidates returns who the writers of a topic may be whom nobody names.
func (v *View) Candidates(ctx context.Context, topic lineage.Node) (Candidates, error) {
	t := v.topics[topic]
	if t == nil {
		return Candidates{Detail: "the topic is not known"}, nil
	}
	q := &inquiry{v: v, topic: t, cluster: v.clusters.of(t.cluster), by: map[lineage.Node]*suspect{}, letIn: map[lineage.Node]bool{}}
	if q.findWriters(); len(q.writers) == 0 {
		return Candidates{Detail: "nobody without a name was seen to write it in the window or in the seven days before its end"}, nil
	}
	q.findSuspects()
	q.weighPermissions()
	q.weighSayings()
	q.weighHosts()
	if err := q.weighRestarts(ctx); err != nil {
		return Candidates{}, err
	}
	if err := q.weighRates(ctx); err != nil {
		return Candidates{}, err
	}
	return q.conclude(), nil
}

// findWriters collects who writes the topic without a name.
func (q *inquiry) findWriters() {
	v := q.v
	for _, i := range q.topic.writes {
		n := v.accesses[i].node
		others, there := q.letIn[n]
		q.letIn[n] = (others || !there) && v.letIn(&v.accesses[i])
		if n.Kind == lineage.UnidentifiedNode {
			q.writers = append(q.writers, i)
		}
	}
	slices.SortStableFunc(q.writers, func(a, b int32) int {
		return cmp.Or(-cmp.Compare(v.accesses[a].amount.Total, v.accesses[b].amount.Total), v.accesses[b].FirstSeen.Compare(v.accesses[a].FirstSeen))
	})
	if n := len(q.writers) - mostWriters; n > 0 {
		q.writers = q.writers[:mostWriters]
		q.note("%d of its producer ids, those that wrote least, were not compared", n)
	}
	for i, at := range v.held.Rows.FirstSeen {
		if v.held.Rows.Access[i].Topic.Cluster == q.topic.cluster && (q.began.IsZero() || at.Before(q.began)) {
			q.began = at
		}
	}
}

func (q *inquiry) note(format string, args ...any) {
	q.notes = append(q.notes, fmt.Sprintf(format, args...))
}

// findSuspects collects the applications and stream jobs of the topic's environment, those that read most where they
// are too many.
func (q *inquiry) findSuspects() {
	v := q.v
	downstream := q.downstream()
	for n, end := range v.ends {
		if !q.here(n) {
			continue
		}
		s := &suspect{node: n, seen: true, factor: 1}
		for _, i := range v.alone(end.reads, lineage.Records) {
			if !downstream[v.accesses[i].far] {
				s.moved += v.accesses[i].amount.Total
			}
		}
		q.suspects = append(q.suspects, s)
	}
	slices.SortFunc(q.suspects, func(a, b *suspect) int {
		return cmp.Or(-cmp.Compare(a.moved, b.moved), a.node.Compare(b.node))
	})
	if q.leftOut = max(0, len(q.suspects)-mostSuspects); q.leftOut > 0 {
		q.suspects = q.suspects[:mostSuspects]
	}
	for _, s := range q.suspects { // of an estate with very many, the others' topics are never listed
		q.by[s.node], s.reads = s, map[lineage.Node][]int32{}
		for _, i := range v.outward(s.node, v.ends[s.node].reads) {
			if x := &v.accesses[i]; x.far.Kind == lineage.TopicNode && !downstream[x.far] {
				s.reads[x.far] = append(s.reads[x.far], i)
			}
		}
	}
}

// here reports whether a node is an application or a stream job of the topic's environment, or a job that an engine
// tells of, whose scope is the engine's, and that moves something in the topic's cluster.
func (q *inquiry) here(n lineage.Node) bool {
	return n.Kind == lineage.StreamJobNode && (n.Scope == q.cluster.Name || q.v.movers.jobs[n].fact != nil && slices.Contains(q.v.ClustersOf(n), q.topic.cluster)) ||
		n.Kind == lineage.ApplicationNode && (n.Scope == q.cluster.Environment || n.Scope == q.cluster.Name)
}

// suspect returns who is considered, and considers one of whom only a permission or a declaration is known; nil: there
// are too many, or it does what may not be seen and nothing else.
func (q *inquiry) suspect(n lineage.Node, extra *int) *suspect {
	if s := q.by[n]; s != nil || q.v.hidden.nodes[n] {
		return s
	}
	if *extra++; *extra > mostPrincipals {
		q.leftOut++
		return nil
	}
	s := &suspect{node: n, seen: q.v.Has(n), factor: 1}
	q.by[n], q.suspects = s, append(q.suspects, s)
	return s
}

// downstream returns the topic and those that are made from it, as far as the writers of these are named: who reads
// them follows the topic's rate, and is not the cause of it.
func (q *inquiry) downstream() map[lineage.Node]bool {
	v := q.v
	out, next := map[lineage.Node]bool{q.topic.node: true}, []*topicView{q.topic}
	seen := map[lineage.Node]bool{}
	for len(next) > 0 {
		t := next[0]
		next = next[1:]
		for _, i := range t.reads {
			n := v.accesses[i].node
			if seen[n] || v.ends[n] == nil {
				continue
			}
			seen[n] = true
			for _, j := range v.ends[n].writes {
				if to := v.topics[v.accesses[j].far]; to != nil && !out[to.node] {
					out[to.node], next = true, append(next, to)
				}
			}
		}
	}
	return out
}

// shortened rounds a factor to two digits: it is no better known.
func shortened(factor float64) float64 {
	short, err := strconv.ParseFloat(strconv.FormatFloat(factor, 'g', 2, 64), 64)
	if err != nil {
		return factor
	}
	return short
}

// conclude ranks who was considered.
func (q *inquiry) conclude() Candidates {
	out := Candidates{Considered: len(q.suspects), LeftOut: q.leftOut}
	factors := make([]float64, len(q.suspects))
	for i, s := range q.suspects {
		factors[i] = s.factor
	}
	for i, score := range posterior(factors) {
		s := q.suspects[i]
		if s.factor <= 1 || score < leastScore {
			continue
		}
		slices.SortStableFunc(s.clues, func(a, b Clue) int { return -cmp.Compare(a.Factor, b.Factor) })
		out.List = append(out.List, Candidate{Node: s.node, Seen: s.seen, Score: score, Clues: s.clues})
	}
	slices.SortFunc(out.List, byScore)
	out.List = out.List[:min(len(out.List), mostCandidates)]
	for i := range out.List {
		out.List[i].Score = math.Round(out.List[i].Score*1000) / 1000
		for j := range out.List[i].Clues {
			out.List[i].Clues[j].Factor = shortened(out.List[i].Clues[j].Factor)
		}
		out.List[i].Rule = q.v.identity.Declaring(q.cluster, q.topic.node.Name, out.List[i].Node)
	}
	switch {
	case len(q.suspects) == 0:
		q.note("nobody is known who reads in its environment, may write it or is said to")
	case len(out.List) == 0:
		q.note("nothing speaks for any of the %d considered", len(q.suspects))
	}
	out.Detail = strings.Join(q.notes, "; ")
	return out
}
