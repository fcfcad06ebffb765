package export

import (
	"context"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// This file writes the answers to questions of change: what speaks against the deletion of a topic, what is hurt by a
// loss, what could be put away.

const (
	formatDeletion = "lineaged-deletion"
	formatWhatIf   = "lineaged-what-if"
	formatRetire   = "lineaged-retire"
	// The bounds of the API's questions of change, and what it takes where nothing is said.
	mostDays, usualDays, mostLost = 3650, 30, 50
)

var (
	verdictWords = map[answer.Verdict]string{answer.Safe: "SAFE", answer.Unsafe: "UNSAFE", answer.CannotBeTold: "CANNOT_BE_TOLD"}
	againstWords = map[answer.DeletionReasonKind]string{
		answer.ReasonWritten: "WRITTEN", answer.ReasonRead: "READ", answer.ReasonSubscribed: "SUBSCRIBED", answer.ReasonLetIn: "LET_IN", answer.ReasonCommitted: "COMMITTED",
		answer.ReasonConfigured: "CONFIGURED", answer.ReasonReplicated: "REPLICATED", answer.ReasonDeclared: "DECLARED", answer.ReasonInternal: "INTERNAL", answer.ReasonTable: "TABLE", answer.ReasonNew: "NEW",
	}
	untoldWords = map[answer.UntoldKind]string{
		answer.UntoldBeforeData: "BEFORE_DATA", answer.UntoldFirstSeen: "FIRST_SEEN", answer.UntoldGaps: "GAPS", answer.UntoldSourceOff: "SOURCE_OFF", answer.UntoldOutOfSight: "OUT_OF_SIGHT",
		answer.UntoldRecords: "RECORDS", answer.UntoldFlow: "FLOW", answer.UntoldDeclarations: "DECLARATIONS",
	}
	lossWords  = map[answer.LossWhy]string{answer.LossAsked: "ASKED", answer.LossOnCluster: "ON_CLUSTER", answer.LossRunsThere: "RUNS_THERE", answer.LossReplicas: "REPLICAS"}
	limitWords = map[answer.RetentionLimit]string{answer.LimitTime: "TIME", answer.LimitSize: "SIZE", answer.LimitNever: "NEVER", answer.LimitUnknown: "NOT_KNOWN"}
	retireKind = map[answer.RetireKind]string{answer.UnusedTopic: "UNUSED_TOPIC", answer.UnownedTopic: "UNOWNED_TOPIC", answer.DeadGroup: "DEAD_GROUP", answer.IdleConnector: "IDLE_CONNECTOR"}
)

// of is what a document of a question of change is of.
type changeOf struct {
	format   string
	window   window
	coverage coverage
	asked    []string // a line of text each
}

func changed(v *answer.View, format string, scope []lineage.ClusterID, asked ...string) changeOf {
	return changeOf{format, windowOf(v.Window()), coverageOf(v, scope), asked}
}

func (c *changeOf) head() []string {
	lines := append([]string{c.format + ", version " + strconv.Itoa(formatVersion)}, c.asked...)
	lines = append(lines, c.window.line())
	return append(lines, c.coverage.lines(len(c.coverage.Gaps), len(c.coverage.BlindSpots))...)
}

// begin writes the fields that all such documents begin with. What was asked for is the first.
func (c *changeOf) begin(w io.Writer, asked string, of any) *object {
	o := &object{w: w}
	o.field("format", c.format)
	o.field("version", formatVersion)
	o.field(asked, of)
	o.field("window", c.window)
	o.field("coverage", c.coverage)
	return o
}

// placed puts cells beneath columns.
func placedIn(columns []string, cells map[string]string) []string {
	out := make([]string, len(columns))
	for i, c := range columns {
		out[i] = cells[c]
	}
	return out
}

// days reads how many days up to now are asked for.
func (r *reader) days() (int, answer.Span) {
	n := r.number("days", 1, mostDays, usualDays)
	return n, answer.Last(time.Duration(n) * 24 * time.Hour)
}

// untoldLine is something that was not seen and would have to be known.
type untoldLine struct {
	Kind   string     `json:"kind"`
	Detail string     `json:"detail"`
	Since  *time.Time `json:"since"`
}

func untoldOf(u *answer.Untold) untoldLine {
	return untoldLine{untoldWords[u.Kind], u.Detail, timeOrNil(u.Since)}
}

// againstLine is what speaks against the deletion of a topic.
type againstLine struct {
	Kind     string     `json:"kind"`
	Detail   string     `json:"detail"`
	LastSeen *time.Time `json:"lastSeen"`
	Evidence []string   `json:"evidence"`
	Node     string     `json:"node,omitempty"`
}

func againstOf(r *answer.DeletionReason) againstLine {
	out := againstLine{againstWords[r.Kind], r.Detail, timeOrNil(r.LastSeen), append([]string{}, kindsOf(r.Evidence)...), ""}
	switch {
	case r.Node != nil:
		out.Node = r.Node.ID()
	case r.Flow != nil && r.Flow.From.Kind == lineage.TopicNode:
		out.Node = r.Flow.To.ID()
	case r.Flow != nil:
		out.Node = r.Flow.From.ID()
	}
	return out
}

// deletion is whether a topic may be deleted.
type deletion struct {
	changeOf

	is   *answer.Deletion
	days int
}

// Deletion returns the document of what speaks against the deletion of a topic.
func (e *Exporter) Deletion(ctx context.Context, params url.Values) (*Document, error) {
	p := &reader{values: params}
	days, in := p.days()
	form := p.form(usageForms)
	topic, ok := p.one("topic")
	if !ok || topic == "" || len(topic) > mostRoot {
		p.fail("topic", topic, "is no topic: give an id such as topic:west/orders, or a name")
	}
	if err := p.done(); err != nil {
		return nil, err
	}
	v, err := e.answers.View(ctx, in, answer.All)
	if err != nil {
		return nil, err
	}
	found, err := findRoots(ctx, v, "topic", []string{topic})
	if err != nil {
		return nil, err
	}
	n := found.known[0]
	if n.Kind != lineage.TopicNode {
		return nil, senseless("topic: %s is not a topic", quote(n.ID()))
	}
	is, err := v.Deletion(ctx, n)
	if err != nil {
		return nil, err
	}
	d := &deletion{changed(v, formatDeletion, v.ClustersOf(n), "topic: "+n.ID(), "days: "+strconv.Itoa(days)), is, days}
	write := d.writeCSV
	if form == jsonForm {
		write = d.writeJSON
	}
	return &Document{
		MediaType: form.media, FileName: fileName("deletion", n.Name, v.Window().End, form), write: write, Size: int64(len(is.Against)+len(is.Untold)+1) * flowBytes,
	}, nil
}

func (d *deletion) writeJSON(w io.Writer) error {
	o := d.begin(w, "topic", d.is.Topic.ID())
	o.field("days", d.days)
	o.field("verdict", verdictWords[d.is.Verdict()])
	o.field("watchedSince", timeOrNil(d.is.WatchedSince))
	o.field("lastWritten", timeOrNil(d.is.LastWritten))
	o.field("lastRead", timeOrNil(d.is.LastRead))
	o.field("records", d.is.Records)
	list(o, "against", eachOf(d.is.Against, againstOf))
	list(o, "untold", eachOf(d.is.Untold, untoldOf))
	return o.end()
}

var deletionColumns = []string{"row", "kind", "detail", "node", "last_seen", "evidence", "since"}

func (d *deletion) writeCSV(w io.Writer) error {
	t := &table{w: w}
	records := "not known"
	if d.is.Records != nil {
		records = whole(d.is.Records) + " at most"
	}
	told := func(t time.Time, none string) string {
		if t.IsZero() {
			return none
		}
		return stamp(t)
	}
	t.comments(append(d.head(), "verdict: "+verdictWords[d.is.Verdict()], "watched since: "+told(d.is.WatchedSince, "it was not seen"),
		"last written: "+told(d.is.LastWritten, "not seen in these days"), "last read: "+told(d.is.LastRead, "not seen in these days"), "records: "+records))
	t.row(slices.Clone(deletionColumns)...)
	for i := range d.is.Against {
		x := againstOf(&d.is.Against[i])
		t.row("against", x.Kind, visible(x.Detail), x.Node, stamp(d.is.Against[i].LastSeen), strings.Join(x.Evidence, " "), "")
	}
	for i := range d.is.Untold {
		u := &d.is.Untold[i]
		t.row("untold", untoldWords[u.Kind], visible(u.Detail), "", "", "", stamp(u.Since))
	}
	return t.err
}

// retired is what could be put away.
type retired struct {
	changeOf

	is   *answer.Retirables
	view *answer.View
	ask  answer.RetireAsk
	days int
}

// Retire returns the document of what could be put away.
func (e *Exporter) Retire(ctx context.Context, params url.Values) (*Document, error) {
	p := &reader{values: params}
	days, in := p.days()
	form, ask := p.form(usageForms), p.retire()
	if err := p.done(); err != nil {
		return nil, err
	}
	v, err := e.answers.View(ctx, in, answer.All)
	if err != nil {
		return nil, err
	}
	is, err := v.Retire(ctx, ask)
	if err != nil {
		return nil, err
	}
	if n := len(is.List); n > mostFlows {
		return nil, tooMuch("kinds: %s are more than can be read, at most %d: ask for fewer with kinds, cluster or owner", plural(n, "row"), mostFlows)
	}
	asked := []string{"days: " + strconv.Itoa(days)}
	if ask.Cluster != nil {
		asked = append(asked, "cluster: "+visible(*ask.Cluster))
	}
	if ask.Owner != nil {
		asked = append(asked, "owner: "+visible(*ask.Owner))
	}
	for _, k := range ask.Kinds {
		asked = append(asked, "kind: "+retireKind[k])
	}
	r := &retired{changed(v, formatRetire, is.Scope, asked...), is, v, ask, days}
	write := r.writeCSV
	if form == jsonForm {
		write = r.writeJSON
	}
	return &Document{MediaType: form.media, FileName: fileName("retire", "", v.Window().End, form), write: write, Size: int64(len(is.List)+1) * flowBytes}, nil
}

func (r *reader) retire() (ask answer.RetireAsk) {
	if text, ok := r.one("cluster"); ok {
		ask.Cluster = &text
	}
	if text, ok := r.one("owner"); ok {
		ask.Owner = &text
	}
	text, ok := r.one("kinds")
	if !ok {
		return ask
	}
	for name := range strings.SplitSeq(text, ",") {
		known := false
		for k, word := range retireKind {
			if strings.EqualFold(word, name) {
				ask.Kinds, known = append(ask.Kinds, k), true
			}
		}
		if !known {
			r.fail("kinds", name, "is none of UNUSED_TOPIC, UNOWNED_TOPIC, DEAD_GROUP, IDLE_CONNECTOR")
		}
	}
	return ask
}

// retiredLine is something that could be put away.
type retiredLine struct {
	Kind         string       `json:"kind"`
	Verdict      string       `json:"verdict"`
	Node         string       `json:"node"`
	Group        string       `json:"group,omitempty"`
	Cluster      string       `json:"cluster,omitempty"`
	Owner        string       `json:"owner,omitempty"`
	Since        *time.Time   `json:"since"`
	WatchedSince *time.Time   `json:"watchedSince"`
	Evidence     string       `json:"evidence"`
	Untold       []untoldLine `json:"untold"`
}

func (r *retired) lineOf(x *answer.Retirable) retiredLine {
	out := retiredLine{
		Kind: retireKind[x.Kind], Verdict: verdictWords[x.Verdict], Node: x.Node.ID(), Group: x.Group, Owner: x.Owner, Since: timeOrNil(x.Since), WatchedSince: timeOrNil(x.WatchedSince),
		Evidence: x.Evidence, Untold: eachOf(x.Untold, untoldOf),
	}
	if x.Cluster != "" {
		out.Cluster = r.view.Cluster(x.Cluster).Known().Name
	}
	return out
}

func (r *retired) writeJSON(w io.Writer) error {
	kinds := []string{}
	for _, k := range r.ask.Kinds {
		kinds = append(kinds, retireKind[k])
	}
	o := r.begin(w, "scope", struct {
		Kinds   []string `json:"kinds"`
		Cluster *string  `json:"cluster"`
		Owner   *string  `json:"owner"`
		Days    int      `json:"days"`
	}{kinds, r.ask.Cluster, r.ask.Owner, r.days})
	type counted struct {
		Kind  string `json:"kind"`
		Count int    `json:"count"`
		Safe  int    `json:"safe"`
	}
	list(o, "byKind", eachOf(r.is.ByKind, func(c *answer.RetireCount) counted { return counted{retireKind[c.Kind], c.Count, c.Safe} }))
	list(o, "rows", eachOf(r.is.List, r.lineOf))
	return o.end()
}

var retireColumns = []string{"kind", "verdict", "node", "name", "group", "cluster", "owner", "last_moved", "watched_since", "evidence", "untold"}

func (r *retired) writeCSV(w io.Writer) error {
	t := &table{w: w}
	lines := r.head()
	for _, c := range r.is.ByKind {
		lines = append(lines, retireKind[c.Kind]+": "+strconv.Itoa(c.Count)+", proved: "+strconv.Itoa(c.Safe))
	}
	t.comments(append(lines, "an empty last_moved was not seen in the seven days before the end of the window"))
	t.row(slices.Clone(retireColumns)...)
	for i := range r.is.List {
		x := &r.is.List[i]
		line := r.lineOf(x)
		var untold []string
		for _, u := range x.Untold {
			untold = append(untold, visible(u.Detail))
		}
		t.row(line.Kind, line.Verdict, line.Node, visible(x.Node.Name), visible(line.Group), visible(line.Cluster), visible(line.Owner), stamp(x.Since), stamp(x.WatchedSince), visible(line.Evidence), strings.Join(untold, "; "))
	}
	return t.err
}
