package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var updateEvidence = flag.Bool("update-evidence", false, "write the table of the compatibility scenarios into docs/evidence.md")

// compatScenario is one of OpenLineage's compatibility tests of consumers, and what its events say, read by hand.
type compatScenario struct {
	file, said string
	events     int
	jobs       string              // what the ids of its jobs begin with
	flows      map[string][]string // by a job's name: what it reads, ">" and what it writes
	silent     []string            // jobs without any dataset
}

const bucket = "gs://mock-bucket|"

var compatScenarios = []compatScenario{
	{"compat_simple_run_event", "a single event, its runId no UUID", 1, "job:job_namespace/", map[string][]string{
		"job_name": {"bigquery|test.table.input", ">", "bigquery|test.table.output"},
	}, nil},
	{"compat_CLL", "Spark: tables that have other names too, by four jobs", 9, "job:testColumnLevelLineage/", map[string][]string{
		"open_lineage_integration_create_table.execute_create_table_command.cll_test_cll_source1":        {">", "file|/tmp/cll_test/cll_source1"},
		"open_lineage_integration_create_table.execute_create_table_command.cll_test_cll_source2":        {">", "file|/tmp/cll_test/cll_source2"},
		"open_lineage_integration_create_table.execute_create_hive_table_as_select_command.default_tbl1": {"file|/tmp/cll_test/cll_source1", "file|/tmp/cll_test/cll_source2", ">", "file|/tmp/cll_test/tbl1"},
	}, []string{"open_lineage_integration_create_table"}},
	{"compat_airflow", "Airflow: three DAGs and their tasks, inputs and outputs in COMPLETE alone", 32, "job:airflow/", map[string][]string{
		"BQ.upload":                    {bucket + "copied.csv", bucket + "test.csv", ">", "bigquery|mock-project.test.upload"},
		"BQ.copy":                      {"bigquery|mock-project.test.upload", ">", "bigquery|mock-project.test.upload_cp"},
		"BQ.download":                  {"bigquery|mock-project.test.upload_cp", ">", bucket + "result.csv"},
		"gcs_hook.upload_for_deletion": {">", bucket + "to_be_deleted.txt"},
		"gcs_hook.upload_from_file":    {"file|/files/temp/data.txt", ">", bucket + "uploaded_file.txt"},
		"gcs_hook.delete":              {bucket + "to_be_deleted.txt", ">"},
		"gcs_hook.upload_from_data":    {">", bucket + "uploaded_data.txt"},
		"gcs_hook.rewrite_task":        {bucket + "uploaded_file.txt", ">", bucket + "copy_of_uploaded_file.txt"},
		"gcs_hook.copy_task":           {bucket + "uploaded_data.txt", ">", bucket + "copy_of_uploaded_data.txt"},
		"gcs_hook.download_to_file":    {bucket + "uploaded_file.txt", ">", "file|/files/temp/downloaded_file.txt"},
		"gcs_hook.download_to_data":    {bucket + "uploaded_data.txt", ">"},
		"gcs_hook.compose_task":        {bucket + "copy_of_uploaded_data.txt", bucket + "copy_of_uploaded_file.txt", bucket + "uploaded_data.txt", bucket + "uploaded_file.txt", ">", bucket + "compose_result.txt"},
	}, []string{"BQ", "dag", "dag.task_0", "gcs_hook"}},
}

// wants are the flows that must be there, sorted.
func (c *compatScenario) wants() (out []string, datasets int) {
	known := map[string]bool{}
	for job, ends := range c.flows {
		id := c.jobs + job
		at := slices.Index(ends, ">")
		for i, x := range ends {
			namespace, name, _ := strings.Cut(x, "|")
			set := "dataset:" + strings.NewReplacer(":", "%3A", "/", "%2F").Replace(namespace) + "/" + strings.ReplaceAll(name, "/", "%2F")
			switch {
			case i < at:
				out = append(out, set+"->"+id)
			case i > at:
				out = append(out, id+"->"+set)
			default:
				continue
			}
			known[x] = true
		}
	}
	slices.Sort(out)
	return out, len(known)
}

// compatible holds that each scenario, all of which were sent, gives the graph that its events say, and no more; and
// that the table in docs/evidence.md says so.
func compatible(t *testing.T, ask func(method, path, body string) (status int, text string)) {
	t.Helper()
	query := func(text string, into any) string {
		body, err := json.Marshal(map[string]string{"query": text})
		if err != nil {
			t.Fatal(err)
		}
		status, answer := ask(http.MethodPost, "/graphql", string(body))
		var is struct {
			Data   json.RawMessage
			Errors []struct{ Message string }
		}
		if err := json.Unmarshal([]byte(answer), &is); err != nil || len(is.Errors) > 0 || json.Unmarshal(is.Data, into) != nil {
			return fmt.Sprintf("%d %s", status, answer)
		}
		return ""
	}
	table := "| scenario | | events | jobs | datasets | flows |\n|---|---|---|---|---|---|\n"
	for _, c := range compatScenarios {
		want, datasets := c.wants()
		text, err := os.ReadFile(filepath.Join("..", "..", "internal", "runevent", "testdata", c.file+".ndjson"))
		if n := strings.Count(string(text), "\n"); err != nil || n != c.events {
			t.Fatalf("%s has %d events, want %d: %v", c.file, n, c.events, err)
		}
		eventually(t, 20*time.Second, func() string {
			var all struct {
				Nodes struct {
					Edges []struct{ Node struct{ ID string } }
				}
			}
			if wrong := query(`{nodes(window: {last: "1h"}, kinds: [JOB, STREAM_JOB], first: 500) {edges {node {id}}}}`, &all); wrong != "" {
				return wrong
			}
			var jobs []string
			for _, e := range all.Nodes.Edges {
				if id := e.Node.ID; strings.HasPrefix(id, c.jobs) || strings.HasPrefix(id, "stream"+c.jobs) {
					jobs = append(jobs, id)
				}
			}
			if len(jobs) != len(c.flows) {
				return fmt.Sprintf("%s: there are the jobs %q, want %d", c.file, jobs, len(c.flows))
			}
			roots, err := json.Marshal(jobs)
			if err != nil {
				return err.Error()
			}
			var around struct {
				Lineage struct {
					Flows []struct {
						ID       string
						Evidence []struct{ Kind string }
					}
				}
			}
			if wrong := query(`{lineage(roots: `+string(roots)+`, depth: 1, window: {last: "1h"}) {flows {id evidence {kind}}}}`, &around); wrong != "" {
				return wrong
			}
			var got []string
			for _, f := range around.Lineage.Flows {
				if len(f.Evidence) != 1 || f.Evidence[0].Kind != "OPENLINEAGE" {
					return fmt.Sprintf("%s: %s is known by %v", c.file, f.ID, f.Evidence)
				}
				got = append(got, f.ID)
			}
			slices.Sort(got)
			if !slices.Equal(got, want) {
				return fmt.Sprintf("%s: the flows are\n%s\nwant\n%s", c.file, strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			return ""
		})
		table += fmt.Sprintf("| `%s` | %s | %d | %d, and %d without a dataset | ✓ %d | ✓ %d |\n", strings.TrimPrefix(c.file, "compat_"), c.said, c.events, len(c.flows), len(c.silent), datasets, len(want))
	}
	const (
		file  = "../../docs/evidence.md"
		begin = "<!-- made by `go test ./cmd/lineaged -run TestOpenLineage -update-evidence`: begin -->\n"
		end   = "<!-- made by `go test ./cmd/lineaged -run TestOpenLineage -update-evidence`: end -->"
	)
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, _ := strings.Cut(string(page), begin)
	old, tail, there := strings.Cut(rest, end)
	switch {
	case !there:
		t.Fatalf("%s has no place for the table", file)
	case old == table:
	case *updateEvidence && !t.Failed():
		if err := os.WriteFile(file, []byte(head+begin+table+end+tail), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s has\n%s\nwant (-update-evidence)\n%s", file, old, table)
	}
}
