package api

import (
	"cmp"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
)

// figure is a metric of topics, groups, clusters or sources: what there are many of.
type figure struct {
	name, help string
	labels     []string // in alphabetical order, three at most
	counter    bool
	series     []point
}

// point is the value of one series.
type point struct {
	labels [3]string // as many as the figure has
	value  float64
}

// room makes room for n more series.
func (f *figure) room(n int) { f.series = slices.Grow(f.series, n) }

// add adds a series with the values of the figure's labels; those that it has not are empty.
func (f *figure) add(value float64, a, b, c string) {
	f.series = append(f.series, point{[3]string{valid(a), valid(b), valid(c)}, value})
}

func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// sort brings the series into the order of their labels, of which each set is there once.
func (f *figure) sort() {
	slices.SortFunc(f.series, func(a, b point) int {
		return cmp.Or(strings.Compare(a.labels[0], b.labels[0]), strings.Compare(a.labels[1], b.labels[1]), strings.Compare(a.labels[2], b.labels[2]))
	})
	f.series = slices.CompactFunc(f.series, func(a, b point) bool { return a.labels == b.labels })
}

// exposition writes figures in Prometheus' text format, piece by piece: what takes the time in the client library is to
// make an object of each series first.
type exposition struct {
	to  io.Writer
	b   []byte
	err error // the first; nothing is written after it
}

// expositionPiece is how many bytes are written at once.
const expositionPiece = 64 << 10

// write appends a figure.
func (e *exposition) write(f *figure) {
	if len(f.series) == 0 {
		return
	}
	kind := "gauge"
	if f.counter {
		kind = "counter"
	}
	e.b = append(e.b, "# HELP "+f.name+" "+escapeHelp.Replace(f.help)+"\n# TYPE "+f.name+" "+kind+"\n"...)
	for i := range f.series {
		e.b = f.series[i].append(e.b, f)
		if len(e.b) >= expositionPiece && !e.flush() {
			return
		}
	}
}

var escapeHelp = strings.NewReplacer(`\`, `\\`, "\n", `\n`)

func (p *point) append(b []byte, f *figure) []byte {
	b = append(b, f.name...)
	before := byte('{')
	for i, label := range f.labels {
		b = append(append(append(b, before), label...), '=')
		b = appendLabel(b, p.labels[i])
		before = ','
	}
	if before == ',' {
		b = append(b, '}')
	}
	return append(appendValue(append(b, ' '), p.value), '\n')
}

// appendLabel appends a label's value in quotes.
func appendLabel(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := range len(s) {
		switch c := s[i]; c {
		case '\\', '"':
			b = append(append(b, s[start:i]...), '\\', c)
			start = i + 1
		case '\n':
			b = append(append(b, s[start:i]...), '\\', 'n')
			start = i + 1
		}
	}
	return append(append(b, s[start:]...), '"')
}

// appendValue appends a value as expfmt does.
func appendValue(b []byte, x float64) []byte {
	switch {
	case math.IsNaN(x):
		return append(b, "NaN"...)
	case math.IsInf(x, 0):
		return append(b, map[bool]string{true: "+Inf", false: "-Inf"}[x > 0]...)
	}
	return strconv.AppendFloat(b, x, 'g', -1, 64)
}

// Write implements io.Writer: what the client library has encoded.
func (e *exposition) Write(p []byte) (int, error) {
	if e.b = append(e.b, p...); len(e.b) >= expositionPiece {
		e.flush()
	}
	return len(p), e.err
}

// fail takes in an error.
func (e *exposition) fail(err error) {
	if e.err == nil {
		e.err = err
	}
}

// flush writes what there is, and reports whether it could.
func (e *exposition) flush() bool {
	if e.err == nil && len(e.b) > 0 {
		_, e.err = e.to.Write(e.b)
	}
	e.b = e.b[:0]
	return e.err == nil
}

// family returns a figure as the client library has it, for formats other than text.
func (f *figure) family() *dto.MetricFamily {
	kind := dto.MetricType_GAUGE
	if f.counter {
		kind = dto.MetricType_COUNTER
	}
	out := &dto.MetricFamily{Name: &f.name, Help: &f.help, Type: &kind, Metric: make([]*dto.Metric, len(f.series))}
	for i := range f.series {
		p, m := &f.series[i], &dto.Metric{}
		for j := range f.labels {
			m.Label = append(m.Label, &dto.LabelPair{Name: &f.labels[j], Value: &p.labels[j]})
		}
		if f.counter {
			m.Counter = &dto.Counter{Value: &p.value}
		} else {
			m.Gauge = &dto.Gauge{Value: &p.value}
		}
		out.Metric[i] = m
	}
	return out
}

// all writes figures and what the client library has gathered, in the order of their names.
func (e *exposition) all(format expfmt.Format, figures []*figure, others []*dto.MetricFamily) {
	encoder := expfmt.NewEncoder(e, format)
	write := func(f *figure) {
		if format.FormatType() == expfmt.TypeTextPlain {
			e.write(f)
		} else if len(f.series) > 0 {
			e.fail(encoder.Encode(f.family()))
		}
	}
	slices.SortFunc(figures, func(a, b *figure) int { return strings.Compare(a.name, b.name) })
	for _, other := range others {
		for len(figures) > 0 && figures[0].name < other.GetName() && e.err == nil {
			write(figures[0])
			figures = figures[1:]
		}
		if e.err != nil {
			return
		}
		e.fail(encoder.Encode(other))
	}
	for _, f := range figures {
		if e.err != nil {
			return
		}
		write(f)
	}
	e.flush()
}
