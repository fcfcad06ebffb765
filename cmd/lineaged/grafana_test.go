package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// panel is a panel of a dashboard, as far as the tests look at it.
type panel struct {
	ID                       int
	Type, Title, Description string
	Datasource               struct{ Type, UID string }
	GridPos                  struct{ H, W, X, Y int }
	FieldConfig              struct {
		Defaults struct {
			NoValue    string
			Unit       string
			Thresholds *struct{ Steps []struct{ Value *float64 } }
			Custom     struct{ SpanNulls any }
		}
	}
	Targets []struct {
		Expr, LegendFormat, URL, Format, RefID string
		URLOptions                             struct {
			Params []struct{ Key, Value string }
		} `json:"url_options"`
		Columns []struct{ Selector string }
	}
}

// dashboard is a file of contrib/grafana/dashboards.
type dashboard struct {
	file, text    string
	UID, Title    string
	SchemaVersion int
	Tags          []string
	Panels        []panel
	Requires      []struct{ Type, ID string } `json:"__requires"`
	Templating    struct {
		List []struct{ Name, Type, Definition string }
	}
}

func dashboards(t *testing.T) (all []*dashboard) {
	t.Helper()
	files, err := filepath.Glob("../../contrib/grafana/dashboards/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		d := &dashboard{file: filepath.Base(file), text: string(text)}
		if err := json.Unmarshal(text, d); err != nil {
			t.Fatalf("%s: %v", d.file, err)
		}
		all = append(all, d)
	}
	return all
}

// variable is how a dashboard names one of its variables, or one of Grafana's.
var variable = regexp.MustCompile(`\$\{?(\w+)`)

// TestDashboards holds what Grafana needs to import the dashboards, and what readers need: what is shown is told in a
// sentence, has a unit and a word for what is not known, and panels do not lie over each other.
func TestDashboards(t *testing.T) {
	uids := map[string]bool{}
	all := dashboards(t)
	for _, d := range all {
		if uids[d.UID] || d.UID != "lineaged-"+strings.TrimSuffix(d.file, ".json") || d.Title == "" || d.SchemaVersion != 39 || !slices.Contains(d.Tags, "lineaged") {
			t.Errorf("%s: uid %s, title %q, schema %d, tags %v", d.file, d.UID, d.Title, d.SchemaVersion, d.Tags)
		}
		uids[d.UID] = true
		known := []string{"__rate_interval", "__from", "__to", "__field", "__data", "__all"}
		for _, v := range d.Templating.List {
			known = append(known, v.Name)
		}
		for _, m := range variable.FindAllStringSubmatch(d.text, -1) {
			if !slices.Contains(known, m[1]) {
				t.Errorf("%s: $%s is no variable", d.file, m[1])
			}
		}
		taken := map[[2]int]int{}
		ids := map[int]bool{}
		for _, p := range d.Panels {
			what := d.file + ", " + p.Title
			if ids[p.ID] {
				t.Errorf("%s: id %d is there twice", what, p.ID)
			}
			ids[p.ID] = true
			for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
				for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
					if other, ok := taken[[2]int{x, y}]; ok || x >= 24 {
						t.Errorf("%s: lies over panel %d, or outside", what, other)
					}
					taken[[2]int{x, y}] = p.ID
				}
			}
			if p.Type != "row" {
				d.readable(t, what, &p)
			}
		}
	}
	if len(all) != 5 {
		t.Errorf("there are %d dashboards", len(all))
	}
}

// readable holds what a panel tells beside its figures.
func (d *dashboard) readable(t *testing.T, what string, p *panel) {
	t.Helper()
	if p.Title == "" || !strings.HasSuffix(p.Description, ".") || len(p.Targets) == 0 {
		t.Errorf("%s: %q, %d queries", what, p.Description, len(p.Targets))
	}
	required := func(r struct{ Type, ID string }) bool { return r.ID == p.Type || r.Type != "panel" }
	if !slices.ContainsFunc(d.Requires, required) {
		t.Errorf("%s: a panel of type %s is not among what is required", what, p.Type)
	}
	is := p.FieldConfig.Defaults
	if p.Type != "nodeGraph" && (is.NoValue != "not known" || is.Thresholds == nil || len(is.Thresholds.Steps) == 0) {
		t.Errorf("%s: what is not known is %q, thresholds %v", what, is.NoValue, is.Thresholds)
	}
	if (p.Type == "stat" || p.Type == "timeseries") && is.Unit == "" {
		t.Errorf("%s: no unit", what)
	}
	if p.Type == "timeseries" && is.Custom.SpanNulls != false {
		t.Errorf("%s: what is not known is drawn as a line", what)
	}
	for _, q := range p.Targets {
		switch {
		case q.Expr != "" && p.Datasource.UID != "${datasource}", q.Expr == "" && p.Datasource.UID != "${infinity}":
			t.Errorf("%s: is asked of %s", what, p.Datasource.UID)
		case strings.Contains(q.Expr, "vector("), strings.Contains(q.Expr, "absent("):
			t.Errorf("%s: makes a figure of what is not there: %s", what, q.Expr)
		}
	}
}

// words of PromQL, and labels that Prometheus and its histograms add.
var (
	selector    = regexp.MustCompile(`\b((?:lineaged|go|process)_\w+)(?:\{([^}]*)\})?`)
	labelOf     = regexp.MustCompile(`(\w+)\s*(?:=~|!~|!=|=)`)
	grouping    = regexp.MustCompile(`\b(?:by|on|group_left|without|ignoring) \(([^)]*)\)`)
	legendLabel = regexp.MustCompile(`\{\{(\w+)\}\}`)
)

// misfits says which metrics and labels dashboards ask for that /metrics has not.
func misfits(all []*dashboard, metrics string) (problems []string) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(metrics))
	if err != nil {
		return []string{err.Error()}
	}
	labels := map[string][]string{} // by name, of all series
	for name, f := range families {
		names := []string{name}
		if f.GetType() == dto.MetricType_HISTOGRAM {
			names = []string{name + "_bucket", name + "_count", name + "_sum"}
		}
		for _, name := range names {
			labels[name] = []string{"instance", "job", "le"}
			for _, m := range f.GetMetric() {
				for _, l := range m.GetLabel() {
					labels[name] = append(labels[name], l.GetName())
				}
			}
		}
	}
	check := func(what, query, legend string) {
		var union []string
		for _, m := range selector.FindAllStringSubmatch(query, -1) {
			has, ok := labels[m[1]]
			if !ok {
				problems = append(problems, fmt.Sprintf("%s: there is no metric %s", what, m[1]))
			}
			union = append(union, has...)
			for _, l := range labelOf.FindAllStringSubmatch(m[2], -1) {
				if !slices.Contains(has, l[1]) {
					problems = append(problems, fmt.Sprintf("%s: %s has no label %s", what, m[1], l[1]))
				}
			}
		}
		asked := legendLabel.FindAllStringSubmatch(legend, -1)
		for _, m := range grouping.FindAllStringSubmatch(query, -1) {
			for l := range strings.SplitSeq(m[1], ",") {
				asked = append(asked, []string{"", strings.TrimSpace(l)})
			}
		}
		for _, l := range asked {
			if !slices.Contains(union, l[1]) {
				problems = append(problems, fmt.Sprintf("%s: nothing in %s has a label %s", what, query, l[1]))
			}
		}
	}
	for _, d := range all {
		for _, v := range d.Templating.List {
			if v.Type == "query" {
				_, label, _ := strings.Cut(strings.TrimSuffix(v.Definition, ")"), ", ")
				check(d.file+", $"+v.Name, v.Definition, "{{"+label[strings.LastIndex(label, " ")+1:]+"}}")
			}
		}
		for _, p := range d.Panels {
			for _, q := range p.Targets {
				check(d.file+", "+p.Title, q.Expr, q.LegendFormat)
			}
		}
	}
	return problems
}

// lacksDashboards says what dashboards ask for that the server has not, of Prometheus and of what is under
// /api/v1/grafana.
func (s *server) lacksDashboards(all []*dashboard) string {
	s.t.Helper()
	_, body := s.get("/metrics")
	const gap = "lineaged_source_gap_seconds"
	if !strings.Contains(body, gap+"{") {
		body += gap + `{cluster="west",source="groups"} 1` + "\n" // it is there only once something was not seen
	}
	problems := misfits(all, body)
	columns := map[string][]string{}
	for _, path := range []string{"nodes", "edges", "coverage", "annotations"} {
		path = "/api/v1/grafana/" + path
		var rows []map[string]any
		if status, body := s.get(path + "?last=5m&depth=&root="); status != 200 || json.Unmarshal([]byte(body), &rows) != nil {
			problems = append(problems, fmt.Sprintf("%s: HTTP %d %s", path, status, body))
		} else if len(rows) > 0 {
			for name := range rows[0] {
				columns[path] = append(columns[path], name)
			}
		}
	}
	for _, d := range all {
		for _, p := range d.Panels {
			for _, q := range p.Targets {
				for _, c := range q.Columns {
					if !slices.Contains(columns[q.URL], c.Selector) {
						problems = append(problems, fmt.Sprintf("%s, %s: %s has no %s", d.file, p.Title, q.URL, c.Selector))
					}
				}
			}
		}
	}
	return strings.Join(problems, "\n")
}

// TestMisfits shows that a query of what is not there is found.
func TestMisfits(t *testing.T) {
	const has = "# TYPE lineaged_a gauge\nlineaged_a{cluster=\"west\"} 1\n# TYPE lineaged_b_seconds histogram\nlineaged_b_seconds_bucket{le=\"+Inf\"} 1\nlineaged_b_seconds_sum 1\nlineaged_b_seconds_count 1\n"
	for query, want := range map[string]string{
		`sum by (cluster) (lineaged_a{instance="$instance", cluster=~"$cluster"})`:            "",
		`histogram_quantile(0.5, sum by (le) (rate(lineaged_b_seconds_bucket{job="x"}[1m])))`: "",
		`lineaged_c{cluster="x"}`:              "there is no metric lineaged_c",
		`lineaged_b_seconds`:                   "there is no metric lineaged_b_seconds",
		`lineaged_a{topic="x"}`:                "lineaged_a has no label topic",
		`sum by (topic) (lineaged_a)`:          "nothing in sum by (topic) (lineaged_a) has a label topic",
		`lineaged_a / on (x) lineaged_a`:       "nothing in lineaged_a / on (x) lineaged_a has a label x",
		`lineaged_a unless lineaged_a{y!~"z"}`: "lineaged_a has no label y",
	} {
		d := &dashboard{file: "x"}
		if err := json.Unmarshal(fmt.Appendf(nil, `{"panels": [{"title": "p", "targets": [{"expr": %q}]}]}`, query), d); err != nil {
			t.Fatal(err)
		}
		got := strings.Join(misfits([]*dashboard{d}, has), "; ")
		if want != "" && !strings.Contains(got, "x, p: "+want) || want == "" && got != "" {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
}
