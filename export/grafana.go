package export

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// This file writes a lineage as Grafana's node graph panel wants it: two flat arrays of JSON, one of nodes and one of
// edges, whose fields are told by their names (docs/grafana.md). A flat array has no place for what was not observed
// and what was cut: that is a third array, for a table beside the panel.

var (
	nodesForm       = form{"nodes", "application/json", "json"}
	edgesForm       = form{"edges", "application/json", "json"}
	coverageForm    = form{"coverage", "application/json", "json"}
	annotationsForm = form{"annotations", "application/json", "json"}
)

func (f form) isGrafana() bool { return f == nodesForm || f == edgesForm || f == coverageForm }

// graphNode is a row of the nodes. A ring around a node is one of three, so that what is not known is none of the
// other two.
type graphNode struct {
	ID            string `json:"id"`
	Title         string `json:"title"`
	Subtitle      string `json:"subtitle"`
	MainStat      string `json:"mainstat"`
	SecondaryStat string `json:"secondarystat"`
	Active        int    `json:"arc__active"`
	Inactive      int    `json:"arc__inactive"`
	Unknown       int    `json:"arc__unknown"`
	In            string `json:"detail__in"`
	Out           string `json:"detail__out"`
	Cluster       string `json:"detail__cluster"`
	Owner         string `json:"detail__owner"`
	Tags          string `json:"detail__tags"`
	Hidden        string `json:"detail__hidden"`
	Page          string `json:"detail__page"`
}

// graphEdge is a row of the edges.
type graphEdge struct {
	ID            string  `json:"id"`
	Source        string  `json:"source"`
	Target        string  `json:"target"`
	MainStat      string  `json:"mainstat"`
	SecondaryStat string  `json:"secondarystat"`
	Thickness     float64 `json:"thickness"`
	Dashes        string  `json:"strokedasharray"`
	Does          string  `json:"detail__does"`
	State         string  `json:"detail__state"`
	Lag           string  `json:"detail__lag"`
	Evidence      string  `json:"detail__evidence"`
	Page          string  `json:"detail__page"`
}

// graphLine says one thing of what is shown.
type graphLine struct {
	What string `json:"what"`
	Text string `json:"text"`
}

// GraphNodes returns the nodes of a lineage for Grafana's node graph.
func (e *Exporter) GraphNodes(ctx context.Context, params url.Values) (*Document, error) {
	return e.nodeGraph(ctx, params, nodesForm)
}

// GraphEdges returns the edges between the nodes that GraphNodes returns of the same parameters.
func (e *Exporter) GraphEdges(ctx context.Context, params url.Values) (*Document, error) {
	return e.nodeGraph(ctx, params, edgesForm)
}

// GraphCoverage says of what the two are, what was not observed of that and what was cut.
func (e *Exporter) GraphCoverage(ctx context.Context, params url.Values) (*Document, error) {
	return e.nodeGraph(ctx, params, coverageForm)
}

func (e *Exporter) nodeGraph(ctx context.Context, params url.Values, f form) (*Document, error) {
	p := &reader{values: filled(params)}
	q := p.nodeGraph(f)
	if err := p.done(); err != nil {
		return nil, err
	}
	_, pic, err := e.picture(ctx, &q)
	if err != nil {
		return nil, err
	}
	size := len(pic.Nodes)
	if f == edgesForm {
		size = len(pic.Flows)
	}
	return &Document{
		MediaType: f.media, FileName: fileName("grafana-"+f.name, pic.called(), pic.Window.End, f), Size: int64(size+1) * flowBytes,
		write: func(w io.Writer) error {
			switch f {
			case nodesForm:
				return writeRows(w, pic.Nodes, pic.graphNode)
			case edgesForm:
				return writeRows(w, pic.Flows, pic.graphEdge)
			default:
				return writeRows(w, pic.head()[1:], lineOf)
			}
		},
	}, nil
}

// filled leaves out parameters without a value: a dashboard always names its variables, of which some are empty.
func filled(params url.Values) url.Values {
	out := url.Values{}
	for key, values := range params {
		for _, value := range values {
			if value != "" {
				out.Add(key, value)
			}
		}
	}
	return out
}

// nodeGraph reads the parameters of an export. Those that need a root are read and left alone where there is none: a
// dashboard names them all the same.
func (r *reader) nodeGraph(f form) question {
	rooted := len(r.values["root"]) > 0
	q := question{
		direction: r.direction(), depth: r.number("depth", 0, mostDepth, usualDepth), limit: r.number("limit", 1, mostNodes, usualNodes),
		span: r.spanOfGrafana(), roots: r.nodes("root"), form: f,
		only: answer.Filter{IncludeInactive: r.flag("includeInactive", rooted), IncludeInternal: r.flag("includeInternal", false)},
	}
	return q
}

// nodes reads ids or names of nodes.
func (r *reader) nodes(key string) []string {
	r.asked = append(r.asked, key)
	all := r.values[key]
	if len(all) > mostRoots {
		r.fail(key, all[mostRoots], "is one too many; at most %d", mostRoots)
	}
	for _, one := range all {
		if len(one) > mostRoot {
			r.fail(key, one, "is no node: give an id such as topic:west/orders, or a name")
		}
	}
	return all
}

// spanOfGrafana reads the window as exports do, or as from and to in milliseconds since 1970, as Grafana has them.
func (r *reader) spanOfGrafana() answer.Span {
	from, hasFrom := r.one("from")
	to, hasTo := r.one("to")
	s := r.span()
	if !hasFrom && !hasTo {
		return s
	}
	for _, key := range []string{"last", "at", "start", "end"} {
		if r.values.Has(key) {
			r.fail(key, r.values.Get(key), "stands beside from and to: give one window")
		}
	}
	switch {
	case !hasTo:
		r.fail("from", from, "has no to: give both")
	case !hasFrom:
		r.fail("to", to, "has no from: give both")
	}
	if r.err != nil {
		return s
	}
	start, end := r.millis("from", from), r.millis("to", to)
	if r.err == nil && !start.Before(end) {
		r.fail("from", from, "is not before to: %s", quote(to))
	}
	return answer.Between(start, end)
}

// millis reads an instant in milliseconds since 1970, of the years in which something can have been observed.
func (r *reader) millis(key, text string) time.Time {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || n > mostMillis {
		r.fail(key, text, "is no instant in milliseconds since 1970, of the years 1970 to 2199")
		return time.Time{}
	}
	return time.UnixMilli(n).UTC()
}

// mostMillis is the end of 2199.
var mostMillis = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli() - 1

// writeRows writes a flat array, a row a line.
func writeRows[T, R any](w io.Writer, all []T, row func(T) R) error {
	o := &object{w: w}
	o.text("[")
	lead := "\n"
	for _, x := range all {
		o.text(lead)
		o.value(row(x))
		lead = ",\n"
	}
	o.text("\n]\n")
	return o.err
}

func (p *picture) graphNode(n *node) graphNode {
	row := graphNode{
		ID: n.ID, Title: isolated(n.Name), Subtitle: n.subtitle(), MainStat: n.mainStat(), SecondaryStat: n.Activity,
		In: n.RecordsIn.text(), Out: n.RecordsOut.text(), Cluster: isolated(n.Cluster), Owner: isolated(n.Owner), Tags: isolated(strings.Join(n.Tags, ", ")),
		Page: p.page("lineage", "root", n.ID),
	}
	if n.up+n.down > 0 {
		row.Hidden = fmt.Sprintf("%d upstream, %d downstream", n.up, n.down)
	}
	switch n.Activity {
	case active, aboutThen:
		row.Active = 1
	case inactive:
		row.Inactive = 1
	default:
		row.Unknown = 1
	}
	return row
}

func (n *node) subtitle() string {
	s := strings.ToLower(kindWords[n.is.Kind]) + ", " + isolated(n.is.Scope)
	if !n.Exists {
		s += ", deleted"
	}
	return s
}

// mainStat is what went in, and where nothing could, what went out.
func (n *node) mainStat() string {
	if n.RecordsIn.PerSecond != nil || n.RecordsOut.PerSecond == nil && n.RecordsIn.Counted != none {
		return "in " + n.RecordsIn.text()
	}
	return "out " + n.RecordsOut.text()
}

// Widths of edges, and how those are dashed of which it is not known whether they moved, or which did not.
const (
	thick, thin    = 3, 1
	dashed, dotted = "8 4", "2 4"
)

func (p *picture) graphEdge(f *flow) graphEdge {
	row := graphEdge{
		ID: f.ID, Source: f.From, Target: f.To, MainStat: strings.TrimSpace(f.label()), SecondaryStat: f.behind(), Thickness: thin,
		Does: doing(f.is), State: f.goes(), Lag: f.behind(), Evidence: f.known(), Page: p.page("node", "id", f.ID),
	}
	switch f.Activity {
	case active, aboutThen:
		row.Thickness = thick
	case inactive:
		row.Dashes = dashed
	default:
		row.Dashes = dotted
	}
	return row
}

// behind says how late a reader is; empty: nobody can be.
func (f *flow) behind() string {
	switch {
	case !f.reads():
		return ""
	case f.LagSeconds != nil:
		return seconds(*f.LagSeconds) + " behind"
	case f.LagAtLeastSeconds != nil:
		return "at least " + seconds(*f.LagAtLeastSeconds) + " behind"
	case f.Lag != nil:
		return plural(int(*f.Lag), "record") + " behind"
	default:
		return "lag not known"
	}
}

// page is the path of the page that shows a node or a flow in the window.
func (p *picture) page(path, key, id string) string {
	return "/" + path + "?" + key + "=" + url.QueryEscape(id) + "&start=" + url.QueryEscape(instant(p.Window.Start)) + "&end=" + url.QueryEscape(instant(p.Window.End))
}

func lineOf(line string) graphLine {
	what, text, _ := strings.Cut(line, ": ")
	return graphLine{what, text}
}

// nodePage is the path of the page of a node, empty for none.
func nodePage(n *lineage.Node, w window) string {
	p := picture{Window: w}
	if n == nil {
		return ""
	}
	return p.page("lineage", "root", n.ID())
}
