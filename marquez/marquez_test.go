package marquez_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/marquez"
)

// ours are members that Marquez has not.
var ours = []string{".coverage", ".unknown"}

// differs says where a body has not the shape of a recorded one: another member, or one of another type. null is of any
// type, objects whose members are names of others' are not looked into, and a list is of its first element's shape.
func differs(at string, is, want any) (all []string) {
	if is == nil || want == nil {
		return nil
	}
	if reflect.TypeOf(is) != reflect.TypeOf(want) {
		return []string{fmt.Sprintf("%s is a %T, and was recorded as a %T", at, is, want)}
	}
	switch want := want.(type) {
	case map[string]any:
		is, _ := is.(map[string]any)
		if strings.HasSuffix(at, ".facets") || strings.HasSuffix(at, ".args") {
			return nil
		}
		for key := range want {
			if _, ok := is[key]; !ok {
				all = append(all, fmt.Sprintf("%s.%s is missing", at, key))
			}
			all = append(all, differs(at+"."+key, is[key], want[key])...)
		}
		for key := range is {
			if _, ok := want[key]; !ok && !slices.Contains(ours, at+"."+key) {
				all = append(all, fmt.Sprintf("%s.%s was not recorded", at, key))
			}
		}
	case []any:
		is, _ := is.([]any)
		if len(want) == 0 {
			return nil
		}
		for i, x := range is {
			all = append(all, differs(fmt.Sprintf("%s[%d]", at, i), x, like(x, want))...)
		}
	}
	return all
}

// like is the first of recorded elements that is of the same type as one of ours; of a graph, of the same kind.
func like(x any, want []any) any {
	kind := func(v any) any {
		m, _ := v.(map[string]any)
		if _, ok := m["inEdges"]; ok {
			return m["type"]
		}
		return nil
	}
	i := slices.IndexFunc(want, func(w any) bool { return kind(w) == kind(x) })
	return want[max(i, 0)]
}

func TestRepliesAreShapedAsMarquezRecordedThem(t *testing.T) {
	in(t, func(t *testing.T, s *shop) {
		for _, c := range [][2]string{
			{"namespaces", "namespaces"},
			{"namespace", "namespaces/" + nsWest},
			{"datasets", "namespaces/" + nsWest + "/datasets?limit=10&offset=0"},
			{"dataset", "namespaces/" + nsWest + "/datasets/orders"},
			{"dataset_versions", "namespaces/" + nsWest + "/datasets/orders/versions"},
			{"jobs", "namespaces/airflow/jobs"},
			{"jobs", "jobs"},
			{"job", "namespaces/airflow/jobs/load"},
			{"job_runs", "namespaces/airflow/jobs/load/runs"},
			{"lineage_job", "lineage?nodeId=job:airflow:load&depth=5"},
			{"column_lineage", "column-lineage?withDownstream=true&nodeId=" + url.QueryEscape("dataset:kafka://b1:9092:orders")},
			{"search", "search?q=orders"},
			{"tags", "tags"},
		} {
			for _, d := range differs("", s.has(c[1]), recorded(t, c[0])) {
				t.Errorf("%s: %s", c[1], d)
			}
		}
		for name, path := range map[string]string{"notfound": "namespaces/none", "lineage_missing": "lineage?nodeId=" + url.QueryEscape("dataset:kafka://b1:9092:nope")} {
			if code, body := s.ask(path); code != http.StatusNotFound || !reflect.DeepEqual(any(body), recorded(t, name)) {
				t.Errorf("%s is answered with %d %v, a Marquez says %v", path, code, body, recorded(t, name))
			}
		}
	})
}

// at returns a member, by its way from the outermost: names, and numbers of lists.
func at(t *testing.T, v any, way ...any) any {
	t.Helper()
	for _, step := range way {
		switch x := v.(type) {
		case map[string]any:
			v = x[fmt.Sprint(step)]
		case []any:
			i, _ := step.(int)
			if i >= len(x) {
				t.Fatalf("%v has no %v", x, way)
			}
			v = x[i]
		default:
			t.Fatalf("there is no %v", way)
		}
	}
	return v
}

func TestWhatIsSaidAndWhatIsNull(t *testing.T) {
	in(t, func(t *testing.T, s *shop) {
		f := func(path string, want any, way ...any) {
			t.Helper()
			if got := at(t, s.has(path), way...); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%s: %v is %v, not %v", path, way, got, want)
			}
		}
		orders, carts := "namespaces/"+nsWest+"/datasets/orders", "namespaces/postgres:%2F%2Fdb:5432/datasets/shop.public.carts"
		f(orders, "STREAM", "type")
		f(orders, "west", "sourceName")
		f(orders, "id", "fields", 0, "name")
		f(orders, "string", "fields", 1, "type")
		f(orders, "[pii]", "tags")
		f(orders, "2000-01-01T00:20:00Z", "lastModifiedAt")
		f(carts, "DB_TABLE", "type")
		f(carts, "postgres://db:5432", "sourceName")
		f(carts, "[]", "fields")
		f("namespaces/airflow", nil, "ownerName")
		f("namespaces/airflow", nil, "createdAt")
		f("tags", "pii", "tags", 0, "name")

		job := "namespaces/airflow/jobs/load"
		f(job, "BATCH", "type")
		f(job, "brings carts", "description")
		f(job, "map[name:shop.public.carts namespace:postgres://db:5432]", "inputs", 0)
		f(job, "map[name:orders namespace:kafka://b1:9092]", "outputs", 0)
		f(job, "RUNNING", "latestRun", "state")
		f(job, nil, "latestRun", "durationMs")
		f(job, "FAILED", "latestRuns", 1, "state")
		f(job, 60000, "latestRuns", 1, "durationMs")
		f(job, nil, "latestRuns", 2, "state") // it fell silent: nobody knows
		f(job, nil, "latestRuns", 2, "startedAt")
		f("jobs/runs/00ea1626-47c5-49fe-b509-79f77f33e9ff", "map[name:orders namespace:kafka://b1:9092 version:<nil>]", "outputDatasetVersions", 0, "datasetVersionId")
		f("namespaces/west/jobs/billing", "STREAM", "type")
		f("namespaces/west/jobs/billing", nil, "latestRun")
		f("namespaces/west/jobs/billing/runs", "[]", "runs")
		f("search?q=order&filter=DATASET&limit=1", "dataset:kafka://b1:9092:orders", "results", 0, "nodeId")
		f("search?q=load&namespace=nowhere", 0, "totalCount")

		first := at(t, s.has(orders), "currentVersion")
		if again := at(t, s.has(orders+"/versions"), "versions", 0, "version"); again != first {
			t.Errorf("one dataset has the versions %v and %v", first, again)
		}
		s.has(orders + "/versions/" + fmt.Sprint(first))
		if code, _ := s.ask(orders + "/versions/c33658a7-7168-461a-b919-e87a699f6dd1"); code != http.StatusNotFound {
			t.Errorf("a version that is none is answered with %d", code)
		}
		if other := at(t, s.has(carts), "currentVersion"); other == first {
			t.Errorf("two datasets have the version %v", first)
		}
	})
}

// ids are the nodes of a graph.
func ids(t *testing.T, body map[string]any) (all []string) {
	t.Helper()
	list, _ := body["graph"].([]any)
	for _, v := range list {
		all = append(all, strings.TrimPrefix(strings.TrimPrefix(fmt.Sprint(at(t, v, "id")), "dataset:"), "job:"))
	}
	return all
}

// TestLineageGoesToWhoSharesADataset: from a job to the jobs that share a dataset with it, as many times as asked.
func TestLineageGoesToWhoSharesADataset(t *testing.T) {
	in(t, func(t *testing.T, s *shop) {
		const table, orders, payments, load, billing = "postgres://db:5432:shop.public.carts", "kafka://b1:9092:orders", "kafka://b1:9092:payments", "airflow:load", "west:billing"
		f := func(id, more string, want ...string) {
			t.Helper()
			got := ids(t, s.has("lineage?nodeId="+url.QueryEscape(id)+more))
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("%s%s: %v, not %v", id, more, got, want)
			}
		}
		f("job:"+load, "&depth=0", table, load, orders)
		f("job:"+load, "&depth=1", table, load, orders, billing, payments)
		f("dataset:"+payments, "&depth=0", payments, billing, orders)
		f("dataset:"+payments, "", payments, billing, orders, load, table)
		f("job:"+load, "&depth=1&asOf=2000-01-01T00:12:00Z", table, load, orders, billing)
		body := s.has("lineage?nodeId=" + url.QueryEscape("dataset:"+orders) + "&depth=0")
		if got, want := fmt.Sprint(at(t, body, "graph", 0, "outEdges")), "[map[destination:job:west:billing origin:dataset:kafka://b1:9092:orders]]"; got != want {
			t.Errorf("from orders lead %s, not %s", got, want)
		}
	})
}

// TestAsOf: as of an instant there is what there was, and what was not observed then is said.
func TestAsOf(t *testing.T) {
	in(t, func(t *testing.T, s *shop) {
		f := func(instant string, datasets, gaps int, complete bool) {
			t.Helper()
			body := s.has("namespaces/" + nsWest + "/datasets?asOf=" + instant)
			is, _ := at(t, body, "coverage", "last", "gaps").([]any)
			if at(t, body, "totalCount") != float64(datasets) || (len(is) > 0) != (gaps > 0) || at(t, body, "coverage", "last", "complete") != complete {
				t.Errorf("as of %s: %v", instant, body)
			}
		}
		f("2000-01-01T00:12:00Z", 1, 1, false)
		f("2000-01-01T00:19:00Z", 2, 0, true)
		f("2000-01-01T01:19:00%2B01:00", 2, 0, true)
		if code, body := s.ask("jobs/runs/9c66b278-db60-4da4-a9df-d3deeb7064e0?asOf=2000-01-01T00:19:00Z"); code != http.StatusOK {
			t.Errorf("a run is answered with %d: %v", code, body)
		}
	})
}

// TestCoverageIsOfWhatEdgesAreOf: edges are of seven days, so what was not observed of these is said, and of the last
// ten minutes apart: that these were is no word about the days before.
func TestCoverageIsOfWhatEdgesAreOf(t *testing.T) {
	in(t, func(t *testing.T, s *shop) {
		const orders = "dataset:kafka://b1:9092:orders"
		for _, path := range []string{"lineage?nodeId=" + url.QueryEscape(orders) + "&", "jobs?", "namespaces/airflow/jobs/load?"} {
			body := s.has(path + "asOf=2000-01-01T00:19:00Z")
			f := func(want string, of ...any) {
				t.Helper()
				if got := fmt.Sprint(at(t, body, append([]any{"coverage"}, of...)...)); got != want {
					t.Errorf("%s: %v is %s, not %s", path, of, got, want)
				}
			}
			f("1999-12-25T00:19:00Z", "start")
			f("2000-01-01T00:19:00Z", "end")
			f("false", "complete")
			f("2000-01-01T00:00:00Z", "gaps", 0, "end") // before all data
			f("2000-01-01T00:09:00Z", "last", "start")
			f("true", "last", "complete")
			f("1", "last", "observedFraction")
			f("[]", "last", "gaps")
			if seen, _ := at(t, body, "coverage", "observedFraction").(float64); seen <= 0 || seen > 0.01 {
				t.Errorf("%s: of seven days %v were observed", path, seen)
			}
			missed, _ := at(t, body, "coverage", "gaps").([]any) // the last ten minutes know nothing of it
			if !strings.Contains(fmt.Sprint(missed), "2000-01-01T00:04:00Z") {
				t.Errorf("%s: the gap within the seven days is not said: %v", path, missed)
			}
		}
	})
}

// TestNoOddNamePoisons: what Marquez refuses to read ever again is one of a list here, and found by its name.
func TestNoOddNamePoisons(t *testing.T) {
	in(t, func(t *testing.T, s *shop) {
		names := fmt.Sprint(at(t, s.has("namespaces"), "namespaces"))
		if !strings.Contains(names, odd) || !strings.Contains(names, "kafka://b1:9092") {
			t.Errorf("the namespaces are %s", names)
		}
		s.has("namespaces/" + url.PathEscape(odd) + "/datasets/" + url.PathEscape(odd))
		job := s.has("namespaces/" + url.PathEscape(odd) + "/jobs/" + url.PathEscape(odd))
		if got := at(t, job, "inputs", 0, "name"); got != odd {
			t.Errorf("the odd job reads %v", got)
		}
		if got := ids(t, s.has("lineage?nodeId="+url.QueryEscape("job:"+odd+":"+odd))); len(got) != 2 {
			t.Errorf("its lineage is %q", got)
		}
		if got := at(t, s.has("search?q="+url.QueryEscape("ü \"x")), "totalCount"); got != float64(2) {
			t.Errorf("%v are found by an odd text", got)
		}
	})
}

func TestRefusals(t *testing.T) {
	in(t, func(t *testing.T, s *shop) {
		f := func(path string, want int, words string) {
			t.Helper()
			code, body := s.ask(path)
			if code != want || body["code"] != float64(want) || !strings.Contains(fmt.Sprint(body["message"]), words) {
				t.Errorf("%s is answered with %d %v, not %d %s", path, code, body, want, words)
			}
		}
		f("jobs?limit=0", 400, `limit: "0" is no number from 1 to 1000`)
		f("jobs?limit=1001", 400, "limit:")
		f("jobs?offset=x", 400, `offset: "x"`)
		f("jobs?asOf=yesterday", 400, `asOf: "yesterday"`)
		f("jobs?asOf=2001-01-01T00:00:00Z", 400, "in the future")
		f("jobs?asOf=1999-01-01T00:00:00Z", 400, "what is held begins at")
		f("lineage", 400, "nodeId: is missing")
		f("lineage?nodeId=topic:a:b", 400, "neither dataset:")
		f("lineage?nodeId=job:airflow:load&depth=101", 400, "depth:")
		f("lineage?nodeId=job:airflow:nobody", 404, "Job 'nobody' not found.")
		f("namespaces/airflow/jobs/nobody", 404, "Job 'nobody' not found.")
		f("jobs/runs/none", 404, "Run 'none' not found.")
		f("search", 400, "q: is missing")
		f("search?q=x&filter=y", 400, `filter: "y"`)
		f("events/lineage", 404, "events are not kept as they were sent")
		f("stats/jobs?period=DAY", 404, "zero would be a wrong count")
		f("jobs/runs/9c66b278-db60-4da4-a9df-d3deeb7064e0/facets", 404, "facets of runs")
		f("namespaces/airflow/jobs/load/versions", 404, "asked for with asOf")
		f("runlineage/upstream", 404, "path:")
		f("column-lineage", 400, "nodeId: is missing")
		f("column-lineage?nodeId=datasetField:kafka://b1:9092:none:id", 404, "Could not find node")
		f("column-lineage?nodeId=dataset:kafka://b1:9092:none", 404, "Dataset 'none' not found.")
		f("column-lineage?nodeId=dataset:kafka://b1:9092:orders&withDownstream=maybe", 400, "withDownstream:")
		f("column-lineage?nodeId=dataset:kafka://b1:9092:orders&depth=-1", 400, "depth:")
		f("sources/none", 404, "Source 'none' not found.")

		r := httptest.NewRequestWithContext(t.Context(), http.MethodPut, marquez.Prefix+"namespaces/x", http.NoBody)
		w := httptest.NewRecorder()
		if s.api.ServeHTTP(w, r); w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") == "" {
			t.Errorf("PUT is answered with %d %s", w.Code, w.Body)
		}
		s.api = marquez.New(marquez.Options{Answers: s.answers, Names: s.names}).Handler(open(false))
		f("jobs", 429, "try again soon")
	})
}

// TestColumnLineage: a column of orders is made of one of the table; where nobody knows what that is made of, it is
// said.
func TestColumnLineage(t *testing.T) {
	in(t, func(t *testing.T, s *shop) {
		const email, contact = "datasetField:kafka://b1:9092:orders:email", "datasetField:postgres://db:5432:shop.public.carts:contact"
		all := s.has("column-lineage?nodeId=" + url.QueryEscape("dataset:kafka://b1:9092:orders"))
		want := []string{
			email, "datasetField:kafka://b1:9092:orders:id", contact, "datasetField:postgres://db:5432:shop.public.carts:id",
		}
		if got := ids(t, all); !slices.Equal(got, want) {
			t.Errorf("columns are %q, not %q", got, want)
		}
		for _, path := range []string{"datasetField:kafka://b1:9092:orders:email", "datasetField:kafka://b1:9092:orders:value.email"} {
			one := s.has("column-lineage?depth=1&nodeId=" + url.QueryEscape(path))
			if got := ids(t, one); !slices.Equal(got, []string{email, contact}) {
				t.Errorf("%s: columns are %q", path, got)
			}
			f := func(want string, way ...any) {
				t.Helper()
				if got := fmt.Sprint(at(t, one, append([]any{"graph"}, way...)...)); got != want {
					t.Errorf("%v is %s, not %s", way, got, want)
				}
			}
			f("DATASET_FIELD", 0, "type")
			f("string", 0, "data", "fieldType")
			f("<nil>", 1, "data", "fieldType")
			f("contact", 0, "data", "inputFields", 0, "field")
			f("postgres://db:5432", 0, "data", "inputFields", 0, "namespace")
			f("DIRECT/TRANSFORMATION", 0, "data", "inputFields", 0, "transformationDescription")
			f("MASKED", 0, "data", "inputFields", 0, "transformationType")
			f("MASKED", 0, "data", "transformationType")
			f(email, 0, "inEdges", 0, "origin")
			f(contact, 0, "inEdges", 0, "destination")
			f("[]", 0, "outEdges")
			f(email, 1, "outEdges", 0, "destination")
		}
		if got := ids(t, s.has("column-lineage?depth=0&nodeId="+url.QueryEscape(email))); !slices.Equal(got, []string{email}) {
			t.Errorf("no hop away are %q", got)
		}
		if got := ids(t, s.has("column-lineage?nodeId=job:airflow:load")); !slices.Equal(got, want) {
			t.Errorf("the job's columns are %q", got)
		}
		if got := ids(t, s.has("column-lineage?nodeId="+url.QueryEscape(contact))); !slices.Equal(got, []string{contact}) {
			t.Errorf("what is not asked for is %q", got)
		}
		if got := ids(t, s.has("column-lineage?withDownstream=true&nodeId="+url.QueryEscape(contact))); !slices.Equal(got, []string{email, contact}) {
			t.Errorf("down the stream are %q", got)
		}
		const payments = "dataset:kafka://b1:9092:payments"
		if got := at(t, s.has("column-lineage?nodeId="+url.QueryEscape(payments)), "graph"); fmt.Sprint(got) != "[]" {
			t.Errorf("of columns that nobody knows there is %v", got)
		}
		if got := at(t, all, "unknown"); fmt.Sprint(got) != "[]" {
			t.Errorf("%v is unknown, and the table is written by nobody", got)
		}
		now := midnight.Add(121 * tick)
		s.observe(lineage.Observation{Source: lineage.Source{Cluster: "openlineage", Name: "events"}, Round: now, Interval: tick, At: now, Sightings: []lineage.Sighting{{
			Access:   lineage.Access{Op: lineage.Write, Dataset: table, Client: lineage.Client{Mover: lineage.Node{Scope: "airflow", Kind: lineage.JobNode, Name: "fill"}}},
			Evidence: lineage.OpenLineage, Moved: true,
		}}})
		time.Sleep(2 * tick)
		all = s.has("column-lineage?nodeId=" + url.QueryEscape(email))
		if got := at(t, all, "unknown", 0); at(t, got, "field") != contact || at(t, got, "at") != "job:airflow:fill" || at(t, got, "why") == "" {
			t.Errorf("what the table is made of is %v", got)
		}
		now = now.Add(tick)
		s.observe(lineage.Observation{Source: lineage.Source{Cluster: "west-registry", Name: "schemas"}, Round: now, Interval: tick, At: now, Facts: []lineage.Fact{
			{Key: lineage.FactKey{Source: "west-registry", Kind: lineage.SchemaFacts, Name: "payments-value"}, Schema: &lineage.SchemaFact{
				Topic: topic("payments"), Part: lineage.ValuePart, Origin: lineage.FromRegistry, Subject: "payments-value", Version: 1, Format: "AVRO", Columns: []lineage.Column{{Path: "sum", Type: "long"}},
			}},
		}})
		rest := lineage.Access{Topic: topic("payments"), Op: lineage.Write, Client: lineage.Client{Kind: lineage.Remainder}}
		for _, by := range []int64{0, 10} {
			now = now.Add(tick)
			s.observe(lineage.Observation{
				Source: lineage.Source{Cluster: "west", Name: "all"}, Round: now, Interval: tick, At: now, Samples: []lineage.Sample{s.more(rest, lineage.Records, lineage.EndOffsets, by)},
			})
		}
		time.Sleep(4 * tick)
		nameless := s.has("column-lineage?nodeId=" + url.QueryEscape(payments))
		if got := at(t, nameless, "unknown", 0); at(t, got, "field") != "datasetField:kafka://b1:9092:payments:sum" || at(t, got, "at") != "unidentified:west/payments" {
			t.Errorf("what writers without a name make it of is %v", got)
		}
	})
}

func TestSources(t *testing.T) {
	in(t, func(t *testing.T, s *shop) {
		list, _ := at(t, s.has("sources"), "sources").([]any)
		var got []string
		for _, x := range list {
			got = append(got, fmt.Sprint(at(t, x, "type"), " ", at(t, x, "name"), " ", at(t, x, "connectionUrl")))
			if one := s.has("sources/" + url.PathEscape(fmt.Sprint(at(t, x, "name")))); one["type"] != at(t, x, "type") {
				t.Errorf("%v by its name is %v", x, one)
			}
		}
		if want := []string{"POSTGRES postgres://db:5432 postgres://db:5432", "KAFKA west kafka://b1:9092"}; !slices.Equal(got, want) {
			t.Errorf("sources are %q, not %q", got, want)
		}
		if got := at(t, s.has("namespaces/"+url.PathEscape("postgres://db:5432")+"/datasets/shop.public.carts"), "sourceName"); got != "postgres://db:5432" {
			t.Errorf("a table is of %v", got)
		}
	})
}

func TestPages(t *testing.T) {
	in(t, func(t *testing.T, s *shop) {
		var all []string
		for i := range 4 {
			body := s.has(fmt.Sprintf("jobs?limit=1&offset=%d", i))
			if total := at(t, body, "totalCount"); total != float64(3) {
				t.Fatalf("there are %v jobs: %v", total, body)
			}
			list, _ := body["jobs"].([]any)
			for _, j := range list {
				all = append(all, fmt.Sprint(at(t, j, "name")))
			}
		}
		if want := []string{"load", odd, "billing"}; !slices.Equal(all, want) {
			t.Errorf("page by page the jobs are %q, not %q", all, want)
		}
	})
}
