package answer

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// This file says what is wrong or new in a window, the worst first, see docs/adr/0029-what-is-wrong-or-new.md.

// FindingKind is what a finding is; the schema documents the values.
type FindingKind uint8

// The kinds, in the order in which those of one severity that starve as many are told.
const (
	FindingLost FindingKind = iota + 1
	FindingStalled
	FindingStopped
	FindingFallingBehind
	FindingUnobserved
	FindingGone
	FindingNew
)

// Severity is what is at stake, the worst first.
type Severity uint8

// The severities.
const (
	Harm Severity = iota + 1
	Risk
	Change
)

// FindingAsk says which findings are asked for.
type FindingAsk struct {
	Cluster *string // its id or name
	Owner   *string
	Kinds   []FindingKind // nil: all
}

// Finding is one thing that is wrong or new. It is about a flow, a node, or a source that does not observe.
type Finding struct {
	FindingPlace
	Since time.Time // zero: longer than was looked at
	Flow  *lineage.Flow
	Node  *lineage.Node
	Owner string
	// Cluster is what is not observed; nil: it is no Kafka cluster that is watched. Sources are who does not see it,
	// or not all of it: Observed is how much they see all the same at the window's end, of 1. Reason is why.
	Cluster  *Cluster
	Sources  []string
	Observed float64
	Reason   string
	// Starves is whom it leaves without; nil: that can't be told, or makes no sense of the kind.
	Starves *Starved
	// With are the flows that came or went with a node.
	With []lineage.Flow
}

// FindingPlace is a finding's place among the others, the worst first.
type FindingPlace struct {
	Severity Severity
	Starving int
	Kind     FindingKind
	Waiting  int64
	ID       string // of what kind about what: the same while it lasts
}

// Compare orders findings, the worst first.
func (p FindingPlace) Compare(b FindingPlace) int {
	return cmp.Or(cmp.Compare(p.Severity, b.Severity), cmp.Compare(b.Starving, p.Starving), cmp.Compare(p.Kind, b.Kind),
		cmp.Compare(b.Waiting, p.Waiting), strings.Compare(p.ID, b.ID))
}

// Findings are what is wrong or new, the worst first.
type Findings struct {
	List   []Finding
	ByKind map[FindingKind]int // of all kinds, whichever are asked for
	// Resting are flows that are silent and no finding; Unknown are those that somebody counts and of which it is not
	// known how they go.
	Resting, Unknown int
	Scope            []lineage.ClusterID // the cluster that was asked for; nil: all
}

// finder finds what is wrong or new in a view.
type finder struct {
	v      *View
	ask    FindingAsk
	only   *Cluster // nil: all
	ls     *levels
	flows  []lineage.Flow // all of the view but those of internal topics
	states map[lineage.Flow]State
	fed    map[lineage.Node]bool // see isFed
	walks  map[walkKey]*Starved  // what was walked already
	sought int                   // walks that flows ask for
	steps  int                   // of each walk at most
	left   func() bool           // who asked has left
	lost   []lineage.Event       // see blindSince
	out    *Findings

	gone     map[lineage.Node]bool // nodes whose end is a finding
	appeared map[lineage.Node]bool // nodes whose beginning is one
}

// Findings returns what is wrong or new in the window.
func (v *View) Findings(ctx context.Context, ask FindingAsk) (*Findings, error) {
	f := &finder{
		v: v, ask: ask, walks: map[walkKey]*Starved{}, out: &Findings{ByKind: map[FindingKind]int{}},
		gone: map[lineage.Node]bool{}, appeared: map[lineage.Node]bool{}, left: leaving(ctx),
	}
	if ask.Cluster != nil {
		c, err := v.FindCluster(*ask.Cluster)
		if err != nil {
			return nil, err
		}
		f.only, f.out.Scope = c, c.Scope()
	}
	if err := f.load(ctx); err != nil {
		return nil, err
	}
	for _, find := range []func(context.Context) error{f.nodesThatWent, f.whatHappened, f.goings, f.sources} {
		if err := find(ctx); err != nil {
			return nil, err
		}
		if ctx.Err() != nil { // a walk ends with it
			return nil, ctx.Err()
		}
	}
	if len(ask.Kinds) > 0 {
		f.out.List = slices.DeleteFunc(f.out.List, func(x Finding) bool { return !slices.Contains(ask.Kinds, x.Kind) })
	}
	slices.SortFunc(f.out.List, func(a, b Finding) int { return a.Compare(b.FindingPlace) })
	return f.out, nil
}

// load finds out how all flows go.
func (f *finder) load(ctx context.Context) (err error) {
	v, gone := f.v, leaving(ctx)
	seen := make(map[lineage.Flow]bool, len(v.accesses))
	for i := range v.accesses {
		if gone() {
			return ctx.Err()
		}
		x := &v.accesses[i]
		if is := x.flow(); !x.internal() && !seen[is] {
			seen[is] = true
			f.flows = append(f.flows, is)
		}
	}
	slices.SortFunc(f.flows, compareFlows)
	if f.ls, err = v.readLevels(ctx); err != nil {
		return err
	}
	f.states, err = v.Rows(nil, f.flows).loadStates(ctx)
	for _, s := range f.states {
		if s.Is == Stalled || s.Is == Stopped || s.Is == FallingBehind {
			f.sought++
		}
	}
	return err
}

func compareFlows(a, b lineage.Flow) int { return cmp.Or(a.From.Compare(b.From), a.To.Compare(b.To)) }

// asks reports whether what is of some clusters and somebody's is asked for.
func (f *finder) asks(clusters []lineage.ClusterID, owner string) bool {
	return (f.only == nil || slices.Contains(clusters, f.only.known.ID)) && (f.ask.Owner == nil || strings.EqualFold(owner, *f.ask.Owner))
}

// add takes in a finding.
func (f *finder) add(x Finding, subject string) {
	x.ID = x.Kind.word() + " " + subject
	if x.Starves != nil {
		x.Starving = x.Starves.Count
	}
	f.out.ByKind[x.Kind]++
	f.out.List = append(f.out.List, x)
}

func (f *finder) addFlow(x Finding, is lineage.Flow) {
	if x.Owner = f.v.answersFor(is); f.asks(f.v.clustersOfFlow(is), x.Owner) {
		x.Flow = &is
		f.add(x, is.ID())
	}
}

// addNode takes in a finding about a node, which is of a cluster also where the view does not know it any more.
func (f *finder) addNode(x Finding, n lineage.Node, of ...lineage.ClusterID) {
	if x.Owner, _ = f.v.describe(n); f.asks(append(of, f.v.ClustersOf(n)...), x.Owner) {
		x.Node = &n
		f.add(x, n.ID())
	}
}

// clustersOfFlow returns the clusters whose records a flow is of.
func (v *View) clustersOfFlow(f lineage.Flow) (ids []lineage.ClusterID) {
	for _, i := range v.of(f) {
		if id := v.accesses[i].Access.Topic.Cluster; !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// answersFor returns who answers for a flow: for its program or, where nobody does, for its topic.
func (v *View) answersFor(f lineage.Flow) string {
	program, store := ends(f)
	owner, _ := v.describe(program)
	if owner == "" {
		owner, _ = v.describe(store)
	}
	return owner
}

// ends returns which end of a flow is the program, and which the topic or dataset.
func ends(f lineage.Flow) (program, store lineage.Node) {
	if holds(f.From) {
		return f.To, f.From
	}
	return f.From, f.To
}

// holds reports whether a node holds records, and does nothing.
func holds(n lineage.Node) bool { return n.Kind == lineage.TopicNode || n.Kind == lineage.DatasetNode }

// word is the kind as the schema spells it.
func (k FindingKind) word() string {
	return [...]string{"", "LOST", "STALLED", "STOPPED", "FALLING_BEHIND", "UNOBSERVED", "GONE", "NEW"}[k]
}
