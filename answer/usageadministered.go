package answer

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// mostAdministered bounds who administered what in a report: what is beyond it is counted.
const mostAdministered = 10_000

// mostUntold bounds the clusters that a sentence names.
const mostUntold = 20

// UsageAdministered is that somebody was allowed to change a topic, or in a report of a cluster a group, the cluster or
// the like itself. That he did it, and whether it came about, is not said.
type UsageAdministered struct {
	lineage.AdministeredUse

	At              time.Time // when it was told
	Cluster         string    // by its name
	Topic           *Party    // that it is about; nil: none
	Principal, Host string
	Sealed          bool // the ledger says it, else the store
}

// ReportAdministered is who administered what of a report's scope, as far as anything tells it.
type ReportAdministered struct {
	List []UsageAdministered // by when it was told
	More int64               // how many more there were
	// Unnamed is how many were told of the scope's clusters of whom it is not told what they changed.
	Unnamed int64
	// Known reports whether there is a list, or in all of the window it was told of each cluster with topics of the
	// scope, and of nobody there is it untold what he changed, nor was a tag followed that the ledger does not follow:
	// else an empty list says nothing.
	Known bool

	told    map[string]*AdministrationTold // within the window, by cluster of the scope
	unnamed map[string]int64               // Unnamed, by cluster
}

// toldOf returns what was told of a cluster, to be added to.
func (a *ReportAdministered) toldOf(cluster string) *AdministrationTold {
	if a.told == nil {
		a.told = map[string]*AdministrationTold{}
	}
	if a.told[cluster] == nil {
		a.told[cluster] = &AdministrationTold{}
	}
	return a.told[cluster]
}

// covers reports whether it belongs to a scope. bears reports whether a topic bears the scope's tag, or is its owner's.
func (x *UsageAdministered) covers(s UsageScope, bears func(*Party) bool) bool {
	switch s.Of {
	case ClusterScope:
		return x.Cluster == s.Name
	case TopicScope:
		return x.Topic != nil && x.Topic.ID == s.Name
	case TagScope, OwnerScope:
		return x.Topic != nil && bears(x.Topic)
	default: // programs are not administered
		return false
	}
}

// administered takes in what was told of who administered, by one who speaks of a part of the window.
func (r *UsageReport) administered(x *UsageAdministered, part lineage.Window, bears func(*Party) bool) {
	w := r.View.win.Window
	if x.At.Before(laterOf(part.Start, w.Start)) || !x.At.Before(earlier(part.End, w.End)) {
		return
	}
	if only := r.onlyCluster(); x.Operation == "" && r.Scope.Of != ClusterScope && (only == "" || x.Cluster == only) {
		r.Administered.Unnamed += x.Times
		if r.Administered.unnamed == nil {
			r.Administered.unnamed = map[string]int64{}
		}
		r.Administered.unnamed[x.Cluster] += x.Times
	}
	if !x.covers(r.Scope, bears) {
		return
	}
	if len(r.Administered.List) >= mostAdministered {
		r.Administered.More++
		return
	}
	r.Administered.List = append(r.Administered.List, *x)
}

// administeredHeld takes in what the store has of a part, and of which clusters nothing tells it.
func (r *UsageReport) administeredHeld(ctx context.Context, reader *usageReader, part lineage.Window) error {
	v := reader.v
	if r.Scope.Of == ApplicationScope {
		return nil
	}
	told, err := v.Administered(ctx)
	if err != nil {
		return err
	}
	for i := range told {
		t := &told[i]
		x := UsageAdministered{AdministeredUse: t.AdministeredUse, At: t.At, Cluster: t.Cluster, Principal: t.Who.Principal, Host: t.Who.Host}
		if t.Topic != nil {
			x.Topic = new(reader.party(*t.Topic))
		}
		r.administered(&x, part, r.Scope.has)
	}
	since, err := v.AdministrationTold(ctx)
	if err != nil {
		return err
	}
	only := r.onlyCluster()
	for _, c := range v.clusters.all {
		if of := since[c.source]; only == "" || c.known.Name == only {
			is := r.Administered.toldOf(c.known.Name)
			if of != nil {
				is.add(of.Some, part, of.Spans...)
			}
		}
	}
	return nil
}

// administeredSaid takes in what the ledger has of a period. A topic bears what it bears now, or bore in that period.
func (r *UsageReport) administeredSaid(s *SaidPeriod, part lineage.Window) {
	bore := map[string]bool{}
	for i := range s.Uses {
		if t := &s.Uses[i].Topic; r.Scope.Bears(t) {
			bore[t.ID] = true
		}
	}
	for i := range s.Administered {
		r.administered(&s.Administered[i], part, func(p *Party) bool {
			if bore[p.ID] {
				return true
			}
			n, err := lineage.ParseNodeID(p.ID)
			if err != nil {
				return false
			}
			now := r.View.partyOf(n)
			return r.Scope.Bears(&now)
		})
	}
	if r.Scope.Of == ApplicationScope {
		return
	}
	only := r.onlyCluster()
	for cluster := range s.Observed {
		if only != "" && cluster != only {
			continue
		}
		says := func(words string) bool {
			return slices.ContainsFunc(s.Spots, func(b SaidSpot) bool { return b.Cluster == cluster && strings.HasPrefix(b.BlindSpot.What, words) })
		}
		switch is := r.Administered.toldOf(cluster); {
		case says(UntoldAdministration):
		case says(PartlyToldAdministration), s.Cut[cluster]:
			is.add(true, part)
		default:
			is.add(true, part, s.Window)
		}
	}
}

// administeredKnown says whether it is known who administered, once all parts are read.
func (r *UsageReport) administeredKnown() {
	a := &r.Administered
	within := map[string]bool{}
	for _, t := range r.Topics {
		within[t.Scope] = true
	}
	for i := range r.Uses {
		within[r.Uses[i].Topic.Scope] = true
	}
	nobody := len(a.told) > 0 && !r.unasked() // who administered a topic to which the tag came then is in no list
	for cluster, is := range a.told {
		is.Spans = unionOf(is.Spans)
		if within[cluster] || len(within) == 0 {
			nobody = nobody && is.Whole(r.View.past()) && a.unnamed[cluster] == 0
		}
	}
	for cluster := range within {
		nobody = nobody && a.told[cluster] != nil
	}
	a.Known = len(a.List) > 0 || nobody
}

// The blind spots of a cluster of which nothing tells who administers it, or not in all of the time, begin so.
const (
	UntoldAdministration     = "who administers: no log of an authorizer and no audit topic of this cluster is read"
	PartlyToldAdministration = "who administers: logs of an authorizer or audit topics of this cluster were read in a part of this time only"
)

// administrationDoubts says what is not told of who administered.
func (r *UsageReport) administrationDoubts() (out []string) {
	a := &r.Administered
	var untold, partly []string
	for _, name := range slices.Sorted(maps.Keys(a.told)) {
		switch is := a.told[name]; {
		case is.Whole(r.View.past()):
		case is.Some:
			partly = append(partly, "of "+name+" who administered is told "+is.words(r.View.past())+": of the rest of the window it is not known")
		default:
			untold = append(untold, name)
		}
	}
	if len(untold) > 0 {
		more := ""
		if n := len(untold) - mostUntold; n > 0 {
			untold, more = untold[:mostUntold], fmt.Sprintf(" and %d more clusters", n)
		}
		out = append(out, "who administered is not told of "+strings.Join(untold, ", ")+more+": in this window no log of an authorizer and no audit topic was read there")
	}
	if n := len(partly) - mostUntold; n > 0 {
		partly = append(partly[:mostUntold], fmt.Sprintf("of %d more clusters who administered is told of a part of the window only", n))
	}
	out = append(out, partly...)
	if a.Unnamed > 0 {
		out = append(out, fmt.Sprintf("%d more were allowed to administer something in these clusters, of which it is not told what it was", a.Unnamed))
	}
	if a.More > 0 {
		out = append(out, fmt.Sprintf("of who administered the first %d are listed, and there are %d more", mostAdministered, a.More))
	}
	return out
}
