package export

import (
	"context"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// impactQuestion is what a list of what a node starves is asked to be of.
type impactQuestion struct {
	root string
	span answer.Span
	only answer.Filter
	form form
}

// impact is what a node starves, in the order in which it would be missed. Its JSON is docs/format/export.md.
type impact struct {
	Root     lineage.Node
	Only     answer.Filter
	Window   window
	Coverage coverage
	Owners   []ownerCount
	Hits     []hit
}

type ownerCount struct {
	Owner string `json:"owner,omitempty"` // empty: of whom none is known
	Count int    `json:"count"`
}

type hit struct {
	is             lineage.Node
	ID             string   `json:"id"`
	Kind           string   `json:"kind"`
	Name           string   `json:"name"`
	Cluster        string   `json:"cluster,omitempty"`
	Owner          string   `json:"owner,omitempty"`
	Tags           []string `json:"tags,omitempty"`
	Hops           int      `json:"hops"`
	AfterSeconds   *float64 `json:"afterSeconds"`
	AtLeastSeconds float64  `json:"atLeastSeconds"`
	Through        *flow    `json:"through"`
}

// Impact returns the document of what a node starves.
func (e *Exporter) Impact(ctx context.Context, params url.Values) (*Document, error) {
	p := &reader{values: params}
	q := p.impact()
	if err := p.done(); err != nil {
		return nil, err
	}
	v, err := e.answers.View(ctx, q.span, answer.All)
	if err != nil {
		return nil, err
	}
	found, err := findRoots(ctx, v, "root", []string{q.root})
	if err != nil {
		return nil, err
	}
	r, err := impactOf(ctx, v, found.known[0], q.only)
	if err != nil {
		return nil, err
	}
	write := r.writeJSON
	if q.form == csvForm {
		write = r.writeCSV
	}
	return &Document{
		MediaType: q.form.media, FileName: fileName("impact", r.Root.Name, r.Window.End, q.form), write: write,
		Size: int64(len(r.Hits)+1) * flowBytes * 2,
	}, nil
}

func (r *reader) impact() impactQuestion {
	q := impactQuestion{
		span: r.span(), form: r.form(usageForms),
		only: answer.Filter{Evidence: r.evidence(), IncludeInactive: r.flag("includeInactive", true), IncludeInternal: r.flag("includeInternal", false)},
	}
	root, ok := r.one("root")
	if !ok || root == "" || len(root) > mostRoot {
		r.fail("root", root, "is no node: give an id such as topic:west/orders, or a name")
	}
	q.root = root
	return q
}

func impactOf(ctx context.Context, v *answer.View, root lineage.Node, only answer.Filter) (*impact, error) {
	is, err := v.Impact(ctx, root, only)
	if err != nil {
		return nil, err
	}
	if n := len(is.Hits); n > mostFlows {
		return nil, tooMuch("root: %s starves %s, more than can be read, at most %d", quote(root.ID()), plural(n, "node"), mostFlows)
	}
	owners, err := is.Owners(ctx)
	if err != nil {
		return nil, err
	}
	r := &impact{Root: root, Only: only, Window: windowOf(v.Window()), Coverage: coverageOf(v, is.Scope), Hits: make([]hit, len(is.Hits))}
	for _, o := range owners {
		r.Owners = append(r.Owners, ownerCount(o))
	}
	nodes, flows := make([]lineage.Node, len(is.Hits)), make([]lineage.Flow, len(is.Hits))
	for i, h := range is.Hits {
		nodes[i], flows[i] = h.Node, h.Through
	}
	rows := v.Rows(nodes, flows)
	for i := range is.Hits {
		h := &is.Hits[i]
		n := rows.Node(h.Node)
		x := hit{is: h.Node, ID: h.Node.ID(), Kind: h.Node.Kind.String(), Name: h.Node.Name, Hops: h.Hops, AtLeastSeconds: h.AtLeast}
		x.Owner, x.Tags = n.Describe()
		if c := n.Cluster(); c != nil {
			x.Cluster = c.Known().Name
		}
		if h.Exact {
			x.AfterSeconds = &h.AtLeast
		}
		if x.Through, err = flowOf(ctx, rows.Flow(h.Through)); err != nil {
			return nil, err
		}
		r.Hits[i] = x
	}
	return r, nil
}

func (r *impact) writeJSON(w io.Writer) error {
	o := &object{w: w}
	o.field("format", formatImpact)
	o.field("version", formatVersion)
	o.field("root", r.Root.ID())
	o.field("scope", struct {
		Evidence        []string `json:"evidence,omitempty"`
		IncludeInactive bool     `json:"includeInactive"`
		IncludeInternal bool     `json:"includeInternal"`
	}{kindsOf(r.Only.Evidence), r.Only.IncludeInactive, r.Only.IncludeInternal})
	o.field("window", r.Window)
	o.field("coverage", r.Coverage)
	list(o, "owners", r.Owners)
	list(o, "hits", r.Hits)
	return o.end()
}

// impactColumns are a node's, when it is hit, and the flow through which.
var impactColumns = []string{
	"order", "hops", "after_seconds", "at_least_seconds", "id", "kind", "name", "cluster", "owner", "tags", "through", "activity",
	"from", "to", "does", "state", "state_since", "active", "counted", "records", "records_per_second", "bytes", "bytes_per_second", "live", "lag_records", "lag_seconds", "lag_at_least_seconds",
	"skipped", "lost", "first_seen", "last_seen", "last_moved", "evidence",
}

func (r *impact) writeCSV(w io.Writer) error {
	t := &table{w: w}
	t.comments(r.head())
	t.row(slices.Clone(impactColumns)...)
	for i := range r.Hits {
		h := &r.Hits[i]
		row := []string{
			strconv.Itoa(i + 1), strconv.Itoa(h.Hops), decimal(h.AfterSeconds), decimal(&h.AtLeastSeconds), h.ID, h.Kind, visible(h.Name), visible(h.Cluster), visible(h.Owner),
			visible(strings.Join(h.Tags, " ")), h.Through.ID, h.Through.Activity,
		}
		t.row(append(row, h.Through.cells()...)...)
	}
	return t.err
}

func (r *impact) head() []string {
	of := "all"
	if kinds := kindsOf(r.Only.Evidence); len(kinds) > 0 {
		of = strings.Join(kinds, ", ")
	}
	lines := []string{
		formatImpact + ", version " + strconv.Itoa(formatVersion), "root: " + r.Root.ID(),
		"evidence: " + of + ", inactive flows: " + included(r.Only.IncludeInactive) + ", internal topics: " + included(r.Only.IncludeInternal), r.Window.line(),
	}
	lines = append(lines, r.Coverage.lines(len(r.Coverage.Gaps), len(r.Coverage.BlindSpots))...)
	return append(lines, "hit: "+plural(len(r.Hits), "node")+", in the order in which what is missing would be missed; an empty after_seconds is not known, and at least at_least_seconds")
}

func kindsOf(all []lineage.EvidenceKind) (out []string) {
	for _, k := range all {
		out = append(out, k.String())
	}
	return out
}
