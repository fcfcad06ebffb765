package answer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
)

// UsageQuestion is what a usage report is asked to say.
type UsageQuestion struct {
	Scope   UsageScope
	GroupBy UsageGroupBy
	Source  UsageSource
	// BearersOnly: of a tag, leave out topics that do not bear it and to which it only comes along flows.
	BearersOnly bool
}

// follows reports whether the scope's tag is followed to topics that do not bear it.
func (q *UsageQuestion) follows() bool { return q.Scope.Of == TagScope && !q.BearersOnly }

// unasked reports whether of a part of the window nobody was asked for the topics to which the scope's tag only comes:
// the ledger does not say who passed it on, so which they were then is not known.
func (r *UsageReport) unasked() bool {
	return r.follows() && slices.ContainsFunc(r.Parts, func(p UsagePart) bool { return p.Source == Sealed })
}

// UsageSource is who says what was used.
type UsageSource uint8

// The sources.
const (
	AnySource UsageSource = iota // the store as far back as it holds anything, the ledger of what was before
	Held                         // the store, by the names of now
	Sealed                       // the ledger, by the names of then
	Nobody                       // of a part: none that was asked has anything of it
)

// Ledger is what was said of usage in periods that are closed.
type Ledger interface {
	// Closed returns from when on, and until when, periods are closed that meet a window; zero times: none is.
	Closed(ctx context.Context, w lineage.Window) (from, until time.Time, err error)
	// Said hands over the periods that meet a window, the oldest first, with what is said in them, after all
	// amendments, of the uses that wanted wants: those of a scope, and all that some nodes, by id, did beside it. It
	// holds one period at a time, and ends with the first error.
	Said(ctx context.Context, w lineage.Window, wanted Wanted, each func(*SaidPeriod) error) error
}

// Wanted says which uses are asked for.
type Wanted struct {
	Scope UsageScope
	Also  map[string]bool // nodes all of whose uses are
}

// Wants reports whether a use is asked for.
func (w Wanted) Wants(u *TopicUse) bool { return w.Scope.Covers(u) || w.Also[u.Node.ID] }

// SaidPeriod is what is said of a period.
type SaidPeriod struct {
	Window lineage.Window
	Final  time.Time // until when it can be amended
	Uses   []SaidUse
	// Administered is who administered what that a scope can be about: topics, and all of a cluster's.
	Administered []UsageAdministered
	// Observed is which part of it was observed, by cluster as named in ids; Gaps and Spots are of all of them.
	Observed map[string]float64
	Unlisted map[string]int // how many more gaps there are
	Gaps     []SaidGap
	Spots    []SaidSpot
	Cut      map[string]bool // clusters that have more spots
}

// SaidUse is a use as an entry has it.
type SaidUse struct {
	TopicUse
	Entry int64
}

// SaidGap is a span in which a source saw nothing.
type SaidGap struct {
	Cluster string
	Source  string // as it is shown
	Window  lineage.Window
	Reason  string
}

// SaidSpot is what could not be seen.
type SaidSpot struct {
	Cluster   string
	BlindSpot lineage.BlindSpot
}

// UsagePart is a part of a report's window that one source speaks of.
type UsagePart struct {
	Source UsageSource
	// Window is what of it is spoken of: the ledger's is widened to its periods.
	Window   lineage.Window
	Observed float64
	// Periods are how many of the ledger's are in it, Amendable whether one could still be amended.
	Periods   int
	Amendable bool

	byCluster map[string]float64 // what was observed of each, by its name
}

// UsageReport is who used what in a window.
type UsageReport struct {
	UsageQuestion
	View  *View // of the whole window
	Parts []UsagePart
	Uses  []TopicUse // by topic, its writers first, then by node
	// Topics are of the scope by themselves, used or not, at the window's end; none where only the ledger was asked.
	Topics []Party
	Groups []UsageGroup
	// Resting is how many who are known moved nothing: they are in no list.
	Resting int
	// Permissions are what may be used; nil: not known, and Unread says why.
	Permissions []UsagePermission
	Unread      string
	// Administered is who was allowed to change the scope's topics, and of a cluster its groups and itself.
	Administered ReportAdministered
	Coverage     UsageCoverage

	spread *graph.Spreading // of the tag in the store's part; nil: it is not followed
	// unnamed is how many writers nothing names, of whom it is not known whether they pass the tag on.
	unnamed int
}

// UsageCoverage is what was observed of a report's scope in its window. Of a tag that is followed the ledger's part is
// not complete, and counts half: of topics that bear the tag and of those to which it comes, it tells of the first
// alone.
type UsageCoverage struct {
	Complete         bool
	ObservedFraction float64
	Held             lineage.Coverage // gaps and blind spots as the store has them
	Said             []SaidGap        // as the ledger has them, and of what nobody speaks
	Unlisted         int              // how many more gaps the ledger has
}

// UsageReport answers who used what. Half an answer is one: what no source speaks of is a part of it.
func (a *Answers) UsageReport(ctx context.Context, in Span, q UsageQuestion) (*UsageReport, error) {
	v, err := a.View(ctx, in, All)
	if err != nil {
		return nil, err
	}
	if q.Scope, err = q.Scope.named(v); err != nil {
		return nil, err
	}
	r := &UsageReport{UsageQuestion: q, View: v}
	if err := r.divide(ctx); err != nil {
		return nil, err
	}
	c := newCollected(q)
	for i := 0; i < len(r.Parts); i++ {
		switch p := &r.Parts[i]; p.Source {
		case Held:
			err = r.fromStore(ctx, p, c)
		case Sealed:
			err = r.fromLedger(ctx, p, c)
			r.after(i)
		default:
			r.Coverage.Said = append(r.Coverage.Said, SaidGap{Window: p.Window, Reason: r.Source.nothing()})
		}
		if err != nil {
			return nil, err
		}
	}
	r.Uses = slices.SortedFunc(maps.Values(c.uses), func(a, b TopicUse) int { return a.key().compare(b.key()) })
	r.administeredKnown()
	if err := r.known(); err != nil {
		return nil, err
	}
	r.weigh()
	r.Groups = c.groupsOf(r)
	return r, r.permit(ctx)
}

// divide says which source speaks of which part of the window.
func (r *UsageReport) divide(ctx context.Context) error {
	w := r.View.win.Window
	part := func(s UsageSource, from, to time.Time) {
		if from.Before(to) {
			r.Parts = append(r.Parts, UsagePart{Source: s, Window: lineage.Window{Start: from, End: to}})
		}
	}
	said := r.View.a.ledger()
	if r.Source == Sealed && said == nil {
		return noLedger()
	}
	held := r.View.HeldSince()
	if held.IsZero() || held.After(w.End) || r.Source == Sealed {
		held = w.End
	}
	held = laterOf(held, w.Start)
	begin, end := held, held // of what the ledger says
	if said != nil && r.Source != Held && held.After(w.Start) {
		from, until, err := said.Closed(ctx, lineage.Window{Start: w.Start, End: held})
		if err != nil {
			return fmt.Errorf("read what the ledger has: %w", err)
		}
		if from, until = laterOf(from, w.Start), earlier(until, held); from.Before(until) {
			begin, end = from, until
		}
	}
	part(Nobody, w.Start, begin)
	part(Sealed, begin, end)
	if r.Source == Sealed {
		part(Nobody, end, w.End)
		return nil
	}
	part(Nobody, end, held)
	part(Held, held, w.End)
	return nil
}

// after has the parts behind one begin where that ends: the ledger's is widened to its periods, the last of which may
// end within what the store holds, and says all of it.
func (r *UsageReport) after(i int) {
	end := r.Parts[i].Window.End
	for k := i + 1; k < len(r.Parts); k++ {
		r.Parts[k].Window.Start = laterOf(r.Parts[k].Window.Start, end)
	}
	r.Parts = slices.DeleteFunc(r.Parts, func(p UsagePart) bool { return !p.Window.Start.Before(p.Window.End) })
}

func laterOf(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// fromStore reads what the store has of a part.
func (r *UsageReport) fromStore(ctx context.Context, p *UsagePart, c *collected) error {
	v, err := r.viewOf(ctx, p)
	if err != nil {
		return err
	}
	if r.follows() {
		if r.spread, err = v.spreadOf(ctx, r.Scope.Name); err != nil {
			return err
		}
		r.unnamed = v.unnamedWriters()
	}
	reader := r.reader(v)
	flows, topics, err := reader.flows(ctx)
	if err != nil {
		return err
	}
	uses, resting, err := reader.uses(ctx, flows)
	if err != nil {
		return err
	}
	r.Resting = resting
	for _, t := range topics {
		r.Topics = append(r.Topics, reader.party(t))
	}
	if err := c.take(uses); err != nil {
		return err
	}
	if err := r.administeredHeld(ctx, reader, p.Window); err != nil {
		return err
	}
	if r.GroupBy == UsageByDay {
		if err := r.days(ctx, p, c); err != nil {
			return err
		}
	}
	is := v.Coverage(r.clusters(v)...)
	r.Coverage.Held, p.Observed = is, is.ObservedFraction
	of := 1.0
	if v == r.View { // of all of the window, of which the part is all that was observed
		of = v.win.Duration().Seconds() / p.Window.Duration().Seconds()
	}
	p.Observed = min(1, p.Observed*of)
	p.byCluster = map[string]float64{}
	for i := range uses {
		scope := uses[i].Topic.Scope
		if _, ok := p.byCluster[scope]; !ok {
			p.byCluster[scope] = min(1, of*v.Coverage(v.idsOf(scope)...).ObservedFraction)
		}
	}
	return nil
}

// reader reads uses of the scope, and of a tag follows it as it comes in the store's part.
func (r *UsageReport) reader(v *View) *usageReader {
	return &usageReader{v, r.Scope, r.spread, map[lineage.Node]Party{}}
}

// viewOf returns the view of a part that is the store's: that of the whole window, unless the ledger speaks of what is
// before, which must not be said twice.
func (r *UsageReport) viewOf(ctx context.Context, p *UsagePart) (*View, error) {
	if !slices.ContainsFunc(r.Parts, func(o UsagePart) bool { return o.Source == Sealed }) {
		return r.View, nil
	}
	return r.View.a.View(ctx, Between(p.Window.Start, p.Window.End), All)
}

// clusters are those whose observing a report hangs on; none: all.
func (r *UsageReport) clusters(v *View) (ids []lineage.ClusterID) {
	if only := r.onlyCluster(); only != "" {
		return v.idsOf(only)
	}
	return nil
}

// onlyCluster is the one that the scope lies in, by its name; empty: it may be anywhere.
func (r *UsageReport) onlyCluster() string {
	switch r.Scope.Of {
	case ClusterScope:
		return r.Scope.Name
	case TopicScope:
		return PartyOf(r.Scope.Name, "", nil).Scope
	default:
		return ""
	}
}

// idsOf returns the ids of the clusters of a name; none: it was never reached.
func (v *View) idsOf(name string) (ids []lineage.ClusterID) {
	for _, c := range v.clusters.all {
		if c.known.Name == name && c.known.ID != "" && !slices.Contains(ids, c.known.ID) {
			ids = append(ids, c.known.ID)
		}
	}
	return ids
}

// mostReportDays is how many days a report from the store is made of: each is a window of its own.
const mostReportDays = 62

// days reads each day of a part by itself.
func (r *UsageReport) days(ctx context.Context, p *UsagePart, c *collected) error {
	const day = 24 * time.Hour
	first := p.Window.Start.UTC().Truncate(day)
	if n := int(p.Window.End.Sub(first)+day-1) / int(day); n > mostReportDays {
		return tooMuch("groupBy: the store is asked day by day for at most %d days, and there are %d; ask for a shorter window, or for source SEALED", mostReportDays, n)
	}
	for at := first; at.Before(p.Window.End); at = at.Add(day) {
		v, err := r.View.a.View(ctx, Between(laterOf(at, p.Window.Start), earlier(at.Add(day), p.Window.End)), All)
		if err != nil {
			return err
		}
		reader := r.reader(v)
		flows, _, err := reader.flows(ctx)
		if err != nil {
			return err
		}
		uses, _, err := reader.uses(ctx, flows)
		if err != nil {
			return err
		}
		for i := range uses {
			c.intoDay(at, &uses[i])
		}
		c.observedDay(at, v.win.Duration(), v.Coverage(r.clusters(v)...).ObservedFraction, Held)
	}
	return nil
}

// fromLedger reads what the ledger says of a part.
func (r *UsageReport) fromLedger(ctx context.Context, p *UsagePart, c *collected) error {
	var observed observing
	by := map[string]*observing{}
	spots := map[string]bool{}
	now, asked := present(r.View.state, r.View.a.clock()), p.Window
	err := r.View.a.ledger().Said(ctx, p.Window, Wanted{Scope: r.Scope}, func(s *SaidPeriod) error {
		if p.Periods++; p.Periods == 1 || s.Window.Start.Before(p.Window.Start) {
			p.Window.Start = s.Window.Start
		}
		p.Window.End = laterOf(p.Window.End, s.Window.End)
		p.Amendable = p.Amendable || now.Before(s.Final)
		fraction := r.saidOf(s, spots)
		observed.add(s.Window.Duration(), fraction)
		for cluster, fraction := range s.Observed {
			if by[cluster] == nil {
				by[cluster] = &observing{}
			}
			by[cluster].add(s.Window.Duration(), fraction)
		}
		for i := range s.Uses {
			if err := c.takeOne(&s.Uses[i].TopicUse); err != nil {
				return err
			}
			c.intoDay(s.Window.Start, &s.Uses[i].TopicUse)
		}
		c.observedDay(s.Window.Start, s.Window.Duration(), fraction, Sealed)
		r.administeredSaid(s, asked)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the ledger: %w", err)
	}
	p.Observed, p.byCluster = observed.of(observed.all), map[string]float64{}
	for cluster, is := range by {
		p.byCluster[cluster] = is.of(observed.all)
	}
	return nil
}

// mostSaidGaps bounds the gaps of the ledger that a report lists: a year of hours can have many.
const mostSaidGaps = 10_000

// saidOf takes in what is said to have been observed in a period of the scope's cluster, or of all.
func (r *UsageReport) saidOf(s *SaidPeriod, spots map[string]bool) float64 {
	only := r.onlyCluster()
	of := func(cluster string) bool { return only == "" || cluster == only }
	var sum float64
	n := 0
	for cluster, fraction := range s.Observed {
		if of(cluster) {
			sum, n = sum+fraction, n+1
			r.Coverage.Unlisted += s.Unlisted[cluster]
		}
	}
	for _, g := range s.Gaps {
		switch {
		case !of(g.Cluster):
		case len(r.Coverage.Said) >= mostSaidGaps:
			r.Coverage.Unlisted++
		default:
			r.Coverage.Said = append(r.Coverage.Said, g)
		}
	}
	for _, b := range s.Spots {
		key := b.BlindSpot.Source + "\x00" + b.BlindSpot.What
		if of(b.Cluster) && !spots[key] {
			spots[key] = true
			r.Coverage.Held.BlindSpots = append(r.Coverage.Held.BlindSpots, b.BlindSpot)
		}
	}
	if n == 0 {
		r.Coverage.Said = append(r.Coverage.Said, SaidGap{Cluster: only, Window: s.Window, Reason: "the ledger does not say what was observed"})
		return 0
	}
	return sum / float64(n)
}

// known refuses a topic or a program that no part knows: a name that is spelled wrong is used by nobody.
func (r *UsageReport) known() error {
	if r.Scope.Of != TopicScope && r.Scope.Of != ApplicationScope || len(r.Uses) > 0 {
		return nil
	}
	n, err := lineage.ParseNodeID(r.Scope.Name)
	if err != nil {
		return fmt.Errorf("read an id that was checked: %w", err)
	}
	if r.View.Has(n) || slices.ContainsFunc(r.Parts, func(p UsagePart) bool { return p.Source == Sealed }) {
		return nil // the ledger names only who moved something
	}
	if err := r.View.NoNode(n); !isUnobserved(err) {
		return err
	}
	return nil // a report of what nobody observed says so
}

func isUnobserved(err error) bool {
	refused, ok := errors.AsType[*RefusedError](err)
	return ok && refused.Reason == Unobserved
}

// weigh says which part of the whole window was observed, of each use where its topic is.
func (r *UsageReport) weigh() {
	var all observing
	sealed := false
	for _, p := range r.Parts {
		fraction := p.Observed
		if p.Source == Sealed && r.follows() {
			fraction /= 2
		}
		all.add(p.Window.Duration(), fraction)
		sealed = sealed || p.Source == Sealed
	}
	r.Coverage.ObservedFraction = all.of(all.all)
	if !sealed && len(r.Parts) > 0 { // as everywhere else
		r.Coverage.ObservedFraction = r.View.Coverage(r.clusters(r.View)...).ObservedFraction
	}
	for i := range r.Uses {
		var at observing
		u := &r.Uses[i]
		for _, p := range r.Parts {
			fraction := p.byCluster[u.Topic.Scope]
			if u.Derived && p.Source == Sealed { // the ledger was not asked for it
				fraction, u.AtLeast = 0, true
			}
			at.add(p.Window.Duration(), fraction)
		}
		u.Observed = at.of(at.all)
	}
	r.Coverage.Complete = !r.unasked() && !slices.ContainsFunc(r.Parts, func(p UsagePart) bool { return p.Source == Nobody || p.Observed < 1 }) &&
		len(r.Coverage.Said)+len(r.Coverage.Held.Gaps) == 0
}
