package metricsapi

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"iter"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// mostPoints bounds an answer, at some 50 MB: a thousand groups of six hours of minutes.
const mostPoints = 400_000

// group is one group of an answer.
type group struct {
	key    []byte    // orders groups by their labels, in the order of group_by
	labels []*string // nil: not known
	points []point   // by step of all spans
}

// point is what is put together of one step.
type point struct {
	value float64
	count int
	lacks bool
}

// take puts a reading to a point.
func (p *point) take(r answer.Reading, agg string) {
	switch {
	case r.Lacks:
		p.lacks = true
	case !r.Known:
		return
	case p.count == 0 || agg == "MAX" && r.Value > p.value || agg == "MIN" && r.Value < p.value:
		p.value = r.Value
	case agg == "SUM" || agg == "AVG":
		p.value += r.Value
	}
	p.count++
}

// is returns the point's value, if it has one.
func (p *point) is(agg string) (float64, bool) {
	switch {
	case p.count == 0 || p.lacks:
		return 0, false
	case agg == "AVG":
		return p.value / float64(p.count), true
	case agg == "COUNT":
		return float64(p.count), true
	default:
		return p.value, true
	}
}

// query answers a query.
func (a *API) query(r *http.Request, set *dataset) (reply, error) {
	q, err := a.readQuery(r, set)
	if err != nil {
		return reply{}, err
	}
	ctx := r.Context()
	over, err := a.over(ctx)
	if err != nil {
		return reply{}, err
	}
	spans, err := spansOf(q.intervals, q.granularity, over)
	if err != nil {
		return reply{}, err
	}
	if len(spans) == 0 {
		// Nothing of it is over yet. Whose it would be is checked all the same.
		spans = []span{{whole: lineage.Window{Start: over.Add(-time.Minute), End: over}}}
	}
	c := &collecting{q: q, groups: map[string]*group{}}
	for _, s := range spans {
		c.steps = append(c.steps, s.steps...)
	}
	if err := c.collect(ctx, a, spans); err != nil {
		return reply{}, err
	}
	return c.reply(a)
}

// collecting is an answer while it is put together.
type collecting struct {
	q      *question
	steps  []step // of all spans
	groups map[string]*group
	page   []*group
	more   bool
	from   int // how many groups are before the page, where it is ordered by values
}

// part is what one span adds.
type part struct {
	v     *answer.View
	rows  []row
	span  span
	first int // of its steps, among all
}

func (c *collecting) collect(ctx context.Context, a *API, spans []span) error {
	by := c.q.metric.measuredBy(c.q.fieldsUsed())
	var parts []part
	first := 0
	for _, s := range spans {
		v, err := a.view(ctx, s.whole)
		if err != nil {
			return err
		}
		if s.steps != nil && c.q.granularity.step != 0 && c.q.granularity.step < v.Window().Step {
			return bad("granularity: %s is finer than what is held of %s: one reading each %s", c.q.granularity.name, s.whole.Start.Format(time.RFC3339), v.Window().Step)
		}
		spelled, err := spell(v, c.q.filter)
		if err != nil {
			return err
		}
		all, err := rows(ctx, v, c.q.metric, by, spelled, c.q.filter)
		if err != nil {
			return err
		}
		for i := range all {
			c.group(&all[i])
		}
		parts = append(parts, part{v, all, s, first})
		first += len(s.steps)
	}
	ordered := c.q.granularity.step == 0
	if !ordered {
		c.choose(slices.SortedFunc(maps.Values(c.groups), func(x, y *group) int { return bytes.Compare(x.key, y.key) }))
		kept := map[string]*group{}
		for _, g := range c.page {
			kept[string(g.key)] = g
		}
		c.groups = kept
	}
	if n := len(c.groups) * len(c.steps); n > mostPoints {
		return bad("limit: %d points are asked for, of %d groups at %d instants, and at most %d are answered: ask for fewer groups, a longer granularity or a shorter interval", n, len(c.groups), len(c.steps), mostPoints)
	}
	for i := range parts {
		if err := c.measure(ctx, &parts[i]); err != nil {
			return err
		}
	}
	if ordered {
		c.rank()
	}
	return nil
}

// group makes sure that there is the group of a row.
func (c *collecting) group(r *row) {
	key, labels := c.keyOf(r)
	if c.groups[string(key)] == nil {
		c.groups[string(key)] = &group{key: key, labels: labels}
	}
}

func (c *collecting) keyOf(r *row) (key []byte, labels []*string) {
	for _, f := range c.q.groupBy {
		value, known := r.label(f)
		if !known {
			key, labels = append(key, 0), append(labels, nil)
			continue
		}
		key, labels = append(append(append(key, 1), value...), 0), append(labels, &value)
	}
	return key, labels
}

// choose takes the page that is asked for.
func (c *collecting) choose(all []*group) {
	if t := c.q.token; t != nil {
		n, found := slices.BinarySearchFunc(all, t.After, func(g *group, key []byte) int { return bytes.Compare(g.key, key) })
		if found {
			n++
		}
		all = all[n:]
	}
	c.more = len(all) > c.q.limit
	c.page = all[:min(len(all), c.q.limit)]
}

// measure adds what one span has to the groups.
func (c *collecting) measure(ctx context.Context, p *part) error {
	var of []answer.Measured
	var into []*group
	for i := range p.rows {
		key, _ := c.keyOf(&p.rows[i])
		if g := c.groups[string(key)]; g != nil {
			of, into = append(of, *p.rows[i].Measured), append(into, g)
		}
	}
	steps := make([]lineage.Window, len(p.span.steps))
	for i, s := range p.span.steps {
		steps[i] = s.Window
	}
	return p.v.Measure(ctx, of, steps, c.q.metric.bytes, func(i int, values []answer.Reading) error {
		g := into[i]
		if g.points == nil {
			g.points = make([]point, len(c.steps))
		}
		for j, r := range values {
			g.points[p.first+j].take(r, c.q.agg)
		}
		return nil
	})
}

// rank makes one step of all spans, and orders groups by it.
func (c *collecting) rank() {
	all := slices.Collect(maps.Values(c.groups))
	for _, g := range all {
		g.points = []point{c.together(g.points)}
	}
	all = slices.DeleteFunc(all, func(g *group) bool { _, ok := g.points[0].is(c.q.agg); return !ok })
	slices.SortFunc(all, func(x, y *group) int {
		a, _ := x.points[0].is(c.q.agg)
		b, _ := y.points[0].is(c.q.agg)
		if !c.q.ascending {
			a, b = b, a
		}
		return cmp.Or(cmp.Compare(a, b), bytes.Compare(x.key, y.key))
	})
	if t := c.q.token; t != nil {
		c.from = min(t.From, len(all))
	}
	rest := all[c.from:]
	c.more = len(rest) > c.q.limit
	c.page = rest[:min(len(rest), c.q.limit)]
	c.steps = c.steps[:min(1, len(c.steps))]
}

// together makes one point of those of several spans: what moved is added up, what was there is the mean.
func (c *collecting) together(points []point) point {
	if len(points) == 1 {
		return points[0]
	}
	var out point
	sum, weight := 0.0, 0.0
	for i := range points {
		value, ok := points[i].is(c.q.agg)
		// What moved in a span of which nothing is known is no part of others.
		if out.lacks = out.lacks || points[i].lacks && (points[i].count > 0 || c.q.metric.gauge()); !ok {
			continue
		}
		out.count++
		long := c.steps[i].Duration().Seconds()
		switch {
		case c.q.agg == "MAX":
			sum = max(sum, value)
			if out.count == 1 {
				sum = value
			}
			weight = 1
		case c.q.agg == "MIN":
			sum = min(sum, value)
			if out.count == 1 {
				sum = value
			}
			weight = 1
		case c.q.metric.gauge() || c.q.agg == "AVG" || c.q.agg == "COUNT":
			sum, weight = sum+value*long, weight+long
		default:
			sum, weight = sum+value, 1
		}
	}
	if weight > 0 {
		out.value = sum / weight
	}
	// is looks at how many readings there were
	if out.count > 0 {
		out.count = 1
	}
	if c.q.agg == "COUNT" {
		out.count = int(math.Round(out.value))
	}
	return out
}

// reply is the answer in the form that was asked for.
func (c *collecting) reply(a *API) (reply, error) {
	points := 0
	for _, g := range c.page {
		points += len(g.points)
	}
	next := ""
	if c.more {
		t := token{From: c.from + len(c.page), Now: c.q.now}
		if c.q.granularity.step != 0 {
			t = token{After: c.page[len(c.page)-1].key, Now: c.q.now}
		}
		next = a.tokens.make(t, c.q.asked, a.now())
	}
	const pointBytes = 40 // of the values that are held
	return reply{mediaJSON, int64(points+len(c.page)) * pointBytes, func(w io.Writer) error { return c.write(w, next) }}, nil
}

// write writes the answer piece by piece.
func (c *collecting) write(to io.Writer, next string) error {
	w := &writer{Writer: bufio.NewWriterSize(to, 32<<10)}
	w.text(`{"data":[`)
	for _, g := range c.page {
		c.writeGroup(w, g)
	}
	w.text("]")
	if next != "" || c.q.token != nil {
		w.text(`,"meta":`)
		w.value(meta{pagination{PageSize: c.q.limit, Next: next}})
	}
	w.text("}\n")
	if w.err != nil {
		return w.err
	}
	return w.Flush()
}

// writer keeps the first error.
type writer struct {
	*bufio.Writer
	err  error
	some bool // an element of data was written
}

func (w *writer) text(s string) {
	if w.err == nil {
		_, w.err = w.WriteString(s)
	}
}

func (w *writer) value(v any) {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // texts and numbers
	}
	w.text(string(b))
}

// element begins an element of data.
func (w *writer) element() {
	if w.some {
		w.text(",")
	}
	w.some = true
	w.text("{")
}

// writeGroup writes the points of a group, the newest first.
func (c *collecting) writeGroup(w *writer, g *group) {
	var labels strings.Builder
	for i, f := range c.q.groupBy {
		for name, value := range namesOf(f, g.labels[i]) {
			key, _ := json.Marshal(name) // texts
			text, _ := json.Marshal(value)
			labels.WriteString("," + string(key) + ":" + string(text))
		}
	}
	begun := false
	for i := len(g.points) - 1; i >= 0; i-- {
		value, ok := g.points[i].is(c.q.agg)
		if !ok {
			continue
		}
		point := `"timestamp":"` + c.steps[i].at.Format(time.RFC3339) + `","value":` + strconv.FormatFloat(value, 'f', -1, 64)
		switch {
		case !c.q.grouped:
			w.element()
			w.text(point + labels.String() + "}")
		case !begun:
			w.element()
			w.text(strings.TrimPrefix(labels.String(), ","))
			if labels.Len() > 0 {
				w.text(",")
			}
			w.text(`"points":[{` + point + "}")
		default:
			w.text(",{" + point + "}")
		}
		begun = true
	}
	if begun && c.q.grouped {
		w.text("]}")
	}
}

// namesOf yields a label with its value, and beside the id of a principal its name. One that is not known is left out.
func namesOf(field string, value *string) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		if value == nil || !yield(field, *value) || field != "metric.principal_id" {
			return
		}
		_, name, ok := strings.Cut(*value, ":")
		if !ok {
			name = *value
		}
		yield("metric.principal_name", name)
	}
}
