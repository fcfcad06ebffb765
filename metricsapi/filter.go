package metricsapi

import (
	"encoding/json"
	"strconv"
)

const (
	// mostDeep and mostFilters bound a filter: no client that is known sends a deeper one than three.
	mostDeep    = 16
	mostFilters = 1000
)

// filter is a tree: a comparison of a label, or several filters.
type filter struct {
	op      string
	field   string
	value   string
	filters []*filter // of AND and OR; of NOT one
}

// filterInput is a filter as it is sent.
type filterInput struct {
	Op      *string         `json:"op"`
	Field   *string         `json:"field"`
	Value   json.RawMessage `json:"value"`
	Filters []filterInput   `json:"filters"`
	Filter  *filterInput    `json:"filter"`
}

// read checks a filter. left is how many more there may be.
func (in *filterInput) read(at string, deep int, left *int) (*filter, error) {
	if *left--; *left < 0 {
		return nil, bad("filter: it has more than %d parts", mostFilters)
	}
	if deep > mostDeep {
		return nil, bad("filter: it is more than %d deep", mostDeep)
	}
	if in.Op == nil {
		return nil, bad("%s.op: it is missing: EQ, GT, GTE, AND, OR or NOT", at)
	}
	f := &filter{op: *in.Op}
	switch f.op {
	case "EQ", "GT", "GTE":
		return f, in.compares(at, f)
	case "AND", "OR":
		return f, in.joins(at, f, deep, left)
	case "NOT":
		if in.Filter == nil || in.Filters != nil || in.Field != nil || in.Value != nil {
			return nil, bad("%s: NOT has a filter and nothing else", at)
		}
		of, err := in.Filter.read(at+".filter", deep+1, left)
		f.filters = []*filter{of}
		return f, err
	default:
		return nil, bad("%s.op: %s is none of EQ, GT, GTE, AND, OR and NOT", at, quote(f.op))
	}
}

func (in *filterInput) compares(at string, f *filter) error {
	if in.Field == nil || in.Value == nil || in.Filter != nil || in.Filters != nil {
		return bad("%s: %s has a field and a value and nothing else", at, f.op)
	}
	f.field = *in.Field
	var text string
	if json.Unmarshal(in.Value, &text) == nil {
		f.value = text
		return nil
	}
	if n, err := strconv.ParseInt(string(in.Value), 10, 64); err == nil {
		f.value = strconv.FormatInt(n, 10)
		return nil
	}
	return bad("%s.value: %s is neither a text nor a whole number", at, quote(string(in.Value)))
}

func (in *filterInput) joins(at string, f *filter, deep int, left *int) error {
	if len(in.Filters) == 0 || in.Filter != nil || in.Field != nil || in.Value != nil {
		return bad("%s: %s has filters, one at least, and nothing else", at, f.op)
	}
	for i := range in.Filters {
		of, err := in.Filters[i].read(at+".filters["+strconv.Itoa(i)+"]", deep+1, left)
		if err != nil {
			return err
		}
		f.filters = append(f.filters, of)
	}
	return nil
}

// each visits the comparisons of a filter.
func (f *filter) each(visit func(*filter) error) error {
	if f == nil {
		return nil
	}
	if f.field != "" || f.filters == nil {
		return visit(f)
	}
	for _, of := range f.filters {
		if err := of.each(visit); err != nil {
			return err
		}
	}
	return nil
}

// fits reports whether labels pass. A label that is not known passes no comparison; that it does not is what NOT turns
// round. Values are compared as texts, as the API says, numbers too.
func (f *filter) fits(label func(field string) (value string, known bool)) bool {
	if f == nil {
		return true
	}
	switch f.op {
	case "AND", "OR":
		for _, of := range f.filters {
			if of.fits(label) == (f.op == "OR") {
				return f.op == "OR"
			}
		}
		return f.op == "AND"
	case "NOT":
		return !f.filters[0].fits(label)
	}
	value, known := label(f.field)
	switch {
	case !known:
		return false
	case f.op == "EQ":
		return value == f.value
	case f.op == "GT":
		return value > f.value
	default:
		return value >= f.value
	}
}
