package export

import (
	"cmp"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lineaged/lineaged/answer"
)

// This file writes usage reports and registers as JSON and as a page to print, and registers as CSV.

const formatRegister = "lineaged-processing-register"

// useLine is a use as JSON has it; docs/format/export.md says what each field is.
type useLine struct {
	Topic       endLine        `json:"topic"`
	Operation   string         `json:"operation"`
	Node        endLine        `json:"node"`
	Active      *bool          `json:"active"`
	Records     *int64         `json:"records"`
	Bytes       *int64         `json:"bytesEstimated"`
	Estimated   bool           `json:"estimated"`
	AtLeast     bool           `json:"atLeast"`
	Skipped     *int64         `json:"skipped"`
	Lost        *int64         `json:"lost"`
	FirstUse    *time.Time     `json:"firstUse"`
	LastUse     *time.Time     `json:"lastUse"`
	Observed    float64        `json:"observedFraction"`
	SaidBy      string         `json:"saidBy"`
	Evidence    []evidenceLine `json:"evidence"`
	ClientCount int            `json:"clientCount"`
	Clients     []clientLine   `json:"clients"`
	Derived     bool           `json:"derived"`
}

// endLine is one of the two ends of a use.
type endLine struct {
	ID    string   `json:"id"`
	Kind  string   `json:"kind"`
	Name  string   `json:"name"`
	Owner string   `json:"owner,omitempty"`
	Tags  []string `json:"tags,omitempty"`
	Way   []string `json:"derivedWay,omitempty"`
}

type evidenceLine struct {
	Kind   string    `json:"kind"`
	Since  time.Time `json:"since"`
	Detail string    `json:"detail,omitempty"`
}

type clientLine struct {
	Kind            string `json:"kind"`
	ClientID        string `json:"clientId,omitempty"`
	Group           string `json:"group,omitempty"`
	TransactionalID string `json:"transactionalId,omitempty"`
	Principal       string `json:"principal,omitempty"`
	Host            string `json:"host,omitempty"`
	Software        string `json:"software,omitempty"`
}

func endOf(p *answer.Party) endLine {
	out := endLine{p.ID, p.Kind.String(), p.Name, p.Owner, p.Tags, nil}
	for _, n := range p.Way {
		out.Way = append(out.Way, n.ID())
	}
	return out
}

func useOf(u *answer.TopicUse) useLine {
	out := useLine{
		Topic: endOf(&u.Topic), Operation: operation(u.Write), Node: endOf(&u.Node), Active: u.Active, Records: u.Records, Bytes: u.Bytes, Estimated: u.Estimated,
		AtLeast: u.NoLess(), Skipped: u.Skipped, Lost: u.Lost, FirstUse: timeOrNil(u.First), LastUse: timeOrNil(u.Last), Observed: u.Observed, SaidBy: saidBy(u),
		Evidence: []evidenceLine{}, ClientCount: u.ClientCount, Clients: []clientLine{}, Derived: u.Derived,
	}
	for _, e := range u.Evidence {
		out.Evidence = append(out.Evidence, evidenceLine{e.Kind.String(), e.Since.UTC(), e.Detail})
	}
	for _, c := range u.Clients {
		out.Clients = append(out.Clients, clientLine{c.Kind.String(), c.ClientID, c.Group, c.TransactionalID, c.Principal, c.Host, c.Software})
	}
	return out
}

// volumeLine is how much was written or read.
type volumeLine struct {
	Records   *int64 `json:"records"`
	Bytes     *int64 `json:"bytesEstimated"`
	Estimated bool   `json:"estimated"`
	AtLeast   bool   `json:"atLeast"`
}

func volumeOf(v *answer.UsageVolume) volumeLine {
	return volumeLine{v.Records, v.Bytes, v.Estimated, v.NoLess()}
}

type groupLine struct {
	Key      *string    `json:"key"`
	Topics   int        `json:"topics"`
	Writers  int        `json:"writers"`
	Readers  int        `json:"readers"`
	Written  volumeLine `json:"written"`
	Read     volumeLine `json:"read"`
	FirstUse *time.Time `json:"firstUse"`
	LastUse  *time.Time `json:"lastUse"`
	Observed *float64   `json:"observedFraction"`
	Derived  bool       `json:"derived"`
}

func groupOf(g *answer.UsageGroup) groupLine {
	out := groupLine{
		Topics: g.Topics, Writers: g.Writers, Readers: g.Readers, Written: volumeOf(&g.Written), Read: volumeOf(&g.Read),
		FirstUse: timeOrNil(g.First), LastUse: timeOrNil(g.Last), Observed: g.Observed, Derived: g.Derived,
	}
	if g.Key != "" {
		out.Key = &g.Key
	}
	return out
}

// partLine is a part of the window and who speaks of it.
type partLine struct {
	SaidBy    string    `json:"saidBy"`
	Start     time.Time `json:"start"`
	End       time.Time `json:"end"`
	Observed  float64   `json:"observedFraction"`
	Periods   int       `json:"periods"`
	Amendable bool      `json:"amendable"`
}

// permissionLine is an access control entry with how many topics of the scope it is about.
type permissionLine struct {
	Cluster   string `json:"cluster"`
	Principal string `json:"principal"`
	Host      string `json:"host"`
	Operation string `json:"operation"`
	Pattern   string `json:"pattern"`
	Allowed   bool   `json:"allowed"`
	Topics    int    `json:"topics"`
	Derived   int    `json:"derivedTopics"`
	Used      *bool  `json:"used"`
}

func (d *reported) begin(w io.Writer, format string, doubts []string) *object {
	o := &object{w: w}
	o.field("format", format)
	o.field("version", formatVersion)
	o.field("scope", map[string]string{d.Scope.Of.String(): d.Scope.Name})
	o.field("window", windowOf(d.View.Window()))
	o.field("coverage", d.coverage())
	var parts []partLine
	for _, p := range d.Parts {
		parts = append(parts, partLine{partWords[p.Source], p.Window.Start.UTC(), p.Window.End.UTC(), p.Observed, p.Periods, p.Amendable})
	}
	list(o, "parts", parts)
	o.field("notShown", append([]string{}, doubts...))
	o.field("resting", d.Resting)
	return o
}

func (d *reported) writeJSON(w io.Writer) error {
	o := d.begin(w, formatReport, d.Doubts())
	sum := d.Sum()
	o.field("total", groupOf(&sum))
	if apart := d.SumDerived(); apart != nil {
		o.field("derivedTotal", groupOf(apart))
	} else {
		o.field("derivedTotal", nil)
	}
	list(o, "uses", eachOf(d.Uses, useOf))
	list(o, "groups", eachOf(d.Groups, groupOf))
	if d.Administered.Known {
		list(o, "administered", eachOf(d.Administered.List, reportAdministeredOf))
	} else {
		o.field("administered", nil)
	}
	if d.Permissions == nil {
		o.field("permissions", nil)
		return o.end()
	}
	list(o, "permissions", eachOf(d.Permissions, func(p *answer.UsagePermission) permissionLine {
		line := permissionLine{p.Cluster, p.Principal, p.Host, p.Operation, p.Pattern(), p.Allowed, p.Topics, p.Derived, p.Used}
		if p.Open {
			line.Pattern = "no authorizer"
		}
		return line
	}))
	return o.end()
}

// reportAdministeredLine is that somebody was allowed to administer something.
type reportAdministeredLine struct {
	At        time.Time  `json:"at"`
	Cluster   string     `json:"cluster"`
	Topic     *endLine   `json:"topic"`
	Operation string     `json:"operation,omitempty"`
	Resource  string     `json:"resource,omitempty"`
	Name      string     `json:"name"`
	Request   string     `json:"request,omitempty"`
	Principal string     `json:"principal,omitempty"`
	Host      string     `json:"host,omitempty"`
	Logged    *time.Time `json:"logged"`
	Times     int64      `json:"times"`
	SaidBy    string     `json:"saidBy"`
}

func reportAdministeredOf(x *answer.UsageAdministered) reportAdministeredLine {
	out := reportAdministeredLine{x.At.UTC(), x.Cluster, nil, x.Operation, x.Resource, x.Name, x.Request, x.Principal, x.Host, timeOrNil(x.Logged), x.Times, "store"}
	if x.Topic != nil {
		out.Topic = new(endOf(x.Topic))
	}
	if x.Sealed {
		out.SaidBy = "ledger"
	}
	return out
}

func eachOf[E, L any](all []E, of func(*E) L) []L {
	out := make([]L, len(all))
	for i := range all {
		out[i] = of(&all[i])
	}
	return out
}

// registered is a register that is written.
type registered struct {
	reported

	is *answer.Register
}

// registerColumns are those of a register's rows: topics, and who handles their data.
var registerColumns = []string{
	"row", "role", "topic", "topic_owner", "environment", "node", "node_kind", "node_name", "node_owner", "node_tags", "active", "records", "estimated", "at_least", "first_use", "last_use",
	"observed_fraction", "said_by", "evidence", "places", "place_count", "crossing", "retention_ms", "cleanup_policy", "used", "principals",
	"derived_way",
}

func role(u *answer.TopicUse) string {
	if u.Write {
		return "source"
	}
	return "recipient"
}

// placeWords name the places of a row.
func placeWords(row *answer.RegisterRow) string {
	var all []string
	for i := range row.Places {
		p := &row.Places[i]
		line := p.Node.ID
		switch {
		case p.Crossing == nil:
			line += " (outside Kafka)"
		case *p.Crossing:
			line += " (another cluster or environment)"
		}
		if p.Node.Way != nil {
			line += " (the tag comes to it)"
		}
		if p.Active == nil {
			line += " (not known whether anything moved)"
		}
		all = append(all, line)
	}
	if more := row.Count - len(row.Places); more > 0 {
		all = append(all, strconv.Itoa(more)+" more")
	}
	return strings.Join(all, "; ")
}

func (d *registered) writeCSV(w io.Writer) error {
	t := &table{w: w}
	t.comments(d.head(formatRegister, d.is.Doubts()))
	t.row(slices.Clone(registerColumns)...)
	row := func(cells map[string]string) {
		out := make([]string, len(registerColumns))
		for i, c := range registerColumns {
			out[i] = cells[c]
		}
		t.row(out...)
	}
	for i := range d.is.Topics {
		x := &d.is.Topics[i]
		row(map[string]string{
			"row": "topic", "topic": x.Topic.ID, "topic_owner": visible(x.Topic.Owner), "environment": visible(x.Environment), "retention_ms": visible(x.Retention),
			"cleanup_policy": visible(x.Cleanup), "used": yes(x.Used), "derived_way": wayOf(x.Topic.Way),
		})
	}
	for i := range d.is.Rows {
		x := &d.is.Rows[i]
		u := &x.Use
		row(map[string]string{
			"row": "handling", "role": role(u), "topic": u.Topic.ID, "topic_owner": visible(u.Topic.Owner), "environment": visible(x.Environment), "node": u.Node.ID,
			"node_kind": u.Node.Kind.String(), "node_name": visible(u.Node.Name), "node_owner": visible(u.Node.Owner), "node_tags": visible(strings.Join(u.Node.Tags, " ")),
			"active": yes(u.Active), "records": whole(u.Records), "estimated": yes(&u.Estimated), "at_least": yes(new(u.NoLess())), "first_use": stamp(u.First), "last_use": stamp(u.Last),
			"observed_fraction": decimal(&u.Observed), "said_by": saidBy(u), "evidence": evidenceOf(u), "places": placeWords(x), "place_count": strconv.Itoa(x.Count),
			"crossing": yes(&x.Crossing), "derived_way": wayOf(u.Topic.Way), "principals": clientsOf(u, func(c *answer.UseClient) string { return c.Principal }),
		})
	}
	return t.err
}

// registerLine is a row of a register as JSON has it.
type registerLine struct {
	Role        string      `json:"role"`
	Environment string      `json:"environment"`
	Use         useLine     `json:"use"`
	Places      []placeLine `json:"places"`
	PlaceCount  int         `json:"placeCount"`
	Crossing    bool        `json:"crossing"`
}

type placeLine struct {
	Node     endLine `json:"node"`
	Active   *bool   `json:"active"`
	Tagged   bool    `json:"tagged"`
	Crossing *bool   `json:"crossing"`
}

// registeredLine is a topic of a register.
type registeredLine struct {
	Topic       endLine `json:"topic"`
	Environment string  `json:"environment"`
	Retention   string  `json:"retentionMs,omitempty"`
	Cleanup     string  `json:"cleanupPolicy,omitempty"`
	Used        *bool   `json:"used"`
}

func (d *registered) writeJSON(w io.Writer) error {
	o := d.begin(w, formatRegister, d.is.Doubts())
	list(o, "topics", eachOf(d.is.Topics, func(t *answer.RegisteredTopic) registeredLine {
		return registeredLine{endOf(&t.Topic), t.Environment, t.Retention, t.Cleanup, t.Used}
	}))
	list(o, "rows", eachOf(d.is.Rows, func(x *answer.RegisterRow) registerLine {
		return registerLine{role(&x.Use), x.Environment, useOf(&x.Use), eachOf(x.Places, func(p *answer.RegisterPlace) placeLine {
			return placeLine{endOf(&p.Node), p.Active, p.Tagged, p.Crossing}
		}), x.Count, x.Crossing}
	}))
	return o.end()
}

//go:embed report.html
var reportPage string

var reportTemplate = template.Must(template.New("report").Funcs(template.FuncMap{
	"instant": func(t time.Time) string {
		if t.IsZero() {
			return "not known"
		}
		return t.UTC().Format("2006-01-02 15:04:05 MST")
	},
	"number": func(n *int64) string {
		if n == nil {
			return "not known"
		}
		return strconv.FormatInt(*n, 10)
	},
	"orDash":  func(s string) string { return cmp.Or(visible(s), "–") },
	"visible": visible,
	"words":   func(all []string) string { return visible(strings.Join(all, " ")) },
	"percent": percent,
	"part":    func(s answer.UsageSource) string { return partWords[s] },
	"does":    func(u *answer.TopicUse) string { return operation(u.Write) + "s" },
	"role":    role,
	"known":   evidenceOf,
	"who": func(u *answer.TopicUse) string {
		return clientsOf(u, func(c *answer.UseClient) string { return c.Principal })
	},
	"places": placeWords,
	"way":    wayOf,
	"use":    func(row *answer.RegisterRow) *answer.TopicUse { return &row.Use },
	"used": func(p *answer.UsagePermission) string {
		switch {
		case p.Used == nil:
			return "not seen"
		case *p.Used:
			return "used"
		default:
			return "never"
		}
	},
	"pattern": patternOf,
	"moved":   movedWords,
}).Parse(reportPage))

// movedWords says for people whether a topic was used.
func movedWords(used *bool) string {
	switch {
	case used == nil:
		return "not known"
	case *used:
		return "yes"
	default:
		return "not seen"
	}
}

func (d *reported) writeHTML(w io.Writer) error {
	sum := d.Sum()
	return page(w, d, d.Doubts(), "Usage report", &sum, nil)
}

func (d *registered) writeHTML(w io.Writer) error {
	return page(w, &d.reported, d.is.Doubts(), "Register of processing", nil, d.is)
}

func page(w io.Writer, d *reported, doubts []string, title string, sum *answer.UsageGroup, register *answer.Register) error {
	c := d.coverage()
	var rows []answer.RegisterRow
	if register != nil {
		rows = register.Rows
	}
	err := reportTemplate.Execute(w, map[string]any{
		"Title": title, "R": d.UsageReport, "Window": d.View.Window(), "Coverage": &c, "Summary": c.summary(), "Doubts": doubts, "Sum": sum, "Register": register,
		"MoreGaps": c.GapCount - len(c.Gaps), "Uses": pointers(d.Uses), "Permissions": pointers(d.Permissions), "Administered": pointers(d.Administered.List), "Rows": pointers(rows),
	})
	if err != nil {
		return fmt.Errorf("write a page: %w", err)
	}
	return nil
}

func pointers[E any](all []E) []*E { return eachOf(all, func(x *E) *E { return x }) }
