package api

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// UsageScopeInput is the schema's input UsageScope.
type UsageScopeInput struct {
	Topic, Tag, Owner, Application, Cluster *string
}

// scope checks that a client names one scope, and returns it.
func (in *UsageScopeInput) scope() (out answer.UsageScope, err error) {
	n := 0
	for _, x := range []struct {
		of   answer.ScopeKind
		name *string
	}{{answer.TopicScope, in.Topic}, {answer.TagScope, in.Tag}, {answer.OwnerScope, in.Owner}, {answer.ApplicationScope, in.Application}, {answer.ClusterScope, in.Cluster}} {
		if x.name != nil {
			out = answer.UsageScope{Of: x.of, Name: *x.name}
			n++
		}
	}
	if n != 1 {
		return out, badInput("scope: give exactly one of topic, tag, owner, application, cluster")
	}
	return out, nil
}

// UsageReport is the schema's type of that name.
type UsageReport struct{ is *answer.UsageReport }

// usageReport answers the root field of that name.
func (a *resolver) usageReport(ctx context.Context, in UsageScopeInput, window WindowInput, by answer.UsageGroupBy, source *answer.UsageSource, derived bool) (*UsageReport, error) {
	scope, err := in.scope()
	if err != nil {
		return nil, err
	}
	span, err := window.span()
	if err != nil {
		return nil, err
	}
	q := answer.UsageQuestion{Scope: scope, GroupBy: by, BearersOnly: !derived}
	if source != nil {
		q.Source = *source
	}
	is, err := a.answers.UsageReport(ctx, span, q)
	if err != nil {
		return nil, err
	}
	return &UsageReport{is}, nil
}

// Scope answers scope.
func (r *UsageReport) Scope() string { return r.is.Scope.String() }

// Uses answers uses.
func (r *UsageReport) Uses(first int, after *string) (*TopicUseConnection, error) {
	start, end, page, err := reportPage(len(r.is.Uses), first, after, "uses", func(i int, of reportPlace) int {
		u := &r.is.Uses[i]
		return compareReportPlaces(reportPlaceOf(u), of)
	})
	if err != nil {
		return nil, err
	}
	c := &TopicUseConnection{PageInfo: page, TotalCount: len(r.is.Uses), Edges: make([]TopicUseEdge, 0, end-start)}
	for i := start; i < end; i++ {
		u := &r.is.Uses[i]
		c.Edges = append(c.Edges, TopicUseEdge{Cursor: cursor(reportPlaceOf(u)), Node: shownUse(u)})
	}
	if n := len(c.Edges); n > 0 {
		page.StartCursor, page.EndCursor = &c.Edges[0].Cursor, &c.Edges[n-1].Cursor
	}
	return c, nil
}

// reportPlace is where a row of a report stands, in a cursor.
type reportPlace struct {
	Topic string `json:"t"`
	Read  bool   `json:"r,omitempty"`
	Node  string `json:"n"`
}

func reportPlaceOf(u *answer.TopicUse) reportPlace {
	return reportPlace{u.Topic.ID, !u.Write, u.Node.ID}
}

// compareReportPlaces orders rows as answers have them: by topic, its writers first, then by node.
func compareReportPlaces(a, b reportPlace) int {
	if c := strings.Compare(a.Topic, b.Topic); c != 0 {
		return c
	}
	if a.Read != b.Read {
		if b.Read {
			return -1
		}
		return 1
	}
	return strings.Compare(a.Node, b.Node)
}

// reportPage returns which part of so many rows is asked for.
func reportPage(n, first int, after *string, field string, compare func(i int, of reportPlace) int) (start, end int, page *PageInfo, err error) {
	if first < 0 || first > mostPerPage {
		return 0, 0, nil, badInput("%s: first must be 0 to %d", field, mostPerPage)
	}
	var place *reportPlace
	if after != nil {
		place = &reportPlace{}
		if err := parseCursor(*after, place); err != nil {
			return 0, 0, nil, err
		}
	}
	rows := make([]int, n)
	for i := range rows {
		rows[i] = i
	}
	start, end = pageOf(rows, place, first, compare)
	return start, end, &PageInfo{HasNextPage: end < n, HasPreviousPage: start > 0}, nil
}

func shownParty(p *answer.Party) *UsageParty {
	out := &UsageParty{ID: p.ID, Kind: p.Kind, Scope: p.Scope, Name: p.Name, Owner: textOrNil(p.Owner), Tags: append([]string{}, p.Tags...)}
	for _, n := range p.Way {
		out.DerivedWay = append(out.DerivedWay, n.ID())
	}
	return out
}

func shownUse(u *answer.TopicUse) *TopicUse {
	out := &TopicUse{
		Topic: shownParty(&u.Topic), Node: shownParty(&u.Node), Operation: UsageOperationRead, Active: u.Active, Records: u.Records, Bytes: u.Bytes,
		Estimated: u.Estimated, AtLeast: u.NoLess(), Skipped: u.Skipped, Lost: u.Lost, FirstUse: timeOrNil(u.First), LastUse: timeOrNil(u.Last),
		ClientCount: u.ClientCount, ObservedFraction: u.Observed, Held: u.Held, Sealed: u.Sealed, Derived: u.Derived, Evidence: []UseEvidence{}, Clients: []UseClient{},
	}
	if u.Write {
		out.Operation = UsageOperationWrite
	}
	if u.Precision > 0 {
		out.Precision = &u.Precision
	}
	for _, e := range u.Evidence {
		out.Evidence = append(out.Evidence, UseEvidence{Kind: e.Kind, Since: e.Since, Detail: textOrNil(e.Detail)})
	}
	for _, c := range u.Clients {
		out.Clients = append(out.Clients, UseClient{
			Kind: c.Kind, ClientID: textOrNil(c.ClientID), Group: textOrNil(c.Group), TransactionalID: textOrNil(c.TransactionalID), Principal: textOrNil(c.Principal),
			Host: textOrNil(c.Host), Software: textOrNil(c.Software),
		})
	}
	return out
}

func shownVolume(v *answer.UsageVolume) *UsageVolume {
	return &UsageVolume{Records: v.Records, Bytes: v.Bytes, Estimated: v.Estimated, AtLeast: v.NoLess()}
}

func shownGroup(g *answer.UsageGroup) UsageGroup {
	return UsageGroup{
		Key: textOrNil(g.Key), Topics: g.Topics, Writers: g.Writers, Readers: g.Readers, Written: shownVolume(&g.Written), Read: shownVolume(&g.Read),
		FirstUse: timeOrNil(g.First), LastUse: timeOrNil(g.Last), ObservedFraction: g.Observed, Derived: g.Derived,
	}
}

// Groups answers groups.
func (r *UsageReport) Groups(first int) ([]UsageGroup, error) {
	if first < 0 || first > mostPerPage {
		return nil, badInput("groups: first must be 0 to %d", mostPerPage)
	}
	out := make([]UsageGroup, 0, min(first, len(r.is.Groups)))
	for i := range min(first, len(r.is.Groups)) {
		out = append(out, shownGroup(&r.is.Groups[i]))
	}
	return out, nil
}

// GroupCount answers groupCount.
func (r *UsageReport) GroupCount() int { return len(r.is.Groups) }

// Total answers total.
func (r *UsageReport) Total() *UsageGroup {
	sum := r.is.Sum()
	out := shownGroup(&sum)
	return &out
}

// DerivedTotal answers derivedTotal.
func (r *UsageReport) DerivedTotal() *UsageGroup {
	sum := r.is.SumDerived()
	if sum == nil {
		return nil
	}
	return new(shownGroup(sum))
}

// TopicCount answers topicCount.
func (r *UsageReport) TopicCount() int { return r.is.Sum().Topics }

// Resting answers resting.
func (r *UsageReport) Resting() int { return r.is.Resting }

// Permissions answers permissions.
func (r *UsageReport) Permissions(first int, unused bool) ([]UsagePermission, error) {
	if first < 0 || first > mostPerPage {
		return nil, badInput("permissions: first must be 0 to %d", mostPerPage)
	}
	all := r.is.PermissionsThat(unused)
	if all == nil {
		return nil, nil
	}
	out := make([]UsagePermission, 0, min(first, len(all)))
	for _, p := range all[:min(first, len(all))] {
		x := UsagePermission{
			Cluster: p.Cluster, Principal: p.Principal, Host: p.Host, Operation: p.Operation, Pattern: p.Pattern(), Allowed: p.Allowed, Topics: p.Topics, DerivedTopics: p.Derived, Used: p.Used,
		}
		if p.Open {
			x.Pattern = "no authorizer"
		}
		out = append(out, x)
	}
	return out, nil
}

// PermissionCount answers permissionCount.
func (r *UsageReport) PermissionCount(unused bool) *int {
	all := r.is.PermissionsThat(unused)
	if all == nil {
		return nil
	}
	return new(len(all))
}

// Administered answers administered.
func (r *UsageReport) Administered(first int) ([]UsageAdministered, error) {
	if first < 0 || first > mostPerPage {
		return nil, badInput("administered: first must be 0 to %d", mostPerPage)
	}
	all := r.is.Administered.List
	if !r.is.Administered.Known {
		return nil, nil
	}
	out := make([]UsageAdministered, 0, min(first, len(all)))
	for i := range min(first, len(all)) {
		x := &all[i]
		shown := UsageAdministered{
			At: x.At, Cluster: x.Cluster, Operation: textOrNil(x.Operation), Resource: textOrNil(x.Resource), Name: x.Name, Request: textOrNil(x.Request),
			Principal: textOrNil(x.Principal), Host: textOrNil(x.Host), LoggedAt: timeOrNil(x.Logged), Times: x.Times, Sealed: x.Sealed,
		}
		if x.Topic != nil {
			shown.Topic = shownParty(x.Topic)
		}
		out = append(out, shown)
	}
	return out, nil
}

// AdministeredCount answers administeredCount.
func (r *UsageReport) AdministeredCount() *int {
	if !r.is.Administered.Known {
		return nil
	}
	return new(len(r.is.Administered.List) + int(r.is.Administered.More))
}

// Parts answers parts.
func (r *UsageReport) Parts() []UsagePart {
	out := make([]UsagePart, 0, len(r.is.Parts))
	for _, p := range r.is.Parts {
		out = append(out, UsagePart{Source: p.Source, Start: p.Window.Start, End: p.Window.End, ObservedFraction: p.Observed, Periods: p.Periods, Amendable: p.Amendable})
	}
	return out
}

// Doubts answers doubts.
func (r *UsageReport) Doubts() []string { return append([]string{}, r.is.Doubts()...) }

// Window answers window.
func (r *UsageReport) Window() *ResolvedWindow { return shownWindow(r.is.View.Window()) }

// Coverage answers coverage.
func (r *UsageReport) Coverage() *Coverage {
	is := &r.is.Coverage
	cov := lineage.Coverage{Complete: is.Complete, ObservedFraction: is.ObservedFraction, Gaps: is.Held.Gaps, BlindSpots: is.Held.BlindSpots}
	return &Coverage{v: r.is.View, cov: cov, said: is.Said, unlisted: is.Unlisted}
}

// ProcessingRegister is the schema's type of that name.
type ProcessingRegister struct {
	UsageReport

	register *answer.Register
}

// processingRegister answers the root field of that name.
func (a *resolver) processingRegister(ctx context.Context, tag string, window WindowInput, source *answer.UsageSource, derived bool) (*ProcessingRegister, error) {
	span, err := window.span()
	if err != nil {
		return nil, err
	}
	from := answer.AnySource
	if source != nil {
		from = *source
	}
	is, err := a.answers.Register(ctx, span, tag, from, !derived)
	if err != nil {
		return nil, err
	}
	return &ProcessingRegister{UsageReport{is.UsageReport}, is}, nil
}

// Tag answers tag.
func (r *ProcessingRegister) Tag() string { return r.register.Tag }

// Doubts answers doubts.
func (r *ProcessingRegister) Doubts() []string { return append([]string{}, r.register.Doubts()...) }

// Rows answers rows.
func (r *ProcessingRegister) Rows(first int, after *string) (*RegisterConnection, error) {
	all := r.register.Rows
	start, end, page, err := reportPage(len(all), first, after, "rows", func(i int, of reportPlace) int {
		return compareReportPlaces(reportPlaceOf(&all[i].Use), of)
	})
	if err != nil {
		return nil, err
	}
	c := &RegisterConnection{PageInfo: page, TotalCount: len(all), Edges: make([]RegisterEdge, 0, end-start)}
	for i := start; i < end; i++ {
		c.Edges = append(c.Edges, RegisterEdge{Cursor: cursor(reportPlaceOf(&all[i].Use)), Node: shownRegisterRow(&all[i])})
	}
	if n := len(c.Edges); n > 0 {
		page.StartCursor, page.EndCursor = &c.Edges[0].Cursor, &c.Edges[n-1].Cursor
	}
	return c, nil
}

func shownRegisterRow(row *answer.RegisterRow) *RegisterRow {
	out := &RegisterRow{
		Role: RegisterRoleRecipient, Use: shownUse(&row.Use), Environment: row.Environment, PlaceCount: row.Count, Crossing: row.Crossing, Places: []RegisterPlace{},
	}
	if row.Use.Write {
		out.Role = RegisterRoleSource
	}
	for i := range row.Places {
		p := &row.Places[i]
		out.Places = append(out.Places, RegisterPlace{
			Node: shownParty(&p.Node), Active: p.Active, Tagged: p.Tagged, Crossing: p.Crossing, Evidence: append([]lineage.EvidenceKind{}, slices.Compact(p.Evidence)...),
		})
	}
	return out
}

// Topics answers topics.
func (r *ProcessingRegister) Topics(first int) ([]RegisteredTopic, error) {
	if first < 0 || first > mostPerPage {
		return nil, badInput("topics: first must be 0 to %d", mostPerPage)
	}
	all := r.register.Topics
	out := make([]RegisteredTopic, 0, min(first, len(all)))
	for i := range min(first, len(all)) {
		t := &all[i]
		out = append(out, RegisteredTopic{
			Topic: shownParty(&t.Topic), Environment: t.Environment, Retention: textOrNil(t.Retention), Cleanup: textOrNil(t.Cleanup), Used: t.Used,
		})
	}
	return out, nil
}

// TopicCount answers topicCount.
func (r *ProcessingRegister) TopicCount() int { return len(r.register.Topics) }

// DerivedTopicCount answers derivedTopicCount.
func (r *ProcessingRegister) DerivedTopicCount() int { return r.register.DerivedTopics() }

// Crossing answers crossing.
func (r *ProcessingRegister) Crossing() int {
	borne, _ := r.register.CrossingRows()
	return borne
}

// DerivedCrossing answers derivedCrossing.
func (r *ProcessingRegister) DerivedCrossing() int {
	_, derived := r.register.CrossingRows()
	return derived
}

// saidGaps shows gaps that are none of the store's.
func saidGaps(all []answer.SaidGap) []Gap {
	out := make([]Gap, 0, len(all))
	for _, g := range all {
		out = append(out, Gap{Source: g.Source, Start: g.Window.Start, End: g.Window.End, Reason: g.Reason})
	}
	slices.SortStableFunc(out, func(a, b Gap) int { return a.Start.Compare(b.Start) })
	return out
}

// saidStretches are those gaps as they are read: those of one reason that touch or overlap are one.
func saidStretches(all []Gap) (out []GapStretch) {
	open := map[string]int{}
	var sources []map[string]bool
	for _, g := range all {
		i, ok := open[g.Reason]
		if !ok || g.Start.After(out[i].End) {
			i = len(out)
			open[g.Reason] = i
			out, sources = append(out, GapStretch{Start: g.Start, End: g.End, Kind: answer.Lost, Reason: g.Reason}), append(sources, map[string]bool{})
		}
		out[i].End = maxTime(out[i].End, g.End)
		if g.Source != "" {
			sources[i][g.Source] = true
		}
	}
	for i := range out {
		names := slices.Sorted(maps.Keys(sources[i]))
		out[i].SourceCount, out[i].Sources = len(names), append([]string{}, names[:min(mostSourcesNamed, len(names))]...)
	}
	return out
}

func maxTime(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
