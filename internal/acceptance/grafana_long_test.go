//go:build long

package acceptance

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/internal/child"
	"github.com/lineaged/lineaged/internal/kafkatest"
)

// TestDashboards has a real Prometheus scrape the demo, and runs every query of every dashboard against it as Grafana
// would, variables first: each has data. It wants `prometheus` and `promtool`, of Debian's package prometheus.
func TestDashboards(t *testing.T) {
	prometheus := kafkatest.Tool(t, "prometheus", "prometheus")
	ports, err := kafkatest.FreePorts(2)
	if err != nil {
		t.Fatal(err)
	}
	dir, target, base := t.TempDir(), fmt.Sprintf("127.0.0.1:%d", ports[0]), fmt.Sprintf("127.0.0.1:%d", ports[1])
	demo := run(t, filepath.Join(dir, "demo.log"), exec.Command(binary(t), "demo", "--listen", target)) //nolint:noctx // child ends it
	eventually(t, 30*time.Second, "the demo answers", func() error { return demo.fetch("http://"+target+"/readyz", nil) })
	config := filepath.Join(dir, "prometheus.yml")
	text := "global: {scrape_interval: 2s}\nscrape_configs: [{job_name: lineaged, static_configs: [{targets: ['" + target + "']}]}]\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p := run(t, filepath.Join(dir, "prometheus.log"), exec.Command(prometheus, "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+base)) //nolint:noctx // child ends it
	lint(t, "http://"+target+"/metrics")
	files, err := filepath.Glob("../../contrib/grafana/dashboards/*.json")
	if err != nil || len(files) < 5 {
		t.Fatalf("there are the dashboards %v, %v", files, err)
	}
	queries := 0
	for _, file := range files {
		d := readDashboard(t, file)
		var problems []string
		eventually(t, 2*time.Minute, "each query of "+filepath.Base(file)+" has data", func() error {
			// somebody asks, so that there is a time to answer
			asked, err := http.Post("http://"+target+"/graphql", "application/json", strings.NewReader(`{"query": "{clusters{id}}"}`)) //nolint:noctx // of this test
			if err != nil {
				return err
			}
			_ = asked.Body.Close()
			problems = d.run(p, "http://"+base)
			if len(problems) > 0 {
				return fmt.Errorf("%s", strings.Join(problems, "\n"))
			}
			return nil
		})
		queries += len(d.exprs)
	}
	t.Logf("%d queries have data", queries)
}

// lint has promtool look at what is scraped.
func lint(t *testing.T, from string) {
	t.Helper()
	r, err := http.Get(from) //nolint:noctx,gosec // of this test
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Body.Close() }()
	cmd := exec.CommandContext(t.Context(), kafkatest.Tool(t, "promtool", "prometheus"), "check", "metrics")
	cmd.Stdin = r.Body
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
}

// running is a process of a test.
type running struct{ p *child.Process }

func run(t *testing.T, log string, cmd *exec.Cmd) running {
	t.Helper()
	cmd.Env = child.Environ()
	p, err := child.Start(log, cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.Terminate(10 * time.Second) // else it is killed
		if t.Failed() {
			t.Logf("%s:\n%s", filepath.Base(log), child.Tail(p.Output(), 20))
		}
	})
	return running{p}
}

// fetch asks by GET and reads JSON into out; nil: it is thrown away.
func (x running) fetch(from string, out any) error {
	if !x.p.Running() {
		return fmt.Errorf("it has ended with code %d", x.p.ExitCode())
	}
	r, err := http.Get(from) //nolint:noctx,gosec // of this test
	if err != nil {
		return err
	}
	defer func() { _ = r.Body.Close() }()
	body, err := io.ReadAll(r.Body)
	switch {
	case err != nil:
		return err
	case r.StatusCode != http.StatusOK:
		return fmt.Errorf("%s: HTTP %d: %s", from, r.StatusCode, body)
	case out == nil:
		return nil
	}
	return json.Unmarshal(body, out)
}

// dashboard is what a dashboard asks Prometheus.
type dashboard struct {
	exprs     []string
	variables []struct {
		Name       string
		Type       string
		Definition string
	}
}

func readDashboard(t *testing.T, file string) *dashboard {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	d, doc := &dashboard{}, struct {
		Panels     []struct{ Targets []struct{ Expr string } }
		Templating struct{ List json.RawMessage }
	}{}
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(doc.Templating.List, &d.variables); err != nil {
		t.Fatal(err)
	}
	for _, p := range doc.Panels {
		for _, x := range p.Targets {
			if x.Expr != "" {
				d.exprs = append(d.exprs, x.Expr)
			}
		}
	}
	return d
}

// wanted are the values that are looked at where a variable has them: the demo's topic and application that have most.
var wanted = []string{"orders", "application:shop/fulfilment", "replicator:east/west-%3Eeast", "west"}

// run asks for the values of variables, then each query with them, and says which have no data.
func (d *dashboard) run(p running, base string) (problems []string) {
	values := map[string]string{"__rate_interval": "10s"}
	for _, v := range d.variables {
		if v.Type != "query" {
			continue
		}
		match, label, _ := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(fill(v.Definition, values), "label_values("), ")"), "}, ")
		match += "}"
		if label == "" {
			match, label, _ = strings.Cut(strings.TrimSuffix(match, "}"), ", ")
		}
		var got struct{ Data []string }
		if err := p.fetch(base+"/api/v1/label/"+label+"/values?match[]="+url.QueryEscape(match), &got); err != nil {
			return []string{err.Error()}
		}
		if len(got.Data) == 0 {
			return []string{fmt.Sprintf("$%s has no value: %s of %s", v.Name, label, match)}
		}
		values[v.Name] = got.Data[0]
		for _, w := range wanted {
			if slices.Contains(got.Data, w) {
				values[v.Name] = w
			}
		}
	}
	for _, expr := range d.exprs {
		query := fill(expr, values)
		var got struct {
			Data struct {
				Result []struct{ Value [2]any }
			}
		}
		if err := p.fetch(base+"/api/v1/query?query="+url.QueryEscape(query), &got); err != nil {
			problems = append(problems, err.Error())
			continue
		}
		known := slices.ContainsFunc(got.Data.Result, func(r struct{ Value [2]any }) bool {
			x, err := strconv.ParseFloat(fmt.Sprint(r.Value[1]), 64)
			return err == nil && !math.IsNaN(x)
		})
		if !known {
			problems = append(problems, "no data: "+query)
		}
	}
	return problems
}

// fill sets variables as Grafana does.
func fill(text string, values map[string]string) string {
	for name, value := range values {
		text = strings.ReplaceAll(text, "$"+name, value)
	}
	return text
}
