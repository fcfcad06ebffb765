package export

import (
	"cmp"
	"context"
	"fmt"
	"html"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

const (
	// mostMarks bounds annotations, usualMarks is how many there are where nothing is said: more hide what they mark.
	mostMarks, usualMarks = 1000, 200
)

// marksQuestion is what annotations are asked to be of.
type marksQuestion struct {
	nodes []string // ids or names; none: all
	types []lineage.EventType
	span  answer.Span
	limit int
}

// mark is an annotation. Grafana takes title and text for HTML: what is foreign in them is escaped.
type mark struct {
	ID    string `json:"id"`
	Time  int64  `json:"time"`    // milliseconds since 1970
	End   *int64 `json:"timeEnd"` // of a span; null: of an instant
	Title string `json:"title"`
	Text  string `json:"text"`
	Tags  string `json:"tags"` // separated by commas
	Page  string `json:"page"`
}

// Annotations returns what happened in a window for Grafana's annotations, the newest first, and as spans what was not
// observed.
func (e *Exporter) Annotations(ctx context.Context, params url.Values) (*Document, error) {
	p := &reader{values: filled(params)}
	q := marksQuestion{nodes: p.nodes("node"), types: p.eventTypes(), limit: p.number("limit", 1, mostMarks, usualMarks), span: p.spanOfGrafana()}
	if err := p.done(); err != nil {
		return nil, err
	}
	v, err := e.answers.View(ctx, q.span, answer.All)
	if err != nil {
		return nil, err
	}
	marks, err := q.marks(ctx, v)
	if err != nil {
		return nil, err
	}
	return &Document{
		MediaType: annotationsForm.media, FileName: fileName("grafana-annotations", "", v.Window().End, annotationsForm), Size: int64(len(marks)+1) * flowBytes,
		write: func(w io.Writer) error { return writeRows(w, marks, func(m mark) mark { return m }) },
	}, nil
}

// eventTypes reads types of events, in one or several parameters, separated by commas.
func (r *reader) eventTypes() (out []lineage.EventType) {
	r.asked = append(r.asked, "types")
	for _, list := range r.values["types"] {
		for name := range strings.SplitSeq(list, ",") {
			is := lineage.EventType(0)
			for t := lineage.EventType(1); t < lineage.EventTypes; t++ {
				if t.String() == strings.ToUpper(strings.TrimSpace(name)) {
					is = t
				}
			}
			if is == 0 {
				r.fail("types", name, "is no type of event; one is e.g. FLOW_STOPPED")
			}
			out = append(out, is)
		}
	}
	return out
}

func (q *marksQuestion) marks(ctx context.Context, v *answer.View) ([]mark, error) {
	var of []lineage.Node
	var clusters []lineage.ClusterID
	if len(q.nodes) > 0 {
		found, err := findRoots(ctx, v, "node", q.nodes)
		if err != nil {
			return nil, err
		}
		of = found.known
		for _, n := range of {
			clusters = append(clusters, v.ClustersOf(n)...)
		}
		if len(found.unobserved) > 0 {
			clusters = nil // all of the coverage says why they are missing
		}
	}
	events, err := v.EventsOf(ctx, of, q.types...)
	if err != nil {
		return nil, err
	}
	w := windowOf(v.Window())
	marks := []mark{}
	for i := range events[:min(len(events), q.limit)] {
		marks = append(marks, markOf(&events[i], w))
	}
	if more := len(events) - len(marks); more > 0 {
		marks = append(marks, mark{
			ID: "cut", Time: w.Start.UnixMilli(), End: new(events[q.limit-1].At.UnixMilli()), Title: "not shown",
			Text: plural(more, "event") + " before are not shown: ask for a shorter window, for types or with a higher limit", Tags: "lineaged,cut",
		})
	}
	return append(marks, gapMarks(v, q.limit, clusters)...), nil
}

// markOf is the annotation of an event.
func markOf(e *answer.Event, w window) mark {
	m := mark{ID: e.ID, Time: e.At.UnixMilli(), Title: eventWords(e.Type), Tags: "lineaged," + strings.ToLower(e.Type.String())}
	var about string
	switch {
	case e.Flow != nil:
		about = title(e.Flow.From) + " → " + title(e.Flow.To)
		m.Page = nodePage(new(e.Flow.From), w)
	case e.Node != nil:
		about = title(*e.Node)
		m.Page = nodePage(e.Node, w)
	}
	m.Text = html.EscapeString(strings.Join(slices.DeleteFunc([]string{about, visible(e.Detail)}, func(s string) bool { return s == "" }), ": "))
	return m
}

// eventWords is a type of event in words.
func eventWords(t lineage.EventType) string {
	return strings.ToLower(strings.ReplaceAll(t.String(), "_", " "))
}

// gapMarks are the spans that were not observed, those of one time and reason once, the longest first.
func gapMarks(v *answer.View, limit int, of []lineage.ClusterID) (out []mark) {
	type span struct {
		start, end time.Time
		reason     string
	}
	sources := map[span][]string{}
	var spans []span
	for _, g := range v.Coverage(of...).Gaps {
		s := span{g.Window.Start, g.Window.End, g.Reason}
		if sources[s] == nil {
			spans = append(spans, s)
		}
		sources[s] = append(sources[s], visible(v.SourceName(g.Source)))
	}
	slices.SortStableFunc(spans, func(a, b span) int { return cmp.Compare(b.end.Sub(b.start), a.end.Sub(a.start)) })
	for _, s := range spans[:min(len(spans), limit)] {
		names := sources[s]
		const most = 10
		who := strings.Join(names[:min(len(names), most)], ", ")
		if more := len(names) - most; more > 0 {
			who += fmt.Sprintf(" and %d more", more)
		}
		out = append(out, mark{
			ID: fmt.Sprintf("gap-%d-%s", s.start.UnixMilli(), who), Time: s.start.UnixMilli(), End: new(s.end.UnixMilli()), Title: "not observed",
			Text: html.EscapeString(who + ": " + visible(s.reason)), Tags: "lineaged,gap",
		})
	}
	if more := len(spans) - limit; more > 0 {
		out = append(out, mark{ID: "gaps-cut", Time: spans[limit].start.UnixMilli(), Title: "not shown", Text: plural(more, "shorter gap") + " are not shown", Tags: "lineaged,cut"})
	}
	return out
}
