package metricsapi

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// aggregationInput is an aggregation as it is sent. The dataset dataflow has its functions as a list.
type aggregationInput struct {
	Metric       *string  `json:"metric"`
	Agg          *string  `json:"agg"`
	Aggregations []string `json:"aggregations"`
}

type orderInput struct {
	Metric *string `json:"metric"`
	Agg    *string `json:"agg"`
	Order  *string `json:"order"`
}

// queryInput is a query as it is sent.
type queryInput struct {
	Aggregations []aggregationInput `json:"aggregations"`
	Filter       *filterInput       `json:"filter"`
	GroupBy      []string           `json:"group_by"`
	Granularity  *string            `json:"granularity"`
	Intervals    []string           `json:"intervals"`
	Limit        *int               `json:"limit"`
	OrderBy      []orderInput       `json:"order_by"`
	Format       *string            `json:"format"`
}

// attributesInput is a question for values of a label as it is sent.
type attributesInput struct {
	Metric    *string      `json:"metric"`
	GroupBy   []string     `json:"group_by"`
	Filter    *filterInput `json:"filter"`
	Intervals []string     `json:"intervals"`
	Limit     *int         `json:"limit"`
}

// question is a checked query.
type question struct {
	metric      *metric
	agg         string
	filter      *filter
	groupBy     []string
	granularity granularity
	intervals   []lineage.Window // the oldest first
	limit       int
	grouped     bool
	ascending   bool
	now         time.Time
	token       *token // nil: the first page
	asked       []byte // what a token stands for
}

// aggs are the functions. Each puts together what several of whom a metric is measured have in one step.
var aggs = []string{"SUM", "MAX", "MIN", "AVG", "COUNT"}

func readAgg(at, name string) (string, error) {
	if !slices.Contains(aggs, name) {
		return "", bad("%s: %s is none of %s", at, quote(name), strings.Join(aggs, ", "))
	}
	return name, nil
}

func readMetric(at string, name *string, set *dataset) (*metric, error) {
	if name == nil || *name == "" {
		return nil, bad("%s: it is missing", at)
	}
	m := set.find(*name)
	if m == nil {
		return nil, bad("%s: %s is no metric of this dataset: descriptors/metrics lists them", at, quote(*name))
	}
	return m, nil
}

// readQuery reads and checks a query.
func (a *API) readQuery(r *http.Request, set *dataset) (*question, error) {
	params, err := readParams(r, "page_token")
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, bad("body: it did not come as a whole")
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	var in queryInput
	if err := decode(r, &in); err != nil {
		return nil, err
	}
	q := &question{now: a.now(), asked: append([]byte(r.URL.Path+" "), body...)}
	if text, ok := params["page_token"]; ok {
		if len(in.GroupBy) == 0 {
			return nil, bad("page_token: %s can be gone on from only with group_by", quote(text))
		}
		t, err := a.tokens.read(text, q.asked, q.now)
		if err != nil {
			return nil, err
		}
		q.token, q.now = &t, t.Now
	}
	for _, part := range [...]func(*queryInput, *dataset) error{q.readAggregation, q.readLabels, q.readTime, q.readForm} {
		if err := part(&in, set); err != nil {
			return nil, err
		}
	}
	return q, nil
}

func (q *question) readAggregation(in *queryInput, set *dataset) (err error) {
	if len(in.Aggregations) != 1 {
		return bad("aggregations: there are %d, and it has to be one", len(in.Aggregations))
	}
	agg := in.Aggregations[0]
	if q.metric, err = readMetric("aggregations[0].metric", agg.Metric, set); err != nil {
		return err
	}
	q.agg = "SUM"
	switch {
	case agg.Agg != nil && agg.Aggregations != nil:
		return bad("aggregations[0].aggregations: it is there beside agg")
	case agg.Agg != nil:
		q.agg, err = readAgg("aggregations[0].agg", *agg.Agg)
	case agg.Aggregations != nil && len(agg.Aggregations) != 1:
		return bad("aggregations[0].aggregations: there are %d, and it has to be one", len(agg.Aggregations))
	case agg.Aggregations != nil:
		q.agg, err = readAgg("aggregations[0].aggregations[0]", agg.Aggregations[0])
	}
	return err
}

func (q *question) readLabels(in *queryInput, _ *dataset) (err error) {
	fields := q.metric.fields()
	for i, f := range in.GroupBy {
		if !slices.Contains(fields, f) {
			return bad("group_by[%d]: %s is no label of %s: these are %s", i, quote(f), q.metric.Name, strings.Join(fields, ", "))
		}
		if slices.Contains(in.GroupBy[:i], f) {
			return bad("group_by[%d]: %s is there twice", i, quote(f))
		}
	}
	q.groupBy = in.GroupBy
	q.filter, err = readFilter(in.Filter, q.metric.Name, fields)
	return err
}

// readFilter reads a filter, which has to say of which resources.
func readFilter(in *filterInput, of string, fields []string) (*filter, error) {
	if in == nil {
		return nil, bad("filter: it is missing: one has to say of which resource, as resource.kafka.id")
	}
	left := mostFilters
	f, err := in.read("filter", 1, &left)
	if err != nil {
		return nil, err
	}
	named := false
	err = f.each(func(c *filter) error {
		if !slices.Contains(fields, c.field) {
			return bad("filter: field %s is no label of %s: these are %s", quote(c.field), of, strings.Join(fields, ", "))
		}
		named = named || strings.HasPrefix(c.field, "resource.")
		return nil
	})
	if err == nil && !named {
		err = bad("filter: it does not say of which resource: %s", strings.Join(slices.DeleteFunc(slices.Clone(fields), func(f string) bool {
			return !strings.HasPrefix(f, "resource.")
		}), " or "))
	}
	return f, err
}

func (q *question) readTime(in *queryInput, _ *dataset) (err error) {
	if in.Granularity == nil {
		return bad("granularity: it is missing")
	}
	if q.granularity, err = readGranularity(*in.Granularity); err != nil {
		return err
	}
	q.intervals, err = readIntervals(in.Intervals, q.granularity, q.now)
	return err
}

func (q *question) readForm(in *queryInput, set *dataset) (err error) {
	q.limit = usualLimit
	if in.Limit != nil {
		if q.limit, err = readLimit("limit", *in.Limit); err != nil {
			return err
		}
	}
	if in.Format != nil {
		switch *in.Format {
		case "FLAT":
		case "GROUPED":
			if q.grouped = true; len(q.groupBy) == 0 {
				return bad(`format: "GROUPED" needs a group_by`)
			}
		default:
			return bad("format: %s is neither FLAT nor GROUPED", quote(*in.Format))
		}
	}
	return q.readOrder(in, set)
}

func (q *question) readOrder(in *queryInput, set *dataset) error {
	if in.OrderBy == nil {
		return nil
	}
	if q.granularity.step != 0 {
		return bad("order_by: it makes sense only with granularity ALL, and that is %s", q.granularity.name)
	}
	if len(in.OrderBy) != 1 {
		return bad("order_by: there are %d, and it has to be one", len(in.OrderBy))
	}
	o := in.OrderBy[0]
	m, err := readMetric("order_by[0].metric", o.Metric, set)
	if err != nil {
		return err
	}
	if m != q.metric {
		return bad("order_by[0].metric: %s is not what is asked for: %s", quote(m.Name), q.metric.Name)
	}
	if o.Agg != nil && *o.Agg != q.agg {
		return bad("order_by[0].agg: %s is not what is asked for: %s", quote(*o.Agg), q.agg)
	}
	if o.Order != nil {
		switch *o.Order {
		case "ASCENDING":
			q.ascending = true
		case "DESCENDING":
		default:
			return bad("order_by[0].order: %s is neither ASCENDING nor DESCENDING", quote(*o.Order))
		}
	}
	return nil
}

// fieldsUsed are the labels by which a query filters or groups.
func (q *question) fieldsUsed() []string {
	out := slices.Clone(q.groupBy)
	_ = q.filter.each(func(c *filter) error { out = append(out, c.field); return nil }) // it never fails
	return out
}
