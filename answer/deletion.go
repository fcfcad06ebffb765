package answer

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
)

// This file says whether a topic may be deleted, see docs/adr/0038-questions-of-change.md.

// Verdict says whether something may be put away.
type Verdict uint8

// The verdicts, in the order in which lists have them.
const (
	Safe         Verdict = iota + 1 // nothing speaks against it, and all was seen that could
	CannotBeTold                    // nothing is known that speaks against it, and something may
	Unsafe                          // something speaks against it
)

// DeletionReasonKind is why a topic is not to be deleted; the schema documents the values.
type DeletionReasonKind uint8

// The kinds, the worst first.
const (
	ReasonWritten DeletionReasonKind = iota + 1
	ReasonRead
	ReasonSubscribed
	ReasonLetIn
	ReasonCommitted
	ReasonConfigured
	ReasonReplicated
	ReasonDeclared
	ReasonInternal
	ReasonTable
	ReasonNew
)

// DeletionReason speaks against the deletion of a topic. It is about a flow, a node, or neither: the topic.
type DeletionReason struct {
	Kind     DeletionReasonKind
	Detail   string
	LastSeen time.Time // zero: it is of no time
	Evidence []lineage.EvidenceKind
	Flow     *lineage.Flow
	Node     *lineage.Node

	accesses []int32
}

// UntoldKind is what keeps from telling; the schema documents the values.
type UntoldKind uint8

// The kinds.
const (
	UntoldBeforeData UntoldKind = iota + 1
	UntoldFirstSeen
	UntoldGaps
	UntoldSourceOff
	UntoldOutOfSight
	UntoldRecords
	UntoldFlow
	UntoldDeclarations
)

// Untold is something that would have to be known. Since is until when it was not, or since when it is not; the zero
// time: that is not known.
type Untold struct {
	Kind   UntoldKind
	Detail string
	Since  time.Time
}

// Deletion is what speaks against the deletion of a topic in the window of a view.
type Deletion struct {
	Topic   lineage.Node
	Against []DeletionReason // the worst first
	Untold  []Untold
	// WatchedSince is since when it is watched without its being another; the zero time: it was not seen.
	WatchedSince          time.Time
	LastWritten, LastRead time.Time // the zero time: not seen in the window
	Records               *int64    // that it holds at most; nil: not known
}

// Verdict returns whether it may be deleted.
func (d *Deletion) Verdict() Verdict {
	switch {
	case len(d.Against) > 0:
		return Unsafe
	case len(d.Untold) > 0:
		return CannotBeTold
	default:
		return Safe
	}
}

// Deletion returns what speaks against the deletion of a topic, which the view must have.
func (v *View) Deletion(ctx context.Context, topic lineage.Node) (*Deletion, error) {
	t := v.topics[topic]
	if t == nil {
		return nil, v.NoNode(topic)
	}
	if t.gone {
		return nil, missing("%s is gone since %s", topic.ID(), t.since.UTC().Format(time.RFC3339))
	}
	j, err := v.judge(ctx)
	if err != nil {
		return nil, err
	}
	d := j.of(t)
	return d, j.date(ctx, t, d)
}

// judge judges topics by all that a view knows.
type judge struct {
	v        *View
	ls       *levels
	sights   map[lineage.ClusterID][]Untold
	sources  map[string][]lineage.DatedFact // what is expected of sources, by their cluster
	declared map[lineage.Node][]string      // who is declared to use a topic, and where that is said
	created  map[lineage.Node]time.Time
}

func (v *View) judge(ctx context.Context) (j *judge, err error) {
	j = &judge{v: v, sights: map[lineage.ClusterID][]Untold{}, sources: map[string][]lineage.DatedFact{}, created: map[lineage.Node]time.Time{}}
	if j.ls, err = v.readLevels(ctx); err != nil {
		return nil, err
	}
	if j.sources, err = v.expectedSources(ctx); err != nil {
		return nil, err
	}
	born, err := v.Events(ctx, nil, lineage.TopicCreated, lineage.TopicRecreated)
	if err != nil {
		return nil, err
	}
	for _, e := range born {
		if e.Node != nil && e.At.After(j.created[*e.Node]) {
			j.created[*e.Node] = e.At
		}
	}
	j.declared = v.declaredUses()
	return j, ctx.Err()
}

// of judges a topic. When what speaks against it was seen last is not told yet, see date.
func (j *judge) of(t *topicView) *Deletion {
	d := &Deletion{Topic: t.node}
	d.WatchedSince = j.watchedSince(t)
	if s, ok := t.current(); ok {
		d.Records = j.ls.of(s.row, lineage.Retained)
	}
	j.moves(t, d)
	j.standing(t, d)
	if t.fact == nil {
		d.Untold = append(d.Untold, Untold{UntoldOutOfSight, "the topic was never described", time.Time{}})
	} else if t.fact.Unseen != "" {
		d.Untold = append(d.Untold, Untold{UntoldOutOfSight, j.v.words(t.fact.Unseen), t.since})
	}
	d.Untold = append(d.Untold, j.sight(t.cluster)...)
	if j.mayBeOlder(t, d.WatchedSince) {
		d.Untold = append(d.Untold, Untold{UntoldFirstSeen, "the topic is watched since then, and may be older", d.WatchedSince})
	}
	if why := j.v.mayBeDeclared(t.node); why != "" {
		d.Untold = append(d.Untold, Untold{UntoldDeclarations, why, time.Time{}})
	}
	slices.SortStableFunc(d.Against, func(a, b DeletionReason) int { return cmp.Compare(a.Kind, b.Kind) })
	return d
}

// mayBeOlder reports whether a topic was first looked at within the window, and it is not known that it was made then.
// Of one that is looked at since anything is, it is said of all the data.
func (j *judge) mayBeOlder(t *topicView, since time.Time) bool {
	held, start := j.v.HeldSince(), j.v.win.Start
	return since.After(start) && j.created[t.node].IsZero() && (!held.After(start) || since.After(held.Add(longestBeginning)))
}

// watchedSince is since when the topic that bears the name is looked at, as far as that is held.
func (j *judge) watchedSince(t *topicView) (since time.Time) {
	s, ok := t.current()
	switch {
	case ok && !s.firstSeen.IsZero():
		since = s.firstSeen
	case t.fact != nil:
		since = t.since
	default:
		return since
	}
	if held := j.v.HeldSince(); since.Before(held) {
		return held
	}
	return since
}

// moves says what moved, and of whom that is not known.
func (j *judge) moves(t *topicView, d *Deletion) {
	v := j.v
	told := false // of what went in, by a flow
	for _, of := range v.byFlow(slices.Concat(t.writes, t.reads)) {
		r := j.reasonOf(t, of)
		switch {
		case r.Kind != 0:
			told = told || r.Kind == ReasonWritten
			d.Against = append(d.Against, r)
		case slices.ContainsFunc(of.accesses, func(i int32) bool { return v.accesses[i].state == graph.Unknown }):
			d.Untold = append(d.Untold, Untold{UntoldFlow, fmt.Sprintf("whether %s used it is not known", program(of.flow).ID()), time.Time{}})
		}
	}
	grew := slices.ContainsFunc(t.subjects, func(s incarnation) bool { return v.held.Rows.Moved[s.row] })
	switch {
	case grew && !told:
		d.Against = append(d.Against, DeletionReason{Kind: ReasonWritten, Detail: "it grew", Evidence: []lineage.EvidenceKind{lineage.EndOffsets}})
	case !grew && !v.topicSeenToRest(t):
		d.Untold = append(d.Untold, Untold{UntoldFlow, "whether it grew was not seen", time.Time{}})
	}
}

// topicSeenToRest reports whether it was seen to the end that nothing went into a topic, since it is looked at.
func (v *View) topicSeenToRest(t *topicView) bool {
	return len(t.subjects) > 0 && !slices.ContainsFunc(t.subjects, func(s incarnation) bool { return v.held.Rows.Moved[s.row] || v.unobserved(s.row) })
}

// program is the end of a flow that is no topic.
func program(f lineage.Flow) lineage.Node { n, _ := ends(f); return n }

// flowAccesses are the accesses of one flow.
type flowAccesses struct {
	flow     lineage.Flow
	accesses []int32
}

// byFlow puts accesses together by their flows, in the order in which these come first.
func (v *View) byFlow(accesses []int32) (out []flowAccesses) {
	at := map[lineage.Flow]int{}
	for _, i := range accesses {
		f := v.accesses[i].flow()
		k, ok := at[f]
		if !ok {
			k, at[f] = len(out), len(out)
			out = append(out, flowAccesses{flow: f})
		}
		out[k].accesses = append(out[k].accesses, i)
	}
	return out
}

// reasonOf says what of one flow speaks against the deletion of its topic; of kind 0: nothing.
func (j *judge) reasonOf(t *topicView, of flowAccesses) DeletionReason {
	v, who := j.v, program(of.flow)
	r := DeletionReason{Flow: &of.flow, accesses: of.accesses}
	is := func(what func(*access) bool) bool {
		return slices.ContainsFunc(of.accesses, func(i int32) bool { return what(&v.accesses[i]) })
	}
	reads := of.flow.From == t.node
	there := func(x *access) bool { return v.endsExist(x) }
	switch {
	case is(func(x *access) bool { return x.state == graph.Active }) && reads:
		r.Kind, r.Detail = ReasonRead, fmt.Sprintf("%s read it", who.ID())
	case is(func(x *access) bool { return x.state == graph.Active }):
		r.Kind, r.Detail = ReasonWritten, fmt.Sprintf("%s wrote it", who.ID())
	case who.Kind == lineage.ReplicatorNode && is(there):
		r.Kind, r.Detail = ReasonReplicated, fmt.Sprintf("%s copies it", who.ID())
		if !reads {
			r.Detail = fmt.Sprintf("%s copies another topic into it", who.ID())
		}
	case reads && is(func(x *access) bool { return there(x) && j.subscribes(x) }):
		r.Kind, r.Detail = ReasonSubscribed, fmt.Sprintf("%s has partitions of it assigned, and has read nothing", who.ID())
	case is(func(x *access) bool { return v.seenBy(x, lineage.AuthorizerLog, lineage.AuditLog) }):
		r.Kind, r.Detail = ReasonLetIn, fmt.Sprintf("%s was let in to it", who.ID())
	case reads && is(func(x *access) bool { return x.committed() && x.Access.Client.Group != "" && there(x) }):
		r.Kind, r.Detail = ReasonCommitted, j.position(of)
	case is(func(x *access) bool { return there(x) && v.isConfigured(x) }):
		r.Kind, r.Detail = ReasonConfigured, fmt.Sprintf("%s is configured to use it", who.ID())
	case is(func(x *access) bool { return x.declared() && x.inWindow }):
		r.Kind, r.Detail = ReasonDeclared, fmt.Sprintf("a rule says that %s uses it", who.ID())
	}
	return r
}

// subscribes reports whether a reader is there and has partitions assigned at the window's end, or had within it.
func (j *judge) subscribes(x *access) bool {
	live := j.ls.of(x.row, lineage.Live)
	return live != nil && *live == 1 || j.v.seenBy(x, lineage.GroupMembership)
}

// seenBy reports whether evidence of one of the kinds supported an access in the window.
func (v *View) seenBy(x *access, kinds ...lineage.EvidenceKind) bool {
	return slices.ContainsFunc(kinds, v.held.Rows.Seen[x.row].Has)
}

// isConfigured reports whether what somebody is says that he uses a topic, whether or not he moves anything.
func (v *View) isConfigured(x *access) bool {
	switch x.node.Kind {
	case lineage.ConnectorNode:
		return true
	case lineage.StreamJobNode:
		return v.seenBy(x, lineage.StreamsTopology)
	default:
		return false
	}
}

// position says which groups have positions in a topic.
func (j *judge) position(of flowAccesses) string {
	var groups []string
	for _, i := range of.accesses {
		if g := j.v.accesses[i].Access.Client.Group; g != "" && !slices.Contains(groups, g) {
			groups = append(groups, g)
		}
	}
	slices.Sort(groups)
	words := fmt.Sprintf("the group %s has a position in it", quote(groups[0]))
	if len(groups) > 1 {
		words = fmt.Sprintf("the group %s and %d more have positions in it", quote(groups[0]), len(groups)-1)
	}
	if b := j.v.behind(j.ls, of.accesses); b.records != nil {
		words += fmt.Sprintf(", %d records behind its end", *b.records)
	}
	return words
}

// standing says what speaks against it whatever moved: what the topic is, and who says that he needs it.
func (j *judge) standing(t *topicView, d *Deletion) {
	v := j.v
	for _, said := range j.declared[t.node] {
		d.Against = append(d.Against, DeletionReason{Kind: ReasonDeclared, Detail: said, Evidence: []lineage.EvidenceKind{lineage.Declared}})
	}
	if t.internal {
		r := DeletionReason{Kind: ReasonInternal, Detail: "somebody keeps his books in it"}
		if job, ok := v.jobOf(t.node); ok {
			r.Node, r.Detail = &job, fmt.Sprintf("it is an inner part of %s", job.ID())
		}
		d.Against = append(d.Against, r)
	}
	switch {
	case d.Records == nil:
		d.Untold = append(d.Untold, Untold{UntoldRecords, "how many records it holds was not seen: who reads them without a group leaves no trace", time.Time{}})
	case *d.Records > 0 && t.compacted():
		d.Against = append(d.Against, DeletionReason{Kind: ReasonTable, Detail: fmt.Sprintf("it is compacted and holds %d records at most: whoever uses it as a table reads it from its start, mostly without a group", *d.Records)})
	case *d.Records > 0:
		d.Untold = append(d.Untold, Untold{UntoldRecords, fmt.Sprintf("it holds %d records at most: who reads them without a group leaves no trace", *d.Records), time.Time{}})
	}
	if at := j.created[t.node]; !at.IsZero() {
		d.Against = append(d.Against, DeletionReason{Kind: ReasonNew, Detail: "it was created within these days", LastSeen: at})
	}
}

// compacted reports whether a topic is known to be compacted.
func (t *topicView) compacted() bool {
	if t.fact == nil {
		return false
	}
	if t.fact.Retention != nil {
		return strings.Contains(t.fact.Retention.Policy, "compact")
	}
	policy, _ := t.config("cleanup.policy")
	return strings.Contains(policy, "compact")
}

// config returns what is set on a topic itself; ok is false where nothing is, or that was not observed.
func (t *topicView) config(name string) (value string, ok bool) {
	if t.fact == nil {
		return "", false
	}
	for _, c := range t.fact.Configs {
		if c.Name == name {
			return c.Value, true
		}
	}
	return "", false
}

// date says when what speaks against a topic was seen last, and when it was written and read last.
func (j *judge) date(ctx context.Context, t *topicView, d *Deletion) error {
	v, all := j.v, slices.Concat(t.writes, t.reads)
	rows := make([]int32, len(all))
	for k, i := range all {
		rows[k] = v.accesses[i].row
	}
	moved, err := v.held.LastMoved(ctx, v.held.Back, rows)
	if err != nil {
		return fmt.Errorf("read last movements: %w", err)
	}
	seen, err := v.held.Evidence(ctx, v.held.Back, rows)
	if err != nil {
		return fmt.Errorf("read evidence: %w", err)
	}
	last, kinds := map[int32]time.Time{}, map[int32][]lineage.EvidenceKind{}
	for k, i := range all {
		x := &v.accesses[i]
		into := &d.LastWritten
		if x.Access.Op == lineage.Read {
			into = &d.LastRead
		}
		if x.state == graph.Active && moved[k].After(*into) {
			*into = moved[k]
		}
		last[i] = moved[k]
		for _, e := range seen[k] {
			kinds[i] = append(kinds[i], e.Kind)
			if last[i].IsZero() || x.state != graph.Active && e.LastSeen.After(last[i]) {
				last[i] = e.LastSeen
			}
		}
	}
	for k := range d.Against {
		r := &d.Against[k]
		for _, i := range r.accesses {
			if last[i].After(r.LastSeen) {
				r.LastSeen = last[i]
			}
			r.Evidence = append(r.Evidence, kinds[i]...)
		}
		slices.Sort(r.Evidence)
		r.Evidence = slices.Compact(r.Evidence)
		if r.LastSeen.After(v.until) {
			r.LastSeen = v.until
		}
	}
	return nil
}
