package metricsapi

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/lineaged/lineaged/answer"
)

// attributes answers which values a label has.
func (a *API) attributes(r *http.Request, set *dataset) (reply, error) {
	params, err := readParams(r, "page_token")
	if err != nil {
		return reply{}, err
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return reply{}, bad("body: it did not come as a whole")
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	var in attributesInput
	if err := decode(r, &in); err != nil {
		return reply{}, err
	}
	asked, now, from := append([]byte(r.URL.Path+" "), body...), a.now(), ""
	if text, ok := params["page_token"]; ok {
		t, err := a.tokens.read(text, asked, now)
		if err != nil {
			return reply{}, err
		}
		from, now = string(t.After), t.Now
	}
	if in.Intervals == nil {
		in.Intervals = []string{"now-1h/now"}
	}
	w := &wanted{limit: usualLimit}
	if err := w.read(&in, set); err != nil {
		return reply{}, err
	}
	intervals, err := readIntervals(in.Intervals, granularity{name: "ALL"}, now)
	if err != nil {
		return reply{}, err
	}
	over, err := a.over(r.Context())
	if err != nil {
		return reply{}, err
	}
	spans, err := spansOf(intervals, granularity{name: "ALL"}, over)
	if err != nil {
		return reply{}, err
	}
	found := map[string]bool{}
	for _, s := range spans {
		if err := w.collect(r.Context(), a, s, found); err != nil {
			return reply{}, err
		}
	}
	return w.reply(a, r, found, from, token{Now: now}, asked), nil
}

// wanted is a checked question for the values of a label.
type wanted struct {
	field   string
	metrics []*metric
	filter  *filter
	limit   int
}

func (q *wanted) read(in *attributesInput, set *dataset) (err error) {
	if in.Metric != nil {
		m, err := readMetric("metric", in.Metric, set)
		if err != nil {
			return err
		}
		q.metrics = []*metric{m}
	} else {
		q.metrics = set.metrics
	}
	if len(in.GroupBy) != 1 {
		return bad("group_by: there are %d labels, and it has to be one", len(in.GroupBy))
	}
	q.field = in.GroupBy[0]
	var fields []string
	for _, m := range q.metrics {
		fields = append(fields, m.fields()...)
	}
	slices.Sort(fields)
	fields = slices.Compact(fields)
	if !slices.Contains(fields, q.field) {
		return bad("group_by[0]: %s is no label: these are %s", quote(q.field), strings.Join(fields, ", "))
	}
	q.metrics = slices.DeleteFunc(slices.Clone(q.metrics), func(m *metric) bool { return !slices.Contains(m.fields(), q.field) })
	if in.Limit != nil {
		if q.limit, err = readLimit("limit", *in.Limit); err != nil {
			return err
		}
	}
	if in.Filter == nil { // here it is not needed
		return nil
	}
	q.filter, err = readFilter(in.Filter, "the metrics that have "+q.field, fields)
	return err
}

// collect adds the values that were seen in a span.
func (q *wanted) collect(ctx context.Context, a *API, s span, found map[string]bool) error {
	v, err := a.view(ctx, s.whole)
	if err != nil {
		return err
	}
	spelled, err := spell(v, q.filter)
	if err != nil {
		return err
	}
	type kind struct {
		by        answer.Measure
		connector bool
	}
	done := map[kind]bool{} // many metrics are of the same
	for _, m := range q.metrics {
		k := kind{m.measuredBy([]string{q.field}), slices.Contains(m.Resources, "connector")}
		if done[k] {
			continue
		}
		done[k] = true
		all, err := rows(ctx, v, m, k.by, spelled, q.filter)
		if err != nil {
			return err
		}
		for i := range all {
			if value, known := all[i].label(q.field); known && all[i].There() {
				found[value] = true
			}
		}
	}
	return nil
}

// reply is a page of the values.
func (q *wanted) reply(a *API, r *http.Request, found map[string]bool, after string, t token, asked []byte) reply {
	var values []string
	for v := range found {
		values = append(values, v)
	}
	slices.Sort(values)
	total := len(values)
	n, there := slices.BinarySearch(values, after)
	if there && after != "" {
		n++
	}
	values = values[n:]
	out := listed[map[string]string]{Data: []map[string]string{}, Meta: meta{pagination{PageSize: q.limit, TotalSize: &total}}}
	for _, v := range values[:min(len(values), q.limit)] {
		out.Data = append(out.Data, maps.Collect(namesOf(q.field, &v)))
	}
	if len(values) > q.limit {
		t.After = []byte(values[q.limit-1])
		out.goOn(r, a.tokens.make(t, asked, a.now()))
	}
	return inJSON(out)
}
