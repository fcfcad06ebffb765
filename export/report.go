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
	"github.com/lineaged/lineaged/internal/span"
	"github.com/lineaged/lineaged/lineage"
)

const (
	formatReport = "lineaged-usage-report"
	// reportUseBytes is about what a use of a report takes until it is written, and periodBytes what one period of the
	// ledger does while its rows are.
	reportUseBytes, periodBytes = 2 << 10, 32 << 20
)

var (
	htmlForm    = form{"html", "text/html; charset=utf-8", "html"}
	reportForms = []form{csvForm, jsonForm, htmlForm}
)

// ReportFormats are the forms of a usage report and of a register.
func ReportFormats() []string { return namesOf(reportForms) }

var reportGroupings = map[string]answer.UsageGroupBy{
	"NONE": answer.UsageNotGrouped, "TOPIC": answer.UsageByTopic, "APPLICATION": answer.UsageByApplication, "OWNER": answer.UsageByOwner,
	"CLUSTER": answer.UsageByCluster, "DAY": answer.UsageByDay,
}

var reportSources = map[string]answer.UsageSource{"": answer.AnySource, "HELD": answer.Held, "SEALED": answer.Sealed}

// reportQuestion is what a usage report is asked to be of.
type reportQuestion struct {
	answer.UsageQuestion

	span    answer.Span
	form    form
	periods bool // a row for each use and period of the ledger
}

func (r *reader) report() reportQuestion {
	q := reportQuestion{span: r.span(), form: r.form(reportForms)}
	n := 0
	for _, name := range slices.Sorted(keysOfScopes()) {
		if text, ok := r.one(name); ok {
			q.Scope = answer.UsageScope{Of: answer.ScopeKinds[name], Name: text}
			n++
		}
	}
	if n != 1 {
		r.fail("scope", strconv.Itoa(n), "are given: give exactly one of application, cluster, owner, tag, topic")
	}
	if text, ok := r.one("groupBy"); ok {
		if q.GroupBy, ok = reportGroupings[strings.ToUpper(text)]; !ok {
			r.fail("groupBy", text, "is none of none, topic, application, owner, cluster, day")
		}
	}
	q.Source, q.BearersOnly = r.source(), r.bearersOnly()
	switch text, ok := r.one("rows"); {
	case !ok || text == "uses":
	case text != "periods":
		r.fail("rows", text, "is neither uses nor periods")
	case r.values.Has("derived"):
		r.fail("derived", r.values.Get("derived"), "is not for rows=periods: the ledger does not say to which topics a tag came")
	case q.form != csvForm || q.GroupBy != answer.UsageNotGrouped || q.Source == answer.Held:
		r.fail("rows", text, "is for format csv without groupBy, and of the ledger alone")
	default:
		q.periods = true
	}
	return q
}

func (r *reader) source() answer.UsageSource {
	text, _ := r.one("source")
	s, ok := reportSources[strings.ToUpper(text)]
	if !ok {
		r.fail("source", text, "is neither held nor sealed")
	}
	return s
}

// bearersOnly reports whether topics are left out to which a tag only comes.
func (r *reader) bearersOnly() bool {
	switch text, ok := r.one("derived"); {
	case !ok || text == "true":
		return false
	case text == "false":
		return true
	default:
		r.fail("derived", text, "is neither true nor false")
		return false
	}
}

func keysOfScopes() func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range answer.ScopeKinds {
			if !yield(k) {
				return
			}
		}
	}
}

// Report returns the document of who used what in a scope.
func (e *Exporter) Report(ctx context.Context, params url.Values) (*Document, error) {
	p := &reader{values: params}
	q := p.report()
	if err := p.done(); err != nil {
		return nil, err
	}
	if q.periods {
		return e.periods(ctx, q)
	}
	is, err := e.answers.UsageReport(ctx, q.span, q.UsageQuestion)
	if err != nil {
		return nil, err
	}
	d := &reported{UsageReport: is}
	write := d.writeCSV
	switch q.form {
	case jsonForm:
		write = d.writeJSON
	case htmlForm:
		write = d.writeHTML
	}
	return &Document{
		MediaType: q.form.media, FileName: fileName("usage-report", q.Scope.Name, is.View.Window().End, q.form), write: write,
		Size: int64(len(is.Uses)+len(is.Groups)+len(is.Permissions)+1) * reportUseBytes,
	}, nil
}

// periods returns the rows of the ledger, which are written as they are read: there can be millions.
func (e *Exporter) periods(ctx context.Context, q reportQuestion) (*Document, error) {
	rows, err := e.answers.SaidRows(ctx, q.span, q.Scope)
	if err != nil {
		return nil, err
	}
	write := func(w io.Writer) error {
		t := &table{w: w}
		t.comments([]string{
			formatReport + ", version " + strconv.Itoa(formatVersion), "scope: " + visible(rows.Scope.String()), "window: " + instant(rows.Window.Start) + " to " + instant(rows.Window.End),
			"rows: of the ledger, each use in each of its periods that touch the window; a period without a use has a row of kind period, and what is in no period was not closed",
			"coverage: in each row, of where the topic is; in rows of kind period of all clusters of the scope",
		})
		if rows.Scope.Of == answer.TagScope {
			t.comments([]string{"not shown: topics that did not bear the tag and to which it only came: the ledger does not say who passed it on"})
		}
		t.row(append([]string{"period_start", "period_end", "entry"}, reportColumns...)...)
		// who fetches it ends it by leaving, which the writer says
		err := rows.Each(context.WithoutCancel(ctx), func(p *answer.SaidPeriod) error {
			start, end := instant(p.Window.Start.UTC()), instant(p.Window.End.UTC())
			for i := range p.Uses {
				u := p.Uses[i].TopicUse
				t.row(append([]string{start, end, strconv.FormatInt(p.Uses[i].Entry, 10)}, reportCells("use", &u)...)...)
			}
			if len(p.Uses) == 0 {
				t.row(append([]string{start, end, ""}, reportPlace(map[string]string{"row": "period", "observed_fraction": decimal(p.ObservedOf(rows.Scope))})...)...)
			}
			return t.err
		})
		if err == nil {
			t.comments([]string{"end: all rows are written"})
			err = t.err
		}
		return err
	}
	return &Document{
		MediaType: q.form.media, FileName: fileName("usage-periods", q.Scope.Name, rows.Window.End, q.form), write: write, Size: periodBytes,
	}, nil
}

// Register returns the document of who handles data of a tag.
func (e *Exporter) Register(ctx context.Context, params url.Values) (*Document, error) {
	p := &reader{values: params}
	in, form, source, bearersOnly := p.span(), p.form(reportForms), p.source(), p.bearersOnly()
	tag, ok := p.one("tag")
	if !ok || tag == "" {
		p.fail("tag", tag, "is none: give one")
	}
	if err := p.done(); err != nil {
		return nil, err
	}
	is, err := e.answers.Register(ctx, in, tag, source, bearersOnly)
	if err != nil {
		return nil, err
	}
	d := &registered{reported{UsageReport: is.UsageReport}, is}
	write := d.writeCSV
	switch form {
	case jsonForm:
		write = d.writeJSON
	case htmlForm:
		write = d.writeHTML
	}
	return &Document{
		MediaType: form.media, FileName: fileName("register", tag, is.View.Window().End, form), write: write, Size: int64(len(is.Rows)+len(is.Topics)+1) * 2 * reportUseBytes,
	}, nil
}

// reported is a report that is written.
type reported struct{ *answer.UsageReport }

func (d *reported) coverage() coverage {
	is := &d.Coverage
	c := coverage{
		Complete: is.Complete, ObservedFraction: is.ObservedFraction, GapCount: len(is.Said) + is.Unlisted + len(is.Held.Gaps), Gaps: []gap{}, BlindSpots: []blindSpot{},
	}
	for _, g := range is.Said {
		c.Gaps = append(c.Gaps, gap{g.Source, g.Window.Start.UTC(), g.Window.End.UTC(), g.Reason})
	}
	for _, g := range is.Held.Gaps {
		c.Gaps = append(c.Gaps, gap{d.View.SourceName(g.Source), g.Window.Start.UTC(), g.Window.End.UTC(), g.Reason})
	}
	c.Gaps = c.Gaps[:min(mostGaps, len(c.Gaps))]
	for _, b := range is.Held.BlindSpots {
		c.BlindSpots = append(c.BlindSpots, blindSpot(b))
	}
	return c
}

var partWords = map[answer.UsageSource]string{answer.Held: "store", answer.Sealed: "ledger", answer.Nobody: "nobody"}

// head says of what a report is, and what it does not show.
func (d *reported) head(format string, doubts []string) []string {
	lines := []string{format + ", version " + strconv.Itoa(formatVersion), "scope: " + visible(d.Scope.String()), windowOf(d.View.Window()).line()}
	c := d.coverage()
	lines = append(lines, c.lines(len(c.Gaps), len(c.BlindSpots))...)
	for _, p := range d.Parts {
		line := "part: " + instant(p.Window.Start.UTC()) + " to " + instant(p.Window.End.UTC()) + ", " + partWords[p.Source] + ", " + percent(p.Observed) + " observed"
		if p.Source == answer.Sealed {
			line += ", " + plural(p.Periods, "period")
		}
		lines = append(lines, line)
	}
	for _, s := range doubts {
		lines = append(lines, "not shown: "+visible(s))
	}
	if format == formatReport && !d.Administered.Known {
		lines = append(lines, "administered: not known")
	}
	return append(lines, "known and at rest, in no row: "+strconv.Itoa(d.Resting))
}

// reportColumns are those of all rows of a report.
var reportColumns = []string{
	"row", "topic", "topic_owner", "topic_tags", "operation", "node", "node_kind", "node_name", "node_owner", "node_tags", "active", "records", "bytes_estimated", "estimated", "at_least", "skipped", "lost",
	"first_use", "last_use", "precision", "observed_fraction", "said_by", "evidence", "clients", "client_ids", "groups", "principals", "hosts",
	"group", "topics", "writers", "readers", "records_written", "records_read", "bytes_written_estimated", "bytes_read_estimated",
	"cluster", "principal", "host", "right", "pattern", "allowed", "used",
	"told", "resource", "name", "request", "logged", "times",
	"derived", "derived_way", "derived_topics",
}

func reportPlace(cells map[string]string) []string {
	out := make([]string, len(reportColumns))
	for i, c := range reportColumns {
		out[i] = cells[c]
	}
	return out
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return instant(t.UTC())
}

// saidBy is who says of a use.
func saidBy(u *answer.TopicUse) string {
	switch {
	case u.Held && u.Sealed:
		return "store and ledger"
	case u.Sealed:
		return "ledger"
	default:
		return "store"
	}
}

// wayOf names the nodes by which a tag comes to a topic; empty: it bears it, or the report follows no tag.
func wayOf(way []lineage.Node) string {
	var all []string
	for _, n := range way {
		all = append(all, n.ID())
	}
	return strings.Join(all, " > ")
}

func operation(write bool) string {
	if write {
		return "write"
	}
	return "read"
}

// clientsOf lists a field of all clients.
func clientsOf(u *answer.TopicUse, field func(*answer.UseClient) string) string {
	var all []string
	for i := range u.Clients {
		if s := visible(field(&u.Clients[i])); s != "" && !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return strings.Join(all, " ")
}

func evidenceOf(u *answer.TopicUse) string {
	var all []string
	for _, e := range u.Evidence {
		line := e.Kind.String() + " since " + stamp(e.Since)
		if e.Detail != "" {
			line += " (" + visible(e.Detail) + ")"
		}
		all = append(all, line)
	}
	return strings.Join(all, "; ")
}

func reportCells(row string, u *answer.TopicUse) []string {
	cells := map[string]string{
		"row": row, "topic": u.Topic.ID, "topic_owner": visible(u.Topic.Owner), "topic_tags": visible(strings.Join(u.Topic.Tags, " ")), "operation": operation(u.Write),
		"node": u.Node.ID, "node_kind": u.Node.Kind.String(), "node_name": visible(u.Node.Name), "node_owner": visible(u.Node.Owner), "node_tags": visible(strings.Join(u.Node.Tags, " ")),
		"active": yes(u.Active), "records": whole(u.Records), "bytes_estimated": whole(u.Bytes), "estimated": yes(&u.Estimated), "at_least": yes(new(u.NoLess())),
		"skipped": whole(u.Skipped), "lost": whole(u.Lost), "first_use": stamp(u.First), "last_use": stamp(u.Last),
		"observed_fraction": decimal(&u.Observed), "said_by": saidBy(u), "evidence": evidenceOf(u), "clients": strconv.Itoa(u.ClientCount),
		"client_ids": clientsOf(u, func(c *answer.UseClient) string { return c.ClientID }), "groups": clientsOf(u, func(c *answer.UseClient) string { return c.Group }),
		"derived": yes(&u.Derived), "derived_way": wayOf(u.Topic.Way),
		"principals": clientsOf(u, func(c *answer.UseClient) string { return c.Principal }), "hosts": clientsOf(u, func(c *answer.UseClient) string { return c.Host }),
	}
	if u.Precision > 0 {
		cells["precision"] = span.Format(u.Precision)
	}
	return reportPlace(cells)
}

func groupCells(row string, g *answer.UsageGroup) []string {
	cells := map[string]string{
		"row": row, "group": visible(g.Key), "topics": strconv.Itoa(g.Topics), "writers": strconv.Itoa(g.Writers), "readers": strconv.Itoa(g.Readers),
		"records_written": whole(g.Written.Records), "records_read": whole(g.Read.Records), "bytes_written_estimated": whole(g.Written.Bytes), "bytes_read_estimated": whole(g.Read.Bytes),
		"estimated": strconv.FormatBool(g.Written.Estimated || g.Read.Estimated), "at_least": strconv.FormatBool(g.NoLess()),
		"first_use": stamp(g.First), "last_use": stamp(g.Last), "derived": yes(&g.Derived),
	}
	if g.Observed != nil {
		cells["observed_fraction"] = decimal(g.Observed)
	}
	return reportPlace(cells)
}

func (d *reported) writeCSV(w io.Writer) error {
	t := &table{w: w}
	t.comments(d.head(formatReport, d.Doubts()))
	t.row(slices.Clone(reportColumns)...)
	for i := range d.Uses {
		t.row(reportCells("use", &d.Uses[i])...)
	}
	for i := range d.Groups {
		t.row(groupCells("group", &d.Groups[i])...)
	}
	sum := d.Sum()
	t.row(groupCells("total", &sum)...)
	if apart := d.SumDerived(); apart != nil {
		t.row(groupCells("total", apart)...)
	}
	for i := range d.Permissions {
		p := &d.Permissions[i]
		t.row(reportPlace(map[string]string{
			"row": "permission", "cluster": visible(p.Cluster), "principal": visible(p.Principal), "host": visible(p.Host), "right": p.Operation, "pattern": patternOf(p),
			"allowed": yes(&p.Allowed), "used": yes(p.Used), "topics": strconv.Itoa(p.Topics), "derived_topics": strconv.Itoa(p.Derived),
		})...)
	}
	for i := range d.Administered.List {
		t.row(reportAdministeredCells(&d.Administered.List[i])...)
	}
	return t.err
}

// reportAdministeredCells are those of who was allowed to administer what.
func reportAdministeredCells(x *answer.UsageAdministered) []string {
	cells := map[string]string{
		"row": "administered", "cluster": visible(x.Cluster), "principal": visible(x.Principal), "host": visible(x.Host), "right": visible(x.Operation), "told": stamp(x.At),
		"resource": visible(x.Resource), "name": visible(x.Name), "request": visible(x.Request), "logged": stamp(x.Logged), "times": strconv.FormatInt(x.Times, 10), "said_by": "store",
	}
	if x.Topic != nil {
		cells["topic"], cells["topic_owner"], cells["topic_tags"], cells["derived_way"] = x.Topic.ID, visible(x.Topic.Owner), visible(strings.Join(x.Topic.Tags, " ")), wayOf(x.Topic.Way)
	}
	if x.Sealed {
		cells["said_by"] = "ledger"
	}
	return reportPlace(cells)
}

func patternOf(p *answer.UsagePermission) string {
	if p.Open {
		return "no authorizer"
	}
	return visible(p.Pattern())
}
