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

// hurt is what is hurt if some things are lost.
type hurt struct {
	changeOf

	v    *answer.View
	is   *answer.WhatIf
	lose []string
}

// WhatIf returns the document of what is hurt if some things are lost.
func (e *Exporter) WhatIf(ctx context.Context, params url.Values) (*Document, error) {
	p := &reader{values: params}
	in, form := p.span(), p.form(usageForms)
	p.asked = append(p.asked, "lose")
	ids := params["lose"]
	if len(ids) == 0 || len(ids) > mostLost {
		p.fail("lose", strconv.Itoa(len(ids)), "are given: give 1 to %d, ids of nodes, cluster:NAME, broker:CLUSTER/ID or columns as NODE_ID#PATH", mostLost)
	}
	if err := p.done(); err != nil {
		return nil, err
	}
	lose := make([]answer.Lose, len(ids))
	for i, id := range ids {
		var err error
		if lose[i], err = answer.ParseLose(id); err != nil {
			return nil, err
		}
	}
	v, err := e.answers.View(ctx, in, answer.All)
	if err != nil {
		return nil, err
	}
	is, err := v.WhatIf(ctx, lose)
	if err != nil {
		return nil, err
	}
	n := len(is.Lost) + len(is.Starved) + len(is.Copies) + len(is.Retention)
	for _, c := range is.Columns {
		n += len(c.Columns) + len(c.Steps) + len(c.Ends) + len(c.Unknown)
	}
	if n > mostFlows {
		return nil, tooMuch("lose: %s are hurt, more than can be read, at most %d", plural(n, "row"), mostFlows)
	}
	var asked []string
	for _, id := range ids {
		asked = append(asked, "lost: "+visible(id))
	}
	h := &hurt{changed(v, formatWhatIf, is.Scope, asked...), v, is, ids}
	write := h.writeCSV
	if form == jsonForm {
		write = h.writeJSON
	}
	return &Document{MediaType: form.media, FileName: fileName("what-if", ids[0], v.Window().End, form), write: write, Size: int64(n+1) * flowBytes}, nil
}

// at returns when something happens so many seconds after the loss; the zero time: not known, or beyond all dates.
func (h *hurt) at(after *float64) time.Time {
	const century = 100 * 366 * 24 * 3600
	if after == nil || *after > century {
		return time.Time{}
	}
	return h.is.End.Add(time.Duration(*after * float64(time.Second)))
}

// afterOf is until when one gets nothing more, where that is measured whole.
func afterOf(s *answer.Starving) *float64 {
	if s.Exact {
		return &s.AtLeast
	}
	return nil
}

func partitionsOf(n int) *int64 {
	if n == 0 {
		return nil
	}
	return new(int64(n))
}

type lossLine struct {
	Node       string `json:"node"`
	Why        string `json:"why"`
	With       string `json:"with,omitempty"`
	Partitions *int64 `json:"partitions"`
}

type starvingLine struct {
	Node           string     `json:"node"`
	Wholly         *bool      `json:"wholly"`
	Hops           int        `json:"hops"`
	From           string     `json:"from"`
	To             string     `json:"to"`
	Waiting        *int64     `json:"waiting"`
	AfterSeconds   *float64   `json:"afterSeconds"`
	AtLeastSeconds float64    `json:"atLeastSeconds"`
	At             *time.Time `json:"at"`
}

type copyLine struct {
	Topic      string   `json:"topic"`
	Only       *bool    `json:"only"`
	Why        string   `json:"why,omitempty"`
	Copies     []string `json:"copies"`
	NotCopied  *int64   `json:"notCopied"`
	Records    *int64   `json:"records"`
	Bytes      *int64   `json:"bytes"`
	Partitions *int64   `json:"partitions"`
}

type riskLine struct {
	Topic            string     `json:"topic"`
	Reader           string     `json:"reader"`
	Blocked          bool       `json:"blocked"`
	Waiting          *int64     `json:"waiting"`
	AfterSeconds     *float64   `json:"afterSeconds"`
	At               *time.Time `json:"at"`
	By               string     `json:"by"`
	RecordsPerSecond *float64   `json:"recordsPerSecond"`
	Why              string     `json:"why"`
}

// lostColumnLine is a column that is lost, and its ways downstream.
type lostColumnLine struct {
	Column string `json:"column"`
	columnsBody
}

func nodeIDs(all []lineage.Node) []string {
	out := make([]string, len(all))
	for i, n := range all {
		out[i] = n.ID()
	}
	return out
}

func (h *hurt) writeJSON(w io.Writer) error {
	o := h.begin(w, "lose", h.lose)
	o.field("end", h.is.End.UTC())
	o.field("untold", append([]string{}, h.is.Untold...))
	list(o, "lost", eachOf(h.is.Lost, func(x *answer.Loss) lossLine {
		return lossLine{x.Node.ID(), lossWords[x.Why], x.With, partitionsOf(x.Partitions)}
	}))
	list(o, "starved", eachOf(h.is.Starved, func(s *answer.Starving) starvingLine {
		after := afterOf(s)
		return starvingLine{s.Node.ID(), s.Wholly, s.Hops, s.Through.From.ID(), s.Through.To.ID(), s.Waiting, after, s.AtLeast, timeOrNil(h.at(after))}
	}))
	list(o, "copies", eachOf(h.is.Copies, func(c *answer.CopyLoss) copyLine {
		return copyLine{c.Topic.ID(), c.Only, c.Why, nodeIDs(c.Copies), c.NotCopied, c.Records, c.Bytes, partitionsOf(c.Partitions)}
	}))
	list(o, "retention", eachOf(h.is.Retention, func(r *answer.RetentionRisk) riskLine {
		return riskLine{r.Flow.From.ID(), r.Flow.To.ID(), r.Blocked, r.Waiting, r.After, timeOrNil(h.at(r.After)), limitWords[r.By], r.Rate, r.Why}
	}))
	list(o, "columns", eachOf(h.is.Columns, func(c *answer.LostColumn) lostColumnLine {
		return lostColumnLine{c.ID(), columnsOf(h.v, c.ColumnLineage)}
	}))
	return o.end()
}

var whatIfColumns = []string{
	"row", "node", "name", "why", "with", "partitions", "wholly", "hops", "from", "to", "waiting", "after_seconds", "at_least_seconds", "at",
	"only_copy", "copies", "not_copied", "records", "bytes", "blocked", "limit", "records_per_second",
	"column", "owner", "in_schema", "type", "reads", "assumed", "evidence", "how", "masked", "active",
}

func (h *hurt) writeCSV(w io.Writer) error {
	t := &table{w: w}
	lines := append(h.head(), "lost at: "+stamp(h.is.End))
	for _, u := range h.is.Untold {
		lines = append(lines, "can't be told: "+visible(u))
	}
	t.comments(append(lines, "an empty cell is not known, or does not apply: it is not zero"))
	t.row(slices.Clone(whatIfColumns)...)
	row := func(cells map[string]string) { t.row(placedIn(whatIfColumns, cells)...) }
	for i := range h.is.Lost {
		x := &h.is.Lost[i]
		row(map[string]string{"row": "lost", "node": x.Node.ID(), "name": visible(x.Node.Name), "why": lossWords[x.Why], "with": visible(x.With), "partitions": whole(partitionsOf(x.Partitions))})
	}
	for i := range h.is.Starved {
		s := &h.is.Starved[i]
		after := afterOf(s)
		row(map[string]string{
			"row": "starved", "node": s.Node.ID(), "name": visible(s.Node.Name), "wholly": yes(s.Wholly), "hops": strconv.Itoa(s.Hops), "from": s.Through.From.ID(), "to": s.Through.To.ID(),
			"waiting": whole(s.Waiting), "after_seconds": decimal(after), "at_least_seconds": decimal(&s.AtLeast), "at": stamp(h.at(after)),
		})
	}
	for i := range h.is.Copies {
		c := &h.is.Copies[i]
		row(map[string]string{
			"row": "copy", "node": c.Topic.ID(), "name": visible(c.Topic.Name), "why": visible(c.Why), "only_copy": yes(c.Only), "copies": strings.Join(nodeIDs(c.Copies), " "),
			"not_copied": whole(c.NotCopied), "records": whole(c.Records), "bytes": whole(c.Bytes), "partitions": whole(partitionsOf(c.Partitions)),
		})
	}
	for i := range h.is.Retention {
		r := &h.is.Retention[i]
		row(map[string]string{
			"row": "retention", "node": r.Flow.To.ID(), "name": visible(r.Flow.To.Name), "why": visible(r.Why), "from": r.Flow.From.ID(), "to": r.Flow.To.ID(), "waiting": whole(r.Waiting),
			"after_seconds": decimal(r.After), "at": stamp(h.at(r.After)), "blocked": strconv.FormatBool(r.Blocked), "limit": limitWords[r.By], "records_per_second": decimal(r.Rate),
		})
	}
	for _, c := range h.is.Columns {
		for _, cells := range columnRows(h.v, c.ColumnLineage) {
			if cells["with"] = visible(c.ID()); cells["row"] != "column" {
				cells["row"] = "column_" + cells["row"] // step, end, unknown
			}
			row(cells)
		}
	}
	return t.err
}
